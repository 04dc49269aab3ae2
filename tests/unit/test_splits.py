"""Splits: seen in the previous close, recorded, never alerted on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from chalicelib.domain.rules import default_rules
from chalicelib.domain.splits import Split, adjusted_closes, find_split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from tests.factories import make_rule, make_tick
from tests.unit.watched import Watched

THURSDAY = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
FRIDAY = THURSDAY + timedelta(days=1)


def session(start: datetime, prices: list[object], previous_close: object) -> list[Tick]:
    """A tick a minute."""
    return [
        make_tick(
            price, timestamp=to_text(start + timedelta(minutes=i)), previous_close=previous_close
        )
        for i, price in enumerate(prices)
    ]


@pytest.mark.parametrize(
    ("last", "previous", "ratio"),
    [
        ("400", "100", Fraction(4)),
        ("400", "101.5", Fraction(4)),
        ("1208.88", "120.89", Fraction(10)),
        ("150", "100", Fraction(3, 2)),
        ("125", "100", Fraction(5, 4)),
        ("2.00", "20.00", Fraction(1, 10)),
        ("100", "200", Fraction(1, 2)),
    ],
)
def test_known_ratios_are_seen(last: str, previous: str, ratio: Fraction) -> None:
    split = find_split("2026-11-20", Decimal(last), Decimal(previous))
    assert split is not None
    assert Fraction(split.numerator, split.denominator) == ratio


@pytest.mark.parametrize(
    ("last", "previous"),
    [("100", "100"), ("100", "97.5"), ("100", "92.5"), ("100", "62"), ("7", "1.1")],
)
def test_dividends_and_plain_jumps_are_no_splits(last: str, previous: str) -> None:
    assert find_split("2026-11-20", Decimal(last), Decimal(previous)) is None


def test_split_is_recorded_and_fires_nothing() -> None:
    rules = (
        *default_rules(3, 9, Decimal(5)),
        make_rule("crossing_down", rule_id="level", value=200),
        make_rule("moving_percent", rule_id="move", value=10, window=3),
    )
    watched = Watched(*rules)
    watched.feed(session(THURSDAY, [400 + i for i in range(15)], 400))
    assert watched.fired() == []
    watched.feed(session(FRIDAY, [Decimal(415 + i) / 4 for i in range(15)], "103.5"))
    assert watched.fired() == []
    line = watched.stores.symbols.find("AAPL")
    assert line is not None
    assert (line.split_date, line.split_ratio) == ("2026-11-20", "4:1")


def test_real_crash_of_the_same_size_is_told() -> None:
    watched = Watched(*default_rules(5, 20, Decimal(5)))
    watched.feed(session(THURSDAY, [400] * 25, 400))
    watched.feed(session(FRIDAY, [100], 400))
    assert [alert.condition for alert in watched.fired()] == ["change_percent"]


def test_jump_over_a_gap_in_what_was_collected_is_no_split() -> None:
    watched = Watched(make_rule("crossing_down", value=200))
    watched.feed(session(THURSDAY - timedelta(days=7), [400], 400))
    watched.feed(session(FRIDAY, [100], 100))
    assert [alert.condition for alert in watched.fired()] == ["crossing_down"]


def test_closes_from_before_are_counted_as_after() -> None:
    split = Split("2026-11-20", 4, 1, Decimal(400))
    rows = [
        ("2026-11-18", Decimal(396)),
        ("2026-11-19", Decimal(400)),
        ("2026-11-20", Decimal(101)),
    ]
    assert adjusted_closes(rows, split) == [99, 100, 101]


def test_history_that_was_replaced_is_taken_as_it_is() -> None:
    split = Split("2026-11-20", 4, 1, Decimal(400))
    rows = [("2026-11-18", Decimal(99)), ("2026-11-19", Decimal(100)), ("2026-11-20", Decimal(101))]
    assert adjusted_closes(rows, split) == [99, 100, 101]


def test_rules_on_daily_bars_do_not_see_a_split_as_a_cross() -> None:
    watched = Watched(make_rule("death_cross", value=None, fast=2, slow=4, interval="1d"))
    day = datetime(2026, 11, 9, 15, 0, tzinfo=UTC)
    for i, price in enumerate([400, 404, 408, 412, 416]):
        watched.feed(session(day + timedelta(days=i), [price], 400 if i == 0 else price - 4))
    monday = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
    for i, price in enumerate([105, 106, 107]):
        watched.feed(session(monday + timedelta(days=i), [price], 104 if i == 0 else price - 1))
    assert watched.fired() == []
