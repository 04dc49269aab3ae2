"""How many requests a server works on at once; the others wait in the order in which they came.

The API works in the process that also stores prices and judges rules. Whoever can reach its port
can ask for many costly answers at once, and need not even wait for them. So few are worked on at a
time, and a request whose client has gone is dropped before it is begun.
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

_CLOSED = getattr(select, "POLLRDHUP", 0)  # Linux has it; elsewhere POLLHUP tells as much


class BusyError(Exception):
    """Too many requests wait, or this one has waited for too long."""


class GoneError(Exception):
    """The request's client has closed its connection while the request waited."""


class _Waiting:
    __slots__ = ("came", "is_dropped", "is_gone")

    def __init__(self, is_gone: Callable[[], bool]) -> None:
        self.is_gone = is_gone
        self.is_dropped = False
        self.came = threading.Event()


class RequestTurns:
    """`at_once` requests have a turn, `waiting` more wait for `seconds` at most."""

    def __init__(self, at_once: int, waiting: int, seconds: float = WAIT_SECONDS) -> None:
        self._free = at_once
        self._most = waiting
        self._seconds = seconds
        self._queue: deque[_Waiting] = deque()
        self._guard = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    @contextlib.contextmanager
    def turn(self, is_gone: Callable[[], bool]) -> Iterator[None]:
        """Wait for a turn, and have it. Raises BusyError, or, after it has waited, GoneError where
        `is_gone` says so when the turn has come or others need the place."""
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
        """A place in the queue; None where it is this request's turn already."""
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
        """Leave the queue; False where the turn has come meanwhile."""
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
    """Whether the client has closed the connection. One that has closed its sending side alone
    looks the same; HTTP's clients do so rarely. True where the server has closed it."""
    if connection.fileno() < 0:
        return True
    looking = select.poll()
    looking.register(connection, _CLOSED)
    return bool(looking.poll(0))
