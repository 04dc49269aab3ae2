"""Rules on bars say the same in whatever batches ticks come, those outside the session included."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick
from tests.oracles.crosses import crosses
from tests.unit.domain.watched import Watched

BATCHES = (1, 2, 5, 10, 100, 1000)


def at(moment: datetime, price: float, state: str) -> Tick:
    return make_tick(price, timestamp=to_text(moment), market_state=state)


def watched(
    ticks: list[Tick], batch: int, interval: str, fast: int, slow: int
) -> list[tuple[str, str]]:
    """Times and conditions of the crosses that are found."""
    rules = [
        make_rule(
            kind, rule_id=kind, symbol="*", value=None, fast=fast, slow=slow, interval=interval
        )
        for kind in ("golden_cross", "death_cross")
    ]
    watched = Watched(*rules)
    watched.feed(ticks, batch)
    return [(alert.timestamp, alert.condition) for alert in watched.fired()]


def sessions(count: int) -> list[tuple[list[Tick], str]]:
    """Trading days of New York: six regular ticks and four after the close; and their closes."""
    calendar = calendar_for("AAPL", "America/New_York")
    dice, price, day = random.Random(3), 100, date(2026, 3, 2)
    found: list[tuple[list[Tick], str]] = []
    while len(found) < count:
        session = calendar.session_on(day)
        day += timedelta(days=1)
        if not session.is_trading_day:
            continue
        ticks = []
        for hour in range(6):
            price = max(80, price + dice.choice((-1, 0, 1)))
            ticks.append(at(session.open + timedelta(hours=hour, minutes=30), price, "REGULAR"))
        after = session.close + timedelta(minutes=10)
        ticks += [at(after + timedelta(minutes=n), price + n, "POST") for n in range(4)]
        found.append((ticks, str(price)))
    return found


@pytest.mark.parametrize("batch", BATCHES)
def test_daily_crosses_are_those_of_the_closes(batch: int) -> None:
    days = sessions(120)
    ticks = [tick for day, _ in days for tick in day]
    wanted = [
        (days[cross.position][0][5].timestamp, cross.kind)
        for cross in crosses([close for _, close in days], 3, 8)
    ]
    assert len(wanted) >= 10
    assert watched(ticks, batch, "1d", 3, 8) == wanted


@pytest.mark.parametrize("batch", BATCHES)
def test_minutes_around_the_night_cross_once(batch: int) -> None:
    opened = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    close = opened - timedelta(hours=17, minutes=30)
    falling = [120, 118, 116, 114, 112, 110, 108, 106, 104, 100]
    ticks = [
        at(close - timedelta(minutes=10 - n, seconds=30), p, "REGULAR")
        for n, p in enumerate(falling)
    ]
    ticks += [at(close + timedelta(minutes=1 + n), 100, "POST") for n in range(20)]
    ticks += [at(opened - timedelta(minutes=11 - n), 100, "PRE") for n in range(10)]
    ticks += [at(opened + timedelta(minutes=n, seconds=30), 101, "REGULAR") for n in range(8)]
    assert watched(ticks, batch, "1m", 2, 8) == watched(ticks, 1, "1m", 2, 8)
    assert [kind for _, kind in watched(ticks, batch, "1m", 2, 8)] == ["golden_cross"]
