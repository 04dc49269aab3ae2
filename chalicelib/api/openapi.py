"""The OpenAPI 3.1 document. Paths are written by hand; schemas of prices and symbols are made from
the structs of answers. A test keeps the document consistent with routes and parameters."""

from __future__ import annotations

from typing import Any

from chalicelib.api.openapi_channel_schemas import CHANNEL_SCHEMAS
from chalicelib.api.openapi_key_schemas import KEY_SCHEMAS
from chalicelib.api.openapi_mute_schemas import MUTE_SCHEMAS
from chalicelib.api.openapi_operations import problem
from chalicelib.api.openapi_parameters import PARAMETERS
from chalicelib.api.openapi_paths import PATHS
from chalicelib.api.openapi_quality_schemas import QUALITY_SCHEMAS
from chalicelib.api.openapi_schemas import schemas
from chalicelib.api.routes import OPEN, READ, ROUTES
from chalicelib.domain.keys import SCOPES

DESCRIPTION = """\
Market data collected by Ticktape: ticks, bars, quotes and alerts.

Times are UTC. Ranges are half-open: `start` is inclusive, `end` exclusive. Lists come in pages:
pass `next_page_token` as `page_token`, with all else unchanged, or follow `Link: rel="next"`; no
row is repeated or skipped while new ones arrive. Answers have an ETag; with If-None-Match an
unchanged answer is not sent again. Errors are problem details (RFC 9457).

Informational only; not investment advice."""

_SCHEME = (
    f"The token of a key; `security` names the scope that it needs, out of {', '.join(SCOPES)}. "
    "admin may do everything."
)
_SCOPES = {(route.method.lower(), route.path): route.access for route in ROUTES}


def openapi_document(version: str, *, fast: int, slow: int, closed: bool) -> dict[str, Any]:
    """Return the OpenAPI document of a deployment. `closed` says that reading also needs a key."""
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
                **KEY_SCHEMAS,
                **CHANNEL_SCHEMAS,
                **MUTE_SCHEMAS,
                **QUALITY_SCHEMAS,
                "Document": {"type": "object", "description": "An OpenAPI 3.1 document."},
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": _SCHEME}
            },
        },
    }


def _guarded(path: str, operations: dict[str, Any], closed: bool) -> dict[str, Any]:
    """Return the operations of a path, each with the scope that it needs."""
    unguarded = (OPEN,) if closed else (OPEN, READ)
    return {
        method: operation
        if _SCOPES[method, path] in unguarded
        else _with_scope(operation, _SCOPES[method, path])
        for method, operation in operations.items()
    }


def _with_scope(operation: dict[str, Any], scope: str) -> dict[str, Any]:
    refusals = {str(status): problem(status) for status in (401, 403, 429)}
    responses = operation["responses"] | refusals
    return {**operation, "security": [{"token": [scope]}], "responses": responses}
