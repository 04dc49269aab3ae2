"""Symbols of ten markets, each beginning at a day on which its hours are special."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from chalicelib.domain.sessions import calendar_for

SECOND = timedelta(seconds=1)


class Market(NamedTuple):
    """A symbol, its source's time zone, and the days on which a run may begin."""

    symbol: str
    zone: str | None
    days: tuple[date, ...]


MARKETS = (
    # half day after Thanksgiving, clocks forward, clocks back
    Market("AAPL", "America/New_York", (date(2025, 11, 28), date(2026, 3, 6), date(2025, 10, 31))),
    Market("SHEL.L", "Europe/London", (date(2025, 12, 24), date(2026, 3, 27))),
    Market("0700.HK", "Asia/Hong_Kong", (date(2026, 2, 16), date(2026, 1, 5))),
    Market("7203.T", "Asia/Tokyo", (date(2025, 12, 30), date(2026, 5, 1))),
    Market("SAP.DE", "Europe/Berlin", (date(2026, 3, 27), date(2025, 10, 24))),
    Market("EURUSD=X", None, (date(2026, 3, 6), date(2025, 10, 31))),
    Market("ES=F", None, (date(2026, 3, 6), date(2025, 11, 28))),
    Market("BTC-USD", None, (date(2025, 12, 31),)),
    Market("TCS.NS", "Asia/Kolkata", (date(2026, 1, 23),)),
    Market("CBA.AX", "Australia/Sydney", (date(2026, 4, 2),)),
)

MOVES = ("pre", "open", "lunch", "close", "after", "evening", "next")
"""Places that a tick may go to: see `moved`."""


class T(msgspec.Struct, frozen=True):
    """A tick of a program: how long after the newest one, in seconds or as a place of MOVES ("now"
    has no timestamp), how far from 100 its price is, the market's state ("" for none, "clock" for
    the calendar's), and which session figures it gives (0 volume alone, 1 all, 2 volume, high and
    low, 3 open alone)."""

    gap: float | str
    level: int
    state: str = ""
    figures: int = 0

    def __repr__(self) -> str:
        more = f", {self.state!r}, {self.figures}" if self.state or self.figures else ""
        return f"T({self.gap!r}, {self.level}{more})"


def beginning(market: Market, day: int) -> datetime:
    """Shortly before the open of one of a market's days."""
    calendar = calendar_for(market.symbol, market.zone)
    return calendar.session_on(market.days[day % len(market.days)]).open - 130 * SECOND


def moved(market: Market, newest: datetime, gap: float | str) -> datetime:
    """The instant of the next tick."""
    if not isinstance(gap, str):
        return newest + gap * SECOND
    calendar = calendar_for(market.symbol, market.zone)
    session = calendar.session_at(newest)
    following = calendar.next_session(session)
    places = {
        "pre": following.open - 1825 * SECOND,
        "open": following.open + 0.25 * SECOND,
        "lunch": (session.break_start or session.open) + 30.5 * SECOND,
        "close": calendar.closing_instant(session.date),
        "after": session.close + 20.125 * SECOND,
        "evening": session.close + 4000.5 * SECOND,
        "next": newest + timedelta(days=1),
    }
    at = places[gap]
    return at if at > newest else newest + 61.5 * SECOND


def state_of(market: Market, at: datetime, state: str) -> str | None:
    """The market state that a tick carries."""
    if state != "clock":
        return state or None
    found = calendar_for(market.symbol, market.zone).market_state(at)
    return None if found == "CLOSED" else found
