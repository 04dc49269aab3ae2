"""What a review broke of repairs: each case as it was found."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.bars import Bar
from tests.factories import NEVER, at, instant, kinesis_event, make_rule, payload, wire
from tests.memory_aws.system import SETTINGS, Aws

NEW_YORK = "America/New_York"
OPEN = -3600.0
"""Seconds from the tests' start to the open of that Friday in New York."""
CLOSE = 19_800.0
NEXT = 3 * 86_400.0


def tick(second: float, price: float, state: str = "REGULAR", **more: Any) -> dict[str, Any]:
    """A replayed tick of New York."""
    return wire(price, second, exchange_timezone=NEW_YORK, market_state=state, **more)


def bar(second: float, price: float, interval: str) -> bytes:
    """A bar of history as it comes over the wire, which does not tell its session."""
    figures = {"open": price, "high": price, "low": price, "volume": 10}
    return payload(wire(price, second, bar=interval, mode="backfill", **figures))


class Containers:
    """Warm containers over one store, which take what is sent one by one."""

    def __init__(self, count: int = 1) -> None:
        self.aws = Aws()
        self.all = [Services(SETTINGS, lambda: instant(10**7), self.aws) for _ in range(count)]
        self._sent = 0
        self._seen = 0

    def send(self, *ticks: dict[str, Any] | list[dict[str, Any]] | bytes, by: int = 0) -> None:
        """Ingest a batch, a list as one packed record, and detect it."""
        self.ingest(*ticks)
        self.detect(by)

    def ingest(self, *ticks: dict[str, Any] | list[dict[str, Any]] | bytes) -> None:
        """Ingest a batch."""
        records = [
            one if isinstance(one, bytes) else payload(*(one if isinstance(one, list) else [one]))
            for one in ticks
        ]
        event = kinesis_event(records, self._sent, arrival=10**6)
        self._sent += len(records)
        done = self.all[0].ingest(events.from_kinesis(event), NEVER)
        assert (done.failed, done.quarantined) == (frozenset(), 0)

    def detect(self, by: int = 0, again: int = 0) -> None:
        """Detect what has changed, and the last `again` changes once more."""
        changes = self.aws.stream[self._seen - again :]
        self._seen = len(self.aws.stream)
        assert not self.all[by].detect(events.triggers({"Records": changes}), "run").failed

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
        rules.put(make_rule("greater_than", rule_id=interval, interval=interval, value=50))
    system.send(tick(CLOSE - 600, 100))
    system.send(tick(CLOSE - 150, 101))
    system.send(tick(CLOSE - 90, 102, "POST"))
    system.send(tick(CLOSE - 150, 101, "POST"))
    system.send(tick(NEXT, 103))
    found = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
    assert {(one.alert.rule_id, one.alert.timestamp) for one in found} >= {("1wk", at(CLOSE - 600))}
