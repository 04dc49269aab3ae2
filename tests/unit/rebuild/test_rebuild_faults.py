"""A review's faults of rebuild, and of prices that come late or without a volume."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from chalicelib.adapters import events
from rigs.memory_aws.system import SETTINGS
from tests.factories import NEVER, at, kinesis_event, make_rule, payload, sqs_event
from tests.stored_rules import store_rule
from tests.unit.bars.test_repair_faults import CLOSE, DAY, NEXT, OPEN, Containers, bar, tick


def expire(system: Containers, count: int) -> None:
    """Remove the oldest prices."""
    prices = system.aws.tables["prices"]
    for key in sorted(prices.items)[:count]:
        prices.remove(key)


def volumes(system: Containers) -> list[tuple[str, Any]]:
    """Return the volume of each minute in order."""
    return [(one.start[11:16], one.volume) for one in system.bars("1m")]


def test_rebuild_keeps_a_running_day_of_which_ticks_have_expired() -> None:
    system = Containers()
    for minute in range(0, 300, 10):
        system.send(tick(OPEN + 60 * minute, 100 + minute / 10, volume=1000 + minute))
    before = system.bars("1d")
    expire(system, 20)
    system.all[0].rebuild("AAPL")
    assert system.bars("1d") == before
    system.send(tick(NEXT, 50))
    assert (system.bars("1d")[0].low, system.bars("1d")[0].ticks) == (100, 30)


@pytest.mark.parametrize("first", [{}, {"state": "PRE", "volume": 1}], ids=["no volume", "PRE"])
def test_rebuild_keeps_volumes_that_were_differences_to_expired_ticks(first: Any) -> None:
    system = Containers()
    system.send(tick(OPEN + 60, 100, volume=1000))
    system.send(tick(OPEN + 120, 101, **first))
    system.send(tick(OPEN + 180, 102, volume=3000))
    system.send(tick(OPEN + 240, 102, volume=3500))
    system.send(tick(NEXT, 103, volume=5))
    before = volumes(system)
    expire(system, 1)
    assert system.all[0].rebuild("AAPL").bars == 0
    assert volumes(system) == before


@pytest.mark.parametrize("trigger", ["once", "every_time"])
def test_rebuild_keeps_a_rules_alerts_whose_prices_have_expired(trigger: str) -> None:
    system = Containers()
    rule = make_rule("greater_than", rule_id="r", interval="1d", value=50, trigger=trigger)
    store_rule(system.all[0].stores.rules, rule)
    for day in (-4, -3, -2):
        system.send(tick(OPEN + day * DAY, 101))
    alerts = system.all[0].stores.alerts
    before = alerts.by_symbol("AAPL", None, None, limit=9).rows
    assert len(before) == 1
    expire(system, 2)
    system.all[0].rebuild("AAPL")
    system.send(tick(OPEN - DAY, 102))
    system.send(tick(OPEN, 102))
    assert alerts.by_symbol("AAPL", None, None, limit=9).rows == before


def test_a_bar_that_was_judged_is_not_judged_again_when_the_last_price_leaves_the_session() -> None:
    system = Containers()
    store_rule(
        system.all[0].stores.rules, make_rule("greater_than", rule_id="r", interval="1m", value=100)
    )
    for second, price in ((-400, 101), (-300, 102), (-200, 103), (-100, 99)):
        system.send(tick(CLOSE + second, price))
    system.send(tick(CLOSE + 10, 99, "POST"))
    system.send(tick(CLOSE - 100, 99, "POST"))
    system.send(tick(CLOSE + 20, 99, "POST"))
    alerts = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
    assert [row.alert.price for row in alerts] == [101]


@pytest.mark.parametrize("way", ["kinesis", "sqs"])
def test_a_record_that_is_redriven_undoes_no_correction(way: str) -> None:
    make, read = {
        "kinesis": (kinesis_event, events.from_kinesis),
        "sqs": (sqs_event, events.from_sqs),
    }[way]
    system = Containers()
    for price, number, arrival in ((100, 1, 0.0), (105, 2, 60.0), (100, 1, 0.0)):
        event = make([payload(tick(OPEN + 5, price))], number, arrival)
        assert not system.all[0].ingest(read(event), NEVER).failed
        system.detect()
    page = system.all[0].stores.prices.ticks("AAPL", None, None, limit=9)
    assert [stored.tick.price for stored in page.rows] == [105]
    assert [one.close for one in system.bars("1m")] == [105]


def test_a_correction_that_leaves_out_the_volume_changes_the_next_difference() -> None:
    system = Containers()
    for minute, volume in ((1, 100), (2, 500), (3, None), (4, 700), (5, 800)):
        more: dict[str, Any] = {} if volume is None else {"volume": volume}
        system.send(tick(OPEN + 60 * minute, 100, **more))
    system.send(tick(OPEN + 120, 100))
    assert [volume for _, volume in volumes(system)] == [0, None, None, 600, 100]


@pytest.mark.parametrize("count", [70, 130])
def test_volumes_are_found_behind_any_number_of_ticks_without_one(count: int) -> None:
    system = Containers()
    quiet = [tick(OPEN + 60 + n, 100) for n in range(count)]
    system.send(tick(OPEN + 30, 100, volume=1000))
    system.send(quiet)
    system.send(tick(OPEN + 300, 100, volume=3000))
    system.send(tick(OPEN + 30, 101, volume=2000))
    assert volumes(system)[-1] == ("14:35", 1000)
    system.send(tick(OPEN + 301, 101))
    system.send([tick(OPEN + 310 + n / 10, 100) for n in range(count)])
    system.send(tick(OPEN + 305, 100))
    system.send(tick(OPEN + 400, 100, volume=7000))
    assert volumes(system)[-1] == ("14:36", 4000)


def test_history_over_an_hour_of_both_kinds_stops_no_repair() -> None:
    system = Containers()
    system.send(tick(OPEN + 100, 100, "PRE"), tick(OPEN + 200, 101))
    system.send(tick(OPEN + 4000, 102))
    system.ingest(bar(OPEN, 50, "1h"))
    system.detect()
    system.send(tick(OPEN + 110, 90, "PRE"))
    hours = {(one.extended, one.ticks): one.low for one in system.bars("1h")}
    assert hours[True, 2] == 90
    assert hours[False, 0] == 50


@pytest.mark.parametrize("begun", [False, True], ids=["new", "changed"])
def test_rebuild_leaves_a_rule_that_no_price_has_met_for_the_next_one_to_begin(begun: bool) -> None:
    system = Containers()
    if begun:
        system.put_rule(value=500, trigger="once")
    for minute, price in enumerate((99, 101, 99)):
        system.send(tick(OPEN + 60 * minute, price))
    system.put_rule(value=100, trigger="once")
    system.all[0].rebuild("AAPL")
    for second, price in ((0, 99), (60, 102), (120, 99), (180, 102)):
        system.send(tick(NEXT + second, price))
    alerts = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=9).rows
    assert [row.alert.timestamp for row in alerts] == [at(NEXT + 60)]


def test_rebuild_deletes_a_bar_whose_ticks_are_of_the_other_kind_although_both_count_them() -> None:
    system = Containers()
    system.clock = OPEN + 5000
    system.send(tick(OPEN + 5, 100), tick(OPEN + 20, 101), tick(OPEN + 4000, 102))
    before = [system.bars(interval) for interval in ("1m", "1h", "1d")]
    stores = system.all[0].stores
    for stale in (before[0][0], stores.bars.bars("AAPL", "1h", None, None, limit=1).rows[0]):
        stores.bars.put(msgspec.structs.replace(stale, extended=True), at())
    assert system.all[0].rebuild("AAPL").bars == 2
    assert [system.bars(interval) for interval in ("1m", "1h", "1d")] == before


def test_rebuild_keeps_a_minute_of_which_some_prices_may_have_expired() -> None:
    system = Containers()
    system.send(tick(OPEN, 100), tick(OPEN + 5, 90), tick(OPEN + 20, 101), tick(OPEN + 4000, 102))
    before = [system.bars(interval) for interval in ("1m", "1h", "1d")]
    expire(system, 2)
    system.clock = OPEN + SETTINGS.prices_ttl_days * DAY + 60
    assert system.all[0].rebuild("AAPL").bars == 0
    assert [system.bars(interval) for interval in ("1m", "1h", "1d")] == before


@pytest.mark.parametrize("zone", ["America/Toronto", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("hours", [-1, 6, 11, 23])
def test_rebuild_computes_the_day_of_the_session_in_which_it_is_to_start(
    zone: str, hours: int
) -> None:
    system = Containers()
    for second in (0.0, 3600.0 * hours, NEXT, NEXT + 2 * DAY):
        system.send(tick(second, 100, exchange_timezone=zone))
    before = system.bars("1d")
    table = system.aws.tables["bars"]
    for key in [key for key in table.items if key[0] == "AAPL#1d"]:
        table.remove(key)
    start = at(3600.0 * hours)
    system.all[0].rebuild("AAPL", start)
    first = date_in(zone, start)
    assert system.bars("1d") == [bar for bar in before if bar.session_date >= first]


def date_in(zone: str, instant: str) -> str:
    """The local date of an instant."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).date().isoformat()
