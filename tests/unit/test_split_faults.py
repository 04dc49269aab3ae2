"""Splits in odd places: each fault that was found, in several cuts of its ticks into batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick
from tests.unit.watched import Watched

FRIDAY = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
CUTS = (1, 2, 3, 100)


def at(moment: datetime, price: object, state: str = "REGULAR", **fields: Any) -> Tick:
    """A tick in regular hours, or in others."""
    return make_tick(price, timestamp=to_text(moment), market_state=state, **fields)


def after(moment: datetime, **length: float) -> datetime:
    """A moment so much later."""
    return moment + timedelta(**length)


def fired(ticks: list[Tick], batch: int, *rules: Rule) -> list[tuple[str, str]]:
    """Rule and price of what fires."""
    watched = Watched(*rules)
    watched.feed(ticks, batch)
    return [(alert.rule_id, str(alert.price)) for alert in watched.fired()]


@pytest.mark.parametrize("batch", CUTS)
@pytest.mark.parametrize(
    ("before", "ratio"),
    [("0.00001", "5000:1"), ("0.00000001", "999999:1"), ("999999999999", "1:999999")],
)
def test_no_split_makes_detect_fail(before: str, ratio: str, batch: int) -> None:
    move = make_rule("moving_percent", rule_id="move", value=5, window=1)
    ticks = [at(FRIDAY, before), at(MONDAY, "0.01", split=ratio)]
    ticks += [at(after(MONDAY, minutes=n), "0.02") for n in (1, 2)]
    watched = Watched(move)
    watched.feed(ticks, batch)
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert state.last_timestamp == ticks[-1].timestamp
    assert min(state.closes) > 0
    assert [(alert.rule_id, str(alert.price)) for alert in watched.fired()] == [("move", "0.01")]


def test_a_window_with_a_price_of_zero_of_an_older_version_is_no_obstacle() -> None:
    watched = Watched(make_rule("moving_percent", value=5, window=1))
    watched.feed([at(FRIDAY, 1)])
    state = watched.stores.state.get("AAPL")
    assert state is not None
    watched.stores.state.put(msgspec.structs.replace(state, closes=(Decimal(0),)))
    watched.feed([at(after(FRIDAY, minutes=n), 1) for n in (1, 2)])
    assert watched.fired() == []
