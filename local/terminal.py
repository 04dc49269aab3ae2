"""Shows the system's progress: results go to stdout, errors to stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TextIO

import msgspec

from local.counters import Snapshot
from local.describing import summary, turning_points
from untrusted.printable import printable

LOOK_SECONDS = 0.5
LINE_SECONDS = 30.0


class Addresses(msgspec.Struct, frozen=True):
    """The system's addresses, the token for writing, and a text on where data is stored."""

    page: str | None
    api: str
    aws: str
    token: str
    data: str


class Terminal(Protocol):
    """The interface of a terminal that shows the system's progress. Thread-safe."""

    def ready(self, addresses: Addresses) -> None:
        """Show that the system answers."""

    def note(self, text: str) -> None:
        """Show a message."""

    def alert(self, timestamp: str, text: str) -> None:
        """Show a message of the alerts topic."""

    def close(self) -> None:
        """Show the last state and stop."""


def described(addresses: Addresses) -> list[tuple[str, str]]:
    """Return the addresses as rows of label and value."""
    rows = [("Page", addresses.page)] if addresses.page else []
    return [
        *rows,
        ("API", addresses.api),
        ("AWS", addresses.aws),
        ("Write token", addresses.token),
        ("Data", addresses.data),
    ]


class PlainTerminal:
    """Prints the addresses, each alert, and the counts after a change or 30 seconds."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        out: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshot = snapshot
        self._out = out
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._last = ""
        self._points: tuple[object, ...] = ()
        self._told = float("-inf")
        self._is_ready = False

    def ready(self, addresses: Addresses) -> None:
        """See Terminal."""
        for name, value in described(addresses):
            self.note(f"{name + ':':<13}{value}")
        self._is_ready = True
        threading.Thread(target=self._follow, name="terminal", daemon=True).start()

    def note(self, text: str) -> None:
        """See Terminal."""
        with self._lock:
            print(printable(text), file=self._out, flush=True)

    def alert(self, timestamp: str, text: str) -> None:
        """See Terminal."""
        self.note(f"alert {timestamp} {text}")

    def close(self) -> None:
        """See Terminal."""
        if self._is_ready and not self._closed.is_set():
            self._closed.set()
            self._tell(self._snapshot())

    def look(self) -> None:
        """Print the counts if a turning point or 30 seconds have passed."""
        now = self._snapshot()
        points = turning_points(now)
        if points != self._points or self._clock() - self._told >= LINE_SECONDS:
            self._points = points
            self._tell(now)

    def _follow(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            self.look()

    def _tell(self, now: Snapshot) -> None:
        text = summary(now)
        if text != self._last:
            self._last, self._told = text, self._clock()
            self.note(f"{datetime.now().astimezone():%H:%M:%S} {text}")
