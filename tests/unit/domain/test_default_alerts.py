"""The alerts of the default rules for the simulator's prices, on a virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.detection import State, Watch, advance
from chalicelib.domain.folding import BASE_OF, label
from chalicelib.domain.rules import default_rules
from chalicelib.domain.ticks import Tick
from producer.sources.simulator import SYMBOLS, Simulator, day_bars, minute_bars
from producer.watchlist import FixedList
from producer.wire import WireTick

START = datetime(2026, 11, 22, 22, 13, tzinfo=UTC).timestamp()
"""Late in the simulator's day: ten of its symbols stand more than 5% away from their last close."""

SECONDS, INTERVAL = 600, 10


class Fed:
    """The simulator's ticks of one symbol, with its history, through detection."""

    def __init__(self, symbol: str, *, every_tick: bool) -> None:
        source = Simulator(FixedList((symbol,)), seed=1)
        ticks = [source.poll(START + at)[0] for at in range(0, SECONDS + 1, INTERVAL)]
        path = source._path(symbol)  # which takes long to make
        self._stored = {
            "1m": minute_bars(symbol, path, START, 210),
            "1d": day_bars(symbol, path, START, 400),
        }
        self.alerts: Counter[tuple[str, str]] = Counter()
        watch = Watch(default_rules(5, 20, Decimal(5), every_tick=every_tick))
        ticks[0].mode = "backfill"  # as the simulator has it before its history is complete
        state, left = State(symbol=symbol), [as_tick(tick) for tick in ticks]
        while left:
            outcome = advance(state, left, watch, quiet, self._history)
            self.alerts.update((a.rule_id, a.quiet) for a in outcome.state.pending)
            state = msgspec.structs.replace(outcome.state, pending=())
            left = left[outcome.taken :]

    def _history(self, interval: str, first: str, end: str, count: int) -> Sequence[BarClose]:
        rows = {}
        for bar in self._stored[BASE_OF[interval]]:
            start = label(str(bar.timestamp), interval)
            dated = (str(bar.timestamp)[:10], bar.price)
            rows[start] = BarClose(start, str(bar.timestamp), dated, is_history=True)
        before = [row for row in rows.values() if row.label < first]
        return [*before[-count:], *(row for row in rows.values() if first <= row.label < end)]


def as_tick(tick: WireTick) -> Tick:
    """Return a tick as ingest stores it."""
    names = [name for name in Tick.__struct_fields__ if hasattr(tick, name)]
    return Tick(**{name: getattr(tick, name) for name in names})


def quiet(tick: Tick) -> str:
    """Return the reason for suppression, like detect, for fresh ticks."""
    return "backfill" if tick.mode == "backfill" else ""


def of_all_symbols(*, every_tick: bool) -> Counter[tuple[str, str]]:
    """Alerts of 25 symbols in ten minutes, by rule and why they are not sent."""
    total: Counter[tuple[str, str]] = Counter()
    for symbol in SYMBOLS:
        total += Fed(symbol, every_tick=every_tick).alerts
    return total


def test_a_fresh_start_sends_fewer_than_ten_messages_in_ten_minutes() -> None:
    found = of_all_symbols(every_tick=False)
    crosses = (
        found["default-golden-cross", "record only"],
        found["default-death-cross", "record only"],
    )
    assert (found["default-cross-5m", ""], found["default-change-percent", "backfill"]) == (6, 10)
    assert found.total() == 16 + sum(crosses)
    assert min(crosses) >= 30


def test_every_tick_sends_each_cross() -> None:
    alerts = Fed(SYMBOLS[0], every_tick=True).alerts
    sent = {rule_id for rule_id, reason in alerts if not reason}
    assert sent == {"default-golden-cross", "default-death-cross"}
