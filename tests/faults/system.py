"""Ingest and detect over AWS in memory, batch by batch, without faults."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.ticks import Tick
from rigs.memory_aws.system import Aws
from tests.factories import NEVER, instant, kinesis_event, wire
from tests.faults.outbox import send_new
from tests.faults.run import SMALL_AVERAGES

SYMBOL = "BTC-USD"


class System:
    """Detect sees what ingest wrote after each batch; batches arrive `step` seconds apart."""

    def __init__(self, step: float = 0.0) -> None:
        self._step = step
        self.aws = Aws()
        self.services = Services(SMALL_AVERAGES, lambda: instant(10**7), self.aws)
        self.arrival = 10.0**7
        self._number = 0
        self._seen = 0
        self._alerted = 0

    def ingest(self, *payloads: bytes) -> None:
        """One batch."""
        self.arrival += self._step
        event = kinesis_event(payloads, self._number, arrival=self.arrival)
        self._number += len(payloads)
        done = self.services.ingest(events.from_kinesis(event), NEVER)
        assert done.failed == frozenset()

    def detect(self) -> None:
        """All changes since the last look."""
        records = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        done = self.services.detect(events.changed_prices({"Records": records}))
        assert done.failed == ()
        self._alerted = send_new(self.services, self.aws, self._alerted)

    def deliver(self, payloads: Sequence[bytes], size: int) -> None:
        """Batches of `size`, each ingested and detected."""
        for first in range(0, len(payloads), size):
            self.ingest(*payloads[first : first + size])
            self.detect()

    def again(self) -> None:
        """The next batches are the first ones once more."""
        self._number = self._seen = 0
        self.arrival = 10.0**7

    def restart(self) -> None:
        """A new container, to which all changes are delivered again."""
        self.services = Services(SMALL_AVERAGES, lambda: instant(10**7), self.aws)
        self._seen = 0

    def ticks(self) -> list[Tick]:
        page = self.services.stores.prices.ticks(SYMBOL, None, None, limit=20_000)
        return [stored.tick for stored in page.rows]

    def alerts(self) -> list[tuple[str, str]]:
        page = self.services.stores.alerts.by_symbol(SYMBOL, None, None, limit=20_000)
        return [(row.alert.timestamp, row.alert.condition) for row in page.rows]

    def sent(self) -> list[str]:
        return [m["MessageAttributes"]["alert_id"]["StringValue"] for m in self.aws.published]


def walk(count: int, step: float, seed: int = 1) -> list[dict[str, Any]]:
    """Ticks of a random walk around 100."""
    dice = random.Random(seed)
    prices = [100.0]
    while len(prices) < count:
        prices.append(min(104, max(96, prices[-1] + dice.choice([-0.5, -0.25, 0, 0.25, 0.5]))))
    return [
        wire(price, n * step, symbol=SYMBOL, previous_close=100, volume=10 * n)
        for n, price in enumerate(prices)
    ]
