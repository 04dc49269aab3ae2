"""Pages of bars where history lies beside extended bars of the same minutes, which it hides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.bars import Bar
from chalicelib.services.market_data.bar_reading import BarRequest, StoredCount, read_bars
from chalicelib.services.market_data.queries import Range
from tests.factories import at, make_bar
from tests.fake_series import FakeBars

KINDS = {
    "ticks": [{"ticks": 1}],
    "extended": [{"ticks": 1, "extended": True}],
    "both": [{"ticks": 1}, {"ticks": 1, "extended": True}],
    "history": [{"ticks": 0}],
    "hiding": [{"ticks": 0}, {"ticks": 1, "extended": True}],
}
MINUTES = st.dictionaries(st.integers(0, 40), st.sampled_from(sorted(KINDS)), max_size=25)


def stored(minutes: dict[int, str]) -> FakeBars:
    """A store with these minutes; each bar's price is the minute's number."""
    bars = FakeBars()
    for minute, kind in minutes.items():
        for number, more in enumerate(KINDS[kind]):
            bar = make_bar(60 * minute, 100 + minute + 100 * number, symbol="AAPL", **more)
            if bar.ticks:
                bars.put(bar, at())
            else:
                bars.write_history([bar], at(), float("inf"))
    return bars


def walk(bars: FakeBars, limit: int, live: Sequence[Bar] = (), **asked: Any) -> list[Bar]:
    """The rows of all pages."""
    found: list[Bar] = []
    after = None
    while True:
        request = BarRequest(symbol="AAPL", limit=limit, after=after, **asked)
        page = read_bars(bars, request, live, StoredCount())
        found += page.rows
        if not page.more:
            return found
        after = found[-1].key if request.descending else found[-1].last_key


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "30m"])
@given(minutes=MINUTES, limit=st.integers(1, 7), descending=st.booleans())
def test_pages_of_any_size_are_the_range_in_one_piece(
    interval: str, minutes: dict[int, str], limit: int, descending: bool
) -> None:
    bars = stored(minutes)
    whole = walk(bars, 1000, interval=interval, range=Range())
    paged = walk(bars, limit, interval=interval, range=Range(), descending=descending)
    assert paged == (whole[::-1] if descending else whole)


@pytest.mark.parametrize("interval", ["1m", "5m"])
def test_a_range_that_begins_with_an_extended_bar_does_not_show_what_history_hides(
    interval: str,
) -> None:
    bars = stored({0: "hiding", 1: "ticks", 5: "ticks"})
    start = f"{at()[:-2]}1Z"
    rows = walk(bars, 10, interval=interval, range=Range(start, None))
    assert not any(bar.extended for bar in rows)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_have_the_running_bar_where_later_history_is_stored(
    limit: int, descending: bool
) -> None:
    bars = stored({minute: "history" for minute in range(30) if minute != 2})
    live = [make_bar(120, 7, symbol="AAPL", closed=False)]
    found = walk(bars, limit, live=live, interval="1m", range=Range(), descending=descending)
    assert [bar.start for bar in found] == sorted(map(at, range(0, 1800, 60)), reverse=descending)
