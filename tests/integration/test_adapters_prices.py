"""The contract of PriceStore."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after
from chalicelib.services.priced import PricedRecord, StoredTick
from chalicelib.services.stores import PriceStore, Stores
from tests.factories import NEVER, at, make_priced, make_tick, make_ticks


@pytest.fixture
def prices(stores: Stores) -> PriceStore:
    return stores.prices


def read(
    prices: PriceStore,
    symbol: str,
    start: float | None = None,
    end: float | None = None,
    *,
    limit: int = 1000,
    descending: bool = False,
) -> list[Tick]:
    low, high = (None if s is None else at(s) for s in (start, end))
    page = prices.ticks(symbol, low, high, limit=limit, descending=descending, consistent=True)
    return [stored.tick for stored in page.rows]


FULL: dict[str, Any] = {
    "open": "188.0",
    "high": "190.1",
    "low": "187.5",
    "previous_close": "187.9",
    "volume": "1234567.5",
    "currency": "USD",
    "market_state": "REGULAR",
    "split": "5:1",
}


def test_a_tick_comes_back_as_it_was_put(prices: PriceStore, symbol: str) -> None:
    tick = make_tick("189.84000001", 1.000001, symbol=symbol, **FULL)
    assert prices.write([make_priced([tick], at(), at(3))], NEVER) == set()
    (stored,) = prices.ticks(symbol, None, None, limit=10, consistent=True).rows
    assert stored.tick == tick
    assert stored.ingested_at == at(3)


def test_the_least_that_a_tick_can_have_comes_back_too(prices: PriceStore, symbol: str) -> None:
    tick = Tick(symbol=symbol, timestamp=at(), price=make_tick("0.00000001").price)
    prices.write([make_priced([tick])], NEVER)
    assert read(prices, symbol) == [tick]


def test_the_first_record_after_an_instant_tells_when_it_came(
    prices: PriceStore, symbol: str
) -> None:
    ticks = make_ticks((1, 2, 3), step=10, symbol=symbol)
    records = [make_priced([tick], at(), at(100 + n)) for n, tick in enumerate(ticks)]
    prices.write(records, NEVER)
    assert prices.arrival_after(symbol, None) == at(100)
    assert prices.arrival_after(symbol, ticks[0].timestamp) == at(101)
    assert prices.arrival_after(symbol, ticks[2].timestamp) is None
    assert prices.arrival_after(f"{symbol}X", None) is None


def test_a_packed_record_comes_back_tick_by_tick(prices: PriceStore, symbol: str) -> None:
    ticks = [
        make_tick(1, 0, symbol=symbol, **FULL),
        make_tick(2, 0.1, symbol=symbol, currency="USD", market_state="REGULAR", split="5:1"),
        make_tick("3.5", 0.2, symbol=symbol, **{**FULL, "high": None, "volume": "1234570"}),
        make_tick(4, 0.3, symbol=symbol, **FULL),
    ]
    prices.write([make_priced(ticks)], NEVER)
    assert read(prices, symbol) == ticks


def test_ticks_a_tenth_of_a_second_apart_are_all_kept(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks(range(1, 61), step=0.1, symbol=symbol)
    prices.write([make_priced([tick]) for tick in ticks], NEVER)
    assert read(prices, symbol) == ticks


def test_a_range_is_half_open(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks([1, 2, 3, 4], symbol=symbol)
    prices.write([make_priced([tick]) for tick in ticks], NEVER)
    assert read(prices, symbol, 1, 3) == ticks[1:3]
    assert read(prices, symbol, None, 1) == ticks[:1]
    assert read(prices, symbol, 3) == ticks[3:]
    assert read(prices, symbol, 2, 2) == []
    assert read(prices, symbol, 3, 1) == []


def test_a_range_finds_ticks_in_the_midst_of_packed_records(
    prices: PriceStore, symbol: str
) -> None:
    ticks = make_ticks(range(1, 41), step=1.5, symbol=symbol)
    prices.write([make_priced(ticks[:35]), make_priced(ticks[35:])], NEVER)
    assert read(prices, symbol, 3, 9) == ticks[2:6]
    assert read(prices, symbol, 3, 9, descending=True) == ticks[2:6][::-1]


def test_the_newest_come_first_when_descending(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks(range(1, 31), symbol=symbol)
    prices.write([make_priced(ticks[:10]), make_priced(ticks[10:20])], NEVER)
    prices.write([make_priced([tick]) for tick in ticks[20:]], NEVER)
    assert read(prices, symbol, limit=12, descending=True) == ticks[:17:-1]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 10, 100])
def test_pages_join_without_gap_or_overlap(
    prices: PriceStore, symbol: str, limit: int, descending: bool
) -> None:
    ticks = make_ticks(range(1, 24), step=7, symbol=symbol)
    prices.write([make_priced(ticks[:5]), make_priced(ticks[5:6])], NEVER)
    prices.write([make_priced([tick]) for tick in ticks[6:]], NEVER)
    found: list[Tick] = []
    start: str | None = None
    end: str | None = None
    while True:
        page = prices.ticks(symbol, start, end, limit=limit, descending=descending)
        found += [stored.tick for stored in page.rows]
        assert len(page.rows) <= limit
        if page.next_key is None:
            break
        if descending:
            end = page.next_key
        else:
            start = just_after(page.next_key)
    assert found == (ticks[::-1] if descending else ticks)


def test_a_tick_that_two_records_hold_comes_once(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks(range(1, 11), symbol=symbol)
    prices.write([make_priced(ticks[:6])], NEVER)
    prices.write([make_priced(ticks[3:8]), make_priced(ticks[8:])], NEVER)
    assert read(prices, symbol) == ticks


def in_pages(
    prices: PriceStore, symbol: str, limit: int, *, descending: bool
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    start = end = None
    while True:
        page = prices.ticks(symbol, start, end, limit=limit, descending=descending)
        found += [(row.tick.timestamp, str(row.tick.price)) for row in page.rows]
        if page.next_key is None:
            return found
        start, end = (None, page.next_key) if descending else (just_after(page.next_key), None)


@pytest.mark.parametrize("sequences", [(0, 0, 0), (3, 4, 5)])
def test_a_tick_that_was_corrected_in_another_record_has_its_newest_value_however_it_is_read(
    prices: PriceStore, symbol: str, sequences: tuple[int, int, int]
) -> None:
    def ticks(*given: tuple[int, float]) -> list[Tick]:
        return [make_tick(price, seconds, symbol=symbol) for price, seconds in given]

    arrivals = (0, 0, 0) if sequences[0] else (0, 1, 2)  # seconds, or sequences of one millisecond
    records = [
        make_priced(ticks((1, 0), (2, 1), (3, 2)), None, at(arrivals[0])),
        make_priced(ticks((91, 0), (92, 1), (4, 3)), None, at(arrivals[1])),
        make_priced(ticks((93, 2), (5, 4)), None, at(arrivals[2])),
        make_priced(ticks((81, 0)), None, at(arrivals[2])),
    ]
    placed = [
        msgspec.structs.replace(record, sequence=sequence)
        for record, sequence in zip(records, (*sequences, sequences[2]), strict=True)
    ]
    prices.write(placed, NEVER)
    newest = list(zip(map(at, range(5)), ("81", "92", "93", "4", "5"), strict=True))
    for limit in (1, 2, 3, 9):
        assert in_pages(prices, symbol, limit, descending=False) == newest
        assert in_pages(prices, symbol, limit, descending=True) == newest[::-1]


def test_a_rewritten_record_has_its_last_content(prices: PriceStore, symbol: str) -> None:
    prices.write([make_priced([make_tick(1, symbol=symbol)])], NEVER)
    prices.write([make_priced([make_tick(2, symbol=symbol)])], NEVER)
    assert [tick.price for tick in read(prices, symbol)] == [2]


def test_a_rewritten_record_no_longer_has_what_it_packed(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks([1, 2, 3], symbol=symbol)
    prices.write([make_priced(ticks)], NEVER)
    prices.write([make_priced(ticks[2:])], NEVER)
    assert read(prices, symbol) == ticks[2:]


def test_records_can_be_looked_up_by_key(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks(range(1, 131), symbol=symbol)
    records = [make_priced(ticks[:2], at(0), at(5)), *(make_priced([one]) for one in ticks[2:])]
    prices.write(records, NEVER)
    keys = [(symbol, tick.timestamp) for tick in ticks]
    assert sorted(prices.find_many(keys), key=lambda record: record.key) == records
    assert prices.find_many([]) == []


def test_ticks_of_several_records_keep_their_arrivals(prices: PriceStore, symbol: str) -> None:
    first, second, third = make_ticks([1, 2, 3], symbol=symbol)
    arrivals = [StoredTick(first, at(9), 7), StoredTick(second, at(4)), StoredTick(third, at(9))]
    record = PricedRecord.of(arrivals)
    prices.write([record], NEVER)
    assert prices.find_many([record.key]) == [record]
    assert list(prices.ticks(symbol, None, None, limit=9).rows) == arrivals


def test_symbols_do_not_mix(prices: PriceStore, symbol: str) -> None:
    other = f"{symbol}.L"
    prices.write([make_priced([make_tick(1, symbol=s)]) for s in (symbol, other)], NEVER)
    assert [tick.symbol for tick in read(prices, symbol)] == [symbol]


def test_missing_items_are_none(prices: PriceStore, symbol: str) -> None:
    page = prices.ticks(symbol, None, None, limit=10)
    assert (page.rows, page.next_key) == ((), None)


def test_very_many_records_are_written_at_once(prices: PriceStore, symbol: str) -> None:
    ticks = make_ticks(range(1, 131), symbol=symbol)
    records = [make_priced([tick]) for tick in ticks]
    random.Random(1).shuffle(records)
    assert prices.write(records, NEVER) == set()
    assert read(prices, symbol) == ticks
