"""Hours of many batches, merged before compaction reads them: what requests to S3 that
saves, and what readers see meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.domain.archive_layout import is_merged
from chalicelib.domain.raw_lines import unpack
from chalicelib.services.lake import merge_early
from chalicelib.services.lake.compact import Compact
from rigs.emulated import Emulated
from tests.integration.test_compaction import TICKS, Lake, same, wire

BATCHES = 12
HOURS = (14, 15)
DAY = datetime(2026, 11, 18, tzinfo=UTC)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merge hours early at a small number of batches, whatever their time of writing."""
    monkeypatch.setattr(merge_early, "MANY", BATCHES)
    monkeypatch.setattr(merge_early, "OVERLAP", timedelta(days=-3650))


def _filled(emulated: Emulated) -> Lake:
    lake = Lake(emulated)
    for hour in HOURS:
        for minute in range(BATCHES):
            at = DAY + timedelta(hours=hour, minutes=minute)
            ticks = [(at, wire(at, symbol, 100 + minute)) for symbol in ("AAPL", "MSFT")]
            odd = [(at, wire(at, "ODD", "1e2"))] if minute % 5 == 0 else []
            lake.ingest(*ticks, *odd, again=1 if minute % 7 == 0 else 0)
    return lake


def _gather(lake: Lake) -> int:
    service = Compact(lake.stores, lambda: lake.now)
    done = service.gather("test", time.monotonic() + 3600)
    assert not done.left
    return done.merged


def _requests(lake: Lake) -> tuple[int, int]:
    """LISTs and GETs of all statements that ran in the stage."""
    athena = lake.clients.athena
    pages = athena.get_paginator("list_query_executions").paginate(
        WorkGroup=lake.settings.athena_workgroup
    )
    numbers = [number for page in pages for number in page["QueryExecutionIds"]]
    answers = [athena.get_query_execution(QueryExecutionId=number) for number in numbers]
    headers = [answer["ResponseMetadata"]["HTTPHeaders"] for answer in answers]
    lists, gets = (
        sum(int(found[f"x-ticktape-s3-{what}"]) for found in headers) for what in ("lists", "gets")
    )
    return lists, gets


def _objects(lake: Lake) -> list[str]:
    listed = lake.clients.s3.list_objects_v2(Bucket=lake.settings.archive_bucket, Prefix="raw/")
    return [entry["Key"] for entry in listed["Contents"]]


def _lines(lake: Lake) -> set[Any]:
    s3, bucket = lake.clients.s3, lake.settings.archive_bucket
    return {
        line
        for key in _objects(lake)
        for line in unpack(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    }


def test_compaction_gets_few_objects_of_hours_that_were_merged_before(
    emulated: Emulated, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged, unmerged = _filled(emulated), _filled(emulated)
    count = len(_objects(merged))
    assert count >= BATCHES * len(HOURS)
    assert _gather(merged) == count
    assert len(_objects(merged)) == len(HOURS)
    done = merged.compact()
    monkeypatch.setattr(merge_early, "MANY", 10**9)
    wanted = unmerged.compact()
    assert (done.days, done.ticks) == (wanted.days, wanted.ticks)
    assert done.days == ("2026-11-18",)
    ticks = unmerged.ask(TICKS + "ticks")
    assert len(ticks) == done.ticks
    same(merged.ask(TICKS + "ticks"), ticks)
    few, each = _requests(merged), _requests(unmerged)
    assert each[1] >= 5 * count, "both surveys, count, UNLOAD and check read each batch"
    assert few[1] < each[1] / 5, (few, each)
    assert few[0] <= each[0]


class _Watched:
    """Raw objects; after each change a reader looks."""

    def __init__(self, raw: Any, look: Callable[[], None]) -> None:
        self._raw, self._look = raw, look

    def hours(self, *arguments: str) -> Iterator[Any]:
        yield from self._raw.hours(*arguments)

    def read(self, *arguments: Any) -> Any:
        return self._raw.read(*arguments)

    def put(self, *arguments: Any) -> None:
        self._raw.put(*arguments)
        self._look()

    def delete(self, *arguments: Any) -> None:
        self._raw.delete(*arguments)
        self._look()


def test_each_record_is_there_at_every_moment_and_each_tick_once(
    emulated: Emulated, many: None
) -> None:
    lake = _filled(emulated)
    lines, rows = _lines(lake), lake.ask(TICKS + "all_ticks")
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        assert _lines(lake) == lines
        same(lake.ask(TICKS + "all_ticks"), rows)
        if looks == 6:
            raise KeyboardInterrupt  # the process ends in the midst of the second hour

    lake.stores = msgspec.structs.replace(lake.stores, raw=_Watched(lake.stores.raw, look))
    with pytest.raises(KeyboardInterrupt):
        _gather(lake)
    late = DAY + timedelta(hours=14, minutes=5)
    lake.ingest((late, wire(late, "AAPL", 105)), (late, wire(late, "LATE", 7)))
    lines, rows = _lines(lake), lake.ask(TICKS + "all_ticks")
    _gather(lake)
    assert looks > 6
    assert sum(is_merged(key) for key in _objects(lake)) == len(HOURS)
    done = lake.compact()
    assert done.days == ("2026-11-18",)
    same(lake.ask(TICKS + "ticks"), rows)
    assert lake.stores.catalog.marks().unsurveyed == ()


def test_a_reports_lists_are_as_many_as_athena_makes(emulated: Emulated) -> None:
    """In a stage of two days: one compacted, one still read from the raw archive."""
    lake = Lake(emulated)
    for day in (DAY - timedelta(days=2), DAY, DAY + timedelta(days=1)):
        at = day + timedelta(hours=15)
        lake.ingest((at, wire(at, "AAPL", 100)))
    lake.ingest((DAY, b"no tick"))
    lake.compact()
    for name, given in [
        ("price_by_symbol", {"start": "2026-11-01", "end": "2026-12-01"}),
        ("price_by_symbol", {"start": "2026-11-17", "end": "2026-12-01"}),
        ("historical_prices", {"symbol": "AAPL", "start": "2026-11-18", "end": "2026-11-19"}),
        ("quarantined", {"start": "2026-11-10", "end": "2026-11-20"}),
    ]:
        counted, estimated = _lists(lake, name, given)
        assert counted == estimated > 0, (name, given)


def _lists(lake: Lake, name: str, given: dict[str, Any]) -> tuple[int, int]:
    """LIST requests of a report, counted and estimated on the same day."""
    while True:
        today = datetime.now(UTC).date()
        number, _ = lake.services.reports.start(name, given, 0)
        lake.ended(number)
        answer = lake.clients.athena.get_query_execution(QueryExecutionId=number)
        estimated = lake.services.reports.run(number).lists
        if datetime.now(UTC).date() == today:
            return int(answer["ResponseMetadata"]["HTTPHeaders"]["x-ticktape-s3-lists"]), estimated
