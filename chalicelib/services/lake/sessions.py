"""The sessions that the statement of minute bars needs: a row for each day and calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date

from chalicelib.domain.sessions import Calendar, Session, calendar_for
from chalicelib.domain.times import to_text
from chalicelib.services.lake.texts import day_text, name_text

_BY_SYMBOL = ("=X", "=F")
"""The endings of currencies' and futures' symbols. Their calendar depends on the ending, not on a
time zone."""


def sessions(calendars: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return SQL rows by day: the day's session in each calendar of its ticks.

    A calendar is named by its time zone or by the ending of its symbols. Calendars with UTC days
    get no row, nor do names that are not IANA zones: for ticks without a row, the statement uses
    the UTC day.
    """
    rows: dict[str, list[str]] = {day: [] for day in calendars}
    for name, days in _by_name(calendars).items():
        calendar = _calendar(name)
        if calendar.zone is not UTC:
            for day in days:
                rows[day].append(_row(day, name, calendar.session_on(date.fromisoformat(day))))
    return {day: "".join(found) for day, found in rows.items()}


def _by_name(calendars: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return the days of each calendar, so that each time zone is loaded only once."""
    found: dict[str, list[str]] = {}
    for day, names in calendars.items():
        for name in sorted(names):
            found.setdefault(name, []).append(day)
    return found


def _calendar(name: str) -> Calendar:
    return calendar_for(name, None if name in _BY_SYMBOL else name)


def _row(day: str, name: str, session: Session) -> str:
    cells = [
        day_text(day),
        name_text(name),
        to_text(session.open),
        to_text(session.regular_until),
    ]
    texts = ", ".join(f"'{cell}'" for cell in cells)
    return f",\n          ({texts}, {int(session.is_trading_day)})"
