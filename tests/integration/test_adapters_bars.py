"""The contract of BarStore."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.times import just_after
from chalicelib.services.stores import BarStore, Refused, Stores
from tests.factories import NEVER, at, make_bar


@pytest.fixture
def bars(stores: Stores) -> BarStore:
    return stores.bars


def read(bars: BarStore, symbol: str, interval: str = "1m", **options: Any) -> list[Bar]:
    given: dict[str, Any] = {"limit": 1000, "consistent": True, **options}
    start, end = given.pop("start", None), given.pop("end", None)
    return list(bars.bars(symbol, interval, start, end, **given).rows)


@pytest.mark.parametrize("interval", ["1m", "1h", "1d"])
def test_a_bar_comes_back_as_it_was_put(bars: BarStore, symbol: str, interval: str) -> None:
    bar = make_bar(
        0, "2.5", open="1.00000001", high=3, low=1, volume="12.5", ticks=7, symbol=symbol,
        interval=interval, extended=True, revision=2,
    )  # fmt: skip
    assert bars.put(bar, at())
    assert read(bars, symbol, interval) == [bar]


def test_volume_may_be_unknown(bars: BarStore, symbol: str) -> None:
    bars.put(make_bar(symbol=symbol, volume=None), at())
    assert read(bars, symbol)[0].volume is None


def test_intervals_do_not_mix(bars: BarStore, symbol: str) -> None:
    bars.put(make_bar(symbol=symbol), at())
    assert read(bars, symbol, "1h") == []


@pytest.mark.parametrize(
    ("ticks", "revision", "taken"),
    [(2, 1, True), (3, 1, True), (3, 0, False), (0, 1, False)],
)
def test_a_bar_goes_over_one_of_a_lower_revision_and_never_over_history(
    bars: BarStore, symbol: str, ticks: int, revision: int, taken: bool
) -> None:
    first = make_bar(0, 1, symbol=symbol, ticks=ticks)
    if ticks:
        bars.put(first, at())
    else:
        bars.write_history([first], at(), NEVER)
    second = make_bar(0, 2, symbol=symbol, ticks=2, revision=revision)
    assert bars.put(second, at()) is taken
    assert read(bars, symbol) == [second if taken else first]


def test_a_correction_is_not_undone_by_one_that_saw_as_many_ticks_before_it(
    bars: BarStore, symbol: str
) -> None:
    corrected = make_bar(0, 2, symbol=symbol, ticks=3, revision=1)
    bars.put(corrected, at())
    assert not bars.put(make_bar(0, 1, symbol=symbol, ticks=3), at())
    assert read(bars, symbol) == [corrected]


def test_history_replaces_whatever_is_there(bars: BarStore, symbol: str) -> None:
    bars.put(make_bar(0, 1, symbol=symbol, ticks=9), at())
    history = [make_bar(60 * n, 5, symbol=symbol, ticks=0) for n in range(60)]
    assert bars.write_history(history, at(), NEVER) == set()
    assert read(bars, symbol) == history


def test_late_history_replaces_all_but_history_that_came_later(bars: BarStore, symbol: str) -> None:
    late = [make_bar(60 * n, 5, symbol=symbol, ticks=0) for n in range(5)]
    newer = make_bar(60, 6, symbol=symbol, ticks=0)
    bars.write_history([newer], at(100), NEVER)
    bars.write_history([make_bar(120, 6, symbol=symbol, ticks=0)], at(0), NEVER)
    bars.fill([make_bar(180, 6, symbol=symbol, ticks=0, folded=5)], at(100), NEVER)
    bars.put(make_bar(240, 6, symbol=symbol, ticks=3), at(100))
    bars.write_late_history(late, at(50), NEVER)
    assert read(bars, symbol) == [late[0], newer, *late[2:]]


def test_the_later_of_folded_bars_with_equal_parts_stays(bars: BarStore, symbol: str) -> None:
    first, second = (make_bar(0, n, symbol=symbol, ticks=0, folded=5) for n in (1, 2))
    bars.fill([second], at(100), NEVER)
    bars.fill([first], at(0), NEVER)
    assert read(bars, symbol) == [second]


@pytest.mark.parametrize(
    ("stored", "offered", "taken"), [(None, 5, True), (0, 60, False), (5, 5, True), (6, 5, False)]
)
def test_a_folded_bar_fills_a_gap_or_replaces_one_of_no_more_parts(
    bars: BarStore, symbol: str, stored: int | None, offered: int, taken: bool
) -> None:
    first = make_bar(0, 1, symbol=symbol, ticks=0, folded=stored or 0)
    if stored:
        bars.fill([first], at(), NEVER)
    elif stored is not None:
        bars.write_history([first], at(), NEVER)
    second = make_bar(0, 2, symbol=symbol, ticks=0, folded=offered)
    bars.fill([second], at(), NEVER)
    assert read(bars, symbol) == [second if taken else first]


def test_many_folded_bars_fill_what_is_missing(bars: BarStore, symbol: str) -> None:
    own = [make_bar(60 * n, 1, symbol=symbol, ticks=0) for n in (0, 30)]
    bars.write_history(own, at(), NEVER)
    folded = [make_bar(60 * n, 2, symbol=symbol, ticks=0, folded=5) for n in range(60)]
    bars.fill(folded, at(), NEVER)
    assert read(bars, symbol) == [own[0], *folded[1:30], own[1], *folded[31:]]


def test_a_folded_bar_leaves_one_made_from_ticks_alone(bars: BarStore, symbol: str) -> None:
    live = make_bar(0, 1, symbol=symbol, ticks=3)
    bars.put(live, at())
    bars.fill([make_bar(0, 2, symbol=symbol, ticks=0, folded=60)], at(), NEVER)
    assert read(bars, symbol) == [live]


def test_a_range_is_half_open(bars: BarStore, symbol: str) -> None:
    stored = [make_bar(60 * n, symbol=symbol) for n in range(4)]
    for bar in stored:
        bars.put(bar, at())
    assert read(bars, symbol, start=at(60), end=at(180)) == stored[1:3]
    assert read(bars, symbol, end=at(60)) == stored[:1]
    assert read(bars, symbol, start=at(180)) == stored[3:]
    assert read(bars, symbol, start=at(60), end=at(60)) == []


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_pages_join_without_gap_or_overlap(
    bars: BarStore, symbol: str, limit: int, descending: bool
) -> None:
    stored = [make_bar(60 * n, symbol=symbol, ticks=0) for n in range(17)]
    bars.write_history(stored, at(), NEVER)
    found: list[Bar] = []
    start: str | None = None
    end: str | None = None
    while True:
        page = bars.bars(symbol, "1m", start, end, limit=limit, descending=descending)
        found += page.rows
        assert len(page.rows) <= limit
        if page.next_key is None:
            break
        if descending:
            end = page.next_key
        else:
            start = just_after(page.next_key)
    assert found == (stored[::-1] if descending else stored)


def test_closes_are_all_bars_in_short(bars: BarStore, symbol: str) -> None:
    stored = [make_bar(60 * n, n + 1, symbol=symbol, extended=n > 8) for n in range(10)]
    for bar in stored:
        bars.put(bar, at())
    found = list(bars.closes(symbol, "1m", at(60), at(600)))
    assert [close.start for close in found] == [bar.start for bar in stored[1:]]
    assert [close.close for close in found] == [bar.close for bar in stored[1:]]
    assert [close.extended for close in found] == [False] * 8 + [True]


def test_many_bars_are_each_put_under_their_own_condition(bars: BarStore, symbol: str) -> None:
    offered = [make_bar(60 * n, 2, symbol=symbol, ticks=3) for n in range(60)]
    same, other = offered[3], make_bar(60 * 30, 1, symbol=symbol, ticks=4)
    history = make_bar(60 * 59, 1, symbol=symbol, ticks=0)
    bars.put(same, at())
    bars.put(other, at())
    bars.write_history([history], at(), NEVER)
    assert bars.put_all(offered, at()) == Refused(differing=(offered[30],), same=(same,))
    kept = {bar.start: bar for bar in (other, history)}
    assert read(bars, symbol) == [kept.get(bar.start, bar) for bar in offered]


def test_corrected_bars_replace_those_that_they_correct(bars: BarStore, symbol: str) -> None:
    stored = [make_bar(60 * n, 1, symbol=symbol, ticks=3) for n in range(4)]
    bars.put_all(stored, at())
    corrected = [make_bar(60 * n, 2, symbol=symbol, ticks=3, revision=1) for n in range(4)]
    bars.put_all([*corrected, make_bar(600, symbol=symbol)], at())
    assert read(bars, symbol) == [*corrected, make_bar(600, symbol=symbol)]
    bars.put_all(stored, at())
    assert read(bars, symbol)[:4] == corrected


def test_the_first_of_two_bars_with_one_start_stays_and_the_other_is_returned(
    bars: BarStore, symbol: str
) -> None:
    few, many = (make_bar(0, price, symbol=symbol, ticks=price) for price in (2, 7))
    assert bars.put_all([many, make_bar(60, 1, symbol=symbol), few], at()) == Refused(
        differing=(few,)
    )
    assert [bar.ticks for bar in read(bars, symbol)] == [7, 1]


def test_no_bars_are_nothing(bars: BarStore, symbol: str) -> None:
    bars.put_all([], at())
    assert read(bars, symbol) == []


def test_a_start_may_have_a_regular_bar_and_an_extended_one(bars: BarStore, symbol: str) -> None:
    regular = make_bar(0, 1, symbol=symbol)
    extended = make_bar(0, 2, symbol=symbol, extended=True)
    later = make_bar(60, 3, symbol=symbol)
    assert bars.put_all([regular, extended, later], at()) == Refused()
    assert read(bars, symbol) == [regular, extended, later]
    assert read(bars, symbol, descending=True) == [later, extended, regular]
    assert read(bars, symbol, start=just_after(regular.start)) == [extended, later]
    assert [close.close for close in bars.closes(symbol, "1m", None, None)] == [1, 2, 3]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_history_and_the_extended_bars_beside_it_are_both_stored(
    bars: BarStore, symbol: str, limit: int, descending: bool
) -> None:
    extended = [make_bar(60 * n, 9, symbol=symbol, extended=True) for n in range(3)]
    assert bars.put_all(extended, at()) == Refused()
    history = [make_bar(60 * n, 5, symbol=symbol, ticks=0) for n in (0, 2)]
    bars.write_history(history, at(), NEVER)
    found: list[Bar] = []
    start, end = None, None
    while True:
        page = bars.bars(symbol, "1m", start, end, limit=limit, descending=descending)
        found += page.rows
        if page.next_key is None:
            break
        start, end = (None, page.next_key) if descending else (just_after(page.next_key), None)
    assert found == sorted((*history, *extended), key=lambda bar: bar.key, reverse=descending)


def test_a_bar_is_discarded_unless_another_revision_of_it_is_stored(
    bars: BarStore, symbol: str
) -> None:
    first, second = (make_bar(0, 1, symbol=symbol, extended=True, revision=n) for n in (0, 1))
    bars.put(first, at())
    bars.put(second, at())
    assert not bars.discard(first, at())
    assert read(bars, symbol) == [second]
    assert bars.discard(second, at())
    assert read(bars, symbol) == []
    assert bars.discard(second, at())


def test_a_container_with_the_old_bar_does_not_insert_a_deleted_one(
    bars: BarStore, symbol: str
) -> None:
    known = make_bar(0, 1, symbol=symbol)
    assert bars.discard(known, at())
    assert bars.put_all([known, make_bar(60, 2, symbol=symbol)], at()).differing == (known,)
    assert read(bars, symbol) == [make_bar(60, 2, symbol=symbol)]
    assert [close.close for close in bars.closes(symbol, "1m", None, None)] == [2]
    page = bars.bars(symbol, "1m", None, None, limit=10, consistent=True, deleted=True)
    assert [(bar.deleted, bar.revision) for bar in page.rows] == [(True, 1), (False, 0)]


def test_a_corrected_bar_and_history_take_the_place_of_a_deleted_one(
    bars: BarStore, symbol: str
) -> None:
    for minute in range(4):
        assert bars.discard(make_bar(60 * minute, 1, symbol=symbol), at())
    again = make_bar(0, 3, symbol=symbol, revision=2)
    assert bars.put(again, at())
    history = [make_bar(60 * n, 5, symbol=symbol, ticks=0, folded=n % 2) for n in (1, 2, 3)]
    bars.fill(history[::2], at(), NEVER)
    bars.write_late_history(history[1:2], at(), NEVER)
    assert read(bars, symbol) == [again, *history]


def test_history_is_never_discarded(bars: BarStore, symbol: str) -> None:
    history = make_bar(0, 1, symbol=symbol, ticks=0)
    bars.write_history([history], at(), NEVER)
    assert not bars.discard(history, at())
    assert read(bars, symbol) == [history]


def test_a_mark_differs_each_time_and_is_not_a_bar(bars: BarStore, symbol: str) -> None:
    others = [f"{symbol}{n}" for n in range(30)]
    assert bars.history_mark(symbol) == ""
    marks = set()
    for symbols in ([symbol], [symbol], [symbol, *others]):
        assert bars.mark_history(symbols, NEVER) == set()
        marks.add(bars.history_mark(symbol))
    assert len(marks - {""}) == 3
    assert all(bars.history_mark(other) for other in others)
    assert read(bars, symbol) == []
