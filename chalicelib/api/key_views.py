"""Views of the API keys."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.wiring import Services
from chalicelib.domain.keys import IN_DEPLOYMENT, KEY_ID, KEY_ID_ALLOWED, Key


def keys(services: Services, _: Any) -> Response:
    """List all API keys. Tokens are not stored and therefore not listed."""
    return rendering.plain({"keys": [_shown(key, services) for key in services.keys.all()]})


def create_key(services: Services, request: Any) -> Response:
    """Create an API key. Only this answer contains the key's token."""
    maker = request.context["authorizer"]["key_id"]
    key, token = services.keys.create(bodies.read_object(request), maker)
    location = {"Location": f"keys/{key.key_id}"}
    return rendering.plain({**_shown(key, services), "token": token}, status=201, headers=location)


def revoke_key(services: Services, _: Any, key_id: str) -> Response:
    """Delete an API key. Requests with the key are refused within access.CACHE_SECONDS."""
    services.keys.revoke(parameters.id_of("key_id", key_id, KEY_ID, KEY_ID_ALLOWED))
    return rendering.empty()


def _shown(key: Key, services: Services) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(key),
        "expired": services.keys.has_expired(key),
        "in_deployment": key.key_id == IN_DEPLOYMENT,
    }
