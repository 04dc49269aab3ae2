"""Decides who may open a WebSocket, and reads the authorization in its subprotocols.

https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Collection, Sequence
from typing import Any

from embedded_aws.emulator.admission import wrong_host

PROTOCOL = "aws-appsync-event-ws"
PATH = "/event/realtime"

_HEADER = "header-"
_LONGEST = 4096


def refusal(
    path: str, host: str, port: int, origins: Sequence[str], allowed: Collection[str]
) -> tuple[int, str] | None:
    """Return the HTTP status and reason for refusing a handshake, or None if it is accepted.

    The host has to be this port under a local name, since a page under a rebound DNS name could
    pass for ours. A browser sends its page's origin, which has to be in `allowed`.
    """
    if wrong := wrong_host(host, port):
        return 421, wrong
    if len(origins) > 1 or (origins and origins[0] not in allowed):
        return 403, "pages of this origin may not connect"
    if path != PATH:
        return 404, f"only {PATH} is served"
    return None


def authorization_of(protocols: Sequence[str]) -> dict[str, Any]:
    """Return the authorization in the subprotocol `header-<base64url of JSON>`, or an empty dict if
    there is no valid one."""
    for name in protocols:
        if name.startswith(_HEADER) and len(name) <= _LONGEST:
            text = name.removeprefix(_HEADER)
            try:
                found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            except (ValueError, RecursionError):
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def has_key(authorization: object, key: str) -> bool:
    """Return whether an authorization contains the API key."""
    given = authorization.get("x-api-key") if isinstance(authorization, dict) else None
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(given.encode(errors="surrogatepass"), key.encode())
