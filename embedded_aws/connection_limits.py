"""Limits how many connections a port has open, and how long each connection may wait.

Any local program can open connections to a port of this machine and send little or nothing. Each
connection takes a thread and a file descriptor. If a port is full, a connection that waits for its
client is closed for a new one. The ports of a process share half of the files that it may open.
"""

from __future__ import annotations

import contextlib
import enum
import math
import resource
import socket
import threading
import time
from collections.abc import Callable

import msgspec

MOST_PORTS = 6
"""The most ports that a process serves. Each port gets an equal share of the files."""

MOST_CONNECTIONS = 200
"""The most connections of a port, even if the process may open more files."""

ENOUGH_FILES = 4096
"""The open files that give each port MOST_CONNECTIONS and leave half of them for other uses."""

_LOOK_SECONDS = 1.0


class Phase(enum.Enum):
    """What a connection does: waits for a request, receives its head or body, processes it, or
    sends the answer."""

    WAITING = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    WORKING = enum.auto()
    SENDING = enum.auto()


_GIVE_WAY = (Phase.WAITING, Phase.HEAD, Phase.BODY, Phase.SENDING)
"""Phases in which the server waits for the client. In SENDING, too: the client has to read."""


class Limits(msgspec.Struct, frozen=True):
    """Limits of one port.

    At most `connections` are open at once. `body_bytes` limits the sum of the bodies that are being
    received from unauthenticated clients. The other fields are the most seconds in each phase.
    `known_seconds` applies to WAITING if the client is authenticated, `sending_seconds` to SENDING
    without progress.
    """

    connections: int
    idle_seconds: float = 75.0
    known_seconds: float = 75.0
    head_seconds: float = 20.0
    body_seconds: float = 60.0
    sending_seconds: float = 30.0
    body_bytes: int = 64 * 1024 * 1024

    def seconds(self, phase: Phase, known: bool) -> float:
        """Return the most seconds that a connection may stay in a phase."""
        return {
            Phase.WAITING: self.known_seconds if known else self.idle_seconds,
            Phase.HEAD: self.head_seconds,
            Phase.BODY: self.body_seconds,
            Phase.WORKING: math.inf,
            Phase.SENDING: self.sending_seconds,
        }[phase]


def most_connections(ports: int = MOST_PORTS) -> int:
    """Return the most connections for each of this process's `ports`. All ports together take at
    most half of the files that the process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, files // (2 * ports)))


def allow_files() -> None:
    """Raise this process's limit of open files to ENOUGH_FILES, or as far as the user may. Call
    this before the ports are bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(ENOUGH_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # the system may refuse its own limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Connection:
    __slots__ = ("body_bytes", "known", "phase", "since")

    def __init__(self, now: float) -> None:
        self.phase = Phase.WAITING
        self.since = now
        self.known = False
        self.body_bytes = 0


class Connections:
    """The open connections of a port. Closing a connection shuts down its socket, so that the
    thread that reads from it ends."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._guard = threading.Lock()
        self._open: dict[socket.socket, _Connection] = {}
        self._looked = clock()

    def opened(self, connection: socket.socket) -> bool:
        """Add a connection. Return False if there is no room for it.

        If the port is full, a connection that waits for its client is closed. An unauthenticated
        connection is closed first, and the one that has waited longest.
        """
        with self._guard:
            if len(self._open) >= self._limits.connections and not self._make_room(_GIVE_WAY):
                return False
            self._open[connection] = _Connection(self._clock())
            return True

    def enters(self, connection: socket.socket, phase: Phase, body_bytes: int = 0) -> bool:
        """Start a connection's next phase. Return False if the connection has been closed.

        `body_bytes` is the size of a body to receive. If the bodies of unauthenticated connections
        together exceed the limit, those connections are closed, the oldest first.
        """
        with self._guard:
            found = self._open.get(connection)
            if found is None:
                return False
            found.phase, found.since, found.body_bytes = phase, self._clock(), body_bytes
            while body_bytes and self._receiving() > self._limits.body_bytes:
                self._make_room((Phase.BODY,))
            return connection in self._open

    def goes_on(self, connection: socket.socket) -> None:
        """Record that an answer makes progress, which starts the connection's time again."""
        with self._guard:
            if found := self._open.get(connection):
                found.since = self._clock()

    def knows(self, connection: socket.socket) -> None:
        """Record that the connection is authenticated."""
        with self._guard:
            if found := self._open.get(connection):
                found.known = True

    def closed(self, connection: socket.socket) -> None:
        """Remove a connection."""
        with self._guard:
            self._open.pop(connection, None)

    def sweep(self) -> None:
        """Close connections that exceed their time. Check at most once a second."""
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        with self._guard:
            for connection, found in list(self._open.items()):
                if now - found.since > self._limits.seconds(found.phase, found.known):
                    self._shut(connection)

    def _receiving(self) -> int:
        return sum(one.body_bytes for one in self._open.values() if not one.known)

    def _make_room(self, phases: tuple[Phase, ...]) -> bool:
        idle = [(c.known, c.since, s) for s, c in self._open.items() if c.phase in phases]
        if not idle:
            return False
        self._shut(min(idle, key=lambda one: one[:2])[2])
        return True

    def _shut(self, connection: socket.socket) -> None:
        del self._open[connection]
        with contextlib.suppress(OSError):  # the client has gone
            connection.shutdown(socket.SHUT_RDWR)
