"""The SQL statements of compaction, made from the files in chalicelib/lake.

Only checked dates, hours, names and numbers are inserted, never a user's text. Lists of stored
values are bounded, since Athena accepts at most 262,144 bytes per statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec

from chalicelib.domain.sessions import zone_names
from chalicelib.services.lake.arrivals import ArrivalHours, partitions
from chalicelib.services.lake.columns import HISTORIC, MINUTES, SHARED, TICKS
from chalicelib.services.lake.texts import day_text, days_list, name_text, names_list

FOLDER = Path(__file__).resolve().parents[2] / "lake"

SESSIONS_BYTES = 150_000
"""The most bytes that sessions may add to a statement. They suffice for some 1,500 sessions."""

NOTHING_YET = "0001-01-01"
"""The view's boundary before the first compaction."""

_FIELD = re.compile(r"\$\{(\w+)\}")


class Table(msgspec.Struct, frozen=True):
    """A Parquet table that compaction writes, with its columns and sort order.

    `period` is the name of its partition column: `date`, `month` (2026-11) or `year`.
    """

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    period: str = "date"

    @property
    def unchecked(self) -> str:
        """Return the name of the table of unchecked files. It has the same columns."""
        return f"{self.name}_unchecked"

    def period_of(self, date: str) -> str:
        """Return the period that contains a date."""
        return date[: _LENGTHS[self.period]]

    @property
    def period_sql(self) -> str:
        """Return the SQL expression for the period of the column `date`."""
        return f'substr("date", 1, {_LENGTHS[self.period]})'


_LENGTHS = {"date": 10, "month": 7, "year": 4}

DAYS_OF_TICKS = Table("ticks", tuple(TICKS), ("symbol", "timestamp"))
MINUTE_BARS = Table("bars_1m", tuple(MINUTES), ("symbol", "start"))
MONTHS_OF_TICKS = Table("ticks_by_month", (*TICKS, "date"), ("symbol", "timestamp"), "month")
HISTORY = {
    "1h": Table("history_1h", (*HISTORIC, "date"), ("symbol", "start"), "month"),
    "1d": Table("history_1d", (*HISTORIC, "date"), ("symbol", "start"), "year"),
}
"""The tables of historical bars, by interval."""

TABLES = (DAYS_OF_TICKS, MINUTE_BARS, MONTHS_OF_TICKS, *HISTORY.values())


def views(compacted_until: str | None, months: Sequence[str] = ()) -> dict[str, str]:
    """Return the statements of all views by name. `all_ticks` comes last, since the progress of
    compaction is recorded with it."""
    return {
        "raw_ticks": _fill("raw_ticks_view"),
        **{f"bars_{bar}": bars(bar, compacted_until) for bar in HISTORY},
        "all_prices": _fill("all_prices"),
        "all_ticks": all_ticks(compacted_until, months),
    }


def bars(bar: str, compacted_until: str | None) -> str:
    """Return the statement of a view of historical bars. It selects compacted bars, and bars that
    arrived on the boundary's date or later. Some bars may be in both."""
    raw = _raw_bars(bar, _since(day_text(compacted_until or NOTHING_YET)))
    return _fill("bars", bar=bar, raw_bars=raw)


def raw_bars_survey(arrived: Iterable[ArrivalHours], by_object: bool = False) -> str:
    """Return the statement that lists the intervals and months of historical bars that arrived in
    some hours. If `by_object`, it lists them for each object."""
    return _fill(
        "raw_bars_survey",
        arrived=partitions(arrived),
        batch="batch" if by_object else "''",
        bars=names_list(HISTORY),
    )


def history(bar: str, periods: Sequence[str], arrived: Iterable[ArrivalHours]) -> str:
    """Return the statement that selects the historical bars of some periods: the bars in their
    table, and the bars that arrived in some hours."""
    table = HISTORY[bar]
    return _fill(
        "history",
        bar=bar,
        raw_bars=_raw_bars(bar, partitions(arrived)),
        period=table.period,
        period_sql=table.period_sql,
        periods=names_list(periods),
    )


def _raw_bars(bar: str, arrived: str) -> str:
    return _fill("raw_bars", bar=bar, arrived=arrived)


def _since(day: str) -> str:
    return f"\"date\" >= '{day}'"


def all_ticks(compacted_until: str | None, months: Sequence[str] = ()) -> str:
    """Return the statement of the view `all_ticks`: compacted days up to the boundary, and raw
    ticks of later days.

    Ticks of `months` are read from the table of months, other ticks from the table of days. A tick
    is at most five minutes ahead of its arrival, and a local date at most 14 hours ahead of UTC. So
    ticks of days after the boundary arrive on the boundary's own date at the earliest.
    """
    until = day_text(compacted_until or NOTHING_YET)
    return _fill(
        "all_ticks",
        raw=_fill("raw_ticks", arrived=_since(until)),
        compacted_until=until,
        by_day="".join(
            f"\n  AND NOT (\"date\" BETWEEN '{first}-01' AND '{last}-31')"
            for first, last in runs_of_months(months)
        ),
        months=", ".join(f"'{day_text(month + '-01')[:7]}'" for month in months) or "''",
    )


def runs_of_months(months: Iterable[str]) -> list[tuple[str, str]]:
    """Group consecutive months. Return the first and last month of each group, in order."""
    runs: list[tuple[str, str]] = []
    for month in sorted(months):
        if runs and month == _next_month(runs[-1][1]):
            runs[-1] = runs[-1][0], month
        else:
            runs.append((month, month))
    return runs


def _next_month(month: str) -> str:
    return (date.fromisoformat(f"{month}-28") + timedelta(days=4)).isoformat()[:7]


def survey(arrived: Iterable[ArrivalHours], by_object: bool = False) -> str:
    """Return the statement that lists the trading days of raw ticks that arrived in some hours. If
    `by_object`, it lists them for each object."""
    return _fill("survey", raw=_raw(arrived), batch="batch" if by_object else "''")


def measure(ticks: str) -> str:
    """Return the statement that counts symbols and ticks by day and calendar.

    Names that are not IANA zones count as UTC. Producers therefore cannot cause more rows than the
    database has zones.
    """
    return _fill("measure", ticks=ticks, zones=names_list(sorted(zone_names())))


def day_ticks(
    days: Sequence[str], arrived: Iterable[ArrivalHours], kept: Sequence[str] = ()
) -> str:
    """Return the statement that selects the ticks of trading days. For the days in `kept`, it also
    selects the ticks that only Parquet still has."""
    raw = _raw(arrived)
    if kept:
        return _fill("day_ticks_kept", raw=raw, dates=days_list(days), kept=days_list(kept))
    return _fill("day_ticks", raw=raw, dates=days_list(days))


def compacted_ticks(days: Sequence[str]) -> str:
    """Return the statement that selects the compacted ticks of trading days."""
    return _fill("compacted_ticks", dates=days_list(days))


def day_minutes(days: Sequence[str], sessions: str) -> str:
    """Return the statement that makes 1m bars of compacted days. `sessions` has the rows that
    `sessions.sessions` returns."""
    return _fill("day_minutes", sessions=sessions, dates=days_list(days))


def unload(table: Table, rows: str, location: str, fields: Sequence[str]) -> str:
    """Return the statement that writes rows as Parquet under `location`, partitioned by
    `fields`."""
    made = {"series": "symbol", "month": table.period_sql, "year": table.period_sql}
    more = [f'{made[field]} AS "{field}"' if field in made else f'"{field}"' for field in fields]
    columns = [_quoted(table.columns), *more]
    properties = ["format = 'PARQUET'", "compression = 'ZSTD'"]
    if fields:
        listed = ", ".join(f"'{field}'" for field in fields)
        properties.append(f"partitioned_by = ARRAY[{listed}]")
    return _fill(
        "unload",
        columns=", ".join(columns),
        rows=rows,
        order=_quoted(table.order),
        location=name_text(location),
        properties=", ".join(properties),
    )


def check(table: Table, rows: str, run: str) -> str:
    """Return the statement that compares the rows written by a run with `rows`. It counts, by
    period, the written rows and the rows that differ."""
    return _fill(
        "check",
        columns=_quoted(dict.fromkeys((*table.columns, "date"))),
        period=table.period_sql,
        rows=rows,
        unchecked=table.unchecked,
        run=name_text(run),
    )


def _raw(arrived: Iterable[ArrivalHours]) -> str:
    return _fill("raw_ticks", arrived=partitions(arrived))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _fill(name: str, **fields: str) -> str:
    texts = SHARED | fields
    return _FIELD.sub(lambda found: texts[found[1]], _file(name))


@cache
def _file(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text().rstrip()
