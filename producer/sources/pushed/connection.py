"""A connection to a service, the listener that receives its messages, and the reasons for its end.

If a service sends pings and reads nothing, the thread that answers the pings blocks. Meanwhile it
holds the mutex that sending and closing need. So each connection has a guard that shuts the socket
down if sending takes long; that needs no mutex.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import msgspec
from websockets.sync.client import ClientConnection, reconnect

from producer.errors import ProducerError
from producer.sources.pushed import messages

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_MOST_BYTES = 1 << 19
"""The most bytes of a message, unpacked. Trades have a few hundred, an acknowledgement of 20,000 of
Alpaca's symbols 350,000."""

_SEND_SECONDS = 10.0
"""A frame that is not sent within this time ends the connection."""

_SILENT = logging.getLogger("producer.websockets")
_SILENT.disabled = True  # frames hold keys and must not be logged


class Timings(msgspec.Struct, frozen=True):
    """Time limits of a connection, in seconds. A connection ends after `stall` without a message,
    `priceless` without a price although heartbeats come, or `acknowledgement` without one. After
    `doubt` without a message, trades without numbers may be missing. `receive` limits one wait for
    a frame."""

    stall: float = 60.0
    priceless: float = 600.0
    doubt: float = 20.0
    acknowledgement: float = 10.0
    receive: float = 0.5


class Connection(Protocol):
    """The interface of an open WebSocket."""

    def send(self, text: str) -> None:
        """Send a frame."""

    def recv(self, timeout: float) -> str | bytes:
        """Return the next frame. Raises TimeoutError after `timeout`, ConnectionClosed at the
        connection's end."""


Connect = Callable[[str], AbstractContextManager[Connection]]


class Listener(Protocol):
    """Receives a session's messages. Its methods are called in the session's thread."""

    def flaw_of(self, heard: messages.Heard) -> str | None:
        """Return why a message must not count, such as "in the future"; None if it may count."""

    def take(self, heard: messages.Heard) -> None:
        """Take a price, or the volume of a minute whose trades have been taken."""

    def lost(self, silent_seconds: float) -> None:
        """Record that the connection has ended; no message came in its last `silent_seconds`."""

    def live(self, symbols: frozenset[str]) -> None:
        """Record that from now on every trade of these symbols is received."""

    def missed(self, symbol: str, trades: int) -> None:
        """Record that `trades` trades of a symbol are missing before the trade that is taken
        next."""

    def doubted(self, silent_seconds: float) -> None:
        """Record that no message came for `silent_seconds`, so that trades may be missing."""


class Lost(ProducerError):  # noqa: N818 - a state that passes
    """The connection cannot be used any more."""


class Throttled(Lost):
    """The service asks for fewer connections."""


class Guarded(ClientConnection):
    """A connection that ends if sending takes too long, and immediately after an error."""

    send_seconds = _SEND_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._sending_since: float | None = None
        self._ended = threading.Event()
        super().__init__(*arguments, **named)
        threading.Thread(target=self._guard, name="stream-guard", daemon=True).start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is not None or self._sending_since is not None:
            self._shut_down()
        super().__exit__(exc_type, exc_value, traceback)

    def send_data(self) -> None:
        """Send the waiting bytes. The guard watches how long that takes."""
        self._sending_since = time.monotonic()
        try:
            super().send_data()
        finally:
            self._sending_since = None

    def close_socket(self) -> None:
        """Close the socket, and end the guard."""
        self._ended.set()
        super().close_socket()

    def _guard(self) -> None:
        while not self._ended.wait(self.send_seconds / 4):
            since = self._sending_since
            if since is not None and time.monotonic() - since >= self.send_seconds:
                self._shut_down()
                return

    def _shut_down(self) -> None:
        with suppress(OSError):  # the socket is closed already
            self.socket.shutdown(socket.SHUT_RDWR)


class _Straight(reconnect):
    """A connector that follows no redirects: keys are only for the host that the user named."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the error without following its redirect."""
        return exc


def connect(url: str, guarded: type[Guarded] = Guarded) -> AbstractContextManager[Connection]:
    """Open a WebSocket whose frames are never logged. It follows no redirects. Without encryption
    (ws://) it bypasses the environment's proxy."""
    opened = _Straight(
        url,
        open_timeout=_OPEN_SECONDS,
        close_timeout=_CLOSE_SECONDS,
        logger=_SILENT,
        max_size=_MOST_BYTES,
        create_connection=guarded,
        proxy=True if urlsplit(url).scheme == "wss" else None,
    )
    return cast("AbstractContextManager[Connection]", opened)
