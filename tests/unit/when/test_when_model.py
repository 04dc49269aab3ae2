"""Live rules and previews against a slow interpreter: random conditions, batchings, containers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import Watch
from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import BASE_OF, fold_bars
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.domain.when.reading import tree_of
from chalicelib.domain.when.writing import to_text as when_text
from chalicelib.services.rules.preview import Preview
from tests.factories import make_tick
from tests.oracles.when_model import At, Model
from tests.unit.domain.watched import Watched
from tests.when_trees import Trees

OPEN = datetime(2026, 11, 18, 14, 30, tzinfo=UTC)
BEGINS = "2026-11-18T00:00:00.000000Z"
INTERVALS = ("1m", "5m", "1h", "1d")
SHOWN = Watch((), 5, 20)


def instants(source: random.Random, day: int) -> list[datetime]:
    """Fifty instants of a session; some minutes are empty."""
    at, found = OPEN + timedelta(days=day), list[datetime]()
    while len(found) < 50:
        at += timedelta(seconds=source.choice([20, 40, 60, 60, 150, 400]))
        found.append(at)
    return found


def session(source: random.Random, symbol: str, day: int, times: list[datetime]) -> list[Tick]:
    """Ticks at some times and in the evening; prices repeat."""
    price, volume, found = 100.0, 0, list[Tick]()
    for at in times:
        price = min(110, max(90, price + source.choice([-2, -1, 0, 0, 1, 2])))
        volume += source.choice([0, 5, 10, 50])
        when = to_text(at)
        found.append(
            make_tick(price, symbol=symbol, timestamp=when, market_state="REGULAR", volume=volume)
        )
    evening = to_text(OPEN + timedelta(days=day, hours=7))
    return [*found, make_tick(price, symbol=symbol, timestamp=evening, market_state="POST")]


def history(source: random.Random, symbol: str) -> list[Bar]:
    """Three days before, as stored history."""
    found = []
    for day in ("2026-11-13", "2026-11-16", "2026-11-17"):
        close = Decimal(source.randint(90, 110))
        found.append(
            Bar(
                symbol=symbol,
                interval="1d",
                start=f"{day}T00:00:00.000000Z",
                open=close - source.choice([-1, 0, 1]),
                high=close + 2,
                low=close - 3,
                close=close,
                volume=Decimal(source.randint(100, 900)),
                session_date=day,
            )
        )
    return found


class Market:
    """AAPL and SPY over two sessions and the first price of a third."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        self.ticks = {}
        self.history = {}
        times = [instants(source, day) for day in (0, 1)]
        for symbol in ("SPY", "AAPL"):
            self.history[symbol] = history(source, symbol)
            days = [tick for day in (0, 1) for tick in session(source, symbol, day, times[day])]
            flush = make_tick(100, symbol=symbol, timestamp=to_text(OPEN + timedelta(days=2)))
            self.ticks[symbol] = [*days, flush]

    def rule(self, source: random.Random, name: str) -> Rule:
        """Return a random rule on AAPL that does not need too much."""
        while True:
            interval = source.choice(["tick", "1m", "5m", "1h", "1d"])
            text = when_text(Trees(source, interval, INTERVALS, ("SPY",)).condition())
            try:
                return parse_rule({"symbol": "AAPL", "interval": interval, "when": text}, name)
            except RuleError:
                continue

    def live(self, rules: Sequence[Rule], batch: int, containers: int = 1) -> Watched:
        """Return the world after all ticks: SPY's of each hour before AAPL's."""
        watched = Watched(*rules)
        for symbol, bars in self.history.items():
            watched.stores.bars.write_history(bars, "2026-11-18T00:00:00.000000Z", 0.0)
            assert symbol
        watched.containers(containers)
        watched.feed_together(self.ticks["SPY"], self.ticks["AAPL"], batch)
        return watched


def bars_of(watched: Watched, symbol: str, interval: str) -> list[Bar]:
    """Return the finished regular bars that are stored."""
    page = watched.stores.bars.bars(symbol, BASE_OF[interval], None, None, limit=10_000)
    rows = [bar for bar in page.rows if not bar.extended]
    return fold_bars(rows, interval)


def expected(watched: Watched, rule: Rule, ticks: Sequence[Tick]) -> list[str]:
    """Return the labels at which the slow interpreter has the rule fire."""
    series = {
        (name, interval): bars_of(watched, name or "AAPL", interval)
        for name in ("", "SPY")
        for interval in INTERVALS
    }
    if rule.interval == "tick":
        points = [At(tick.timestamp, tick.timestamp[:10], tick.price) for tick in ticks]
    else:
        points = [At(bar.start, bar.session_date, bar.close) for bar in series["", rule.interval]]
    return Model(rule.interval, points, series).fires(tree_of(rule.when or ""), BEGINS)


@pytest.mark.parametrize("seed", range(6))
def test_live_rules_and_previews_are_what_a_slow_interpreter_says(seed: int) -> None:
    market, source = Market(seed), random.Random(1000 + seed)
    rules = [market.rule(source, f"r{at:02d}") for at in range(6)]
    fired = []
    for batch, containers in ((1, 1), (7, 2), (400, 1)):
        watched = market.live(rules, batch, containers)
        fired.append([(one.rule_id, one.timestamp, one.values) for one in watched.fired()])
    assert sorted(fired[0], key=str) == sorted(fired[1], key=str) == sorted(fired[2], key=str)
    for rule in rules:
        previewed = Preview(watched.stores, SHOWN)(rule, "AAPL", BEGINS, None)
        live = [timestamp for rule_id, timestamp, _ in fired[0] if rule_id == rule.rule_id]
        assert [alert.timestamp for alert in previewed.alerts] == live, rule
        if rule.interval == "tick":
            assert live == expected(watched, rule, market.ticks["AAPL"]), rule
        else:
            assert len(live) == len(expected(watched, rule, [])), rule


@pytest.mark.parametrize("seed", range(1, 4))
def test_changing_the_future_of_both_symbols_changes_nothing_before_it(seed: int) -> None:
    one, other, source = Market(seed), Market(seed), random.Random(2000 + seed)
    cut = "2026-11-19T00:00:00.000000Z"
    for symbol, ticks in other.ticks.items():
        other.ticks[symbol] = [
            tick if tick.timestamp < cut else msgspec.structs.replace(tick, price=tick.price + 5)
            for tick in ticks
        ]
    rules = [one.rule(source, f"r{at:02d}") for at in range(10)]
    worlds, fires = [market.live([], 400) for market in (one, other)], 0
    for rule in rules:
        found = [
            [(alert.timestamp, alert.values) for alert in previewed.alerts]
            for previewed in (Preview(w.stores, SHOWN)(rule, "AAPL", BEGINS, cut) for w in worlds)
        ]
        assert found[0] == found[1], rule
        fires += len(found[0])
    assert fires
