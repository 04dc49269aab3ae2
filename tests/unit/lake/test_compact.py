"""Compaction's steps, over a lake in memory: broken off anywhere, side by side, again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest

from chalicelib.domain.errors import CompactionError, FieldError, StatementRefused
from chalicelib.services.lake import compact_months, compact_run
from chalicelib.services.lake.compact_plan import Batch, Day, batches, days_between, last_finished
from chalicelib.services.lake.lake_sql import TABLES, day_ticks
from chalicelib.services.lake.stores import CompactionState
from tests.lake_world import World

DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Three finished days and part of the current one, with redeliveries."""
    made = World(monkeypatch)
    for number, day in enumerate((*DAYS, "2026-11-21")):
        made.arrive(day, 3, (day, "A", 1), (day, "B", 1))
        made.arrive(day, 4, (day, "A", 1), (day, "B", 2), (day, "C", number))
    made.arrive("2026-11-20", 1, ("2026-11-19", "D", 1))
    return made


def assert_agrees(world: World) -> None:
    """A reader finds each tick of each day exactly once."""
    expected = world.valid()
    found = world.read()
    assert {day: set(rows) for day, rows in found.items()} == expected
    assert all(count == 1 for rows in found.values() for count in rows.values())


def assert_done(world: World) -> None:
    """All finished days are compacted, bars in step, nothing is left in between."""
    assert_agrees(world)
    assert world.compacted() == {day: ticks for day, ticks in world.valid().items() if day in DAYS}
    ticks, bars = world.tables["ticks"], world.tables["bars_1m"]
    assert {day: part.run for day, part in bars.items()} == {d: p.run for d, p in ticks.items()}
    assert not any(world.unchecked.values())
    assert world.marks.compacted_until == DAYS[-1]


def test_finished_days_are_compacted_and_the_rest_stays_raw(world: World) -> None:
    assert_agrees(world)
    done = world.run()
    assert done.days == DAYS
    assert done.ticks == 10
    assert_done(world)


def test_a_second_run_finds_nothing_to_do(world: World) -> None:
    world.now += timedelta(hours=1)
    world.run()
    files = set(world.files)
    assert world.run().days == ()
    assert set(world.files) == files


def _calls(world: World) -> list[str]:
    seen: list[str] = []
    world.around = lambda when, call: seen.append(f"{when} {call}")
    world.run()
    world.around = lambda when, call: None
    return seen


def test_a_run_may_break_off_at_any_step(monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(_calls(_fresh(monkeypatch)))
    assert count > 60
    for point in range(count):
        world = _fresh(monkeypatch)
        steps = iter(range(count))

        def around(when: str, call: str, world: World = world, point: int = point) -> None:
            assert_agrees(world)
            if next(steps) == point:  # noqa: B023 - used within this round alone
                raise Crash

        world.around = around
        with pytest.raises(Crash):
            world.run()
        world.around = _always_agreeing(world)
        world.now += timedelta(minutes=17)
        world.run(owner="b")
        assert_done(world)
        world.now += timedelta(days=2)
        world.run(owner="c")
        kept = {part.location for table in TABLES for part in world.tables[table.name].values()}
        assert set(world.files) == kept, "what broken-off runs left is removed"


def _always_agreeing(world: World) -> Callable[[str, str], None]:
    return lambda when, call: assert_agrees(world)


def _fresh(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(monkeypatch)
    for day in (*DAYS, "2026-11-21"):
        made.arrive(day, 3, (day, "A", 1), (day, "B", 1))
        made.arrive(day, 4, (day, "A", 2))
    return made


@pytest.mark.parametrize("lease_holds", [True, False])
def test_two_runs_at_once_do_no_harm(monkeypatch: pytest.MonkeyPatch, lease_holds: bool) -> None:
    count = len(_calls(_fresh(monkeypatch)))
    for point in range(count):
        world = _fresh(monkeypatch)
        world.lease_holds = lease_holds
        _run_beside(world, point)
        assert_agrees(world)
        world.now += timedelta(minutes=20)
        world.around = lambda when, call: None
        assert not world.run(owner="c").busy
        assert_done(world)


def _run_beside(world: World, point: int) -> None:
    """A run, and another from its start to its end at one step of the first."""
    steps = iter(range(10_000))

    def around(when: str, call: str) -> None:
        assert_agrees(world)
        if next(steps) == point:
            world.around = _always_agreeing(world)
            try:
                world.run(owner="b")
            except CompactionError:
                assert not world.lease_holds
            world.around = around

    world.around = around
    try:
        world.run()
    except CompactionError:
        assert not world.lease_holds


def test_while_one_runs_another_says_so(world: World) -> None:
    world.leases["other"] = world.now + timedelta(minutes=5)
    assert world.run().busy
    assert world.files == {}


def test_late_objects_have_their_day_compacted_again(world: World) -> None:
    world.run()
    before = world.compacted()
    world.now += timedelta(days=1)
    late = ("2026-11-18", "LATE", 1)
    world.arrive("2026-11-21", 20, late, ("2026-11-18", "B", 9))
    world.now += timedelta(hours=1)
    done = world.run()
    assert "2026-11-18" in done.days
    assert "2026-11-19" not in done.days
    assert_agrees(world)
    assert world.compacted()["2026-11-18"] == before["2026-11-18"] - {("2026-11-18", "B", 2)} | {
        late,
        ("2026-11-18", "B", 9),
    }
    assert world.tables["ticks"]["2026-11-18"].arrivals == ("2026-11-21",)
    world.run(day="2026-11-18")
    assert_agrees(world)


def test_a_feed_that_stops_before_its_day_is_over_loses_nothing(world: World) -> None:
    world.run()
    world.now += timedelta(days=9)
    assert world.run().days == ("2026-11-21",)
    assert_agrees(world)
    assert world.marks.compacted_until == "2026-11-29"


def test_readers_of_the_old_folder_have_a_day_to_finish(world: World) -> None:
    world.run()
    old = world.tables["ticks"]["2026-11-18"].location
    world.now += timedelta(days=9)
    world.run(day="2026-11-18")
    assert old in world.files
    world.now += timedelta(hours=23)
    world.run(day="2026-11-19")
    assert old in world.files
    world.now += timedelta(hours=2)
    world.run(day="2026-11-19")
    assert old not in world.files


def test_expired_raw_data_stays_in_parquet(world: World) -> None:
    world.run()
    kept = world.compacted()["2026-11-18"]
    world.raw = [entry for entry in world.raw if entry[0].date != "2026-11-18"]
    world.now += timedelta(days=60)
    world.arrive("2027-01-20", 5, ("2026-11-18", "LATE", 1))
    world.run()
    assert world.compacted()["2026-11-18"] == kept | {("2026-11-18", "LATE", 1)}


def test_without_time_the_next_run_goes_on(world: World) -> None:
    assert world.run(seconds=1).left
    assert_agrees(world)
    assert world.marks.compacted_until is None
    world.run()
    assert_done(world)


def test_a_long_history_is_compacted_run_by_run_and_each_day_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, days = World(monkeypatch), _two_thousand_days()
    for first in range(0, len(days), 50):
        world.arrive("2026-11-20", 3, *((day, "A", 1) for day in days[first : first + 50]))
    world.count_seconds(monkeypatch)
    runs = [world.run(seconds=60)]
    while runs[-1].left:
        assert len(runs) < 10
        runs.append(world.run(seconds=60))
    assert len(runs) > 2
    assert [day for run in runs for day in run.days] == days
    assert set(world.tables["bars_1m"]) == set(days)
    world.around = lambda when, call: None
    assert world.run().days == ()
    assert world.marks.compacted_until == DAYS[-1]


def _two_thousand_days() -> list[str]:
    first = date(2020, 1, 1)
    return [(first + timedelta(days=number)).isoformat() for number in range(2000)]


def _history(world: World, *days: str) -> None:
    world.arrive("2026-11-20", 4, *((day, "H", 1) for day in days))


def test_small_months_are_copied_and_read_in_place_of_their_days(world: World) -> None:
    _history(world, "2025-01-30", "2025-01-31", "2025-02-28", "2025-03-01", "2025-03-02")
    world.run()
    assert_agrees(world)
    assert world.marks.months == ("2025-01", "2025-03")
    copies = world.tables["ticks_by_month"]
    assert {month: part.rows for month, part in copies.items()} == {"2025-01": 2, "2025-03": 2}
    assert {"2025-01-30", "2025-02-28"} < set(world.compacted())
    world.around = _always_agreeing(world)
    world.now += timedelta(days=1)
    world.arrive("2026-11-21", 7, ("2025-01-31", "LATE", 1))
    world.around = lambda when, call: None
    assert set(world.run().days) == {"2025-01-31", "2026-11-21"}
    assert world.tables["ticks_by_month"]["2025-01"].rows == 3
    assert world.tables["ticks_by_month"]["2025-03"] == copies["2025-03"]
    assert_agrees(world)


def test_a_month_that_grows_large_is_read_by_its_days_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _history(world, "2025-01-30", "2025-01-31")
    world.run()
    monkeypatch.setattr(compact_months, "MONTH_TICKS", 2)
    world.now += timedelta(days=1)
    world.arrive("2026-11-21", 7, ("2025-01-31", "LATE", 1))
    world.run()
    assert world.marks.months == ()
    assert_agrees(world)
    assert set(world.tables["ticks_by_month"]) == {"2025-01"}, "running queries may still read it"
    world.now += timedelta(days=3)
    world.run()
    assert world.tables["ticks_by_month"] == {}
    assert not [folder for folder in world.files if "ticks_by_month" in folder]


def test_a_run_over_small_months_may_break_off_at_any_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for point in range(400):
        world = World(monkeypatch)
        _history(world, "2025-01-30", "2025-01-31", "2025-03-01", "2025-03-02")
        steps = iter(range(1000))

        def around(when: str, call: str, world: World = world, point: int = point) -> None:
            assert_agrees(world)
            if next(steps) == point:  # noqa: B023 - used within this round alone
                raise Crash

        world.around = around
        try:
            world.run()
        except Crash:
            world.around = _always_agreeing(world)
            world.now += timedelta(minutes=17)
            world.run(owner="b")
        else:
            break
        assert world.marks.months == ("2025-01", "2025-03")
        assert world.marks.due == {}
    assert 100 < point < 399


def assert_bars_agree(world: World) -> None:
    """A reader finds the latest copy of each bar exactly once."""
    assert world.read_bars() == world.valid_bars()


def _of_bars(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(monkeypatch)
    world.arrive_bars("2026-11-20", 5, ("2024-05-01", "A", 3), ("2025-05-01", "A", 1))
    world.arrive_bars("2026-11-20", 5, ("2024-05-01", "A", 2), ("2025-05-01", "B", 4))
    return world


def test_historical_bars_are_compacted_the_latest_copy_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _of_bars(monkeypatch)
    assert_bars_agree(world)
    world.run()
    assert_bars_agree(world)
    parts = world.tables["history_1d"]
    assert {period: part.rows for period, part in parts.items()} == {"2024": 1, "2025": 2}
    world.now += timedelta(days=1)
    world.arrive_bars("2026-11-20", 5, ("2025-05-01", "B", 9), ("2025-05-02", "B", 5))
    world.raw[2] = (world.raw[2][0], world.now, ())
    world.run()
    assert world.tables["history_1d"]["2024"] == parts["2024"]
    assert world.tables["history_1d"]["2025"].rows == 3
    assert_bars_agree(world)
    assert world.marks.bars_due == {}


def test_a_run_over_bars_may_break_off_at_any_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for point in range(200):
        world = _of_bars(monkeypatch)
        steps = iter(range(1000))

        def around(when: str, call: str, world: World = world, point: int = point) -> None:
            assert_bars_agree(world)
            if next(steps) == point:  # noqa: B023 - used within this round alone
                raise Crash

        world.around = around
        try:
            world.run()
        except Crash:
            world.around = lambda when, call: None
            world.now += timedelta(minutes=17)
            world.run(owner="b")
        else:
            break
        assert_bars_agree(world)
        assert world.marks.bars_due == {}
    assert 40 < point < 199


def test_bars_that_an_older_version_passed_over_are_compacted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = _of_bars(monkeypatch)
    world.run()
    world.tables["history_1d"].clear()
    world.marks = msgspec.structs.replace(world.marks, bars_due=None)
    world.run()
    assert set(world.tables["history_1d"]) == {"2024", "2025"}
    assert_bars_agree(world)


def test_a_day_stays_as_it_is_when_other_days_get_new_objects_in_its_hour(world: World) -> None:
    world.now += timedelta(days=1)
    history = [f"2025-01-{day:02d}" for day in range(1, 29)]
    world.arrive("2026-11-21", 5, *((day, "H", 1) for day in history))
    assert set(history) < set(world.run().days)
    world.arrive("2026-11-21", 5, ("2026-11-21", "LIVE", 1))
    assert world.run().days == ("2026-11-21",)
    assert world.run().days == ()
    assert_agrees(world)


def test_an_object_that_is_listed_late_is_still_found(world: World) -> None:
    world.run()
    world.arrive("2026-11-21", 4, ("2026-11-19", "LATE", 1))  # as old as the newest one surveyed
    assert world.run().days == ("2026-11-19",)
    assert_agrees(world)


def test_marks_of_a_version_without_due_days_lose_no_day(world: World) -> None:
    world.run()
    world.marks = CompactionState(world.marks.compacted_until, world.marks.surveyed_until)
    world.now += timedelta(days=1)
    assert "2026-11-21" in world.run().days
    assert_agrees(world)


def test_a_day_that_fails_stops_no_other_and_moves_no_boundary(world: World) -> None:
    def spoil(when: str, call: str) -> None:
        if (when, call) == ("after", "_Catalog.stage"):
            for (_, day), folder in world.unchecked["ticks"].items():
                if day == "2026-11-19" and len(world.files[folder][0]) > 1:
                    world.files[folder][0].pop()

    world.around = spoil
    with pytest.raises(CompactionError, match="2026-11-19: 1 rows"):
        world.run()
    assert_agrees(world)
    assert world.marks.compacted_until is None
    world.around = lambda when, call: None
    world.run()
    assert_done(world)


def test_a_statement_that_is_not_started_fails_its_own_days_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compact_run, "DAYS", 1)
    for point in range(len(_started(_with_bars(monkeypatch)))):
        world = _with_bars(monkeypatch)
        refused = _refuse(world, point)
        with pytest.raises(CompactionError, match="nothing was started") as failed:
            world.run()
        named = [day for day in DAYS if f"of {day}: " in str(failed.value)]
        _assert_others_done(world, refused[-1], named)
        world.around = _always_agreeing(world)
        world.run()
        assert_done(world)
        assert world.tables["history_1d"].keys() == {"2026"}


def _with_bars(monkeypatch: pytest.MonkeyPatch) -> World:
    made = _fresh(monkeypatch)
    made.arrive_bars("2026-11-20", 5, ("2026-11-18", "A", 1))
    return made


def _started(world: World) -> list[str]:
    return [call for call in _calls(world) if call.startswith("before _Engine.start")]


def _refuse(world: World, point: int) -> list[str]:
    """Have one statement of the next run refused, by its number; the statements up to that one."""
    seen: list[str] = []

    def around(when: str, call: str) -> None:
        assert_agrees(world)
        if when == "before" and call.startswith("_Engine.start") and len(seen) <= point:
            seen.append(call)
            if len(seen) > point:
                raise StatementRefused("nothing was started: too long")

    world.around = around
    return seen


def _assert_others_done(world: World, refused: str, named: list[str]) -> None:
    ticks, bars, history = (world.tables[name] for name in ("ticks", "bars_1m", "history_1d"))
    not_done = set(DAYS) - ticks.keys()
    assert all(day > (world.marks.compacted_until or "") for day in not_done)
    if "survey" in refused:
        assert not ticks
    elif named:
        assert bars.keys() == set(DAYS) - set(named)
        assert history.keys() == {"2026"}
    else:
        assert (ticks.keys(), bars.keys(), history) == (set(DAYS), set(DAYS), {})


def test_due_days_are_compacted_although_a_survey_fails(world: World) -> None:
    world.around = _refusing("measure")
    with pytest.raises(CompactionError, match="2026-11-18 to 2026-11-20"):
        world.run()
    world.arrive("2026-11-21", 5, ("2026-11-20", "LATE", 1))
    world.now += timedelta(hours=2)
    world.around = _refusing("survey")
    with pytest.raises(CompactionError, match="the survey"):
        world.run()
    assert world.tables["bars_1m"].keys() == set(DAYS)
    assert world.marks.compacted_until is None
    world.around = _always_agreeing(world)
    world.run()
    assert_done(world)


def _refusing(statement: str) -> Callable[[str, str], None]:
    def around(when: str, call: str) -> None:
        if (when, call) == ("before", f"_Engine.start:{statement}"):
            raise StatementRefused("nothing was started")

    return around


@pytest.mark.parametrize("day", ["2026-11-21", "2027-01-01", "yesterday", ""])
def test_a_day_that_is_not_over_is_refused_by_name(world: World, day: str) -> None:
    with pytest.raises(FieldError, match=r"date: .*2026-11-20"):
        world.run(day=day)


def test_a_day_is_over_when_new_york_is() -> None:
    made = "2026-11-20"
    assert days_between("2026-11-18", made) == ["2026-11-19", "2026-11-20"]
    assert days_between(made, made) == []


def test_an_unload_writes_at_most_a_hundred_folders() -> None:
    days = [Day(f"2026-10-{n:02d}", symbols, ("UTC",), symbols * 1000) for n, symbols in enumerate(
        [25, 25, 25, 25, 25, 100, 101, 5000, 1], 1)]  # fmt: skip
    made = list(batches(days))
    assert [[day.symbols for day in batch.days] for batch in made] == [
        [25, 25, 25, 25],
        [25],
        [100],
        [101, 5000],
        [1],
    ]
    sparse = list(batches(Day(f"day {n:03d}", 25, (), 24_999) for n in range(150)))
    assert [(len(batch.days), batch.by_symbol) for batch in sparse] == [(100, False), (50, False)]
    assert [batch.by_symbol for batch in made] == [True, True, True, False, True]
    assert isinstance(made[0], Batch)
    many = list(batches(Day(f"day {n:03d}", 1000, (), 10**6) for n in range(250)))
    assert [len(batch.days) for batch in many] == [100, 100, 50]


@pytest.mark.parametrize("day", ["2026-11-20'; DROP", "2026-11", "20261120"])
def test_nothing_but_a_date_gets_into_a_statement(day: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        day_ticks([day], [])


def test_the_last_finished_day_follows_the_clock(world: World) -> None:
    early = world.now.replace(hour=5, minute=59)
    assert (last_finished(early), last_finished(world.now)) == ("2026-11-19", "2026-11-20")
