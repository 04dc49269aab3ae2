"""The OpenAPI 3.1 document, written by hand; a test holds routes, parameters and it together."""

from __future__ import annotations

from typing import Any

from chalicelib.api.openapi_parameters import PARAMETERS
from chalicelib.api.openapi_paths import PATHS, problem
from chalicelib.api.openapi_schemas import schemas

DESCRIPTION = """\
Market data that Ticktape has collected: ticks, bars, quotes and alerts.

Times are UTC. Ranges are half-open: `start` is within, `end` is not. Lists come in pages: give
`next_page_token` as `page_token`, all else unchanged, or follow `Link: rel="next"`; no row is
repeated or left out while new ones come. Answers have an ETag; If-None-Match saves sending them
again. Errors are problem details (RFC 9457).

Informational only; not investment advice."""

_ALWAYS_OPEN = ("/health", "/openapi.json")
_READS_BY_POST = ("/rules/preview",)


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
        method: _with_token(operation) if _needs_token(method, path, closed) else operation
        for method, operation in operations.items()
    }


def _needs_token(method: str, path: str, closed: bool) -> bool:
    if method == "get" or path in _READS_BY_POST:
        return closed and path not in _ALWAYS_OPEN
    return True


def _with_token(operation: dict[str, Any]) -> dict[str, Any]:
    responses = operation["responses"] | {str(status): problem(status) for status in (401, 403)}
    return {**operation, "security": [{"token": []}], "responses": responses}
