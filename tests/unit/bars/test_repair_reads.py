"""A repair reads what it touches, whatever the length of the session and of the history."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.adapters.prices import CompleteFrom
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import later, to_text
from chalicelib.services.bars import repair_reading
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.ingest.plan import MAX_SPANS, plan_prices, read_all
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import (
    NEVER,
    LambdaContext,
    at,
    instant,
    kinesis_event,
    make_bar,
    make_tick,
    payload,
    wire,
)
from tests.unit.domain.watched import ARRIVAL, Watched

REGULAR = {"exchange_timezone": "America/New_York", "market_state": "REGULAR"}
FIGURES = {"open": 99, "high": 130, "low": 90, "volume": 5}


class Rows:
    """A system that counts the rows of prices that it reads."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.services = Services(SETTINGS, lambda: instant(10**7), self.aws)
        self.read: Counter[str] = Counter()
        self.largest = 0
        self._sent = 0
        self._seen = 0

    def deliver(self, *records: bytes) -> None:
        """Ingest a batch and detect what it changed."""
        event = kinesis_event(list(records), self._sent, arrival=10**7)
        self._sent += len(records)
        assert not self.services.ingest(events.from_kinesis(event), NEVER).failed
        changes = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        self.aws.around = self._count
        assert not self.services.detect(events.changed_prices({"Records": changes})).failed
        self.aws.around = untouched

    def _count(self, operation: str, request: dict[str, Any], perform: Any) -> Any:
        answer = perform()
        if operation == "Query":
            self.read[request["TableName"]] += len(answer["Items"])
        return answer


def untouched(_operation: str, _request: dict[str, Any], perform: Any) -> Any:
    """Let a call through."""
    return perform()


@pytest.mark.parametrize(("figures", "most"), [({}, 700), (FIGURES, 400)])
@pytest.mark.parametrize("length", [500, 2000])
def test_a_repeated_tick_does_not_reread_the_session(
    length: int, figures: dict[str, Any], most: int
) -> None:
    rows = Rows()
    ticks = [payload(wire(100 + n % 7, n - 3600, **REGULAR, **figures)) for n in range(length)]
    for start in range(0, length, 500):
        rows.deliver(*ticks[start : start + 500])
    rows.read.clear()
    rows.deliver(ticks[-1], payload(wire(101, length - 3600, **REGULAR, **figures)))
    assert 0 < rows.read["prices"] < most
    assert 0 < rows.read["bars"] < most
    state = rows.services.stores.state.get("AAPL")
    assert state is not None
    assert state.day is not None
    assert state.day.ticks == length + 1


def test_an_old_tick_beside_a_new_one_has_nothing_read_between() -> None:
    rows = Rows()
    for day in range(4):
        ticks = (payload(wire(100, day * 86400 + 10 * n, **REGULAR)) for n in range(200))
        rows.deliver(*ticks)
    rows.read.clear()
    late, newest = wire(110, 1000.5, **REGULAR), wire(101, 3 * 86400 + 2000, **REGULAR)
    rows.deliver(payload(late), payload(newest))
    assert rows.read["prices"] < 500
    stored = rows.services.stores.bars.bars("AAPL", "1d", None, None, limit=10).rows
    assert [(bar.high, bar.ticks) for bar in stored] == [(110, 201), (100, 200), (100, 200)]


def test_ticks_far_apart_are_stored_as_stretches() -> None:
    minutes = (0, 1, 2, 500, 501, 90000)
    event = kinesis_event([payload(wire(1, 60 * n)) for n in minutes], arrival=10**7)
    reads = read_all(events.from_kinesis(event))
    marked = [write.priced for write in plan_prices(reads) if write.newest]
    assert [record.spans for record in marked] == [
        ((at(0), at(120)), (at(30000), at(30060)), (at(5400000), at(5400000)))
    ]


def test_an_item_names_at_most_eight_stretches_apart_by_the_widest_gaps() -> None:
    seconds = [sum(range(n + 1)) * 3600 for n in range(30)]
    event = kinesis_event([payload(wire(1, second)) for second in seconds], arrival=10**7)
    (record,) = (
        write.priced for write in plan_prices(read_all(events.from_kinesis(event))) if write.newest
    )
    assert len(record.spans) == MAX_SPANS
    assert record.spans[0] == (at(0), at(seconds[22]))
    assert [start for start, _ in record.spans[1:]] == [at(second) for second in seconds[23:]]


def test_ticks_of_a_few_minutes_are_stored_as_one_stretch() -> None:
    event = kinesis_event([payload(wire(1, 60 * n)) for n in range(9)])
    writes = plan_prices(read_all(events.from_kinesis(event)))
    assert [write.priced.spans for write in writes if write.newest] == [()]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("2026-11-20T15:30:00.000000Z", ()),
        ("2026-11-20T15:30:00.000000Z 1a2b3c4d", ()),
        (
            f"{at(0)} 1a2b3c4d {at(0)}/{at(9)},{at(5000)}/{at(5000)}",
            ((at(0), at(9)), (at(5000), at(5000))),
        ),
    ],
)
def test_an_items_mark_is_read_in_all_its_forms(
    text: str, spans: tuple[tuple[str, str], ...]
) -> None:
    mark = CompleteFrom.of(text)
    assert (mark.first, mark.spans) == ("2026-11-20T15:30:00.000000Z", spans)


def test_late_stretches_near_each_other_are_repaired_as_one() -> None:
    spans = ((at(0), at(60)), (at(90), at(100)), (at(5000), at(5100)), (at(9000), at(9100)))
    trigger = ChangedPrices("1", "AAPL", at(9100), at(0), at(9100), spans)
    late = [(at(0), at(100)), (at(5000), at(5050))]
    assert trigger.to_repair(at(5050), at(9100)) == late
    assert trigger.to_repair("", at(9100)) == []
    again = msgspec.structs.replace(trigger, again=True)
    assert again.to_repair(at(5050), at(5080)) == [(at(0), at(100)), (at(5000), at(5080))]
    assert again.to_repair("", at(50)) == [(at(0), at(50))]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair may read 50 ticks."""
    monkeypatch.setattr(repair_reading, "MOST_TICKS", 50)


def test_a_stretch_of_too_many_ticks_is_left_to_rebuild_and_said(
    small: None, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched()
    watched.feed([make_tick(100, 10 * n) for n in range(40)], 40)
    watched.feed([make_tick(101, 86400 * 3)])
    late = [make_tick(120, n + 0.5) for n in range(0, 390, 5)]
    watched.feed(late, len(late))
    assert "late ticks from" in caplog.text
    assert f"`rebuild AAPL --from {at(0)[:16]}" in caplog.text.replace(":00.500000Z", "")


def test_remaining_items_are_counted(
    small: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    rows = Rows()
    monkeypatch.setattr(bootstrap, "get_services", lambda: rows.services)
    rows.deliver(payload(wire(1, 86400, **REGULAR)))
    sent = [payload(wire(100, n, **REGULAR)) for n in range(60)]
    rows.services.ingest(events.from_kinesis(kinesis_event(sent, 10, arrival=10**7)), NEVER)
    handlers.detect({"Records": rows.aws.stream[1:]}, LambdaContext())
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["RepairsLeft"] == 1


def history(watched: Watched, *bars: Bar) -> None:
    """Store bars as fetched history."""
    assert watched.stores.bars.write_history(bars, ARRIVAL, 1e12) == set()


@pytest.mark.parametrize("fetched", ["before", "behind"])
def test_a_day_counts_its_ticks_also_where_history_stands_for_some_minutes(fetched: str) -> None:
    """History is fetched for the minutes before the first tick, or over minutes with ticks."""
    watched = Watched()
    first = instant(-3600)
    minutes = range(30) if fetched == "before" else range(25, 40)
    bars = [make_bar(60 * n - 3600, 500, ticks=0) for n in minutes]
    hour = make_bar(-3600, 500, ticks=0, interval="1h")
    ticks: list[Tick] = [
        make_tick(100 + n % 5, timestamp=to_text(first + timedelta(minutes=30, seconds=30 * n)))
        for n in range(300)
    ]
    if fetched == "before":
        history(watched, *bars, hour)
    watched.feed(ticks, 30)
    if fetched == "behind":
        history(watched, *bars, hour)
    again = make_tick(130, timestamp=later(ticks[7].timestamp, seconds=1))
    watched.feed([again, ticks[250]], 2)
    state = watched.stores.state.get("AAPL")
    assert state is not None
    day = state.day
    assert day is not None
    assert (day.high, day.low, day.open, day.close, day.ticks) == (130, 100, 100, 104, 301)


def test_expired_bars_are_not_overwritten_by_one_late_tick() -> None:
    watched = Watched()
    ticks = [make_tick(100 + n, 10 * n) for n in range(12)]
    watched.feed([*ticks, make_tick(150, 86400 * 3)], 4)
    for tick in ticks:
        watched.stores.prices.series["AAPL"].remove(tick.timestamp)  # type: ignore[attr-defined]
    before = watched.stores.bars.bars("AAPL", "1m", None, None, limit=9).rows
    watched.feed([make_tick(999, 45)], arrival=later(ARRIVAL, days=31))
    assert watched.stores.bars.bars("AAPL", "1m", None, None, limit=9).rows == before
    day = watched.stores.bars.bars("AAPL", "1d", None, None, limit=9).rows[0]
    assert (day.high, day.ticks) == (111, 12)


def test_a_past_day_is_corrected_though_many_prices_of_the_evening_follow_its_close() -> None:
    watched = Watched()
    close = instant(19_800)  # 21:00Z
    regular = [
        make_tick(100, timestamp=to_text(close - timedelta(minutes=n)), market_state="REGULAR")
        for n in range(40, 0, -1)
    ]
    evening = [
        make_tick(90, timestamp=to_text(close + timedelta(seconds=15 * n)), market_state="POST")
        for n in range(1, 110)
    ]
    watched.feed([*regular, *evening, make_tick(101, 86400 * 3, market_state="REGULAR")], 50)
    late = to_text(close - timedelta(minutes=20, seconds=30))
    watched.feed([make_tick(130, timestamp=late, market_state="REGULAR")])
    day = watched.stores.bars.bars("AAPL", "1d", None, None, limit=9).rows[0]
    assert (day.high, day.low, day.close, day.ticks) == (130, 100, 100, 41)


def test_a_day_counts_the_running_minute_once_between_historical_ones() -> None:
    watched = Watched()
    history(watched, make_bar(60, 101, ticks=0), make_bar(240, 103, ticks=0))
    watched.feed([make_tick(100, 5), make_tick(102, 125), make_tick(101, 7)])
    state = watched.stores.state.get("AAPL")
    assert state is not None
    assert state.day is not None
    assert (state.day.ticks, state.day.close) == (3, 102)
