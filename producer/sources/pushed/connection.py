"""A connection to a service: what a session needs of it, hears of it, and why it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, cast

import msgspec
from websockets.sync.client import connect as connect_socket

from producer.errors import ProducerError
from producer.sources.pushed import messages

_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0

_SILENT = logging.getLogger("producer.websockets")
_SILENT.disabled = True  # frames, which hold keys, must not be logged


class Timings(msgspec.Struct, frozen=True):
    """Seconds that end a connection: without a message (`stall`), without a price although
    heartbeats come (`priceless`), without an `acknowledgement`. `doubt`: after as long without a
    message, trades without numbers may be missing. `receive`: one wait for a frame.
    """

    stall: float = 60.0
    priceless: float = 600.0
    doubt: float = 20.0
    acknowledgement: float = 10.0
    receive: float = 0.5


class Connection(Protocol):
    """An open WebSocket."""

    def send(self, text: str) -> None:
        """Send a frame."""

    def recv(self, timeout: float) -> str | bytes:
        """Return the next frame. Raises TimeoutError, and ConnectionClosed at its end."""


Connect = Callable[[str], AbstractContextManager[Connection]]


class Listener(Protocol):
    """Receives what a session hears, in its thread."""

    def flaw_of(self, heard: messages.Heard) -> str | None:
        """Return why something must not count, such as "in the future"; None if it may."""

    def take(self, heard: messages.Heard) -> None:
        """Take a price, or the volume of a minute whose trades were taken."""

    def lost(self, silent_seconds: float) -> None:
        """Note that nothing came for this long and that nothing comes from now on."""

    def live(self, symbols: frozenset[str]) -> None:
        """Note that every trade of these symbols comes from now on."""

    def missed(self, symbol: str, trades: int) -> None:
        """Note that trades of a symbol are missing before the next one taken."""

    def doubted(self, silent_seconds: float) -> None:
        """Note that nothing came for this long, and that trades may be missing."""

    def unknown(self, symbol: str) -> None:
        """Note that the service does not know a symbol."""


class Lost(ProducerError):  # noqa: N818 - a state that passes
    """The connection is of no use any more."""


class Throttled(Lost):
    """The service asks for fewer connections."""


def connect(url: str) -> AbstractContextManager[Connection]:
    """Open a WebSocket whose frames are never logged."""
    opened = connect_socket(
        url, open_timeout=_OPEN_SECONDS, close_timeout=_CLOSE_SECONDS, logger=_SILENT
    )
    return cast("AbstractContextManager[Connection]", opened)
