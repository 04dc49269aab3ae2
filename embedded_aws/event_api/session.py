"""One subscriber's messages, without the socket: each message of the client gets an answer."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from embedded_aws.event_api.channels import covers, segments_of
from embedded_aws.event_api.handshake import has_key
from embedded_aws.event_api.limits import CONNECTION_TIMEOUT_MS, MOST_SUBSCRIPTIONS

LONGEST_ID = 128

Message = dict[str, Any]


class Session:
    """The state of a connection whose client has sent the API key."""

    def __init__(self, key: str, namespaces: Collection[str]) -> None:
        self.is_ready = False
        self._key = key
        self._namespaces = namespaces
        self._subscriptions: dict[str, tuple[str, ...]] = {}

    def answer(self, text: str | bytes) -> Message:
        """Return the answer to a message of the client."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return _error("error", None, "BadRequestException", "invalid JSON")
        if not isinstance(message, dict):
            return _error("error", None, "BadRequestException", "not a JSON object")
        kind = message.get("type")
        if kind == "connection_init":
            self.is_ready = True
            return {"type": "connection_ack", "connectionTimeoutMs": CONNECTION_TIMEOUT_MS}
        if kind == "subscribe":
            return self._subscribe(message)
        if kind == "unsubscribe":
            return self._unsubscribe(message.get("id"))
        reason = "subscribers cannot publish" if kind == "publish" else "unknown message type"
        return _error("error", message.get("id"), "UnsupportedOperation", reason)

    def receives(self, channel: tuple[str, ...]) -> list[str]:
        """Return the ids of the client's subscriptions that cover a channel."""
        return [name for name, held in self._subscriptions.items() if covers(held, channel)]

    def _subscribe(self, message: Message) -> Message:
        name = message.get("id")
        refused = self._refusal(name, message)
        if refused is not None:
            return _error("subscribe_error", name, *refused)
        self._subscriptions[str(name)] = segments_of(message["channel"], wildcard=True)
        return {"type": "subscribe_success", "id": name}

    def _refusal(self, name: object, message: Message) -> tuple[str, str] | None:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            return "BadRequestException", f"id: 1 to {LONGEST_ID} characters"
        if name in self._subscriptions:
            return "DuplicatedOperationError", "the id is already in use on this connection"
        segments = segments_of(message.get("channel"), wildcard=True)
        if not segments:
            return "BadRequestException", "Invalid Channel Format"
        if segments[0] not in self._namespaces or not has_key(
            message.get("authorization"), self._key
        ):
            return "UnauthorizedException", "You are not authorized to make this call."
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            return "LimitExceededError", f"at most {MOST_SUBSCRIPTIONS} subscriptions"
        if segments in self._subscriptions.values():
            return "LimitExceededError", "one subscription of a channel on a connection"
        return None

    def _unsubscribe(self, name: object) -> Message:
        if isinstance(name, str) and self._subscriptions.pop(name, None) is not None:
            return {"type": "unsubscribe_success", "id": name}
        return _error("unsubscribe_error", name, "UnknownOperationError", "unknown operation id")


def _error(kind: str, name: object, error: str, message: str) -> Message:
    """Return an error message. It has an `id` only if `name` is a string."""
    told = {"errorType": error, "message": message}
    named = {"id": name} if isinstance(name, str) else {}
    return {"type": kind, **named, "errors": [told]}


def refused_connection() -> Message:
    """Return the message for a client without the API key."""
    return _error("connection_error", None, "UnauthorizedException", "Valid API key required.")
