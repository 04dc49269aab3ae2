"""The connections of the WebSocket endpoint: those being opened, and subscribers.

A connection takes a file as soon as it is accepted, before its handshake. Anyone who can reach the
port may open connections and send nothing, so accepted connections are limited, too.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from embedded_aws.event_api.limits import Limits

Connection = TypeVar("Connection", bound=Hashable)


class Places(Generic[Connection]):
    """The open connections of an endpoint. A connection is being opened until its client has sent
    the key and is initialised as a subscriber."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._opening: dict[Connection, None] = {}
        self._subscribers: set[Connection] = set()

    @property
    def are_taken(self) -> bool:
        """Return whether there is no room for another subscriber."""
        return len(self._subscribers) >= self._limits.connections

    def accepted(self, connection: Connection) -> Connection | None:
        """Add a new connection. If too many connections are being opened, remove and return the
        oldest of them, which the caller has to close. Otherwise return None."""
        oldest = None
        if len(self._opening) >= self._limits.opening:
            oldest = next(iter(self._opening))
            del self._opening[oldest]
        self._opening[connection] = None
        return oldest

    def initialised(self, connection: Connection) -> bool:
        """Make a connection a subscriber. Return False if there is no room for another subscriber,
        or if the connection has been closed."""
        if connection in self._subscribers:
            return True
        if self.are_taken or connection not in self._opening:
            return False
        del self._opening[connection]
        self._subscribers.add(connection)
        return True

    def closed(self, connection: Connection) -> None:
        """Remove a connection."""
        self._opening.pop(connection, None)
        self._subscribers.discard(connection)
