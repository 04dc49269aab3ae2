from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.services.ingest.plan import (
    MAX_TICKS,
    Read,
    Write,
    plan_bars,
    plan_prices,
    read_all,
    without,
)
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, at, instant, kinesis_event, make_incoming, payload, wire


def reads_of(*payloads: bytes) -> list[Read]:
    return read_all(make_incoming(data, number) for number, data in enumerate(payloads))


def planned(*payloads: bytes) -> list[Write]:
    return plan_prices(reads_of(*payloads))


def stamps(writes: Sequence[Write]) -> list[str]:
    return sorted(tick.timestamp for write in writes for tick in write.priced.ticks)


def test_one_record_is_one_item_keyed_by_its_last_tick() -> None:
    (write,) = planned(payload(wire(1, 0), wire(3, 2), wire(2, 1)))
    assert write.priced.key == ("AAPL", at(2))
    assert [tick.price for tick in write.priced.ticks] == [1, 2, 3]


def test_only_a_symbols_newest_item_says_from_where_it_is_complete() -> None:
    writes = planned(payload(wire(1, 0), wire(2, 1)), payload(wire(3, 2)), payload(wire(4, 1.5)))
    assert [(w.newest, w.priced.complete_from) for w in writes] == [
        (False, None),
        (True, at(0)),
        (False, None),
    ]


def test_the_newest_item_differs_where_others_of_its_batch_do() -> None:
    first, last = payload(wire(1, 0)), payload(wire(3, 2))
    batches = [(first, last), (first, payload(wire(2, 1)), last), (payload(wire(9, 0)), last)]
    newest = [next(w.priced for w in planned(*batch) if w.newest) for batch in batches]
    assert len(set(newest)) == 3
    assert {priced.complete_from for priced in newest} == {at(0)}
    assert planned(last)[0].priced.others is None


def test_each_symbol_has_its_own_newest_item() -> None:
    writes = planned(payload(wire(1, 0)), payload(wire(1, 5, symbol="MSFT")))
    assert all(write.newest for write in writes)


def test_a_tick_that_comes_twice_in_a_record_is_kept_once_the_later_value_winning() -> None:
    (write,) = planned(payload(wire(1, 0), wire(2, 0)))
    assert [tick.price for tick in write.priced.ticks] == [2]


def test_two_records_with_the_same_last_tick_become_one_item() -> None:
    (write,) = planned(payload(wire(1, 0), wire(2, 1)), payload(wire(3, 0.5), wire(4, 1)))
    assert [tick.price for tick in write.priced.ticks] == [1, 3, 4]
    assert write.sources == {0, 1}


def test_a_record_that_spans_more_than_a_minute_becomes_several_items() -> None:
    writes = planned(payload(*(wire(n + 1, 25 * n) for n in range(7))))
    assert [len(write.priced.ticks) for write in writes] == [3, 3, 1]
    assert writes[-1].priced.complete_from == at(0)


def test_a_record_of_very_many_ticks_becomes_several_items() -> None:
    writes = planned(payload(*(wire(1, n / 100) for n in range(MAX_TICKS + 1))))
    assert [len(write.priced.ticks) for write in writes] == [MAX_TICKS, 1]


def test_ticks_that_differ_in_what_an_item_says_once_do_not_share_one() -> None:
    writes = planned(payload(wire(1, 0), wire(2, 1, market_state="POST")))
    assert [len(write.priced.ticks) for write in writes] == [1, 1]


def test_uniting_records_with_the_same_last_tick_loses_none_that_differ_from_it() -> None:
    first = payload(wire(1, 0), wire(2, 1), wire(3, 2))
    correction = payload(wire(4, 2, market_state="POST"))
    writes = planned(first, correction)
    assert stamps(writes) == [at(0), at(1), at(2)]
    assert [w.priced.ticks[-1].price for w in writes if w.newest] == [4]


def test_no_key_is_planned_twice_and_no_tick_is_lost_whatever_the_records() -> None:
    rnd = random.Random(7)
    for _ in range(100):
        payloads = [payload(*(_any_tick(rnd) for _ in range(rnd.randint(1, 6)))) for _ in range(12)]
        reads = reads_of(*payloads)
        writes = plan_prices(reads)
        keys = [write.priced.key for write in writes]
        assert len(keys) == len(set(keys))
        given = {(t.symbol, t.timestamp) for read in reads for t in read.decoded.ticks}
        kept = {(t.symbol, t.timestamp) for w in writes for t in w.priced.ticks}
        assert kept == given
        for symbol in {symbol for symbol, _ in given}:
            mine = [w for w in writes if w.priced.key[0] == symbol]
            (newest,) = [w for w in mine if w.newest]
            assert newest.priced.key == max(w.priced.key for w in mine)
            assert newest.priced.complete_from == min(t for s, t in given if s == symbol)


def _any_tick(rnd: random.Random) -> dict[str, Any]:
    return wire(
        rnd.randint(1, 3),
        rnd.randint(0, 8) * rnd.choice([1, 30]),
        symbol=rnd.choice(["A", "B"]),
        market_state=rnd.choice(["REGULAR", "POST"]),
    )


def test_historical_bars_are_planned_once_a_key_the_last_winning() -> None:
    history = {"bar": "1m", "open": 1, "high": 9, "low": 1}
    first, second = payload(wire(2, 60, **history)), payload(wire(3, 60, **history))
    bars, sources = plan_bars(reads_of(first, second))
    assert [bar.close for bar in bars] == [3]
    assert sources == [1]


def test_refused_parts_of_a_record_are_quarantined_and_the_rest_stays() -> None:
    (read,) = reads_of(payload(wire(1, 0), wire(2, 1, symbol="MSFT"), wire(3, 2)))
    kept = without(read, lambda item: "source: why" if item.symbol == "MSFT" else None)
    assert [tick.price for tick in kept.decoded.ticks] == [1, 3]
    (rejected,) = kept.decoded.rejected
    assert rejected.reason == "source: why"
    assert without(read, lambda item: None) is read


@pytest.mark.parametrize("cut", [1, 2])
def test_a_tick_corrected_in_a_later_packed_record_of_the_same_millisecond_reads_new(
    cut: int,
) -> None:
    aws = Aws()
    services = Services(SETTINGS, lambda: instant(100), aws)
    sent = [payload(wire(1, 0), wire(2, 1)), payload(wire(99, 1), wire(4, 2))]
    for first in range(0, 2, cut):
        event = kinesis_event(sent[first : first + cut], first)
        services.ingest(events.from_kinesis(event), NEVER)
    for descending in (False, True):
        page = services.stores.prices.ticks("AAPL", None, None, limit=9, descending=descending)
        prices = [str(row.tick.price) for row in page.rows]
        assert prices == (["4", "99", "1"] if descending else ["1", "99", "4"])


@pytest.mark.parametrize("late_seconds", [0, 400])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_correction_counts_though_the_streams_clock_went_back_before_it(
    cut: int, packed: bool, late_seconds: float
) -> None:
    services = Services(SETTINGS, lambda: instant(2 + late_seconds), Aws())
    more = [wire(8, -1)] if packed else []
    event = kinesis_event([payload(*more, wire(100, 0)), payload(*more, wire(105, 0))], 7)
    event["Records"][1]["kinesis"]["approximateArrivalTimestamp"] -= 0.004
    records = events.from_kinesis(event)
    for first in range(0, 2, cut):
        services.ingest(records[first : first + cut], NEVER)
    rows = services.stores.prices.ticks("AAPL", None, None, limit=9).rows
    assert str(rows[-1].tick.price) == "105"
