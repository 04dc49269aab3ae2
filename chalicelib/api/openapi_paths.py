"""Paths of the OpenAPI document: requests and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.api import parameters
from chalicelib.api.openapi_schemas import ref, text
from chalicelib.api.openapi_structs import Schema
from chalicelib.services.market_data.indicator_list import INDICATORS

Operation = dict[str, Any]

_HEADERS = {
    "ETag": {"schema": text("Weak; ignores as_of and delay_seconds.")},
    "Cache-Control": {
        "schema": text(
            "1 to 15 s in session, depending on how often prices come; up to an hour while closed."
        )
    },
}
_LINK = {"Link": {"schema": text('`<?...>; rel="next"` if another page follows.')}}

_REFUSALS = {
    400: "A parameter or field is invalid; the problem names it.",
    401: "The token of a valid key is required.",
    403: "The key does not have the scope that `security` names.",
    404: "The resource of the path does not exist.",
    409: "The current state does not allow it.",
    413: "The answer would be too large (use a smaller limit or range), or the body is too large.",
    415: "The body is not application/json.",
    429: "The key or the stage has reached its rate; Retry-After says when to try again.",
    500: "The server failed.",
    503: "The store does not answer or is too busy; Retry-After says when to try again.",
}


def problem(status: int) -> dict[str, Any]:
    """Return the answer of a refusal."""
    media = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": _REFUSALS[status], "content": media}


def _operation(
    summary: str, parameters: tuple[str, ...], responses: dict[str, Any], refusals: tuple[int, ...]
) -> Operation:
    for status in (*refusals, 400, 500, 503):
        responses[str(status)] = problem(status)
    return {
        "summary": summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "responses": responses,
    }


def _get(
    summary: str,
    answer: str,
    parameters: tuple[str, ...] = (),
    *,
    refusals: tuple[int, ...] = (),
    csv: bool = False,
    kept: bool = True,
) -> Operation:
    """Return a read operation: `csv` says that it has a table, `kept` that the answer has an
    ETag."""
    content: dict[str, Any] = {"application/json": {"schema": ref(answer)}}
    if csv:
        content["text/csv"] = {"schema": text("The rows, after a header line.")}
    headers = {**_HEADERS, **(_LINK if "page_token" in parameters else {})} if kept else {}
    responses: dict[str, Any] = {
        "200": {"description": summary, "headers": headers, "content": content}
    }
    if kept:
        responses["304"] = {"description": "If-None-Match contains the current ETag."}
    return _operation(summary, parameters, responses, refusals)


def _put(
    summary: str,
    answer: str,
    parameters: tuple[str, ...] = (),
    *,
    body: str | None = None,
    statuses: tuple[int, ...] = (200, 201),
    refusals: tuple[int, ...] = (409,),
) -> Operation:
    """Return a write operation, PUT or POST: 201 for a new resource."""
    described = {
        200: "Done; nothing was created.",
        201: "Created.",
        202: "Accepted; poll `Location` for the result.",
    }
    media: Schema = {"application/json": {"schema": ref(answer)}}
    responses = {
        str(status): {"description": described[status], "content": media} for status in statuses
    }
    operation = _operation(summary, parameters, responses, (*refusals, 415))
    if body:
        content = {"application/json": {"schema": ref(body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _delete(
    summary: str, parameters: tuple[str, ...], *, refusals: tuple[int, ...] = ()
) -> Operation:
    responses: dict[str, Any] = {"204": {"description": "Deleted."}}
    return _operation(summary, parameters, responses, refusals)


def _forget() -> Operation:
    operation = _delete(
        "Stop tracking; stored data remains unless `data` is true.",
        ("symbol_path", *parameters.UNTRACK),
        refusals=(409,),
    )
    content = {"application/json": {"schema": ref("Forgotten")}}
    operation["responses"]["200"] = {"description": "With data=true.", "content": content}
    return operation


_PAGED = ("start", "end", "limit", "page_token", "sort")


def _described(names: Sequence[str], **entries: str) -> tuple[str, ...]:
    """Return the entries of PARAMETERS for a route's parameters; `entries` are those that have
    another name there."""
    return tuple(entries.get(name, name) for name in names)


_RANGED = ("symbol_path", *_described(parameters.PRICES, limit="row_limit"))

PATHS: dict[str, dict[str, Operation]] = {
    "/prices": {
        "get": _get(
            "Ticks or bars of several symbols, one symbol after the other.",
            "ManyPrices",
            _described(parameters.MANY_PRICES, interval="many_interval", limit="row_limit"),
            refusals=(404, 413),
            csv=True,
        )
    },
    "/prices/{symbol}": {
        "get": _get(
            "Ticks or bars of one symbol.", "Prices", _RANGED, refusals=(404, 413), csv=True
        )
    },
    "/prices/{symbol}/latest": {
        "get": _get(
            "The newest tick of one symbol, with both averages and their trend.",
            "Quote",
            ("symbol_path",),
            refusals=(404,),
        )
    },
    "/indicators/{symbol}": {
        "get": _get(
            "Indicators as TA-Lib computes them, over a range; at least one is required.",
            "Indicators",
            (*INDICATORS, *_RANGED),
            refusals=(404, 413),
            csv=True,
        )
    },
    "/quotes": {"get": _get("The newest prices of several symbols.", "Quotes", parameters.QUOTES)},
    "/symbols": {
        "get": _get(
            "All symbols, seen or tracked, by symbol.",
            "Symbols",
            _described(parameters.SYMBOLS, limit="symbols_limit"),
            refusals=(413,),
        )
    },
    "/symbols/{symbol}": {
        "put": _put(
            "Track a symbol: the producer fetches its history and collects its prices.",
            "Symbol",
            ("symbol_path",),
        ),
        "delete": _forget(),
    },
    "/alerts": {
        "get": _get(
            "Recorded alerts. Without a symbol and a range: those of the last 31 days.",
            "Alerts",
            ("symbol", "condition", *_PAGED),
            refusals=(413,),
        )
    },
    "/alerts/{alert_id}": {
        "get": _get(
            "One alert, with its deliveries by channel.",
            "DeliveredAlert",
            ("alert_id",),
            refusals=(404,),
        )
    },
    "/rules": {
        "get": _get(
            "All rules in force, and stored ones that cannot be read.", "Rules", refusals=(413,)
        ),
        "post": _put("Add a rule.", "Rule", body="RuleGiven", statuses=(201,), refusals=(409, 413)),
    },
    "/rules/preview": {
        "post": _put(
            "What a rule would have fired over a range; nothing is stored or sent.",
            "Preview",
            body="PreviewGiven",
            statuses=(200,),
            refusals=(404, 413),
        )
    },
    "/rules/{rule_id}": {
        "get": _get("One rule.", "Rule", ("rule_id",), refusals=(404, 409)),
        "put": _put(
            "Add or replace a rule; a default one is replaced under its id.",
            "Rule",
            ("rule_id",),
            body="RuleGiven",
            refusals=(409, 413),
        ),
        "delete": _delete(
            "Delete a rule; a default that it replaced is in force again.",
            ("rule_id",),
            refusals=(404, 409),
        ),
    },
    "/channels": {
        "get": _get("All channels, without their addresses.", "Channels"),
        "post": _put(
            "Add a channel.", "Channel", body="ChannelGiven", statuses=(201,), refusals=(409, 413)
        ),
    },
    "/channels/{channel_id}": {
        "get": _get(
            "One channel, without its address.", "Channel", ("channel_id",), refusals=(404,)
        ),
        "put": _put(
            "Change a channel; without address and secret in the request, both are kept.",
            "Channel",
            ("channel_id",),
            body="ChannelChanged",
            statuses=(200,),
            refusals=(404, 409, 413),
        ),
        "delete": _delete(
            "Delete a channel. Its undelivered alerts are marked as undeliverable.",
            ("channel_id",),
            refusals=(404, 409),
        ),
    },
    "/channels/{channel_id}/test": {
        "post": _put(
            "Send a test alert to one channel.",
            "ChannelTested",
            ("channel_id",),
            statuses=(202,),
            refusals=(404, 409),
        )
    },
    "/reports": {"get": _get("The reports, with their parameters and columns.", "Reports")},
    "/reports/{name}": {
        "post": _put(
            "Start a report; poll its run by the returned id.",
            "Started",
            ("report_name",),
            body="ReportGiven",
            statuses=(202,),
            refusals=(404, 413),
        )
    },
    "/reports/runs/{run_id}": {
        "get": _get(
            "The state of a run and, once it has succeeded, a page of its rows.",
            "Run",
            ("run_id", "row_limit", "page_token", "format"),
            refusals=(404, 409, 413),
            csv=True,
        )
    },
    "/keys": {
        "get": _get("All keys, without their tokens.", "Keys", kept=False),
        "post": _put(
            "Create a key. Only this answer contains its token.",
            "KeyMade",
            body="KeyGiven",
            statuses=(201,),
            refusals=(409, 413),
        ),
    },
    "/keys/{key_id}": {
        "delete": _delete(
            "Revoke a key; requests with it are refused after at most 5 s.",
            ("key_id",),
            refusals=(404, 409),
        )
    },
    "/health": {
        "get": _get(
            "The health of the store, the newest price and the producer.", "Health", kept=False
        )
    },
    "/openapi.json": {"get": _get("This document.", "Document")},
}
