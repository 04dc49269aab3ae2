"""Counts what the running system does, for the terminal."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Any

import msgspec


class Counters:
    """Sums of the handlers' metrics, and the producer's last status. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: Counter[str] = Counter()
        self._producer: dict[str, Any] = {}
        self._sent_before = 0
        self._age_seconds = 0.0
        self._quarantine_reason = ""

    def add(self, counters: dict[str, float], properties: dict[str, str]) -> None:
        """Add the metrics of one invocation."""
        with self._lock:
            self._quarantine_reason = properties.get("quarantine_reason", self._quarantine_reason)
            for name, value in counters.items():
                if name == "StoreAgeMilliseconds":
                    self._age_seconds = value / 1000
                else:
                    self._sums[name] += int(value)

    def produced(self, status: dict[str, Any]) -> None:
        """Replace the producer's status by a newer one."""
        with self._lock:
            self._producer = status

    def producer_is_down(self, seconds: float) -> None:
        """Record that the producer failed and restarts in `seconds`, with its counts at 0."""
        with self._lock:
            self._sent_before += self._sent()
            state = f"failed, restarting in {seconds:.0f} s"
            self._producer = {"source": self._producer.get("source", ""), "state": state}

    def _sent(self) -> int:
        return int(self._producer.get("sent", 0)) + int(self._producer.get("bars", 0))

    def snapshot(self) -> Snapshot:
        """Return all counts at one instant."""
        with self._lock:
            return Snapshot(
                source=str(self._producer.get("source", "")),
                state=str(self._producer.get("state", "")),
                progress=self._producer.get("progress"),
                sent=self._sent_before + self._sent(),
                pending=int(self._producer.get("pending", 0)),
                ticks=self._sums["TicksStored"],
                bars=self._sums["BarsStored"],
                quarantined=self._sums["RecordsQuarantined"],
                quarantine_reason=self._quarantine_reason,
                alerts=self._sums["Alerts"],
                notified=self._sums["Notifications"],
                age_seconds=self._age_seconds,
            )


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The counts since the start.

    `age_seconds` is the time from a record's arrival to its storage. `waiting` is the number of
    unprocessed records, None if unknown. The oldest of these arrived `lag_seconds` ago.
    """

    source: str = ""
    state: str = ""
    progress: float | None = None
    sent: int = 0
    pending: int = 0
    ticks: int = 0
    bars: int = 0
    quarantined: int = 0
    quarantine_reason: str = ""
    alerts: int = 0
    notified: int = 0
    given_up: int = 0
    age_seconds: float = 0.0
    waiting: int | None = None
    lag_seconds: float = 0.0
    stopped: bool = False


class MetricsHandler(logging.Handler):
    """A log handler that sums the metrics of the app's handlers."""

    def __init__(self, counters: Counters) -> None:
        super().__init__(logging.INFO)
        self._counters = counters

    def emit(self, record: logging.LogRecord) -> None:
        """Add the counters of a log record."""
        counters = getattr(record, "counters", None)
        if counters:
            self._counters.add(counters, getattr(record, "properties", {}))


def count_metrics(counters: Counters) -> None:
    """Count the app's metrics instead of logging them."""
    log = logging.getLogger("ticktape.metrics")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [MetricsHandler(counters)]
