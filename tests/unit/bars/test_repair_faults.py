"""A review's faults of repairs, one test for each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from chalicelib.services.bars import repair_reading
from chalicelib.services.market_data.queries import PriceQuery
from chalicelib.services.market_data.series import Series
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, at, instant, kinesis_event, make_rule, payload, wire
from tests.stored_rules import store_rule

NEW_YORK = "America/New_York"
OPEN = -3600.0
"""Seconds from the tests' start to the open of that Friday in New York."""
CLOSE = 19_800.0
DAY = 86_400.0
NEXT = 3 * DAY


def tick(second: float, price: float, state: str = "REGULAR", **more: Any) -> dict[str, Any]:
    """A replayed tick of New York."""
    given = {"exchange_timezone": NEW_YORK, "market_state": state, **more}
    return wire(price, second, **given)


def bar(second: float, price: float, interval: str) -> bytes:
    """A bar of history as it comes over the wire, which does not tell its session."""
    figures = {"open": price, "high": price, "low": price, "volume": 10}
    return payload(wire(price, second, bar=interval, mode="backfill", **figures))


class Containers:
    """Warm containers over one store, which take what is sent one by one."""

    def __init__(self, count: int = 1) -> None:
        self.aws = Aws()
        self.clock = 10.0**7
        self.all = [self.restarted() for _ in range(count)]
        self._sent = 0
        self._seen = 0

    def restarted(self) -> Services:
        """Return services that have read nothing yet."""
        return Services(SETTINGS, lambda: instant(self.clock), self.aws)

    def put_rule(self, condition: str = "crossing_up", **fields: Any) -> None:
        """Put the rule r, which every container learns by restarting."""
        store_rule(self.all[0].stores.rules, make_rule(condition, rule_id="r", **fields))
        self.all = [self.restarted() for _ in self.all]

    def send(self, *ticks: dict[str, Any] | list[dict[str, Any]] | bytes, by: int = 0) -> None:
        """Ingest a batch, a list as one packed record, and detect it."""
        self.ingest(*ticks)
        self.detect(by)

    def ingest(
        self, *ticks: dict[str, Any] | list[dict[str, Any]] | bytes, arrival: float = 10.0**6
    ) -> None:
        """Ingest a batch."""
        records = [
            one if isinstance(one, bytes) else payload(*(one if isinstance(one, list) else [one]))
            for one in ticks
        ]
        event = kinesis_event(records, self._sent, arrival)
        self._sent += len(records)
        done = self.all[0].ingest(events.from_kinesis(event), NEVER)
        assert (done.failed, done.quarantined) == (frozenset(), 0)

    def detect(self, by: int = 0, again: int = 0) -> None:
        """Detect what has changed, and the last `again` changes once more."""
        changes = self.aws.stream[self._seen - again :]
        self._seen = len(self.aws.stream)
        assert not self.all[by].detect(events.changed_prices({"Records": changes})).failed

    def bars(self, interval: str) -> list[Bar]:
        """Stored and running bars of 1m and 1d."""
        stores = self.all[0].stores
        state = stores.state.get("AAPL")
        assert state is not None
        page = stores.bars.bars("AAPL", interval, None, None, limit=1000, consistent=True)
        return [*page.rows, *state.running(interval)]


def test_parts_of_a_stored_record_overwrite_none_under_their_own_keys() -> None:
    system = Containers()
    x, y, b, k = (tick(second, 100 + second) for second in (1, 2, 3, 4))
    system.send([x, y, b])
    system.send([b, k])
    system.send({**k, "market_state": "POST"})
    page = system.all[0].stores.prices.ticks("AAPL", None, None, limit=10)
    assert [stored.tick.timestamp for stored in page.rows] == [at(n) for n in (1, 2, 3, 4)]
    assert [(one.ticks, one.extended) for one in system.bars("1m")] == [(3, False), (1, True)]


@pytest.mark.parametrize("interval", ["1h", "1m"])
def test_a_day_stays_when_history_comes_over_its_hours_or_minutes(interval: str) -> None:
    system = Containers()
    for hour in range(7):
        system.send(tick(OPEN + 3600 * hour + 900, 110 + hour))
    system.send(tick(CLOSE + 600, 130, "POST"))
    before = system.bars("1d")
    starts = range(7) if interval == "1h" else [hour + 0.25 for hour in range(7)]
    system.ingest(*(bar(OPEN + 3600 * start, 100, interval) for start in starts))
    system.detect(again=1)
    assert system.bars("1d") == before
    system.send(tick(NEXT, 131))
    first = system.bars("1d")[0]
    assert (first.low, first.high, first.ticks) == (110, 116, 7)


def test_minutes_of_history_within_an_hour_hide_no_ticks_from_the_day() -> None:
    system = Containers()
    for minute in range(0, 130, 5):
        system.send(tick(OPEN + 60 * minute + 20, 100 + minute))
        if minute == 25:
            system.ingest(*(bar(OPEN + 60 * past, 50, "1m") for past in range(27)))
            system.detect()
    before = system.bars("1d")
    system.detect(again=1)
    assert system.bars("1d") == before
    assert (before[0].low, before[0].ticks) == (100, 26)


def test_a_container_that_is_behind_leaves_no_bar_of_the_former_kind() -> None:
    system = Containers(2)
    system.send(tick(CLOSE - 3600, 101))
    system.send(tick(CLOSE - 200, 101, "POST"), by=1)
    system.send(tick(CLOSE - 100, 99), by=1)
    system.send(tick(CLOSE - 200, 99), tick(CLOSE - 40, 99))
    system.send(tick(CLOSE - 10, 99))
    assert [one.extended for one in system.bars("1m")] == [False] * 4
    hours = system.all[0].stores.bars.bars("AAPL", "1h", None, None, limit=9).rows
    assert [one.extended for one in hours] == [False]


def test_a_regular_tick_that_comes_behind_the_first_quotes_begins_the_running_day() -> None:
    system = Containers()
    system.send(tick(OPEN + 5, 100, "PRE"))
    system.send(tick(OPEN + 2, 90))
    for minute in (1, 2, 3):
        system.send(tick(OPEN + 60 * minute, 104 + minute))
    (day,) = system.bars("1d")
    assert (day.open, day.high, day.low, day.close, day.ticks) == (90, 107, 90, 107, 4)


def test_bars_close_though_the_last_regular_tick_became_an_extended_one() -> None:
    system = Containers()
    rules = system.all[0].stores.rules
    for interval in ("1h", "1wk"):
        store_rule(rules, make_rule("greater_than", rule_id=interval, interval=interval, value=50))
    system.send(tick(CLOSE - 600, 100))
    system.send(tick(CLOSE - 150, 101))
    system.send(tick(CLOSE - 90, 102, "POST"))
    system.send(tick(CLOSE - 150, 101, "POST"))
    system.send(tick(NEXT, 103))
    found = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
    assert {(one.alert.rule_id, one.alert.timestamp) for one in found} >= {("1wk", at(CLOSE - 600))}


def test_rebuild_leaves_no_bar_of_a_former_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Containers()
    for day in (0.0, NEXT):
        for second in range(300, 4200, 60):
            system.send(tick(day + OPEN + second, 100 + second % 7))
    system.send(tick(NEXT + CLOSE - 60, 109))
    monkeypatch.setattr(repair_reading, "MOST_TICKS", 30)
    again = [tick(NEXT + OPEN + second, 90, "PRE") for second in range(300, 4200, 60)]
    system.send(*again, tick(NEXT + CLOSE - 60, 109, "PRE"))
    system.send(tick(NEXT + 86_400, 111))
    assert sum(one.extended for one in system.bars("1m")) == 1, "the others are left to rebuild"
    rebuilt = system.all[0].rebuild("AAPL")
    assert rebuilt.ticks == 2 * 65 + 2
    kinds = {(one.start[:10], one.extended) for one in [*system.bars("1m"), *system.bars("1h")]}
    assert kinds == {("2026-11-20", False), ("2026-11-23", True), ("2026-11-24", False)}
    assert [one.session_date for one in system.bars("1d")] == ["2026-11-20", "2026-11-24"]
    assert system.all[0].rebuild("AAPL").bars == 0


def test_rebuild_keeps_what_was_made_of_expired_ticks_of_the_first_session() -> None:
    system = Containers()
    for second in range(0, 4200, 60):
        system.send(tick(OPEN + second, 100 + second % 7))
    system.send(tick(OPEN + 4300, 104, "POST"), tick(NEXT, 111))
    before = [system.bars(interval) for interval in ("1m", "1h", "1d")]
    prices = system.aws.tables["prices"]
    for key in sorted(prices.items)[:65]:
        prices.remove(key)
    assert system.all[0].rebuild("AAPL").bars == 0
    assert [system.bars(interval) for interval in ("1m", "1h", "1d")] == before


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("is_over", [False, True])
def test_extended_bars_beside_history_are_shown_on_no_page(descending: bool, is_over: bool) -> None:
    system = Containers()
    starts = (OPEN, OPEN + 60, OPEN + 120)
    system.ingest(*(bar(start, 100, "1m") for start in starts))
    for start in starts:
        system.send(tick(start + 3, 99, "PRE"))
    if is_over:
        system.send(tick(OPEN + 200, 101))
    for size in (1, 2, 10):
        rows = pages(system, size, descending)
        assert [one.extended for one in rows] == [False] * (3 + is_over), size
        assert [one.start for one in rows] == sorted(
            (one.start for one in rows), reverse=descending
        )


def pages(system: Containers, size: int, descending: bool) -> list[Bar]:
    """All minutes, read a page at a time."""
    reader = Series(system.all[0].stores)
    known = reader.known("AAPL")
    query = PriceQuery(symbol="AAPL", interval="1m", limit=size, descending=descending)
    found: list[Bar] = []
    while True:
        page = reader.bars(query, known)
        found += page.rows
        if page.cursor is None:
            return found
        query = msgspec.structs.replace(query, cursor=page.cursor)


def test_a_close_that_comes_behind_the_first_quote_after_hours_is_the_one_before_the_next() -> None:
    ticks = [
        tick(CLOSE - 10 - 86_400, 99),
        tick(CLOSE + 10 - 86_400, 99.5, "POST"),
        tick(CLOSE + 20 - 86_400, 101),
        tick(CLOSE - 10, 102),
        tick(CLOSE + 10, 102, "POST"),
    ]
    for size in (1, 2, 5):
        system = Containers()
        store_rule(
            system.all[0].stores.rules, make_rule("crossing", rule_id="r", interval="1d", value=100)
        )
        for at_ in range(0, len(ticks), size):
            system.send(*ticks[at_ : at_ + size])
        alerts = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
        assert alerts == (), size


def test_an_hour_of_historical_minutes_is_not_history_itself() -> None:
    system = Containers()
    system.send(tick(OPEN + 3, 100))
    system.ingest(bar(OPEN, 100, "1m"), bar(OPEN + 60, 101, "1m"))
    system.send(tick(OPEN + 3700, 102))
    system.send(tick(OPEN + 600, 150))
    (first, *_) = system.bars("1h")
    assert (first.high, first.ticks) == (150, 1)


def test_a_late_tick_leaves_an_hour_and_a_day_whose_minutes_have_expired() -> None:
    system = Containers()
    system.send(tick(OPEN - 90 * 86_400, 100), tick(OPEN - 90 * 86_400 + 70, 120))
    system.send(tick(OPEN, 100))
    for table in ("prices", "bars"):
        items = system.aws.tables[table]
        for key in [key for key in items.items if key[1] < at(-80 * 86_400)]:
            if key[0] in ("AAPL", "AAPL#1m"):
                items.remove(key)
    before = [system.bars("1h"), system.bars("1d")]
    system.send(tick(OPEN - 90 * 86_400 + 30, 90))
    assert [system.bars("1h"), system.bars("1d")] == before


def test_a_batch_of_history_that_is_redriven_undoes_no_newer_history() -> None:
    system = Containers()
    for price, arrival in ((100, 0.0), (50, 60.0), (100, 0.0)):
        event = kinesis_event([bar(OPEN - 52_200 - 7 * DAY, price, "1d")], 1, arrival)
        system.all[0].ingest(events.from_kinesis(event), NEVER)
    stored = system.all[0].stores.bars.bars("AAPL", "1d", None, None, limit=9).rows
    assert [one.close for one in stored] == [50]


def test_a_tick_without_a_volume_that_comes_again_takes_none_from_the_next() -> None:
    system = Containers()
    for minute, volume in ((1, 1000), (2, None), (3, None), (4, 1500)):
        system.send(tick(OPEN + 60 * minute, 100, volume=volume))
    system.send(tick(NEXT, 100))
    before = system.bars("1m")
    assert before[3].volume == 500
    again = system.aws.stream[2:3]
    assert not system.all[0].detect(events.changed_prices({"Records": again})).failed
    assert system.bars("1m") == before


@pytest.mark.parametrize("late", [0.0, 5.0], ids=["again", "late"])
def test_running_bars_of_an_idle_symbol_stay_when_their_ticks_have_expired(late: float) -> None:
    system = Containers()
    for second, price in ((0, 100), (10, 120), (20, 90), (30, 101)):
        system.send(tick(OPEN + second, price))
    before = [system.bars(interval) for interval in ("1m", "1d")]
    prices = system.aws.tables["prices"]
    for key in sorted(prices.items)[:3]:
        prices.remove(key)
    system.ingest(tick(OPEN + 30 - late, 101), arrival=40 * DAY)
    system.detect()
    assert [system.bars(interval) for interval in ("1m", "1d")] == before


@pytest.mark.parametrize("gone", [(2,), (2, 3)], ids=["some", "all"])
def test_a_running_day_stays_when_ticks_that_history_hides_have_expired_before_others(
    gone: tuple[int, ...],
) -> None:
    system = Containers()
    for second, price in ((0, 100), (10, 120), (65, 90), (70, 101), (125, 105), (130, 104)):
        system.send(tick(OPEN + second, price))
    system.ingest(bar(OPEN + 60, 101, "1m"))
    before = system.bars("1d")
    prices = system.aws.tables["prices"]
    stored = sorted(prices.items)
    for key in [stored[place] for place in gone]:
        prices.remove(key)
    system.ingest(tick(OPEN + 130, 104), arrival=40 * DAY)
    system.detect()
    assert system.bars("1d") == before
