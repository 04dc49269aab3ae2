"""Pages of ticks from items that overlap, and minutes with very many ticks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.prices import Prices
from chalicelib.adapters.tick_items import count_of, first_stamp, unpack
from chalicelib.adapters.tick_pages import Collected
from chalicelib.domain.errors import TooManyCopies
from chalicelib.domain.times import just_after
from chalicelib.services.priced import Arrival, PricedRecord, StoredTick
from chalicelib.services.stores import Page
from rigs.memory_aws.system import Aws
from tests.factories import NEVER, at, make_tick

SEEN = 10**6


def item_of(offsets: Sequence[float], arrival: int) -> dict[str, Any]:
    """The stored item of one record's ticks; its price tells which record a tick is from."""
    aws = Aws()
    store = Prices(aws.dynamodb, "prices", Decimal(5), 30)
    came = Arrival(at(SEEN + arrival), arrival)
    ticks = [StoredTick(make_tick(1 + arrival, offset), *came) for offset in sorted(set(offsets))]
    store.write([PricedRecord.of(ticks)], NEVER)
    (item,) = aws.tables["prices"].items.values()
    return dict(item)


def page_of(items: Sequence[dict[str, Any]], pages: int, **asked: Any) -> Page[StoredTick]:
    """Collect as from a Query with `pages` items a page."""
    ordered = sorted(
        items, key=lambda item: str(item["timestamp"]["S"]), reverse=asked["descending"]
    )
    collected = Collected(**asked)
    for first in range(0, len(ordered), pages):
        part = ordered[first : first + pages]
        for item in part:
            collected.add(item)
        if collected.is_full(part[-1], first + pages >= len(ordered)):
            break
    return collected.page()


def newest_copies(items: Sequence[dict[str, Any]]) -> dict[str, StoredTick]:
    """Each tick's last copy, by timestamp; here, the one with the highest price."""
    found: dict[str, StoredTick] = {}
    for item in items:
        for stored in unpack(item):
            stamp = stored.tick.timestamp
            if stamp not in found or stored.tick.price > found[stamp].tick.price:
                found[stamp] = stored
    return found


SECONDS = st.integers(0, 59)
ITEMS = st.lists(
    st.lists(SECONDS, min_size=1, max_size=8).map(tuple),
    min_size=1,
    max_size=12,
    unique_by=lambda offsets: max(offsets),
)


@given(ITEMS, st.integers(1, 6), st.integers(1, 4), st.booleans(), st.booleans())
def test_pages_that_follow_each_other_hold_each_tick_once(
    records: list[tuple[int, ...]], limit: int, pages: int, descending: bool, crowded: bool
) -> None:
    """The ticks dropped on the way to a page are on a later one."""
    items = [item_of(offsets, number) for number, offsets in enumerate(records)]
    expected = newest_copies(items)
    start: str | None = None
    end: str | None = None
    rows: list[StoredTick] = []
    while True:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chalicelib.adapters.tick_pages._SLACK", 0)
            page = page_of(
                [i for i in items if start is None or i["timestamp"]["S"] >= start],
                pages,
                start=start,
                end=end,
                limit=limit,
                descending=descending,
                most_copies=None,
                most=2 * limit if crowded else None,
            )
        rows += page.rows
        assert len(page.rows) <= (2 * limit if crowded else limit)
        if page.next_key is None:
            break
        if descending:
            end = page.next_key
        else:
            start = just_after(page.next_key)
    assert [row.tick.timestamp for row in rows] == sorted(expected, reverse=descending)
    assert all(row == expected[row.tick.timestamp] for row in rows)


def test_the_first_tick_and_the_number_of_ticks_are_told_without_unpacking() -> None:
    for offsets in ([5], [5, 7], [5, 6.5, 7, 41]):
        item = item_of(offsets, 1)
        ticks = list(unpack(item))
        assert first_stamp(item) == ticks[0].tick.timestamp == at(5)
        assert count_of(item) == len(ticks) == len(offsets)


def test_a_crowded_minute_is_never_held_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the minute is settled before its last item."""
    monkeypatch.setattr("chalicelib.adapters.tick_pages._SLACK", 10)
    items = [item_of([item / 10 + tick / 1000 for tick in range(50)], item) for item in range(60)]
    unpacked = 0
    most_held = 0

    def counting(item: dict[str, Any]) -> Any:
        nonlocal unpacked
        unpacked += count_of(item)
        return list(unpack(item))

    monkeypatch.setattr("chalicelib.adapters.tick_pages.read_ticks", counting)
    collected = Collected(None, None, 20, False, None, 100)
    for number, item in enumerate(items):
        collected.add(item)
        most_held = max(most_held, len(collected._found))
        collected.is_full(item, number == len(items) - 1)
    page = collected.page()
    assert most_held <= 2 * 100 + 10 + 50
    assert unpacked < 400  # of 3,000
    assert [row.tick.timestamp for row in page.rows] == sorted(newest_copies(items))[:100]
    assert page.next_key == page.rows[-1].tick.timestamp


def test_ticks_that_are_passed_over_count_as_unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.tick_pages._SLACK", 0)
    collected = Collected(None, None, 10, False, 500, None)
    items = [item_of([n + tick / 1000 for tick in range(50)], n) for n in range(20)]

    def collect() -> None:
        for item in items:
            collected.add(item)
            collected.is_full(item, False)

    with pytest.raises(TooManyCopies):
        collect()
