"""Authorization: which routes a request's key may call.

API Gateway caches a token's policy for CACHE_SECONDS and applies it to every route that the token
requests meanwhile. The policy therefore lists all routes that the key's scopes permit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalice.app import AuthRequest, AuthResponse, AuthRoute

from chalicelib.api.routes import OPEN, ROUTES

if TYPE_CHECKING:
    from chalicelib.domain.keys import Key
    from chalicelib.services.access.key_ring import KeyRing

SCHEME = "bearer"
CACHE_SECONDS = 3
"""How long a revoked or expired key may still be accepted (docs/decisions/0188)."""

LONGEST_TOKEN = 256

_PARAMETER = re.compile(r"\{\w+\}")


class Unauthorized(Exception):  # noqa: N818 - the gateway tells 401 from 500 by this very text
    """The request has no valid key."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(request: AuthRequest, keys: KeyRing) -> AuthResponse:
    """Return the policy of a request's key. Raises Unauthorized, which is answered with 401."""
    token = bearer(request.token)
    key = keys.holder(token) if token else None
    if key is None:
        raise Unauthorized
    return AuthResponse(routes=permitted(key), principal_id=key.key_id, context=context_of(key))


def bearer(header: str) -> str:
    """Return the bearer token of an Authorization header; empty if the header has none."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    return token if scheme.lower() == SCHEME and len(token) <= LONGEST_TOKEN else ""


def permitted(key: Key) -> list[str | AuthRoute]:
    """Return the routes that a key's scopes permit, with wildcards for path parameters.

    A policy's wildcard also matches slashes. A test checks that no wildcard reaches a route that
    needs another scope.
    """
    return [
        AuthRoute(_PARAMETER.sub("*", route.path), [route.method])
        for route in ROUTES
        if route.access != OPEN and key.permits(route.access)
    ]


def context_of(key: Key) -> dict[str, str]:
    """Return the fields of a key, as texts, that the gateway passes to the API's function."""
    return {
        "key_id": key.key_id,
        "key_name": key.name,
        "scopes": " ".join(key.scopes),
        "requests_per_minute": str(key.requests_per_minute or ""),
    }
