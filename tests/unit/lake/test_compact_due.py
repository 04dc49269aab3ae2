"""However many days ticks come for, what is due fits into Glue and the boundary moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from chalicelib.adapters.lake_marks import marks_of, parameters_of
from chalicelib.services.lake import compact_due, compact_run
from chalicelib.services.lake.compact_due import EXACT, MOST_BYTES, bounded, decode, encode
from chalicelib.services.lake.stores import CompactionState
from tests.lake_world import World
from tests.unit.lake.test_compact import DAYS, assert_agrees, assert_bars_agree, assert_done

FIRST = date(1970, 1, 2)
ALL_DAYS = [
    (FIRST + timedelta(days=n)).isoformat() for n in range((date(2026, 11, 16) - FIRST).days)
]


def dates_of(number: int) -> tuple[str, ...]:
    """Another choice of ten dates of arrival for each number."""
    return tuple(
        f"2026-{10 + place // 9}-1{place % 9}" for place in range(10) if number >> place & 1
    )


def test_due_days_fit_into_glue_whatever_arrived() -> None:
    due = {day: dates_of(n) or ("2026-11-17",) for n, day in enumerate(ALL_DAYS)}
    assert sum(map(len, due)) + sum(11 * len(dates) for dates in due.values()) > 512_000
    small = bounded(due)
    assert len(encode(small)) <= MOST_BYTES
    assert small.keys() == due.keys()
    assert all(set(due[day]) <= set(small[day]) for day in due)
    assert all(due[day] == small[day] for day in sorted(due)[-EXACT:])
    assert decode(encode(small)) == small


def test_even_the_newest_days_share_their_dates_where_these_alone_are_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compact_due, "MOST_BYTES", 500)
    small = bounded({day: dates_of(n + 1) for n, day in enumerate(ALL_DAYS[:20])})
    assert len(set(small.values())) == 1
    assert len(encode(small)) <= 500


def test_fitting_marks_keep_their_dates_and_earlier_versions_are_read() -> None:
    due = {"2026-11-18": ("2026-11-18", "2026-11-19"), "2026-11-19": ("2026-11-19",)}
    assert bounded(due) == due
    marks = CompactionState(
        due=due, bars_due={"1d 2026": ("2026-11-19",), "1h 2026-11": ("2026-11-19",)}
    )
    assert marks_of(parameters_of(marks)) == marks
    earlier = '{"2026-11-18":["2026-11-18","2026-11-19"],"2026-11-19":["2026-11-19"]}'
    assert marks_of({"due": earlier}).due == due


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Three finished days, in a world in which each statement takes a second."""
    made = World(monkeypatch)
    for day in DAYS:
        made.arrive(day, 3, (day, "A", 1))
    made.count_seconds(monkeypatch)
    return made


def test_a_tick_on_each_day_since_1970_keeps_no_new_day_waiting(world: World) -> None:
    world.run()
    world.arrive("2026-11-21", 3, ("2026-11-21", "A", 1))
    world.arrive("2026-11-21", 4, *((day, "D", 1) for day in ALL_DAYS))
    world.now += timedelta(days=1)
    done = world.run(seconds=60)
    assert done.left
    assert world.marks.compacted_until == "2026-11-21"
    assert "2026-11-21" in world.tables["bars_1m"]
    late = [day for day in done.days if day in set(ALL_DAYS)]
    assert len(late) >= 300
    assert sorted(late) == ALL_DAYS[-len(late) :], "the newest ones first"
    assert len(world.marks.due or {}) == len(ALL_DAYS) - len(late)


def test_the_first_boundary_moves_on_while_each_day_brings_all_days_again(world: World) -> None:
    reached = ""
    for number in range(3):
        arrival = f"2026-11-{20 + number}"
        world.arrive(arrival, 5, *((day, "D", 1) for day in ALL_DAYS[:1200]))
        assert world.run(seconds=50).left
        assert_agrees(world)
        assert (world.marks.compacted_until or "") > reached
        reached = world.marks.compacted_until or ""
        world.now += timedelta(days=1)


def test_the_boundary_waits_for_bars_that_arrived_on_it_or_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compact_run, "DAYS", 1)
    for point in range(600):
        world = World(monkeypatch)
        for day in DAYS:
            world.arrive(day, 3, (day, "A", 1))
        world.arrive_bars("2026-11-19", 5, ("2026-11-18", "A", 1))
        world.around = breaking(world, point)
        try:
            world.run()
        except Broken:
            world.around = breaking(world, -1)
            world.now += timedelta(minutes=17)
            world.run(owner="b")
        else:
            break
        assert_done(world)
        assert world.marks.bars_due == {}
    assert 100 < point < 599


class Broken(BaseException):
    """The process is gone."""


def breaking(world: World, point: int) -> Callable[[str, str], None]:
    """Readers find everything at each step, and the run ends at one of them."""
    steps = iter(range(10_000))

    def around(when: str, call: str) -> None:
        assert_agrees(world)
        assert_bars_agree(world)
        if next(steps) == point:
            raise Broken

    return around
