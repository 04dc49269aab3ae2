"""Sessions against exchange_calendars: every open, close and break of every known session."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import exchange_calendars as xcals
import pandas as pd
import pytest

from chalicelib.domain import session_table
from chalicelib.domain.sessions import Session, calendar_for
from tools import generate_sessions

# exchange_calendars 4.13 calls what pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

ZONES = {"XNYS": "America/New_York", "XLON": "Europe/London", "XHKG": "Asia/Hong_Kong"}
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


def test_the_table_is_what_the_generator_writes() -> None:
    assert generate_sessions.TARGET.read_text(encoding="utf-8") == generate_sessions.render()


def test_the_table_does_not_run_out_within_a_year() -> None:
    remaining = LAST - datetime.now(UTC).date()
    assert remaining > timedelta(days=366), (
        f"the session table ends on {LAST}: raise LAST_YEAR in tools/generate_sessions.py"
    )


def test_the_table_covers_2010_to_2030() -> None:
    assert date(2010, 1, 1) >= FIRST
    assert date(2030, 12, 31) <= LAST
