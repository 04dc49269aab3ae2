"""Runs before and after each view: checks the caller's scope and rate, and writes the audit
line."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from chalicelib.api import failures
from chalicelib.api.parameters import given_in, read
from chalicelib.api.problems import DETAILS, Problem, missing_scope, shown
from chalicelib.api.routes import Route
from chalicelib.api.weights import PREVIEW, preview_weight, weight_of
from chalicelib.api.wiring import Services
from chalicelib.domain.keys import cover
from chalicelib.services.access.key_ring import PREFIX

audit = logging.getLogger("ticktape.audit")
audit.setLevel(logging.INFO)  # changes are audited at any LOG_LEVEL

_log = logging.getLogger("ticktape.keys")
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]+", re.ASCII)


class Caller(msgspec.Struct, frozen=True):
    """The key that sent a request. `requests_per_minute` is None if the key has no limit."""

    key_id: str
    key_name: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None

    def permits(self, scope: str) -> bool:
        """Return whether one of the key's scopes includes `scope`."""
        return cover(self.scopes, scope)


def answered(
    route: Route,
    services: Services,
    request: Any,
    answer: Callable[[], Response],
    *,
    guarded: bool,
) -> Response:
    """Return the result of `answer` if the caller is admitted, else a response with a problem.
    Requests that write are audited.

    `guarded` says whether the route has an authorizer.
    """
    caller = caller_of(request.context)

    def admitted() -> Response:
        if guarded:
            weight = weight_of(route, given_in(request), services.clock)
            if route.path == PREVIEW:
                weight = preview_weight(weight, request)
            admit(caller, route, services, weight)
        if not route.takes_query:
            read(request, route.path, ())
        return answer()

    try:
        response = failures.answered(admitted)
    except Exception:
        if route.writes:  # writes before a failure are audited, too
            _note(caller, route, request, Response("", status_code=500))
        raise
    if route.writes:
        _note(caller, route, request, response)
    return response


def caller_of(context: Mapping[str, Any]) -> Caller | None:
    """Return the caller in a request's context; None if the route has no authorizer."""
    found = context.get("authorizer") or {}
    if "key_id" not in found:
        return None
    limit = found["requests_per_minute"]
    return Caller(
        found["key_id"],
        found["key_name"],
        tuple(found["scopes"].split()),
        int(limit) if limit else None,
    )


def admit(caller: Caller | None, route: Route, services: Services, weight: int) -> None:
    """Count a request as `weight` requests in its key's minute.

    Raises Problem without a key, without the route's scope, or above the rate. The gateway has
    already refused requests without key or scope. This check remains in case the gateway interprets
    a path differently from its policy.
    """
    if caller is None:
        raise Problem(401, DETAILS[401], headers={"WWW-Authenticate": "Bearer"})
    if not caller.permits(route.access):
        raise missing_scope(route.method, route.path, route.access)
    limit = caller.requests_per_minute
    if limit is None:
        return
    if route.most_a_minute is not None:
        counter, most = f"{caller.key_id}#{route.view}", route.most_a_minute
        detail = f"a key may send {most} requests a minute to {route.method} {route.path}"
        _count(services, counter, most, 1, detail)
    weight = min(limit, weight)
    share = f", and this one counts as {weight}" if weight > 1 else ""
    detail = f"this key may send {limit} requests a minute{share}"
    _count(services, caller.key_id, limit, weight, detail)


def _count(services: Services, counter: str, limit: int, weight: int, detail: str) -> None:
    """Count a request as `weight` requests. Raises Problem with `detail` above the limit.

    If the store cannot count, the request passes, since the stage's own rate still applies
    (decision 0189).
    """
    try:
        wait = services.rate_limit.seconds_to_wait(counter, limit, weight)
    except Exception as error:
        if not failures.is_passing(error):
            raise
        _log.warning("a request of key %s is not counted: %s", counter, error)
        return
    if wait:
        raise Problem(429, detail, headers={"Retry-After": str(wait)})


def _note(caller: Caller | None, route: Route, request: Any, response: Response) -> None:
    """Write the audit line of a request that writes, without its token and headers."""
    caller = caller or Caller("", route.audited_as, (), None)
    resource = _resource(request, response)
    audit.info(
        "%s %s: %s by %s (%s)",
        route.method,
        resource,
        response.status_code,
        caller.key_name,
        caller.key_id,
        extra={
            "key_id": caller.key_id,
            "key_name": caller.key_name,
            "method": route.method,
            "route": route.path,
            "resource": resource,
            "status": response.status_code,
            "request_id": request.context.get("requestId", ""),
        },
    )


def _resource(request: Any, response: Response) -> str:
    """Return the path with its query that a request writes; for a new resource, its location.

    A client may have put its token into either. A token in the path is recognised by its prefix and
    masked. The query of a refused request is left out; an accepted query has no token, since no
    route takes one.
    """
    path = response.headers.get("Location") or _path(request)
    query = urlencode(request.query_params or {}, doseq=True)
    taken = query and response.status_code < 400
    return shown(_TOKEN.sub(f"{PREFIX}***", f"{path}?{query}" if taken else path))


def _path(request: Any) -> str:
    template: str = request.context["resourcePath"]
    return template.format(**(request.uri_params or {}))
