"""Limits of the event API: AppSync's own, and those that protect a port of this machine."""

from __future__ import annotations

import msgspec

MOST_EVENTS = 5
"""The most events of a request."""

MOST_EVENT_BYTES = 240 * 1024

MOST_SUBSCRIPTIONS = 100
"""The most subscriptions of a connection."""

CONNECTION_TIMEOUT_MS = 300_000
"""The milliseconds after which clients close a silent connection, as the service tells them."""


class Limits(msgspec.Struct, frozen=True):
    """Limits of the WebSocket endpoint. All but the keep-alive are this implementation's own.

    At most `connections` are subscribers. At most `opening` others may be open; the oldest of them
    is closed for a new one. A connection is closed if it is not initialised within `init_seconds`,
    or if more than `waiting_events` or `waiting_bytes` wait for its reader. If more than
    `all_waiting_bytes` wait for all readers together, the reader with the most is cut off. A
    client's message has at most `message_bytes`. The service sends a keep-alive after 60 seconds
    without a message.
    """

    connections: int = 100
    opening: int = 50
    waiting_events: int = 256
    waiting_bytes: int = 8 * 1024 * 1024
    all_waiting_bytes: int = 64 * 1024 * 1024
    message_bytes: int = 64 * 1024
    init_seconds: float = 10.0
    keep_alive_seconds: float = 60.0


def limits_of(most: int) -> Limits:
    """Return the limits of an endpoint with at most `most` connections, subscribers or not."""
    known = Limits()
    connections = min(known.connections, -(-most * 2 // 3))
    return Limits(connections=connections, opening=min(known.opening, max(1, most - connections)))
