"""What stands before each view: the caller's scope and rate. What stands behind: the audit line."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from chalice.app import Response

from chalicelib.api import failures
from chalicelib.api.parameters import given_in
from chalicelib.api.problems import DETAILS, Problem, missing_scope, shown
from chalicelib.api.routes import OPEN, READ, Route
from chalicelib.api.weights import weight_of
from chalicelib.api.wiring import Services
from chalicelib.domain.keys import cover
from chalicelib.services.access.key_ring import PREFIX

audit = logging.getLogger("ticktape.audit")
audit.setLevel(logging.INFO)  # whatever LOG_LEVEL says: who changed what is always on record

_log = logging.getLogger("ticktape.keys")
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]+", re.ASCII)


class Caller(msgspec.Struct, frozen=True):
    """The key of a request, as the authorizer told it. `requests_per_minute` None: no limit."""

    key_id: str
    key_name: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None

    def permits(self, scope: str) -> bool:
        """Whether the key may do what needs `scope`."""
        return cover(self.scopes, scope)


def answered(
    route: Route,
    services: Services,
    request: Any,
    answer: Callable[[], Response],
    *,
    guarded: bool,
) -> Response:
    """What `answer` returns to a caller who may have it, or a problem; writes are logged.

    `guarded`: whether an authorizer stands before the route.
    """
    caller = caller_of(request.context)

    def admitted() -> Response:
        if guarded:
            weight = weight_of(route, given_in(request), services.clock)
            admit(caller, route, services, weight)
        return answer()

    writes = route.access not in (OPEN, READ)
    try:
        response = failures.answered(admitted)
    except Exception:
        if writes:  # what it wrote before it failed is on record, too
            _note(caller, route, request, Response("", status_code=500))
        raise
    if writes:
        _note(caller, route, request, response)
    return response


def caller_of(context: Mapping[str, Any]) -> Caller | None:
    """The caller out of a request's context; None where no authorizer stands before the route."""
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
    """Counts a request as `weight` in its key's minute.

    Raises Problem where there is no key, it lacks the route's scope, or it asks too often. The
    gateway has refused the first two already; this holds should it ever read a path in another
    way than its policy does.
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
    """Raises Problem above the limit; not where the store cannot count, since the stage's own rate
    still holds (decision 0189)."""
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
    """The audit line of a request that writes: never the token, nor any header."""
    caller = caller or Caller("", "", (), None)
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
    """The path that was written to, with its query; of what is new, where it is.

    A client may have put its token there. A query is shown only where the route took it, and
    routes take no token; in a path a token is told by how it begins.
    """
    path = response.headers.get("Location") or _path(request)
    query = urlencode(request.query_params or {}, doseq=True)
    taken = query and response.status_code < 400
    return shown(_TOKEN.sub(f"{PREFIX}***", f"{path}?{query}" if taken else path))


def _path(request: Any) -> str:
    """Without the stage, which the gateway puts before it."""
    template: str = request.context["resourcePath"]
    return template.format(**(request.uri_params or {}))
