"""CPU, calls and cost of a tick with 1 to 10,000 symbols.

Each batch has the same number of ticks per symbol. Ingest and detect run over AWS in memory, whose
own work is excluded.

A batch of the stream holds up to a thousand records. One symbol alone cannot fill a batch, so its
tick costs more. The benchmark checks that a tick does not cost more with more symbols. It compares
each figure with the lowest figure of fewer symbols.

    python -m bench growth
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.cost_run import Walk
from bench.counting import Meter, TimedTransport
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from costs.counted import Counted
from costs.list_prices import prices
from costs.pricing import total, variable
from costs.settings import Settings
from producer.wire import encode
from rigs.invocations import NEVER, instant, kinesis_event
from rigs.memory_aws.system import SETTINGS, Aws

NUMBERS = (1, 10, 100, 1_000, 10_000)
TICKS_OF_A_SYMBOL = 2
BATCH_RECORDS = 1_000
LEAST_TICKS = 2_000
TARGET = 1.3


class _System:
    """Ingest and detect over AWS in memory, with a meter."""

    def __init__(self, symbols: int) -> None:
        self.aws = Aws()
        self.meter = Meter(TimedTransport(self.aws))
        self._services = Services(SETTINGS, lambda: instant(0), self.meter.transport)
        self._walks = [Walk(f"S{number:05}") for number in range(symbols)]
        self._number = 0
        self._seen = 0
        self._second = 0

    def round(self, ticks: int) -> None:
        """Send `ticks` ticks of each symbol. A batch holds all ticks of its symbols."""
        for first in range(0, len(self._walks), BATCH_RECORDS // TICKS_OF_A_SYMBOL):
            walks = self._walks[first : first + BATCH_RECORDS // TICKS_OF_A_SYMBOL]
            times = range(self._second, self._second + ticks)
            self._batch([encode(walk.tick(second)) for second in times for walk in walks])
        self._second += ticks

    def _batch(self, payloads: Sequence[bytes]) -> None:
        records = events.from_kinesis(kinesis_event(payloads, self._number))
        self._number += len(payloads)
        self.meter.counted.ticks += len(payloads)
        self.meter.counted.put_units += len(payloads)
        done = self.meter.invoke("ingest_kinesis", lambda: self._services.ingest(records, NEVER))
        changes = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        triggers = events.changed_prices({"Records": changes})
        looked = self.meter.invoke("detect", lambda: self._services.detect(triggers))
        if done.failed or looked.failed:
            raise RuntimeError("the run failed")


def count(symbols: int) -> Counted:
    """Return what a load of this many symbols uses after a warm-up."""
    system = _System(symbols)
    system.round(1)
    system.meter.counted = Counted()
    for _ in range(max(1, LEAST_TICKS // (symbols * TICKS_OF_A_SYMBOL))):
        system.round(TICKS_OF_A_SYMBOL)
    return system.meter.counted


def figures(counted: Counted) -> dict[str, float]:
    """Return the figures per tick: microseconds of CPU, calls, and USD per million ticks."""
    return {
        "CPU, µs": sum(counted.cpu.values()) / counted.ticks * 1e6,
        "calls": counted.units("calls") / counted.ticks,
        "USD a million": total(variable(counted, Settings(), prices())),
    }


def measure() -> list[dict[str, Any]]:
    """Return each figure for each number of symbols, beside the lowest figure of fewer symbols."""
    least: dict[str, float] = {}
    found = []
    for symbols in NUMBERS:
        for name, value in figures(count(symbols)).items():
            result = {
                "name": f"growth: {symbols:,} symbols, {name}",
                "value": round(value, 3),
                "unit": "a tick",
            }
            if name in least:
                ratio = value / least[name]
                result |= {
                    "baseline": round(least[name], 3),
                    "ratio": round(ratio, 2),
                    "target": f"at most {TARGET} of fewer symbols",
                    "holds": ratio <= TARGET,
                }
            least[name] = min(value, least.get(name, value))
            found.append(result)
    return found
