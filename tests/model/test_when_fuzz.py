"""Random conditions beside late and corrected ticks, redelivery, history and changed rules.

What was live depends then on when each tick came, so the reference is a container that keeps
nothing: each batch has a cold one. Up to three that stay warm and take turns have to agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, later, to_text
from chalicelib.domain.when.nodes import Comparison, Condition, Group
from chalicelib.domain.when.writing import to_text as when_text
from tests.factories import make_tick
from tests.unit.domain.watched import Watched
from tests.when_trees import Trees

INTERVALS = ("1m", "5m", "15m", "1h", "1d")
ZONES = {
    "AAPL": "America/New_York",
    "0700.HK": "Asia/Hong_Kong",
    "7203.T": "Asia/Tokyo",
    "BTC-USD": "UTC",
    "ES=F": "America/New_York",
}
PRICES = ("close", "close", "open", "low", "sma", "ema", "bb_middle", "vwap", "lowest")
"""Values of one size, which are often on either side of each other."""

BEGIN = datetime(2026, 10, 30, tzinfo=UTC)
"""A Friday before the clocks of New York change."""

Step = Callable[[Watched], None]


def ticks_of(source: random.Random, symbol: str, count: int) -> list[Tick]:
    """Ticks in bursts over some days."""
    found, price, at = list[Tick](), 100, BEGIN
    calendar = calendar_for(symbol, ZONES[symbol])
    while len(found) < count:
        apart = source.choice([5, 20, 60, 60, 61, 300, 4_000, 30_000])
        at += timedelta(seconds=apart, milliseconds=source.choice([0, 0, 999]))
        state = calendar.market_state(at)
        if state == "CLOSED" or (state != "REGULAR" and source.random() < 0.7):
            at = max(at, calendar.next_open(at)) if source.random() < 0.5 else at
            continue
        price = min(108, max(92, price + source.choice([-2, -1, 0, 1, 2])))
        found.append(
            make_tick(
                price,
                symbol=symbol,
                timestamp=to_text(at),
                market_state=state,
                exchange_timezone=ZONES[symbol],
                volume=len(found) * 10,
            )
        )
    return found


def beside(source: random.Random, symbol: str, ticks: Sequence[Tick]) -> list[Tick]:
    """Ticks of another symbol within seconds of some, while it is traded."""
    calendar, found = calendar_for(symbol, ZONES[symbol]), list[Tick]()
    for tick in ticks:
        at = from_text(tick.timestamp) + timedelta(seconds=source.randint(-20, 3))
        if calendar.is_open(at):
            found.append(
                make_tick(
                    source.randint(96, 104),
                    symbol=symbol,
                    timestamp=to_text(at),
                    market_state="REGULAR",
                    exchange_timezone=ZONES[symbol],
                )
            )
    return sorted({tick.timestamp: tick for tick in found}.values(), key=lambda t: t.timestamp)


def rules_of(source: random.Random, symbol: str, other: str) -> list[Rule]:
    """Six random rules, each of which compares two prices."""
    found: list[Rule] = []
    while len(found) < 6:
        interval = source.choice(["tick", "1m", "1m", "5m", "1h", "1d"])
        trees = Trees(source, interval, INTERVALS, (other,))
        prices = [trees.leaf(source.choice(PRICES)) for _ in range(2)]
        tree: Condition = Comparison(source.choice(["above", "crosses_above", "at_most"]), *prices)
        if len(found) % 2:
            tree = Group(source.choice(["all", "any"]), (tree, trees.condition()))
        given = {"symbol": symbol, "interval": interval, "when": when_text(tree)}
        try:
            found.append(parse_rule(given, f"r{len(found)}"))
        except RuleError:
            continue
    return found


class Course:
    """What happens to one symbol and another one that its rules name, drawn once."""

    def __init__(self, seed: int) -> None:
        self._source = source = random.Random(seed)
        self.symbol, other = source.sample(sorted(ZONES), 2)
        self.rules = rules_of(source, self.symbol, other)
        mine = ticks_of(source, self.symbol, 36)
        others = beside(source, other, mine)
        self._seen: list[Tick] = []
        self.steps: list[Step] = []
        for tick in self._late(self._arriving(mine, others)):
            self.steps.append(_fed([tick]))
            self._seen.append(tick)
            if source.random() < 0.2:
                self.steps.append(self._more())

    def _arriving(self, mine: list[Tick], others: list[Tick]) -> list[Tick]:
        """Return ticks in the order in which they arrive: those of the other symbol with delays, so
        that its bars may lack prices when they are over."""
        arrivals, last = [(tick.timestamp, tick) for tick in mine], ""
        for tick in others:
            delay = self._source.choice([0, 2, 30, 90, 400])
            last = max(last, later(tick.timestamp, seconds=delay))
            arrivals.append((last, tick))
        return [tick for _, tick in sorted(arrivals, key=lambda one: one[0])]

    def _late(self, ticks: list[Tick]) -> list[Tick]:
        for _ in range(10):
            place = self._source.randrange(len(ticks) - 8)
            ticks.insert(place + self._source.randint(1, 7), ticks.pop(place))
        return ticks

    def _more(self) -> Step:
        source, tick = self._source, self._source.choice(self._seen)
        match source.choice(["again", "corrected", "history", "rule"]):
            case "again":
                return _fed([tick])
            case "corrected":
                price = tick.price + source.choice([-3, 3])
                return _fed([msgspec.structs.replace(tick, price=price)])
            case "history":
                return _with_history(tick, source.randint(92, 108))
            case _:
                return self._changed()

    def _changed(self) -> Step:
        number, source = self._source.randrange(len(self.rules)), self._source
        changes = {"enabled": source.random() < 0.6, "cooldown_seconds": source.choice([0, 0, 90])}

        def change(watched: Watched) -> None:
            watched.rules[number] = msgspec.structs.replace(watched.rules[number], **changes)

        return change

    def alerts(self, containers: int) -> list[object]:
        """All alerts; with 0 containers each batch has a cold one."""
        watched = Watched(*self.rules)
        watched.containers(max(1, containers))
        for step in self.steps:
            if not containers:
                watched.containers(1)
            step(watched)
        fired = watched.fired(self.symbol)
        return [(one.alert_id, one.rule_id, one.price, one.values) for one in fired]


def _fed(ticks: Sequence[Tick]) -> Step:
    return lambda watched: watched.feed(ticks, len(ticks))


def _with_history(tick: Tick, close: int) -> Step:
    """A day of history. Minutes alone would change an hour only if it is folded again, which
    depends on the containers."""
    interval, start = "1d", f"{tick.timestamp[:10]}T00:00:00.000000Z"
    price = Decimal(close)
    bar = Bar(
        symbol=tick.symbol,
        interval=interval,
        start=start,
        open=price,
        high=price + 2,
        low=price - 2,
        close=price,
        volume=Decimal(7),
    )

    def write(watched: Watched) -> None:
        watched.stores.bars.write_history([bar], "2026-11-20T00:00:00.000000Z", 0.0)
        watched.stores.bars.mark_history([bar.symbol], 0.0)

    return write


def assert_agree(seed: int) -> int:
    """Compare warm containers with cold ones; return how many alerts there were."""
    course = Course(seed)
    cold = course.alerts(0)
    for containers in (1, 2, 3):
        assert course.alerts(containers) == cold, f"{containers} containers, seed {seed}"
    return len(cold)


@pytest.mark.parametrize("seed", range(3))
def test_warm_containers_agree_with_cold_ones(seed: int) -> None:
    assert assert_agree(seed)


@pytest.mark.long
def test_warm_containers_agree_with_cold_ones_at_length() -> None:
    assert sum(assert_agree(seed) for seed in range(3, 400)) > 2_000
