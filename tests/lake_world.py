"""A lake in memory: statements are data, tables are dictionaries, and tests watch every call."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from chalicelib.adapters.lake_marks import marks_of, parameters_of
from chalicelib.adapters.raw_survey import Survey
from chalicelib.domain.times import to_text
from chalicelib.services.lake import (
    compact_months,
    compact_progress,
    compact_run,
    compact_writing,
)
from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.compact import Compact, Compacted
from chalicelib.services.lake.lake_sql import TABLES, Table
from chalicelib.services.lake.stores import (
    Changed,
    CompactedPeriod,
    CompactionState,
    LakeStores,
    RawHour,
)
from chalicelib.services.query_engine import QueryRows, QueryStatus, QueryValue

Tick = tuple[str, str, int]
"""Trading day, symbol and number. If two ticks share an identity, the higher number is later."""


class Statements:
    """Replaces lake_sql: each statement is JSON that says what it requests."""

    def __getattr__(self, name: str) -> Callable[..., str]:
        def said(*arguments: Any, **_: Any) -> str:
            plain = [list(a) if isinstance(a, tuple | list) else a for a in arguments]
            return json.dumps([name, *plain], default=_plain)

        return said


def _plain(value: Any) -> Any:
    if isinstance(value, Table):
        return value.name
    if isinstance(value, ArrivalHours):
        return [value.date, value.first, value.last]
    return list(value)


class World:
    """The data that compaction and its readers see. `around` is called before and after calls."""

    def __init__(self, monkeypatch: Any) -> None:
        for module in (compact_run, compact_months, compact_progress, compact_writing):
            monkeypatch.setattr(module, "lake_sql", Statements())
        self.now = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
        self.raw: list[tuple[ArrivalHours, datetime, tuple[Tick, ...]]] = []
        self.bars: dict[int, tuple[Tick, ...]] = {}
        self.files: dict[str, tuple[list[Any], datetime]] = {}
        self.tables: dict[str, dict[str, CompactedPeriod]] = {table.name: {} for table in TABLES}
        self.unchecked: dict[str, dict[tuple[str, str], str]] = {t.name: {} for t in TABLES}
        self.marks = CompactionState()
        self.leases: dict[str, datetime] = {}
        self.lease_holds = True
        self.monotonic: Callable[[], float] = time.monotonic
        self.around: Callable[[str, str], None] = lambda when, call: None
        self.results: dict[str, list[tuple[str, ...]]] = {}
        self.lake = LakeStores(*(_Watched(self, part) for part in (
            _Engine(self), _Catalog(self), _Objects(self), _Lease(self), _NoRaw())))  # fmt: skip

    def count_seconds(self, monkeypatch: Any) -> None:
        """Let each statement take a second from now on, and everything else no time."""
        clock = [0.0]
        self.monotonic = lambda: clock[0]
        monkeypatch.setattr(compact_writing, "time", SimpleNamespace(monotonic=self.monotonic))

        def around(when: str, call: str) -> None:
            clock[0] += 1 if when == "before" and call.startswith("_Engine.start") else 0

        self.around = around

    def arrive(self, arrived: str, hour: int, *ticks: Tick) -> None:
        """Add a raw object of ticks, written at half past an hour."""
        written = datetime.fromisoformat(f"{arrived}T{hour:02d}:30:00+00:00")
        self.raw.append((ArrivalHours(arrived, hour, hour), written, ticks))

    def arrive_bars(self, arrived: str, hour: int, *bars: Tick) -> None:
        """Add a raw object of daily bars."""
        self.bars[len(self.raw)] = bars
        self.arrive(arrived, hour)

    def valid_bars(self, arrived: Iterable[Sequence[Any]] | None = None) -> set[Tick]:
        """Return each daily bar once, of all that arrived or of some partitions."""
        wanted = None if arrived is None else [tuple(one) for one in arrived]
        return _latest(
            bar
            for number, bars in self.bars.items()
            if wanted is None or any(_within(self.raw[number][0], one) for one in wanted)
            for bar in bars
        )

    def read_bars(self) -> set[Tick]:
        """Return the bars that a reader of bars_1d gets now."""
        until = self.marks.compacted_until or ""
        newer = [
            bar for n, bars in self.bars.items() if self.raw[n][0].date >= until for bar in bars
        ]
        parts = self.tables["history_1d"].values()
        return _latest([*newer, *(row for p in parts for row in self.files[p.location][0])])

    def run(self, day: str | None = None, owner: str = "a", seconds: float = 600.0) -> Compacted:
        """Run compaction once."""
        service = Compact(self.lake, lambda: self.now, sleep=lambda _: None)
        return service(day, owner, self.monotonic() + seconds)

    def valid(self, arrived: Iterable[Sequence[Any]] | None = None) -> dict[str, set[Tick]]:
        """Return each tick once, by day, of all that arrived or of some partitions."""
        wanted = None if arrived is None else [tuple(one) for one in arrived]
        return _by_day(
            tuple(
                ticks
                for where, _, ticks in self.raw
                if wanted is None or any(_within(where, one) for one in wanted)
            )
        )

    def read(self) -> dict[str, Counter[Tick]]:
        """Return the ticks that a reader of all_ticks gets now, by day, and how often each."""
        until = self.marks.compacted_until or ""
        parts = self.tables["ticks"]
        found = {
            day: Counter(map(tuple, self.files[part.location][0]))
            for day, part in parts.items()
            if day <= until and day[:7] not in self.marks.months
        }
        for month in self.marks.months:
            for row in self.files[self.tables["ticks_by_month"][month].location][0]:
                found.setdefault(row[0], Counter())[tuple(row)] += 1
        return found | {d: Counter(t) for d, t in self.valid().items() if d > until}

    def compacted(self) -> dict[str, set[Tick]]:
        """Return the ticks in Parquet, by day."""
        parts = self.tables["ticks"]
        return {day: {tuple(r) for r in self.files[p.location][0]} for day, p in parts.items()}


_PERIODS = {table.name: table.period for table in TABLES}
_OF = {table.name: table.period_of for table in TABLES}


def _by_period(table: str, rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(_OF[table](row[0]), []).append(row)
    return found


@lru_cache(200)
def _by_day(arrived: tuple[tuple[Tick, ...], ...]) -> dict[str, set[Tick]]:
    """Return each tick once, by day. The result is cached, since it is needed after each step."""
    days: dict[str, set[Tick]] = {}
    for tick in _latest(tick for ticks in arrived for tick in ticks):
        days.setdefault(tick[0], set()).add(tick)
    return days


def _latest(rows: Iterable[Any]) -> set[Tick]:
    best: dict[tuple[str, str], int] = {}
    for day, symbol, number in rows:
        best[day, symbol] = max(number, best.get((day, symbol), 0))
    return {(day, symbol, number) for (day, symbol), number in best.items()}


def _name(where: ArrivalHours, number: int) -> str:
    return f"date={where.date}/hour={where.first:02d}/{number}.json.gz"


def _within(where: ArrivalHours, one: Sequence[Any]) -> bool:
    return bool(where.date == one[0] and one[1] <= where.first <= one[2])


class _Watched:
    def __init__(self, world: World, part: Any) -> None:
        self._world, self._part = world, part

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if name == "location":
            return method

        def watched(*arguments: Any, **named: Any) -> Any:
            call = f"{type(self._part).__name__}.{name}"
            if name == "start":
                call += ":" + json.loads(arguments[0])[0]
            self._world.around("before", call)
            answer = method(*arguments, **named)
            self._world.around("after", call)
            return answer

        return watched


class _Engine:
    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, sql: str, parameters: Sequence[QueryValue] = (), **_: Any) -> str:
        name, *arguments = json.loads(sql)
        query_id = str(len(self._world.results))
        self._world.results[query_id] = list(getattr(self, f"_{name}")(*arguments))
        return query_id

    def status(self, query_id: str) -> QueryStatus:
        return QueryStatus(
            query_id=query_id, state="succeeded", reason=None, sql="", bytes_scanned=1,
            milliseconds=1, reused=False, location=None, submitted_at=self._world.now,
        )  # fmt: skip

    def rows(self, query_id: str, *, limit: int = 1, page_token: str | None = None) -> QueryRows:
        """Return a page, which has at most two rows."""
        rows, at = self._world.results[query_id], int(page_token or 0)
        more = str(at + 2) if at + 2 < len(rows) else None
        return QueryRows((), (), tuple(rows[at : at + 2]), more)

    def _select(self, sql: str) -> list[tuple[Any, ...]]:
        name, *arguments = json.loads(sql)
        if name == "day_ticks":
            days, arrived, kept = arguments
            found = self._world.valid(arrived)
            rows = {tick[:2]: tick for day in kept for tick in self._parquet(day)}
            rows |= {tick[:2]: tick for day in days for tick in found.get(day, ())}
            return sorted(rows.values())
        if name == "history":
            bar, periods, arrived = arguments
            parts = [self._world.tables[f"history_{bar}"].get(period) for period in periods]
            kept = [row for p in parts if p for row in self._world.files[p.location][0]]
            new = [row for row in self._world.valid_bars(arrived) if row[0][:4] in periods]
            return sorted(_latest([*kept, *new]))
        if name == "compacted_ticks":
            return [tick for day in arguments[0] for tick in self._parquet(day)]
        assert name == "day_minutes"
        return [(*tick, "bar") for day in arguments[0] for tick in self._parquet(day)]

    def _parquet(self, day: str) -> list[tuple[Any, ...]]:
        part = self._world.tables["ticks"].get(day)
        return [tuple(row) for row in self._world.files[part.location][0]] if part else []

    def _survey(self, arrived: Any, by_object: bool) -> Iterable[tuple[str, str, str]]:
        return sorted(
            {
                (tick[0], where.date, _name(where, number) if by_object else "")
                for number, (where, _, ticks) in enumerate(self._world.raw)
                if any(_within(where, one) for one in arrived)
                for tick in ticks
            }
        )

    def _raw_bars_survey(
        self, arrived: Any, by_object: bool
    ) -> Iterable[tuple[str, str, str, str]]:
        return sorted(
            {
                ("1d", bar[0][:7], where.date, _name(where, number) if by_object else "")
                for number, bars in self._world.bars.items()
                for where in [self._world.raw[number][0]]
                if any(_within(where, one) for one in arrived)
                for bar in bars
            }
        )

    def _measure(self, sql: str) -> Iterable[tuple[str, str, str, str]]:
        symbols = Counter(row[0] for row in set(self._select(sql)))
        return [(day, "UTC", str(n), str(n)) for day, n in sorted(symbols.items())]

    def _unload(self, table: str, select: str, location: str, fields: list[str]) -> list[Any]:
        rows = self._select(select)
        for period, found in _by_period(table, rows).items():
            name = _PERIODS[table]
            folder = location + (f"{name}={period}/" if name in fields else "")
            assert folder not in self._world.files
            self._world.files[folder] = found, self._world.now
        return []

    def _check(self, table: str, select: str, run: str) -> Iterable[tuple[str, str, str]]:
        wanted = Counter(self._select(select))
        written: Counter[Any] = Counter()
        for (of, _), folder in self._world.unchecked[table].items():
            if of == run:
                written.update(map(tuple, self._world.files[folder][0]))
        periods = _by_period(table, [*wanted, *written])
        for period, rows in sorted(periods.items()):
            differ = [row for row in rows if wanted[row] != written[row]]
            yield period, str(sum(written[row] for row in set(rows))), str(len(differ))


class _Catalog:
    def __init__(self, world: World) -> None:
        self._world = world

    def marks(self) -> CompactionState:
        return self._world.marks

    def move(self, marks: CompactionState, statements: str) -> None:
        self.record(marks)

    def record(self, marks: CompactionState) -> None:
        """Store the state as Glue does: values as text. Refuse values that are too long."""
        parameters = parameters_of(marks)
        assert max(map(len, parameters.values()), default=0) <= 512_000
        self._world.marks = marks_of(parameters)

    def parts(self, table: Table) -> dict[str, CompactedPeriod]:
        return dict(self._world.tables[table.name])

    def switch(self, table: Table, parts: Mapping[str, CompactedPeriod]) -> None:
        for day, part in parts.items():
            self._world.tables[table.name][day] = part
            self._world.around("within", "switch")

    def drop(self, table: Table, periods: Sequence[str]) -> None:
        for period in periods:
            del self._world.tables[table.name][period]

    def stage(self, table: Table, run: str, locations: Mapping[str, str]) -> None:
        staged = {(run, day): folder for day, folder in locations.items()}
        self._world.unchecked[table.name].update(staged)

    def unstage(self, table: Table) -> None:
        self._world.unchecked[table.name].clear()


class _Objects:
    def __init__(self, world: World) -> None:
        self._world = world

    def location(self, key: str) -> str:
        return f"s3://lake/{key}"

    def changed(self, since: str | None, known: frozenset[str]) -> Changed:
        survey = Survey(datetime.fromisoformat(since) if since else None, known)
        for number, (where, written, _) in enumerate(self._world.raw):
            survey.add(f"raw/{_name(where, number)}", written, "")
        return survey.changed()

    def remove_superseded(
        self, table: Table, parts: Mapping[str, CompactedPeriod], before: datetime, deadline: float
    ) -> int:
        current = {part.location for part in parts.values()}
        moving = [day for day, part in parts.items() if part.moved_at >= to_text(before)]
        old = [
            folder
            for folder, (_, written) in self._world.files.items()
            if folder.startswith(f"s3://lake/{table.name}/")
            and folder not in current
            and written < before
            and not any(f"={period}/" in folder for period in moving)
        ]
        for folder in old:
            del self._world.files[folder]
        return len(old)


class _NoRaw:
    """An archive without objects to merge. test_merge.py tests merging."""

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        return iter(())


class _Lease:
    def __init__(self, world: World) -> None:
        self._world = world

    def take(self, owner: str, now: datetime, until: datetime) -> bool:
        held = {who for who, end in self._world.leases.items() if end > now}
        if self._world.lease_holds and held - {owner}:
            return False
        self._world.leases[owner] = until
        return True

    def release(self, owner: str, now: datetime) -> None:
        self._world.leases.pop(owner, None)
