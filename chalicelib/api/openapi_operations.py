"""Makes operations of the OpenAPI document: a request and its answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.api.openapi_forms import ref, text
from chalicelib.api.openapi_structs import Schema

Operation = dict[str, Any]

_NAMED = {"symbol": "symbol_path", "name": "report_name"}
"""Path parameters that have another name in PARAMETERS."""

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
    """Return the response for a refusal with this status."""
    media = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": _REFUSALS[status], "content": media}


def _operation(
    summary: str, parameters: tuple[str, ...], responses: dict[str, Any], refusals: tuple[int, ...]
) -> Operation:
    """Return an operation with its responses and refusals. Every operation may also be refused with
    400, 500 and 503."""
    for status in (*refusals, 400, 500, 503):
        responses[str(status)] = problem(status)
    return {"summary": summary, "parameters": _references(parameters), "responses": responses}


def _references(parameters: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in parameters]


def by_path(operations: Mapping[str, Operation]) -> dict[str, dict[str, Operation]]:
    """Return operations by path and method, with the parameters that each path names. The keys of
    `operations` are like `GET /path/{name}`."""
    found: dict[str, dict[str, Operation]] = {}
    for route, operation in operations.items():
        method, path = route.split(" ")
        named = _references(_NAMED.get(name, name) for name in re.findall(r"{(\w+)}", path))
        operation["parameters"] = [*named, *operation["parameters"]]
        found.setdefault(path, {})[method.lower()] = operation
    return found


def get(
    summary: str,
    answer: str,
    parameters: tuple[str, ...] = (),
    *,
    refusals: tuple[int, ...] = (),
    csv: bool = False,
    kept: bool = True,
) -> Operation:
    """Return a GET operation. `csv` says that the rows may be requested as CSV, and `kept` that the
    answer has an ETag and may be cached."""
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


def put(
    summary: str,
    answer: str,
    *,
    body: str | None = None,
    needs_body: bool = True,
    statuses: tuple[int, ...] = (200, 201),
    refusals: tuple[int, ...] = (409,),
) -> Operation:
    """Return a PUT or POST operation. Status 201 is for a new resource. If the operation has a
    body, it may be refused because the body is too large."""
    described = {
        200: "Done; nothing was created.",
        201: "Created.",
        202: "Accepted; poll `Location` for the result.",
    }
    media: Schema = {"application/json": {"schema": ref(answer)}}
    responses = {
        str(status): {"description": described[status], "content": media} for status in statuses
    }
    too_large = (413,) if body else ()
    made = _operation(summary, (), responses, (*refusals, *too_large, 415))
    if body:
        content = {"application/json": {"schema": ref(body)}}
        made["requestBody"] = {"required": needs_body, "content": content}
    return made


def delete(
    summary: str, parameters: tuple[str, ...] = (), *, refusals: tuple[int, ...] = ()
) -> Operation:
    """Return a DELETE operation."""
    responses: dict[str, Any] = {"204": {"description": "Deleted."}}
    return _operation(summary, parameters, responses, refusals)
