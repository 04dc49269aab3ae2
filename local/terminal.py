"""What the terminal shows: a live panel where there is one, plain lines elsewhere.

Results go to stdout, what went wrong to stderr.
"""

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
    """Where the system answers, and the token for writing."""

    page: str | None
    api: str
    aws: str
    token: str
    data: str


class Terminal(Protocol):
    """Somewhere to show what goes on. Safe from many threads."""

    def ready(self, addresses: Addresses) -> None:
        """The system answers."""

    def note(self, text: str) -> None:
        """Something to read once."""

    def alert(self, timestamp: str, text: str) -> None:
        """A notification came."""

    def close(self) -> None:
        """Show nothing more but the last state."""


def described(addresses: Addresses) -> list[tuple[str, str]]:
    """The addresses as rows for people."""
    rows = [("Page", addresses.page)] if addresses.page else []
    return [
        *rows,
        ("API", addresses.api),
        ("AWS", addresses.aws),
        ("Write token", addresses.token),
        ("Data", addresses.data),
    ]


class PlainTerminal:
    """Lines: the addresses, each alert, and the counts at a turning point or each 30 seconds."""

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
            self._line(f"{name + ':':<13}{value}")
        self._is_ready = True
        threading.Thread(target=self._follow, name="terminal", daemon=True).start()

    def note(self, text: str) -> None:
        """See Terminal."""
        self._line(text)

    def alert(self, timestamp: str, text: str) -> None:
        """See Terminal."""
        self._line(f"alert {timestamp} {text}")

    def close(self) -> None:
        """See Terminal."""
        if self._is_ready:
            self._closed.set()
            self._tell(self._snapshot())

    def look(self) -> None:
        """Write the counts, if something changed that people should know or 30 s have passed."""
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
            self._line(f"{datetime.now().astimezone():%H:%M:%S} {text}")

    def _line(self, text: str) -> None:
        with self._lock:
            print(printable(text), file=self._out, flush=True)
