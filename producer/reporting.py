"""Shows the status to programs: one JSON object per line on stderr (see docs/producer.md)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

import msgspec

from chalicelib.domain.times import to_text
from producer.status import Status

STATUS_SECONDS = 2.0


class Reporter(Protocol):
    """Shows on stderr what the producer does."""

    def tell(self, event: str, message: str) -> None:
        """Show a message. `event` is `note` or `problem`."""

    def start(self, status: Status) -> None:
        """Start showing the status repeatedly."""

    def stop(self) -> None:
        """Stop showing the status, after showing it a last time."""

    def end(self, message: str) -> None:
        """Report how the run ended."""


class JsonReporter:
    """Shows what the producer does as JSON lines; the status has a line every two seconds."""

    def __init__(
        self, out: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._out = out
        self._now = now
        self._status: Status | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def tell(self, event: str, message: str) -> None:
        """Write a message as one line of JSON."""
        self._write(event, {"message": message})

    def start(self, status: Status) -> None:
        """Start writing the status."""
        self._status = status
        threading.Thread(target=self._loop, name="status", daemon=True).start()

    def stop(self) -> None:
        """Stop writing the status, after writing it a last time."""
        self._stopped.set()
        if self._status is not None:
            self._write("status", summary(self._status))

    def end(self, message: str) -> None:
        """Write the line that reports how the run ended."""
        self._write("end", {"message": message})

    def _loop(self) -> None:
        while not self._stopped.wait(STATUS_SECONDS):
            if self._status is not None:
                self._write("status", summary(self._status))

    def _write(self, event: str, fields: dict[str, Any]) -> None:
        self.write_line(json.dumps({"event": event, "time": to_text(self._now()), **fields}))

    def write_line(self, line: str) -> None:
        """Write a line of text that is already JSON."""
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


def summary(status: Status) -> dict[str, Any]:
    """Return the fields of the status line."""
    quotes = list(status.quotes.values())
    return {
        "source": status.source,
        "sink": status.sink,
        "state": status.state,
        "progress": status.progress,
        "symbols": len(quotes),
        "sent": status.sent_ticks,
        "bars": status.sent_bars,
        "pending": status.pending(),
        "refused": status.refused_records,
        "dropped": dict(status.dropped),
        "gaps": msgspec.structs.asdict(gaps) if (gaps := status.gaps()) is not None else None,
        "last_tick": max((quote.timestamp for quote in quotes), default="") or None,
    }
