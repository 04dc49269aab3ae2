"""Sinks in memory, ticks and lines, and a way to run the producer as a process."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from producer.errors import SinkError
from producer.records import Limits, Record
from producer.wire import Line, WireTick, line_of

ROOT = Path(__file__).resolve().parents[2]
AAPL_DAYS = ROOT / "tests" / "data" / "aapl-daily-2015-2017.csv"
LIMITS = Limits(records=500, request_bytes=4_718_592, record_bytes=1_000_000)


def make_wire_tick(symbol: str = "AAPL", number: int = 0, **fields: Any) -> WireTick:
    """Return a tick. `number` is its position in the order of its symbol."""
    made: dict[str, Any] = {
        "symbol": symbol,
        "timestamp": f"2026-11-20T{15 + number // 3600:02}:{number // 60 % 60:02}:"
        f"{number % 60:02}.000000Z",
        "price": Decimal(100 + number % 50),
    }
    return WireTick(**(made | fields))


def make_line(symbol: str = "AAPL", number: int = 0, **fields: Any) -> Line:
    """Return the line of the tick that `make_wire_tick` returns."""
    return line_of(make_wire_tick(symbol, number, **fields))


class MemorySink:
    """A sink that keeps records. It refuses each with a probability, and fails as scripted."""

    name = "memory"

    def __init__(
        self,
        *,
        refusing: float = 0.0,
        failures: Sequence[SinkError | None] = (),
        limits: Limits = LIMITS,
    ) -> None:
        self.limits = limits
        self.taken: list[Record] = []
        self.requests: list[list[Record]] = []
        self._refusing = refusing
        self._failures = list(failures)
        self._rng = random.Random(7)

    def key(self, symbol: str) -> str:
        """Return the symbol, as for Kinesis."""
        return symbol

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Keep the records, refuse some of them, or fail."""
        self.requests.append(list(records))
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure
        answers = []
        for record in records:
            refused = self._rng.random() < self._refusing
            answers.append("ProvisionedThroughputExceededException" if refused else None)
            if not refused:
                self.taken.append(record)
        return answers

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """Return each tick that the sink kept, in order."""
        return [json.loads(line.payload) for record in self.taken for line in record.lines]


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without variables that lead to a cloud or a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TICKS_")) and not name.upper().endswith("_PROXY")
    }
    return kept | variables


def run_producer(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m producer` and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "producer", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env=environment(**variables),
        check=False,
    )
