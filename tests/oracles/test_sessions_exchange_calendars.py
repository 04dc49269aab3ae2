"""Sessions against exchange_calendars: every open, close and break of every known session."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import exchange_calendars as xcals
import pandas as pd
import pytest

from chalicelib.domain import session_table
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.times import EPOCH
from chalicelib.domain.trading_minutes import trading_hours
from tools import generate_sessions

pytestmark = [
    pytest.mark.heavy,
    # exchange_calendars 4.13 calls what pandas 3.1 deprecates
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

ZONES = {"XNYS": "America/New_York", "XLON": "Europe/London", "XHKG": "Asia/Hong_Kong"}
DAY_ZONES = {
    "XAMS": "Europe/Amsterdam",
    "XASX": "Australia/Sydney",
    "XBOM": "Asia/Kolkata",
    "XETR": "Europe/Berlin",
    "XKRX": "Asia/Seoul",
    "XMIL": "Europe/Rome",
    "XPAR": "Europe/Paris",
    "XSHG": "Asia/Shanghai",
    "XSWX": "Europe/Zurich",
    "XTKS": "Asia/Tokyo",
    "XTSE": "America/Toronto",
}
FIRST, LAST = date(session_table.FIRST_YEAR, 1, 1), date(session_table.LAST_YEAR, 12, 31)


@pytest.fixture(scope="module", params=sorted(ZONES))
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def reference(exchange: str) -> Any:
    return xcals.get_calendar(exchange, start=str(FIRST), end=str(LAST))


def _days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def _times(session: Session) -> tuple[datetime | None, ...]:
    return session.open, session.break_start, session.break_end, session.close


def test_every_session_opens_pauses_and_closes_as_in_exchange_calendars(
    exchange: str, reference: Any
) -> None:
    calendar = calendar_for("ANY", ZONES[exchange])
    expected = {
        day.date(): tuple(None if pd.isna(at) else at.to_pydatetime() for at in times)
        for day, *times in reference.schedule.itertuples()
    }
    actual = {
        day: _times(session)
        for day in _days()
        if (session := calendar.session_on(day)).is_trading_day
    }
    assert actual.keys() == expected.keys()
    assert actual == expected
    assert len(actual) > 11_000


def test_ten_years_of_next_openings(exchange: str, reference: Any) -> None:
    calendar = calendar_for("ANY", ZONES[exchange])
    for day in pd.date_range("2017-01-01", "2026-12-31"):
        noon = day.replace(hour=22, tzinfo=UTC)  # after all closes, before all opens
        assert calendar.next_open(noon.to_pydatetime()) == reference.next_open(noon)


@pytest.mark.parametrize(("exchange", "zone"), sorted((ZONES | DAY_ZONES).items()))
def test_the_next_session_is_the_exchanges_next_one(exchange: str, zone: str) -> None:
    calendar = calendar_for("ANY", zone)
    known = xcals.get_calendar(exchange, start="2015-01-01", end="2026-12-31").sessions
    days = [day.date() for day in known if day.weekday() < 5]  # Bombay's hour on Diwali apart
    assert len(days) > 2_800
    for day, following in pairwise(days):
        assert calendar.next_session(calendar.session_on(day)).date == following
        weekend = calendar.session_on(following - timedelta(days=1))
        assert calendar.next_session(weekend).date == following


def test_every_zone_of_the_closing_table_has_its_exchange() -> None:
    assert set(DAY_ZONES) == set(generate_sessions.CLOSING_EXCHANGES)


@pytest.mark.parametrize("interval", [timedelta(hours=5), timedelta(hours=17)])
def test_the_next_session_of_currencies_is_that_of_the_24_5_calendar(interval: timedelta) -> None:
    calendar = calendar_for("EURUSD=X", None)
    known = xcals.get_calendar("24/5", start="2025-01-01", end="2027-12-31").sessions
    for day, following in pairwise(day.to_pydatetime() for day in known):
        session = calendar.session_at(day.replace(tzinfo=UTC) + interval)
        assert calendar.next_session(session).date == following.date()


def test_sessions_of_futures_are_those_of_cme() -> None:
    calendar = calendar_for("ES=F", "America/New_York")
    known = xcals.get_calendar("CMES", start="2025-01-01", end="2027-12-31").schedule
    for day, opens, closes in known[["open", "close"]].itertuples():
        session = calendar.session_on(day.date())
        assert session.is_trading_day
        assert session.open == opens.to_pydatetime()
        assert session.close in (closes.to_pydatetime(), _usual_close(day.date()))
    assert len(known) > 760


def _usual_close(day: date) -> datetime:
    """17:00 in New York, which CME's early closes are not."""
    return datetime(day.year, day.month, day.day, 17, tzinfo=ZoneInfo("America/New_York"))


def test_the_next_session_round_the_clock_is_that_of_the_24_7_calendar() -> None:
    calendar = calendar_for("BTC-USD", "UTC")
    known = xcals.get_calendar("24/7", start="2025-01-01", end="2027-12-31").sessions
    for day, following in pairwise(day.date() for day in known):
        assert calendar.next_session(calendar.session_on(day)).date == following


def test_the_table_is_what_the_generator_writes() -> None:
    assert generate_sessions.TARGET.read_text(encoding="utf-8") == generate_sessions.render()
    closing = generate_sessions.CLOSING_TARGET.read_text(encoding="utf-8")
    assert closing == generate_sessions.render_closing()


def test_the_table_does_not_run_out_within_a_year() -> None:
    remaining = LAST - datetime.now(UTC).date()
    assert remaining > timedelta(days=366), (
        f"the session table ends on {LAST}: raise LAST_YEAR in tools/generate_sessions.py"
    )


def test_the_table_covers_2010_to_2030() -> None:
    assert date(2010, 1, 1) >= FIRST
    assert date(2030, 12, 31) <= LAST


@pytest.mark.parametrize(("exchange", "zone"), sorted((ZONES | DAY_ZONES).items()))
def test_the_minutes_of_trading_are_the_exchanges(exchange: str, zone: str) -> None:
    known = xcals.get_calendar(exchange, start="2024-01-01", end="2026-12-31").schedule
    expected = {
        day.date(): _length(close - opens) - _length(ends - pause)
        for day, opens, pause, ends, close in known.itertuples()
        if day.weekday() < 5 and not _opens_late(exchange, opens)
    }
    first = datetime(2023, 12, 31, tzinfo=UTC)
    minutes: dict[date, int] = {}
    start = (first - EPOCH) // timedelta(minutes=1)
    for day, opens, closes in trading_hours("ANY", zone).stretches(start, start + 1100 * 1440):
        minutes[day] = minutes.get(day, 0) + closes - opens
    assert len(expected) > 700
    assert {day: minutes.get(day) for day in expected} == expected
    others = {day for day in minutes if day.year in (2024, 2025, 2026)} - expected.keys()
    assert len(others) <= (6 if exchange == "XKRX" else 0)


def _length(time: pd.Timedelta) -> int:
    return 0 if pd.isna(time) else int(time.total_seconds()) // 60


def _opens_late(exchange: str, opens: pd.Timestamp) -> bool:
    """Seoul opens an hour later on the first session of a year and on the day of its exam."""
    return exchange == "XKRX" and opens.tz_convert("Asia/Seoul").hour == 10
