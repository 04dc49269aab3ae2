from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, label
from chalicelib.services.bars import closes
from chalicelib.services.bars.closes import ClosesBefore
from chalicelib.services.stores import Close
from tests.factories import NEVER, at, make_bar
from tests.fake_series import FakeBars

INTERVALS = ("1m", "5m", "15m", "30m")


class Counting(FakeBars):
    """Bars that count what is read of them."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def closes(self, *given: Any, **named: Any) -> Iterator[Close]:
        """See BarStore."""
        for close in super().closes(*given, **named):
            self.read += 1
            yield close


def store(bars: FakeBars, minutes: int) -> list[Bar]:
    """Minutes, some of which are missing, came as history or have an extended bar beside them."""
    dice = random.Random(7)
    for minute in range(minutes):
        kind = dice.choice(["ticks", "ticks", "history", "extended", "none"])
        bar = make_bar(60 * minute, dice.randrange(1, 99), ticks=0 if kind == "history" else 3)
        if kind != "none":
            bars.write_history([bar], at(), NEVER)
        if kind == "extended":
            bars.put(make_bar(60 * minute, 1_000, ticks=2, extended=True), at())
    return list(bars.bars("AAPL", "1m", None, None, limit=10**6).rows)


def expected(stored: list[Bar], interval: str, first: str, end: str, count: int) -> list[BarClose]:
    """Read off the list of all bars."""
    closes = {}
    for bar in stored:
        if not bar.extended and bar.start < end:
            start = label(bar.start, interval)
            dated = bar.session_date or bar.start[:10], bar.close
            closes[start] = BarClose(start, bar.start, dated, is_history=not bar.ticks)
    older = [close for start, close in closes.items() if start < first]
    return [*older[-count:], *(close for start, close in closes.items() if start >= first)]


@pytest.mark.parametrize("closing", [599, 600, 613])
def test_closes_are_those_of_the_newest_bars_in_whatever_order_intervals_are_asked_for(
    closing: int,
) -> None:
    bars = FakeBars()
    stored = store(bars, 700)
    for order in permutations(INTERVALS):
        closes = ClosesBefore(bars, "AAPL")
        for interval in order:
            first = label(at(60 * closing), interval)
            end = label(at(60 * (closing + 20)), interval)
            found = closes(interval, first, end, 12)
            assert list(found) == expected(stored, interval, first, end, 12)
        minutes = closes("1m", at(60 * closing), at(60 * (closing + 20)), 0)
        assert [one.part for one in minutes] == [
            bar.start
            for bar in stored
            if at(60 * closing) <= bar.start < at(60 * (closing + 20)) and not bar.extended
        ]


def test_intervals_that_close_together_read_each_stored_bar_once() -> None:
    bars = Counting()
    for minute in range(5_000):
        bars.put(make_bar(60 * minute, 5, ticks=3), at())
    closes = ClosesBefore(bars, "AAPL")
    for interval in INTERVALS:
        end = at(60 * 4_980)
        assert BASE_OF[interval] == "1m"
        assert len(closes(interval, end, end, 100)) == 100
    assert 3_000 <= bars.read < 3_060


@pytest.mark.parametrize("count", [1, 100])
def test_made_up_extended_minutes_do_not_have_everything_read(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(closes, "_READ_AT_LEAST", 50)
    bars = Counting()
    bars.write_history([make_bar(0, 7, ticks=0)], at(), NEVER)
    for minute in range(1, 2_000):
        bars.put(make_bar(60 * minute, 1_000, ticks=1, extended=True), at())
    end = at(60 * 2_000)
    assert ClosesBefore(bars, "AAPL")("1m", end, end, count) == []
    assert bars.read <= 50 + 4 * count + 1
