"""Converts errors to problems: those of the services, those of Chalice, and all others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.api.problems import (
    HEADERS,
    MEDIA_TYPE,
    Problem,
    invalid_field,
    invalid_parameter,
    of_status,
    unknown,
)
from chalicelib.domain.errors import Conflict, Contended, FieldError, TooLarge, Unknown

_log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "1"}
_BUSY = ("ProvisionedThroughputExceededException", "RequestLimitExceeded")

Middleware = Callable[[Any, Callable[[Any], Response]], Response]


@contextmanager
def translated() -> Iterator[None]:
    """Convert the services' errors that are raised within this context to Problems. Other errors
    are server faults, and are raised unchanged."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        problem = _problem_of(error)
        if problem is None:
            raise
        raise problem from error


def _problem_of(error: Exception) -> Problem | None:
    """Return the problem for an error of the services; None for server faults.

    The services' errors are imported here, so that functions do not load them all at their start.
    """
    from chalicelib.services.market_data.market_data import NoPrice
    from chalicelib.services.market_data.queries import MAX_DAYS
    from chalicelib.services.reports.reports import NoLake
    from chalicelib.services.rules.alert_history import RangeTooLong

    text = str(error)
    members: dict[str, Any]
    match error:
        case Unknown():
            return unknown(error.kind, error.name)
        case NoPrice():
            detail = f"no price of {text!r} has come yet"
            return Problem(404, detail, kind="no-price", parameter="symbol", value=text)
        case Conflict():
            members = {"field": error.field} if error.field else {}
            return Problem(409, text, **members)
        case Contended():
            return Problem(409, text)
        case NoLake():
            return Problem(503, text)
        case RangeTooLong():
            return invalid_parameter("start", text, f"at most {MAX_DAYS} days to end, or a symbol")
        case TooLarge():
            members = {"allowed": error.allowed} if error.allowed else {}
            return Problem(413, text, parameter=error.parameter, **members)
        case FieldError():
            column = getattr(error, "column", None)  # WhenError has it
            return invalid_field(error.field, error.value, error.allowed, column)
    if is_passing(error):
        return Problem(503, "the store does not answer now", headers=RETRY_AFTER)
    return None


def is_passing(error: Exception) -> bool:
    """Return whether a retry may succeed, since AWS was too busy, failed, or did not answer.

    Such an error is recognised by botocore's attributes, since the routes do not know the store.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return any(base.__name__ == "BotoCoreError" for base in type(error).__mro__)
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or "Throttling" in code or code in _BUSY


def answered(answer: Callable[[], Response]) -> Response:
    """Return the result of `answer`, or a response with the Problem that it raises."""
    try:
        with translated():
            return answer()
    except Problem as problem:
        if problem.status >= 500:
            _log.exception("answered with %s", problem.status)
        headers = {**HEADERS, **problem.headers}
        return Response(problem.body(), status_code=problem.status, headers=headers)


def as_problems(blueprint: Blueprint) -> Middleware:
    """Return middleware that converts Chalice's refusals to problems."""

    def middleware(request: Any, get_response: Callable[[Any], Response]) -> Response:
        response = get_response(request)
        if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
            response = _rewritten(response)
        return _with_cors(response, blueprint)

    return middleware


def _rewritten(response: Response) -> Response:
    """Return a response with a problem in place of a refusal of Chalice (405, 415, 500), whose body
    has another format."""
    headers, body = of_status(response.status_code)
    kept = {name: value for name, value in response.headers.items() if name == "Allow"}
    return Response(body, status_code=response.status_code, headers={**kept, **headers})


def _with_cors(response: Response, blueprint: Blueprint) -> Response:
    """Return the response with CORS headers. Chalice adds these only to results of views."""
    cors = blueprint.current_app.api.cors
    headers = cors.get_access_control_headers() if cors and cors is not True else {}
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response
