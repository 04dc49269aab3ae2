"""The statements of compaction, out of the files in chalicelib/lake.

What is put into them are dates, hours, names and numbers made here, never a user's text: each is
checked before. Lists of stored things are bounded: Athena takes 262,144 bytes a statement.
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
from chalicelib.services.lake.texts import day_text, days_list, name_text, names_list

FOLDER = Path(__file__).resolve().parents[2] / "lake"

TICKS = (
    "symbol", "timestamp", "price", "open", "high", "low", "previous_close", "volume",
    "currency", "exchange_timezone", "market_state", "source", "mode", "split",
)  # fmt: skip
MINUTES = (
    "symbol", "start", "open", "high", "low", "close", "volume", "ticks", "source", "extended",
)  # fmt: skip

HISTORIC = (
    "symbol", "start", "open", "high", "low", "close", "volume", "source", "number",
)  # fmt: skip
"""Columns of historical bars. `number` is the sequence number of the last record of the batch that
a bar came with: of two copies that with the higher number counts."""

SESSIONS_BYTES = 150_000
"""The most that the sessions of several days may take of a statement: some 1,500 sessions."""

NOTHING_YET = "0001-01-01"
"""The view's boundary before the first compaction."""

_FIELD = re.compile(r"\$\{(\w+)\}")


class Table(msgspec.Struct, frozen=True):
    """A table of Parquet that compaction writes, its columns and what its files are sorted by.

    `period` names its partition column: `date`, `month` (2026-11) or `year`.
    """

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    period: str = "date"

    @property
    def unchecked(self) -> str:
        """The table of the same columns, over what was written and not yet checked."""
        return f"{self.name}_unchecked"

    def period_of(self, date: str) -> str:
        """The partition that holds a date."""
        return date[: _LENGTHS[self.period]]

    @property
    def period_sql(self) -> str:
        """The same in SQL, of the column `date`."""
        return f'substr("date", 1, {_LENGTHS[self.period]})'


_LENGTHS = {"date": 10, "month": 7, "year": 4}

DAYS_OF_TICKS = Table("ticks", TICKS, ("symbol", "timestamp"))
MINUTE_BARS = Table("bars_1m", MINUTES, ("symbol", "start"))
MONTHS_OF_TICKS = Table("ticks_by_month", (*TICKS, "date"), ("symbol", "timestamp"), "month")
HISTORY = {
    "1h": Table("history_1h", (*HISTORIC, "date"), ("symbol", "start"), "month"),
    "1d": Table("history_1d", (*HISTORIC, "date"), ("symbol", "start"), "year"),
}
"""The tables of historical bars, by interval."""

TABLES = (DAYS_OF_TICKS, MINUTE_BARS, MONTHS_OF_TICKS, *HISTORY.values())


def views(compacted_until: str | None, months: Sequence[str] = ()) -> dict[str, str]:
    """The statements of all views, `all_ticks` last: it says how far compaction is."""
    return {
        "raw_ticks": _fill("raw_ticks_view"),
        **{f"bars_{bar}": bars(bar, compacted_until) for bar in HISTORY},
        "all_prices": _fill("all_prices"),
        "all_ticks": all_ticks(compacted_until, months),
    }


def bars(bar: str, compacted_until: str | None) -> str:
    """The view of historical bars: compacted ones, and those that arrived from the day on up to
    which days are compacted. A bar may be in both."""
    raw = _raw_bars(bar, _since(day_text(compacted_until or NOTHING_YET)))
    return _fill("bars", bar=bar, raw_bars=raw)


def raw_bars_survey(arrived: Iterable[ArrivalHours], by_object: bool = False) -> str:
    """Intervals and months of the historical bars of some hours of arrival, object by object where
    asked."""
    return _fill(
        "raw_bars_survey",
        arrived=partitions(arrived),
        batch="batch" if by_object else "''",
        bars=names_list(HISTORY),
    )


def history(bar: str, periods: Sequence[str], arrived: Iterable[ArrivalHours]) -> str:
    """The historical bars of some periods of their table: those in it, and those that arrived."""
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
    """The view's statement: compacted days up to this one, and raw ticks of later days. Ticks of
    `months` are read from the table of months, others from that of days.

    A tick is at most five minutes ahead of its arrival, and a local date at most 14 hours ahead
    of UTC's: ticks of later days have arrived on the boundary's own date at the earliest.
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
    """The first and last of each run of months without a gap, in order."""
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
    """Trading days of the raw ticks of some hours of arrival, object by object where asked."""
    return _fill("survey", raw=_raw(arrived), batch="batch" if by_object else "''")


def measure(ticks: str) -> str:
    """Symbols by day and calendar of a statement's ticks. Names that are no time zone's count as
    UTC, so that there are no more rows than the database has zones, whatever producers send."""
    return _fill("measure", ticks=ticks, zones=names_list(sorted(zone_names())))


def day_ticks(
    days: Sequence[str], arrived: Iterable[ArrivalHours], kept: Sequence[str] = ()
) -> str:
    """The ticks of trading days; of the days `kept` also those that only Parquet still has."""
    raw = _raw(arrived)
    if kept:
        return _fill("day_ticks_kept", raw=raw, dates=days_list(days), kept=days_list(kept))
    return _fill("day_ticks", raw=raw, dates=days_list(days))


def compacted_ticks(days: Sequence[str]) -> str:
    """The ticks that Parquet has of trading days."""
    return _fill("compacted_ticks", dates=days_list(days))


def day_minutes(days: Sequence[str], sessions: str) -> str:
    """The 1m bars of compacted days, with the rows of their sessions (lake_sessions.py)."""
    return _fill("day_minutes", sessions=sessions, dates=days_list(days))


def unload(table: Table, rows: str, location: str, fields: Sequence[str]) -> str:
    """Write a statement's rows as Parquet below `location`, a folder for each value of `fields`."""
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
    """Compare a statement's rows with what a run has written, by the table's period."""
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
    return _FIELD.sub(lambda found: fields[found[1]], _file(name))


@cache
def _file(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text().rstrip()
