"""Merging before the survey: which hours, what is recorded first, and where a run may break off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import msgspec
import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters.lease import CompactionLease
from chalicelib.domain.archive_layout import is_merged
from chalicelib.domain.errors import CompactionError, OutOfTime
from chalicelib.domain.raw_lines import pack_lines
from chalicelib.domain.times import to_text
from chalicelib.services.lake import compact_writing, merge_early
from chalicelib.services.lake.compact import LEASE, Compact, Compacted
from chalicelib.services.lake.compact_writing import Statements
from chalicelib.services.lake.merge import Merged
from chalicelib.services.lake.merge_early import MergeEarly
from chalicelib.services.lake.stores import RawHour, RawObject
from embedded_aws.event_sources.scheduling import scheduled_event
from rigs.memory_aws.system import Aws
from tests.factories import LambdaContext
from tests.lake_world import World
from tests.unit.lake.test_merge import Archive, Crash

NOW = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
MANY = 6


class Hours(Archive):
    """An archive of several hours. `recorded` has the hours that the next survey reads whole."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []

    def merges(self, hour: str, *, again: bool = False) -> bool:
        """See Progress."""
        self.recorded.add(hour)
        return not again

    def merging(self) -> AbstractContextManager[None]:
        """See Progress."""
        return nullcontext()

    def fill(self, hour: int, batches: int) -> None:
        """Batches of a line each, of an hour of the 20th."""
        for number in range(hour * 1000, hour * 1000 + batches):
            at = datetime(2026, 11, 20, hour, tzinfo=UTC)
            line = f'{{"symbol": "A", "timestamp": "{to_text(at)}", "price": {number}}}'
            key = f"raw/date=2026-11-20/hour={hour:02}/shardId-0-{number}-{number}.json.gz"
            self.objects[key] = pack_lines([(line.encode(), at)])

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """See RawObjects."""
        self.asked.append((first, last, before))
        found: dict[str, list[RawObject]] = defaultdict(list)
        for name in self.names("raw/"):
            found[name[21:23]].append(RawObject(name, len(self.objects["raw/" + name])))
        for hour, objects in sorted(found.items()):
            yield RawHour(tuple(objects), (), f"2026-11-20T{hour}")

    def batches(self, hour: int) -> int:
        """Objects of an hour that are not merged."""
        names = [name for name in self.names("raw/") if f"/hour={hour:02}/" in name]
        return sum(not is_merged(name) for name in names)


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Hours:
    """Hours of many batches and of few, up to the hour that is not over."""
    monkeypatch.setattr(merge_early, "MANY", MANY)
    made = Hours()
    for hour, batches in ((12, MANY), (13, MANY - 1), (14, MANY), (15, MANY), (16, MANY)):
        made.fill(hour, batches)
    return made


def gather(archive: Hours, need: Callable[[float], None] = lambda _: None) -> int:
    merged = Merged()
    MergeEarly(archive, cast(Any, archive), need)("2026-11-19", NOW, merged)
    return merged.objects


def test_settled_hours_of_many_batches_are_merged_and_no_other(archive: Hours) -> None:
    lines = archive.lines()
    assert gather(archive) == 2 * MANY
    assert {hour: archive.batches(hour) for hour in range(12, 17)} == {
        12: 0,
        13: MANY - 1,  # few batches: they wait until their day is compacted
        14: 0,
        15: MANY,  # over for half an hour only: some may still arrive
        16: MANY,
    }
    assert archive.lines() == lines
    assert archive.recorded == {"2026-11-20T12", "2026-11-20T14"}
    assert archive.asked == [("2026-11-19", "2026-11-20", to_text(NOW - timedelta(minutes=5)))]
    assert gather(archive) == 0


def test_late_batches_of_a_merged_hour_wait_until_there_are_many(archive: Hours) -> None:
    gather(archive)
    archive.fill(12, 1)  # ingest has a batch again
    archive.recorded.clear()
    lines = archive.lines()
    assert gather(archive) == 0
    assert archive.lines() == lines
    assert not archive.recorded


def test_an_hour_is_recorded_before_its_objects_change_wherever_a_run_breaks_off(
    archive: Hours,
) -> None:
    objects, lines = dict(archive.objects), archive.lines()
    point = steps = 0

    def around() -> None:
        nonlocal steps
        assert archive.lines() == lines
        merged = {f"2026-11-20T{name[21:23]}" for name in archive.names("raw/") if is_merged(name)}
        assert merged <= archive.recorded
        steps += 1
        if steps == point:
            raise Crash

    for one in range(1, 100):
        point, archive.objects, steps = one, dict(objects), 0
        archive.recorded.clear()
        archive.around = around
        try:
            gather(archive)
        except Crash:
            archive.around = lambda: None
            gather(archive)
            assert archive.lines() == lines
            continue
        break
    assert 10 < point < 99


def test_a_run_without_time_goes_on_with_the_hour_that_is_left(archive: Hours) -> None:
    left = [5]

    def need(_: float) -> None:
        left[0] -= 1
        if not left[0]:
            raise OutOfTime("the next run goes on from here")

    with pytest.raises(OutOfTime):
        gather(archive, need)
    assert archive.batches(12) == 0
    assert archive.batches(14) == MANY
    assert gather(archive) == MANY


def test_the_next_survey_reads_an_hour_whole_that_was_merged_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Merged objects count as surveyed, so only the record shows these ticks."""
    world = World(monkeypatch)
    world.arrive("2026-11-20", 3, ("2026-11-20", "A", 1))
    world.run()
    monkeypatch.setattr("tests.lake_world._name", _merged_name)
    world.arrive("2026-11-20", 4, ("2026-11-20", "A", 2), ("2026-11-19", "B", 1))
    Compact(world.lake, lambda: world.now)("2026-11-20", "hand", world.monotonic() + 600)
    assert "2026-11-19" not in world.compacted()
    marked = msgspec.structs.replace(world.marks, unsurveyed=("2026-11-20T04",))
    world.lake.catalog.record(marked)
    world.run()
    assert world.compacted() == world.valid()
    assert world.marks.unsurveyed == ()


class Deadly(Hours):
    """An archive in which the process dies as soon as objects of an hour are read."""

    deadly = 14

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        """See RawObjects."""
        if any(f"/hour={self.deadly:02}/" in name for name in names):
            raise Crash
        return super().read(root, names)


def _deadly(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Deadly]:
    """A lake on the 21st, in whose archive hours 12, 14 and 15 of the 20th have many batches."""
    monkeypatch.setattr(merge_early, "MANY", MANY)
    world, archive = World(monkeypatch), Deadly()
    for hour in (12, 14, 15):
        archive.fill(hour, MANY)
    world.lake = msgspec.structs.replace(world.lake, raw=archive)
    world.arrive("2026-11-20", 3, ("2026-11-20", "A", 1))
    return world, archive


def _gathered(world: World) -> Compacted:
    service = Compact(world.lake, lambda: world.now, sleep=lambda _: None)
    return service.gather("a", world.monotonic() + 600)


def _failed(world: World) -> bool:
    try:
        assert _gathered(world).left
    except CompactionError:
        return True
    return False


def test_an_hour_whose_merging_killed_a_run_comes_last_and_then_not_at_all(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world, archive = _deadly(monkeypatch)
    lines = archive.lines()
    with pytest.raises(Crash):
        _gathered(world)
    assert [archive.batches(hour) for hour in (12, 14, 15)] == [0, MANY, MANY]
    with pytest.raises(Crash):  # at its end: the day is compacted, the boundary has moved
        world.run()
    assert archive.batches(15) == 0
    assert world.compacted() == world.valid()
    assert world.marks.compacted_until == "2026-11-20"
    for _ in range(2):
        caplog.clear()
        assert _gathered(world).merged == 0
        assert "2026-11-20T14 stay as they are: two runs died" in caplog.text
    assert not world.run().left
    assert archive.lines() == lines
    world.now += timedelta(days=31)
    caplog.clear()
    _gathered(world)
    assert "two runs died" not in caplog.text


def test_an_hour_where_a_run_died_for_another_reason_is_merged_by_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world, archive = _deadly(monkeypatch)
    with pytest.raises(Crash):
        _gathered(world)
    assert list(world.marks.merging) == ["2026-11-20T14"]
    archive.deadly = -1
    assert _gathered(world).merged == 2 * MANY
    assert "2026-11-20T14 are merged again: a run died merging them" in caplog.text
    assert world.marks.merging == ()
    assert "2026-11-20T14" in world.marks.unsurveyed


def test_errors_and_the_end_of_time_leave_no_hour_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world, archive = _deadly(monkeypatch)
    for error in (CompactionError("raw/x cannot be deleted"), OutOfTime("no time")):
        with monkeypatch.context() as patch:
            patch.setattr(archive, "delete", Mock(side_effect=error))
            assert _failed(world) == isinstance(error, CompactionError)
        assert world.marks.merging == ()
    archive.deadly = -1
    _gathered(world)
    assert [archive.batches(hour) for hour in (12, 14, 15)] == [0, 0, 0]


def test_an_hour_that_kills_the_merging_behind_compaction_is_recorded_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, archive = _deadly(monkeypatch)
    monkeypatch.setattr(merge_early, "MANY", MANY + 1)
    for deaths in (1, 2):
        with pytest.raises(Crash):
            world.run()
        assert world.marks.merging == ("2026-11-20T14",) * deaths
    world.run()
    assert [archive.batches(hour) for hour in (12, 14, 15)] == [0, MANY, 0]


def _merged_name(where: Any, number: int) -> str:
    return f"date={where.date}/hour={where.first:02d}/merged-{number}-{number}.json.gz"


def test_a_failing_merge_delays_no_day_and_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(monkeypatch)
    world.arrive("2026-11-20", 3, ("2026-11-20", "A", 1))

    def refuse(*_: Any) -> Iterator[RawHour]:
        raise CompactionError("raw/x cannot be deleted")

    monkeypatch.setattr("tests.lake_world._NoRaw.hours", refuse)
    with pytest.raises(CompactionError, match="raw/x cannot be deleted"):
        world.run()
    assert world.compacted() == world.valid()
    assert "raw objects could not be merged" in caplog.text


def test_merging_before_the_survey_takes_a_part_of_a_runs_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(compact_writing, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    statements = Statements(cast(Any, None), lambda _: None, deadline=400.0)
    need = statements.share(1 / 3)
    clock[0] = 170.0
    need(30)
    clock[0] = 171.0
    with pytest.raises(OutOfTime):
        need(30)
    statements.need(30)


@pytest.mark.parametrize(
    ("time", "rule", "called"),
    [
        ("2026-11-20T05:30:00Z", ["arn:aws:events:::rule/compact"], "gather"),
        ("2026-11-20T06:30:00Z", ["arn:aws:events:::rule/compact"], "compact"),
        ("2026-11-20T12:30:00Z", ["arn:aws:events:::rule/compact"], "compact"),
        ("2026-11-20T13:30:00Z", ["arn:aws:events:::rule/compact"], "gather"),
        ("2026-11-20T13:30:00Z", [], "compact"),  # by hand, or on one's own machine
    ],
)
def test_the_schedule_compacts_at_its_hours_and_merges_at_the_others(
    monkeypatch: pytest.MonkeyPatch, time: str, rule: list[str], called: str
) -> None:
    seen: list[str] = []

    class Called:
        def __call__(self, *_: Any) -> Compacted:
            seen.append("compact")
            return Compacted()

        def gather(self, *_: Any) -> Compacted:
            seen.append("gather")
            return Compacted(merged=5)

    services = SimpleNamespace(
        compact=Called(), settings=SimpleNamespace(stage="dev"), clock=lambda: NOW
    )
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    event = scheduled_event(datetime.fromisoformat(time), "us-east-1") | {"resources": rule}
    answer = handlers.compact(event, LambdaContext())
    assert seen == [called]
    assert answer["merged"] == (5 if called == "gather" else 0)


@pytest.mark.parametrize("hour", [5, 6])
def test_an_event_that_is_delivered_twice_is_worked_on_once(
    monkeypatch: pytest.MonkeyPatch, hour: int
) -> None:
    lease = CompactionLease(Aws().dynamodb, "symbols")
    taken: list[bool] = []

    class Leased:
        def __call__(self, _: str | None, owner: str, deadline: float) -> Compacted:
            return self.gather(owner, deadline)

        def gather(self, owner: str, _: float) -> Compacted:
            taken.append(lease.take(owner, NOW, NOW + LEASE))
            return Compacted()

    services = SimpleNamespace(
        compact=Leased(), settings=SimpleNamespace(stage="dev"), clock=lambda: NOW
    )
    monkeypatch.setattr(bootstrap, "get_services", lambda: services)
    event = scheduled_event(datetime(2026, 11, 20, hour, 30, tzinfo=UTC), "us-east-1")
    for _ in range(2):
        handlers.compact(event, LambdaContext("one-and-the-same"))
    assert taken == [True, False]
