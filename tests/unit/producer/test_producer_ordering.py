"""A symbol's timestamps strictly increase."""

from __future__ import annotations

import pytest

from chalicelib.domain.ticks import Mode
from producer.passing import Ordering
from tests.producer_support.doubles import make_wire_tick


def test_a_live_tick_of_the_same_instant_is_moved_by_a_microsecond() -> None:
    ordering = Ordering(recorded=False)
    ticks = [make_wire_tick(number=5), make_wire_tick(number=5), make_wire_tick(number=4)]
    assert [ordering.admit(tick) for tick in ticks] == [None, None, None]
    assert [tick.timestamp[17:] for tick in ticks] == ["05.000000Z", "05.000001Z", "05.000002Z"]


def test_symbols_have_orders_of_their_own() -> None:
    ordering = Ordering(recorded=False)
    first, second = make_wire_tick("A", 5), make_wire_tick("B", 5)
    ordering.admit(first)
    ordering.admit(second)
    assert first.timestamp == second.timestamp


def test_recorded_repeats_and_disorder_do_not_pass() -> None:
    ordering = Ordering(recorded=True)
    reasons = [ordering.admit(make_wire_tick(number=n)) for n in (5, 5, 4, 6)]
    assert reasons == [None, "repeat", "out of order", None]


@pytest.mark.parametrize("mode", ["backfill", "replay"])
def test_a_recorded_tick_of_the_last_instant_with_other_values_is_a_correction(mode: Mode) -> None:
    ordering = Ordering(recorded=True)
    given = [100, 105, 105, 100]
    ticks = [make_wire_tick(number=5, price=price, mode=mode) for price in given]
    for number, tick in enumerate(ticks):
        tick.sent_at = f"{number}"
    assert [ordering.admit(tick) for tick in ticks] == [None, None, "repeat", None]
    assert {tick.timestamp for tick in ticks} == {make_wire_tick(number=5).timestamp}


def test_bars_stand_outside_of_the_order() -> None:
    ordering = Ordering(recorded=False)
    ordering.admit(make_wire_tick(number=5))
    bar = make_wire_tick(number=1, bar="1m")
    assert ordering.admit(bar) is None
    assert bar.timestamp == make_wire_tick(number=1).timestamp
