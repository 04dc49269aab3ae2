"""Periods that end at the newest stored price. They are named as in yfinance."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.times import from_text, just_after, to_text
from chalicelib.services.market_data.queries import Period

_MONTHS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "2y": 24, "5y": 60}

SESSIONS: dict[str, int] = {"1d": 1, "5d": 5}
"""The periods in days, each with the least number of sessions that it covers."""


def period_start(period: Period, newest: str, oldest_session: str | None) -> str | None:
    """Return the start of a period that ends with the price at `newest`; None for "max".

    A period in days goes back that many times 24 hours, or further to cover SESSIONS sessions.
    `oldest_session` is the label of the first of these. A period in months or years goes back to
    the same day of the month, or to the month's last day.
    """
    if period == "max":
        return None
    if period == "ytd":
        return f"{newest[:4]}-01-01T00:00:00.000000Z"
    instant = from_text(newest)
    if period in SESSIONS:
        start = just_after(to_text(_back(instant, timedelta(days=SESSIONS[period]))))
        return min(start, oldest_session or start)
    day = _months_before(instant.date(), _MONTHS[period])
    return just_after(to_text(datetime.combine(day, instant.time(), UTC)))


def _back(instant: datetime, span: timedelta) -> datetime:
    earliest = datetime.min.replace(tzinfo=UTC)
    return instant - span if instant - earliest > span else earliest


def _months_before(day: date, months: int) -> date:
    index = max(day.year * 12 + day.month - 1 - months, 12)
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
