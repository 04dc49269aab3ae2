"""Limits of the event API: those of AppSync, and those that keep a local port bounded."""

from __future__ import annotations

import msgspec

MOST_EVENTS = 5
"""Events of a request."""

MOST_EVENT_BYTES = 240 * 1024

MOST_SUBSCRIPTIONS = 100
"""Subscriptions of a connection."""

CONNECTION_TIMEOUT_MS = 300_000
"""Told to clients: they close a connection that is silent for so long."""


class Limits(msgspec.Struct, frozen=True):
    """Limits of the sockets. They are this implementation's own unless said otherwise.

    `connections` is the number of subscribers. At most `opening` further connections may be open
    without being initialised; the oldest of these is closed for a new one. A connection is closed
    if it is not initialised within `init_seconds`, or if `waiting_events` or `waiting_bytes` wait
    for its reader. If more than `all_waiting_bytes` wait for all readers together, the one furthest
    behind is closed. `message_bytes` is the longest message that a client may send. The service
    sends a keep-alive every 60 seconds.
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
    """Return the limits of an endpoint with at most `most` connections in all."""
    known = Limits()
    connections = min(known.connections, -(-most * 2 // 3))
    return Limits(connections=connections, opening=min(known.opening, max(1, most - connections)))
