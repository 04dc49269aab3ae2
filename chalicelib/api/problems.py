"""Problem details for HTTP (RFC 9457), the only format of refusals and failures.

`type` is a URN, with its own `title` and `status`; `detail` describes the case. If one input is at
fault, `parameter` (of the path or query) or `field` (of the body) names it. Then `value` is the
given value, `allowed` says what is accepted, and `column` is the place in a text. Details of the
store, the token or the code are never included.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

MEDIA_TYPE = "application/problem+json"
HEADERS = {
    "Content-Type": MEDIA_TYPE,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

SLUGS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "unsupported-media-type",
    421: "misdirected-request",
    429: "too-many-requests",
    500: "internal-error",
    503: "unavailable",
}
"""The default kind of problem by status."""

UNKNOWN = {
    "symbol": ("symbol", "unknown symbol {!r}; GET /symbols lists the known ones"),
    "rule": ("rule_id", "there is no rule {!r}; GET /rules lists all"),
    "alert": ("alert_id", "there is no alert {!r}; GET /alerts lists them"),
    "key": ("key_id", "there is no key {!r}; GET /keys lists all"),
    "channel": ("channel_id", "there is no channel {!r}; GET /channels lists all"),
    "mute": ("mute_id", "there is no mute {!r}; GET /mutes lists all"),
    "report": ("name", "there is no report {!r}; GET /reports lists all"),
    "run": ("run_id", "there is no run {!r} of a report; Athena keeps them for 45 days"),
}
"""Kinds of things that a path may name: the parameter of each, and the detail if it is unknown."""

DETAILS = {
    401: "a valid token is needed (Authorization: Bearer TOKEN); this one is missing, unknown, "
    "revoked or expired",
    403: "the key does not have the scope that the route needs; GET /openapi.json names it",
    404: "no such route; GET /openapi.json lists them",
    405: "the route does not take this method; GET /openapi.json lists those that it takes",
    415: "the body has to be JSON: Content-Type: application/json",
    421: "this host is not served here; python -m local --allow-host NAME serves it",
    429: "too many requests; try again after the seconds in Retry-After",
}
"""The detail by status for a gateway that gives none. It says what the client can do."""

LONGEST_VALUE = 80


class Problem(Exception):  # noqa: N818 - the standard's name for it
    """Raised by a route, which is then answered with this problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        headers: dict[str, str] | None = None,
        **members: str | int,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind or SLUGS[status]
        self.headers = headers or {}
        self.members = members

    def body(self) -> str:
        """Return the problem as a JSON document."""
        return render(self.status, self.kind, self.detail, **self.members)


def render(status: int, kind: str, detail: str, **members: str | int) -> str:
    """Return a problem details object. Its title is `kind` in words."""
    problem: dict[str, Any] = {
        "type": f"urn:ticktape:problem:{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    return msgspec.json.encode(problem | members).decode()


def shown(value: object) -> str:
    """Return a client's value for use in a problem: at most LONGEST_VALUE characters."""
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def invalid_parameter(name: str, value: str, allowed: str) -> Problem:
    """Return a 400 problem for a parameter of the path or query. An empty value counts as
    missing."""
    value = shown(value)
    fault = f"{value!r} is not allowed" if value else "is missing"
    return Problem(
        400,
        f"{name}: {fault}; allowed: {allowed}",
        kind="invalid-parameter",
        parameter=name,
        value=value,
        allowed=allowed,
    )


def invalid_field(name: str, value: object, allowed: str, column: int | None = None) -> Problem:
    """Return a 400 problem for a field of a JSON body; `column` is the place of an error in a text,
    counted from 1."""
    at = "" if column is None else f", column {column}"
    text = shown(value)
    fault = "is missing or null" if value is None else f"{text!r} is not allowed"
    problem = Problem(
        400,
        f"{name}{at}: {fault}; allowed: {allowed}",
        kind="invalid-field",
        field=name,
        value=text,
        allowed=allowed,
    )
    if column is not None:
        problem.members["column"] = column
    return problem


def unknown(kind: str, value: str) -> Problem:
    """Return a 404 problem: the path names something unknown. `kind` is a key of UNKNOWN."""
    parameter, detail = UNKNOWN[kind]
    value = shown(value)
    return Problem(
        404, detail.format(value), kind=f"unknown-{kind}", parameter=parameter, value=value
    )


def missing_scope(method: str, path: str, scope: str) -> Problem:
    """Return a 403 problem for a valid key that lacks the route's scope."""
    detail = f"{method} {path} needs a key with the scope {scope}; this one does not have it"
    return Problem(403, detail, scope=scope)


def denied(method: str, path: str, scopes: str) -> tuple[dict[str, str], str]:
    """Return the headers and body of the 403 with which a gateway refuses a key.

    A gateway knows the route and the key's scopes, but not the scope that the route needs.
    """
    detail = f"{method} {path} needs a scope that this key does not have; it has: {scopes}"
    return HEADERS, render(403, SLUGS[403], detail, scopes=scopes)


def of_status(status: int, detail: str = "") -> tuple[dict[str, str], str]:
    """Return the headers and body of a problem of which only the status, and perhaps a detail, is
    known.

    It is for requests that never reach a route: Chalice, or a gateway before it, refuses them.
    """
    slug = SLUGS.get(status, "bad-request" if status < 500 else "internal-error")
    headers = HEADERS | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    told = detail or DETAILS.get(status) or HTTPStatus(status).description
    return headers, render(status, slug, told)
