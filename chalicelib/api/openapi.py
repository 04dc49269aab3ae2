"""The OpenAPI 3.1 document, written by hand; a test holds routes, parameters and it together."""

from __future__ import annotations

from typing import Any, get_args

from chalicelib.api.openapi_schemas import Schema, ref, schemas, text
from chalicelib.api.parameters import FORMATS, SORTS
from chalicelib.domain.rules import Condition
from chalicelib.services.queries import DEFAULT_LIMIT, INTERVALS, MAX_LIMIT, MAX_QUOTES, PERIODS

DESCRIPTION = """\
Market data that Ticktape has collected: ticks, bars, quotes and alerts.

Times are UTC. Ranges are half-open: `start` is within, `end` is not. Lists come in pages: give
`next_page_token` as `page_token`, all else unchanged, or follow `Link: rel="next"`; no row is
repeated or left out while new ones come. Answers have an ETag; If-None-Match saves sending them
again. Errors are problem details (RFC 9457).

Informational only; not investment advice."""

_INSTANT = "A date, an RFC 3339 date-time, or epoch milliseconds."


def _query(name: str, description: str, schema: Schema, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def _one_of(values: tuple[str, ...], default: str | None = None) -> Schema:
    return {"type": "string", "enum": list(values), **({"default": default} if default else {})}


PARAMETERS: dict[str, dict[str, Any]] = {
    "symbol_path": {
        "name": "symbol",
        "in": "path",
        "required": True,
        "description": "Upper-cased on entry; percent-encode what is special, as in %5EGSPC.",
        "schema": text(pattern="^[A-Za-z0-9.\\-=^_]{1,24}$", examples=["AAPL"]),
    },
    "interval": _query(
        "interval",
        "Ticks, or bars of a length. auto: the finest bar that gives at most 400 rows and reaches "
        "as far back as the others do.",
        _one_of(INTERVALS, "auto"),
    ),
    "period": _query(
        "period",
        "Back from the newest stored price; not together with start and end. Days are as many "
        "sessions at least.",
        _one_of(PERIODS),
    ),
    "start": _query("start", f"{_INSTANT} Within the range.", text(examples=["2026-11-20"])),
    "end": _query("end", f"{_INSTANT} Not within the range.", text(examples=["2026-11-21"])),
    "limit": _query(
        "limit",
        "The most rows of a page.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "page_token": _query(
        "page_token", "Out of the answer to the same query; limit and format may differ.", text()
    ),
    "sort": _query("sort", "Oldest or newest first.", _one_of(SORTS, "asc")),
    "format": _query("format", "CSV has the rows alone.", _one_of(FORMATS, "json")),
    "symbols": _query(
        "symbols",
        f"1 to {MAX_QUOTES} symbols, comma between them.",
        text(examples=["AAPL,MSFT"], minLength=1),
        required=True,
    ),
    "symbol": _query(
        "symbol", "One symbol; without it all, over at most 31 days.", text(examples=["AAPL"])
    ),
    "condition": _query("condition", "One kind of alert.", _one_of(get_args(Condition))),
}

_HEADERS = {
    "ETag": {"schema": text("Weak; leaves out as_of and delay_seconds.")},
    "Cache-Control": {"schema": text("15 s in session, up to an hour while closed.")},
}
_LINK = {"Link": {"schema": text('`<?...>; rel="next"` where another page follows.')}}

_REFUSALS = {
    400: "A parameter or field is not as it must be; the problem names it.",
    401: "A bearer token is needed.",
    403: "The token is not good.",
    404: "Nothing is known of the symbol, or there is no such thing.",
    413: "The answer would be above 5 MB; ask for a smaller limit.",
    415: "The body is not application/json.",
    500: "Something failed here.",
    503: "The store does not answer; try again later.",
}


def _problem(status: int) -> dict[str, Any]:
    media = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": _REFUSALS[status], "content": media}


def _get(
    summary: str,
    answer: str,
    parameters: tuple[str, ...] = (),
    *,
    refusals: tuple[int, ...] = (400,),
    csv: bool = False,
    kept: bool = True,
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": ref(answer)}}
    if csv:
        content["text/csv"] = {"schema": text("The rows, under a line with their names.")}
    headers = {**_HEADERS, **(_LINK if "page_token" in parameters else {})} if kept else {}
    responses: dict[str, Any] = {
        "200": {"description": summary, "headers": headers, "content": content}
    }
    if kept:
        responses["304"] = {"description": "If-None-Match names the present ETag."}
    for status in (*refusals, 415, 500):
        responses[str(status)] = _problem(status)
    return {
        "summary": summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "responses": responses,
    }


_PAGED = ("start", "end", "limit", "page_token", "sort")

PATHS: dict[str, dict[str, Any]] = {
    "/prices/{symbol}": {
        "get": _get(
            "Ticks or bars of one symbol.",
            "Prices",
            ("symbol_path", "interval", "period", *_PAGED, "format"),
            refusals=(400, 404, 413),
            csv=True,
        )
    },
    "/prices/{symbol}/latest": {
        "get": _get(
            "The newest tick of one symbol, with both averages and their trend.",
            "Quote",
            ("symbol_path",),
            refusals=(400, 404),
        )
    },
    "/quotes": {"get": _get("The newest prices of some symbols.", "Quotes", ("symbols",))},
    "/symbols": {"get": _get("All symbols, seen or tracked.", "Symbols", refusals=(400, 413))},
    "/alerts": {
        "get": _get(
            "Alerts that were recorded.",
            "Alerts",
            ("symbol", "condition", *_PAGED),
            refusals=(400, 413),
        )
    },
    "/health": {
        "get": _get(
            "Whether the store answers, and how old the newest price is.",
            "Health",
            refusals=(400, 503),
            kept=False,
        )
    },
    "/openapi.json": {"get": _get("This document.", "Document")},
}

_ALWAYS_OPEN = ("/health", "/openapi.json")


def openapi_document(version: str, *, fast: int, slow: int, closed: bool) -> dict[str, Any]:
    """The document of a deployment; `closed` says that reading needs the token, too."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ticktape",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "paths": {path: _guarded(path, PATHS[path], closed) for path in PATHS},
        "components": {
            "parameters": PARAMETERS,
            "schemas": {
                **schemas(fast, slow),
                "Document": {"type": "object", "description": "An OpenAPI 3.1 document."},
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _guarded(path: str, operations: dict[str, Any], closed: bool) -> dict[str, Any]:
    """The operations of a path with what they need of a token."""
    return {
        method: _with_token(operation)
        if method != "get" or (closed and path not in _ALWAYS_OPEN)
        else operation
        for method, operation in operations.items()
    }


def _with_token(operation: dict[str, Any]) -> dict[str, Any]:
    responses = operation["responses"] | {str(status): _problem(status) for status in (401, 403)}
    return {**operation, "security": [{"token": []}], "responses": responses}
