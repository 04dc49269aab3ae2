"""Limits a server's concurrent requests. Other requests wait in the order of arrival.

The API shares its process with the event sources' handlers. Any client that reaches the API's port
can send many costly requests at once without waiting for the answers. So only a few are processed
at a time, and a request whose client has gone is dropped before it starts.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator

AT_ONCE = 4
WAIT_SECONDS = 20.0

_CLOSED = getattr(select, "POLLRDHUP", 0)  # Linux only; POLLHUP is the equivalent elsewhere


class BusyError(Exception):
    """Too many requests wait, or this request has waited too long."""


class GoneError(Exception):
    """The client closed its connection while the request waited."""


class _Waiting:
    __slots__ = ("came", "is_dropped", "is_gone")

    def __init__(self, is_gone: Callable[[], bool]) -> None:
        self.is_gone = is_gone
        self.is_dropped = False
        self.came = threading.Event()


class RequestTurns:
    """Allows `at_once` requests at a time; `waiting` others may wait, each for `seconds`."""

    def __init__(self, at_once: int, waiting: int, seconds: float = WAIT_SECONDS) -> None:
        self._free = at_once
        self._most = waiting
        self._seconds = seconds
        self._queue: deque[_Waiting] = deque()
        self._guard = threading.Lock()

    @property
    def waiting(self) -> int:
        """Return the number of waiting requests."""
        return len(self._queue)

    @contextlib.contextmanager
    def turn(self, is_gone: Callable[[], bool]) -> Iterator[None]:
        """Wait for a turn and hold it.

        Raises BusyError, or GoneError if the client has closed its connection. Connections are
        checked when the turn comes, or when another request needs the place in the queue.
        """
        self._wait(is_gone)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, is_gone: Callable[[], bool]) -> None:
        waiting = self._enter(is_gone)
        if waiting is None:
            return
        if not waiting.came.wait(self._seconds) and self._gives_up(waiting):
            raise BusyError
        if waiting.is_dropped:
            raise GoneError

    def _enter(self, is_gone: Callable[[], bool]) -> _Waiting | None:
        """Join the queue; return None if the request has its turn at once."""
        with self._guard:
            if self._free:
                self._free -= 1
                return None
            if len(self._queue) >= self._most:
                self._drop_gone()
            if len(self._queue) >= self._most:
                raise BusyError
            self._queue.append(_Waiting(is_gone))
            return self._queue[-1]

    def _gives_up(self, waiting: _Waiting) -> bool:
        """Leave the queue; return False if the turn has come meanwhile."""
        with self._guard:
            if waiting.came.is_set():
                return False
            self._queue.remove(waiting)
            return True

    def _pass_on(self) -> None:
        with self._guard:
            while self._queue:
                following = self._queue.popleft()
                following.is_dropped = following.is_gone()
                following.came.set()
                if not following.is_dropped:
                    return
            self._free += 1

    def _drop_gone(self) -> None:
        for waiting in [one for one in self._queue if one.is_gone()]:
            self._queue.remove(waiting)
            waiting.is_dropped = True
            waiting.came.set()


def has_gone(connection: socket.socket) -> bool:
    """Return whether the client, or the server, has closed the connection.

    A client that has closed only its sending direction looks the same; few HTTP clients do so.
    """
    if connection.fileno() < 0:
        return True
    looking = select.poll()
    looking.register(connection, _CLOSED)
    return bool(looking.poll(0))
