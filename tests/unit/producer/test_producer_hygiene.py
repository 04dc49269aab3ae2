"""Which ticks of a live source pass."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from producer.hygiene import Hygiene
from producer.wire import WireTick
from tests.producer_support.doubles import make_wire_tick

NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)


class Watched:
    """A hygiene whose drops are counted."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._hygiene = Hygiene(self._drop, lambda: NOW)

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1

    def prices(self, *ticks: WireTick) -> list[Decimal]:
        return [passed.price for tick in ticks for passed in self._hygiene.passing(tick)]


def at(price: object, number: int = 0, **fields: Any) -> WireTick:
    return make_wire_tick(number=number, price=Decimal(str(price)), **fields)


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (at("NaN"), "no price"),
        (at(0), "price not above 0"),
        (at(-1), "price not above 0"),
        (at(100, timestamp="2026-11-20T16:00:05.000001Z"), "in the future"),
    ],
)
def test_impossible_prices_are_dropped_with_their_reason(tick: WireTick, reason: str) -> None:
    watched = Watched()
    assert watched.prices(tick) == []
    assert watched.dropped == {reason: 1}


def test_a_clock_that_is_a_little_behind_is_not_a_fault() -> None:
    assert Watched().prices(at(100, timestamp="2026-11-20T16:00:05.000000Z")) == [100]


def test_the_same_trade_passes_once() -> None:
    watched = Watched()
    assert watched.prices(at(100), at(100), at(100, volume=Decimal(5)), at(101)) == [100, 100, 101]
    assert watched.dropped == {"repeat": 1}


def test_ticks_older_than_the_last_are_dropped() -> None:
    watched = Watched()
    assert watched.prices(at(100, 5), at(101, 4), at(102, 5)) == [100, 102]
    assert watched.dropped == {"out of order": 1}


def test_a_real_jump_passes_once_a_second_tick_confirms_it() -> None:
    watched = Watched()
    assert watched.prices(at(100, 0), at(75, 1)) == [100]
    assert watched.prices(at(76, 2)) == [75, 76]
    assert watched.prices(at(77, 3)) == [77]
    assert not watched.dropped


def test_a_jump_that_nothing_confirms_is_dropped() -> None:
    watched = Watched()
    assert watched.prices(at(100, 0), at(1, 1), at(101, 2)) == [100, 101]
    assert watched.dropped == {"unconfirmed jump": 1}


def test_a_repeat_of_a_jump_does_not_confirm_it() -> None:
    watched = Watched()
    assert watched.prices(at(100, 0), at(75, 1), at(75, 1)) == [100]
    assert watched.dropped == {"repeat": 1}
    assert watched.prices(at(75, 2)) == [75, 75]


def test_the_first_tick_is_held_against_the_previous_close() -> None:
    watched = Watched()
    assert watched.prices(at(10_000, 0, previous_close=Decimal(100))) == []
    assert watched.prices(at(100, 1, previous_close=Decimal(100))) == [100]
    assert watched.dropped == {"unconfirmed jump": 1}


def test_exactly_twenty_percent_passes() -> None:
    assert Watched().prices(at(100, 0), at(120, 1)) == [100, 120]


def test_other_fields_without_sense_are_left_out() -> None:
    tick = at(
        100, open=Decimal(0), high=Decimal("NaN"), low=Decimal(-1), volume=Decimal(-5),
        previous_close=Decimal(0),
    )  # fmt: skip
    assert Watched().prices(tick) == [100]
    assert (tick.open, tick.high, tick.low, tick.volume, tick.previous_close) == (None,) * 5


def test_ticks_of_an_earlier_run_are_repeats() -> None:
    reasons: list[str] = []
    sent = {"AAPL": at(100, 5).timestamp}
    hygiene = Hygiene(reasons.append, lambda: NOW, sent)
    passed = [tick.price for n in (4, 5, 6) for tick in hygiene.passing(at(100 + n, n))]
    assert passed == [106]
    assert reasons == ["repeat", "repeat"]


def test_bars_are_not_held_against_ticks() -> None:
    watched = Watched()
    assert watched.prices(at(100, 9), at(5, 0, bar="1d")) == [100, 5]


def test_only_a_symbols_very_first_tick_is_confirmed_by_the_same_answer() -> None:
    clock, reasons = [NOW], list[str]()
    first = at(75, 1, previous_close=Decimal(100))

    def passed_by(hygiene: Hygiene) -> list[Decimal]:
        passed = []
        for clock[0] in (NOW, NOW + timedelta(seconds=29), NOW + timedelta(seconds=30)):
            again = msgspec.structs.replace(first)
            passed.append([tick.price for tick in hygiene.passing(again)])
        return [price for some in passed for price in some]

    assert passed_by(Hygiene(reasons.append, lambda: clock[0])) == [75]
    assert reasons == ["repeat"]
    sent = {"AAPL": at(100, 0).timestamp}
    assert passed_by(Hygiene(reasons.append, lambda: clock[0], sent)) == []


def test_another_price_of_the_last_second_of_an_earlier_run_passes_once() -> None:
    reasons: list[str] = []
    last = at(100, 5, volume=Decimal(7))
    hygiene = Hygiene(
        reasons.append,
        lambda: NOW,
        {"AAPL": last.timestamp.replace("000Z", "002Z")},  # moved, behind others of its second
        sent={"AAPL": (Decimal("100.0"), Decimal(7))},
    )
    given = [last, at(99, 4), at(101, 5, volume=Decimal(8)), at(101, 5, volume=Decimal(8))]
    assert [tick.price for one in given for tick in hygiene.passing(one)] == [101]
    assert reasons == ["repeat", "repeat", "repeat"]
