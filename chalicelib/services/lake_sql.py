"""The statements of compaction, out of the files in chalicelib/lake.

What is put into them are dates, hours, names and numbers made here, never a user's text: each is
checked before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from chalicelib.domain.sessions import Calendar, calendar_for
from chalicelib.domain.times import to_text

FOLDER = Path(__file__).resolve().parents[1] / "lake"

TICKS = (
    "symbol", "timestamp", "price", "open", "high", "low", "previous_close", "volume",
    "currency", "exchange_timezone", "market_state", "source", "mode",
)  # fmt: skip
MINUTES = (
    "symbol", "start", "open", "high", "low", "close", "volume", "ticks", "source", "extended",
)  # fmt: skip

NOTHING_YET = "0001-01-01"
"""The view's boundary before the first compaction."""

LAST_HOUR = 23
_BEFORE, _AFTER = 10, 12
"""A local day lies between hour 10 UTC of the day before and hour 12 of the day after."""

_FIELD = re.compile(r"\$\{(\w+)\}")
_TEXT = re.compile(r"[A-Za-z0-9:.=/_+-]*")
_CURRENCIES = "=X"


class Arrived(msgspec.Struct, frozen=True, order=True):
    """Hours of arrival `[first, last]` of one date: partitions of the raw archive."""

    date: str
    first: int = 0
    last: int = LAST_HOUR


class Table(msgspec.Struct, frozen=True):
    """A table of Parquet that compaction writes, its columns and what its files are sorted by."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def unchecked(self) -> str:
        """The table of the same columns, over what was written and not yet checked."""
        return f"{self.name}_unchecked"


TABLES = (
    Table("ticks", TICKS, ("symbol", "timestamp")),
    Table("bars_1m", MINUTES, ("symbol", "start")),
)


def all_ticks(compacted_until: str | None) -> str:
    """The view's statement: compacted days up to this one, and raw ticks of later days.

    A tick is at most five minutes ahead of its arrival, and a local date at most 14 hours ahead
    of UTC's: ticks of later days have arrived on the boundary's own date at the earliest.
    """
    until = _day(compacted_until or NOTHING_YET)
    raw = _fill("raw_ticks", arrived=f"\"date\" >= '{until}'")
    return _fill("all_ticks", raw=raw, compacted_until=until)


def survey(arrived: Iterable[Arrived]) -> str:
    """Trading days of the raw ticks that arrived so."""
    return _fill("survey", raw=_raw(arrived))


def measure(ticks: str) -> str:
    """Symbols by day and calendar of a statement's ticks."""
    return _fill("measure", ticks=ticks)


def day_ticks(days: Sequence[str], arrived: Iterable[Arrived], kept: Sequence[str] = ()) -> str:
    """The ticks of trading days; of the days `kept` also those that only Parquet still has."""
    raw = _raw(arrived)
    if kept:
        return _fill("day_ticks_kept", raw=raw, dates=_days(days), kept=_days(kept))
    return _fill("day_ticks", raw=raw, dates=_days(days))


def compacted_ticks(days: Sequence[str]) -> str:
    """The ticks that Parquet has of trading days."""
    return _fill("compacted_ticks", dates=_days(days))


def day_minutes(days: Sequence[str], calendars: Mapping[str, Iterable[str]]) -> str:
    """The 1m bars of compacted days, with the sessions of the calendars that each day has.

    A name that is no time zone's gets none, and UTC days, as `calendar_for` says.
    """
    named = [(day, name) for day in days for name in sorted(calendars[day])]
    rows = [_session(day, name) for day, name in named if _TEXT.fullmatch(name)]
    return _fill("day_minutes", sessions="\n        ".join(rows), dates=_days(days))


def unload(table: Table, rows: str, location: str, fields: Sequence[str]) -> str:
    """Write a statement's rows as Parquet below `location`, a folder for each value of `fields`."""
    columns = [_quoted(table.columns)]
    columns += ['symbol AS "series"' if field == "series" else f'"{field}"' for field in fields]
    properties = ["format = 'PARQUET'", "compression = 'ZSTD'"]
    if fields:
        named = ", ".join(f"'{field}'" for field in fields)
        properties.append(f"partitioned_by = ARRAY[{named}]")
    return _fill(
        "unload",
        columns=", ".join(columns),
        rows=rows,
        order=_quoted(table.order),
        location=_safe(location),
        properties=", ".join(properties),
    )


def check(table: Table, rows: str, run: str) -> str:
    """Compare a statement's rows with what a run has written, by day."""
    return _fill(
        "check",
        columns=_quoted((*table.columns, "date")),
        rows=rows,
        unchecked=table.unchecked,
        run=_safe(run),
    )


def window(day: str) -> list[Arrived]:
    """When ticks of a trading day arrive that come in time, in whatever time zone."""
    middle = date.fromisoformat(day)
    before, after = middle - timedelta(days=1), middle + timedelta(days=1)
    return [
        Arrived(before.isoformat(), first=_BEFORE),
        Arrived(day),
        Arrived(after.isoformat(), last=_AFTER),
    ]


def _raw(arrived: Iterable[Arrived]) -> str:
    return _fill("raw_ticks", arrived=_partitions(arrived))


def _partitions(arrived: Iterable[Arrived]) -> str:
    """The condition on date and hour of arrival, each date once."""
    hours: dict[str, tuple[int, int]] = {}
    for one in arrived:
        first, last = hours.get(_day(one.date), (one.first, one.last))
        hours[one.date] = min(first, one.first), max(last, one.last)
    whole = [day for day, span in sorted(hours.items()) if span == (0, LAST_HOUR)]
    parts = [f'"date" IN ({_days(whole)})'] if whole else []
    parts += [
        f"(\"date\" = '{day}' AND \"hour\" BETWEEN '{first:02d}' AND '{last:02d}')"
        for day, (first, last) in sorted(hours.items())
        if (first, last) != (0, LAST_HOUR)
    ]
    return " OR ".join(parts)


def _session(day: str, named: str) -> str:
    """A row of day_minutes' sessions. `named` is a time zone, or `=X` for currencies."""
    calendar: Calendar = calendar_for(named, None if named == _CURRENCIES else named)
    session = calendar.session_on(date.fromisoformat(day))
    cells = [
        _day(day),
        _safe(named),
        _minute(session.open),
        to_text(session.open),
        to_text(session.regular_until),
    ]
    texts = ", ".join(f"'{cell}'" for cell in cells)
    return f"UNION ALL SELECT {texts}, {int(session.is_trading_day)}"


def _minute(instant: datetime) -> str:
    return to_text(instant.replace(second=0, microsecond=0))


def _days(days: Iterable[str]) -> str:
    return ", ".join(f"'{_day(day)}'" for day in days)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def is_day(text: str) -> bool:
    """Whether a text is a date in its stored form, 2026-11-20."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _day(text: str) -> str:
    """A date in its stored form. Raises ValueError for anything else."""
    if not is_day(text):
        raise ValueError(f"{text!r} is not a date such as 2026-11-20")
    return text


def _safe(text: str) -> str:
    """A name without anything that could end a literal. Raises ValueError for any other."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text!r} cannot stand in a statement")
    return text


def _fill(name: str, **fields: str) -> str:
    return _FIELD.sub(lambda found: fields[found[1]], _file(name))


@cache
def _file(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text().rstrip()
