"""A symbol watched by some rules, over stores in memory: ticks go in, alerts come out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from chalicelib.domain.alerts import Alert
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.detect.detect import Detect, Options
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbol_stores import SymbolEntry
from tests.factories import NEVER
from tests.fakes import FakeRulesInForce, fake_stores

ARRIVAL = "2026-11-20T16:00:00.000000Z"


class Watched:
    """Detect over fakes; `now` is the clock by which live ticks are old."""

    def __init__(self, *rules: Rule, now: datetime | None = None) -> None:
        self.stores = fake_stores()
        self.rules = list(rules)
        self.now = now or datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
        self._containers: list[Detect] = []
        self.containers(1)

    def containers(self, count: int) -> None:
        """Begin with new containers, which take turns."""
        options = Options(5, 20, Decimal(5), 900)
        in_force = FakeRulesInForce(lambda: self.rules)
        self._containers = [
            Detect(self.stores, in_force, options, self._clock) for _ in range(count)
        ]

    @property
    def taking_turns(self) -> Sequence[Detect]:
        """The containers, the last one used first."""
        return self._containers

    def _clock(self) -> datetime:
        return self.now

    def feed(self, ticks: Sequence[Tick], batch: int = 1, arrival: str = ARRIVAL) -> None:
        """Store the ticks and have them detected, `batch` at a time, in whatever order."""
        for at in range(0, len(ticks), batch):
            part = ticks[at : at + batch]
            records = [PricedRecord((tick,), arrival) for tick in part]
            self.stores.symbols.pin(SymbolEntry(symbol=part[0].symbol, added_at=ARRIVAL))
            assert self.stores.prices.write(records, NEVER) == set()
            first = min(part, key=lambda tick: tick.timestamp)
            last = max(part, key=lambda tick: tick.timestamp)
            trigger = ChangedPrices("1", last.symbol, last.timestamp, first.timestamp, arrival)
            self._containers = [*self._containers[1:], self._containers[0]]
            assert self._containers[0]([trigger]).failed == ()

    def feed_together(self, before: Sequence[Tick], after: Sequence[Tick], batch: int) -> None:
        """Feed the ticks of two symbols, those of `before` up to each batch of `after` first."""
        done = 0
        for at in range(0, len(after), batch):
            part = after[at : at + batch]
            ready = [tick for tick in before if tick.timestamp <= part[-1].timestamp]
            self.feed(ready[done:], max(1, len(ready) - done))
            done = len(ready)
            self.feed(part, batch)

    def fired(self, symbol: str = "AAPL") -> list[Alert]:
        """All alerts of a symbol, by time."""
        page = self.stores.alerts.by_symbol(symbol, None, None, limit=10_000)
        return [stored.alert for stored in page.rows]

    @property
    def sent(self) -> int:
        """Return the number of alerts to be sent."""
        stored = self.stores.alerts.stored  # type: ignore[attr-defined]  # the fake keeps them
        return sum(not one.alert.quiet for one in stored.values())
