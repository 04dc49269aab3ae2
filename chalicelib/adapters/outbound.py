"""Connections to hosts that users name: checked after resolution, and ended at a deadline.

A socket connects to the address that was checked. A name that resolves to another address a moment
later therefore gains nothing. docs/decisions/0311 explains why Ticktape does this itself.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, BinaryIO

from chalicelib.domain.addresses import is_public, parse_address
from chalicelib.domain.deliveries import DeliveryError, Lasting, Passing
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS

SEND_SECONDS = MAX_SEND_SECONDS - 0.5
"""How long an attempt may take. The rest of MAX_SEND_SECONDS is for recording the delivery."""

Policy = Callable[[str], bool]
"""Returns whether a channel may connect to an IP address."""


class Unreachable(OSError):  # noqa: N818 - the host is unreachable
    """No connection could be made. `Attempt.failure` has the reason."""


class Attempt:
    """One attempt to send a message. `allows` decides which addresses it may connect to. At the
    deadline all of its connections are shut down.

    `failure` is the last failure, as the channel reports it; it names no host. `requests` counts
    the HTTP requests.
    """

    def __init__(self, allows: Policy = is_public, seconds: float = SEND_SECONDS) -> None:
        self.failure: DeliveryError | None = None
        self.requests = 0
        self._allows = allows
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Attempt:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        self._timer.cancel()
        with self._lock:
            for each in self._open:
                each.close()
            self._open.clear()

    @property
    def seconds_left(self) -> float:
        """Return the seconds until the deadline. Never 0, which would mean no time-out."""
        return max(0.001, self._ends_at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Return whether the deadline has ended the attempt."""
        return self._over

    def timed_out(self) -> Passing:
        """Return the failure of an attempt that the deadline has ended."""
        return Passing(f"no answer within {self._seconds:g} s")

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket connected to a host. Raises Unreachable after setting `failure`."""
        addresses = self._resolved(host)
        if not all(map(self._allows, addresses)):
            raise self._unreachable(
                Lasting("the host is not on the public internet, where channels have to be")
            )
        for address in addresses:
            with suppress(OSError):
                made = socket.create_connection((address, port), timeout=self.seconds_left)
                self._watch(made)
                return made
        raise self._unreachable(Passing("the host accepts no connection"))

    def _resolved(self, host: str) -> Sequence[str]:
        """Return the addresses of a host, at least one. Raises Unreachable if the host has no
        address or the resolver does not answer by the deadline."""
        if (literal := parse_address(host)) is not None:
            return (str(literal),)
        found: list[str] = []

        def resolve() -> None:
            with suppress(OSError, UnicodeError):
                infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                found.extend(dict.fromkeys(str(info[4][0]) for info in infos))

        resolver = threading.Thread(target=resolve, daemon=True)
        resolver.start()
        resolver.join(self.seconds_left)
        addresses = tuple(found)
        if not addresses:
            raise self._unreachable(Passing("the host's name does not resolve"))
        return addresses

    def _unreachable(self, failure: DeliveryError) -> Unreachable:
        self.failure = failure
        return Unreachable(failure.reason)

    def _watch(self, made: socket.socket) -> None:
        """Let the deadline shut down a connection. Keeps a duplicate of the socket, since TLS takes
        over the socket itself."""
        with self._lock:
            self._open.append(made.dup())
        if self._over:
            self._end()

    def _end(self) -> None:
        self._over = True
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


class BoundedLines:
    """A connection's binary file, from which at most `most` bytes can be read as lines.

    Without this bound a peer could send header lines or replies without end, and all of them would
    be kept in memory.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most

    def readline(self, size: int = -1) -> bytes:
        """See io.BufferedIOBase.readline. Raises OSError beyond the bound."""
        most = self._left if size < 0 else min(size, self._left)
        line = self._file.readline(most + 1)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("more lines than any answer has")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_current: ContextVar[Attempt] = ContextVar("attempt")


def is_under_way() -> bool:
    """Return whether this thread is within an Attempt."""
    return _current.get(None) is not None


def current() -> Attempt:
    """Return this thread's Attempt. Raises LookupError if there is none."""
    return _current.get()
