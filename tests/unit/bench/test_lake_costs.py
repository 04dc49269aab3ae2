"""The lake's resources, against manual calculations."""

from __future__ import annotations

import pytest

from costs import lake
from costs.counted import Counted, Tally
from costs.lake import Raw, Requests
from costs.list_prices import prices
from costs.settings import Settings

READS = 2 + 3 * 51 / 24
"""How often statements read an object: two surveys, three statements on 51 hours per 24."""

HOURS = 24 * 30.4


def test_an_hour_has_what_was_counted_for_its_ticks() -> None:
    counted = Counted(
        ticks=1000, archive_bytes=35_000, calls={"ingest_kinesis": {"PutObject": Tally(calls=2)}}
    )
    raw = lake.raw_of(counted, Settings(symbols=5000, interval_seconds=1))
    assert raw == Raw(objects=36_000, bytes=630e6, hours=730)
    assert (raw.merged, raw.is_merged_early) == (630, True)
    assert Raw(objects=999, bytes=20e6, hours=730).is_merged_early is False


def test_statements_get_each_object_of_hours_that_are_not_merged() -> None:
    raw = Raw(objects=36_000, bytes=630e6, hours=HOURS)
    found, merged = (lake.compaction(raw, early=early) for early in (False, True))
    assert found.gets == pytest.approx(HOURS * 36_000 * READS)
    assert merged.gets == pytest.approx(HOURS * 630 * READS)
    looked = 4 * 14 * 30.4 * 16  # 15,120 merged objects a day, by a thousand
    assert found.lists == pytest.approx(HOURS * READS * (36 + 2) + looked)
    assert merged.lists == pytest.approx(HOURS * READS * (1 + 2) + looked)


def test_hours_without_ticks_are_listed_too() -> None:
    silent, busy = (
        lake.compaction(Raw(objects=100, bytes=1e5, hours=hours), early=False)
        for hours in (0, HOURS)
    )
    assert silent.lists == pytest.approx(busy.lists)
    assert (silent.gets, busy.gets) == (0, pytest.approx(HOURS * 100 * READS))


def test_merging_asks_once_for_each_batch_and_twice_for_what_it_puts() -> None:
    found = lake.merging(Raw(objects=36_000, bytes=630e6, hours=HOURS))
    assert (found.gets, found.puts) == pytest.approx((HOURS * 36_630, HOURS * 630))
    assert found.lists == pytest.approx((4 * 30 + 24 * 2) * 30.4 * (16 + 1))


def test_a_report_reads_what_came_since_the_boundary() -> None:
    found = lake.reports(Raw(objects=2000, bytes=1e6, hours=HOURS), 10, early=False)
    assert found.lists == pytest.approx(10 * (84 * (2 + 2) + 30))
    assert found.gets == pytest.approx(10 * (84 * 2000 + 30))


def test_requests_cost_by_their_kind() -> None:
    assert Requests(1e6, 1e6, 1e6).usd(prices()) == pytest.approx(5 + 0.4 + 5)


def test_each_part_is_a_line_and_reports_are_asked_for() -> None:
    counted = Counted(
        ticks=1000, archive_bytes=35_000, calls={"ingest_kinesis": {"PutObject": Tally(calls=2)}}
    )
    load = Settings(symbols=5000, interval_seconds=1, reports=1000)
    found = {line.what: line.usd for line in lake.lines(counted, load, prices())}
    assert sorted(found) == [
        "compaction: LIST and GET requests",
        "compaction: bytes scanned",
        "merging: GB-seconds",
        "merging: LIST, GET and PUT requests",
        "reports: LIST and GET requests",
    ]
    assert found["compaction: LIST and GET requests"] < found["compaction: bytes scanned"] / 5
    without = lake.lines(counted, Settings(symbols=5000, interval_seconds=1), prices())
    assert len(without) == 4


def test_a_whole_processor_merges_an_hour_of_the_largest_load_in_time() -> None:
    raw = Raw(objects=36_000, bytes=630e6, hours=730)
    large = Settings(symbols=5000, interval_seconds=1)
    assert lake.merging_seconds(raw, large, 1769) < 600
    assert lake.merging_seconds(raw, large, 256) > 900
