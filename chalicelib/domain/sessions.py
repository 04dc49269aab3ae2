"""Trading sessions: which session an instant belongs to, and whether the market is open.

docs/sessions.md explains which calendar a symbol follows, days without a session, and deliberate
simplifications. All instants passed and returned are aware; returned instants are UTC.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, cached_property, lru_cache
from typing import Literal, cast
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from chalicelib.domain.exchange_hours import ExchangeHours

Phase = Literal["pre", "regular", "post", "closed"]
MarketState = Literal["PRE", "REGULAR", "POST", "CLOSED"]

NEW_YORK = "America/New_York"

LAST_PRICE = timedelta(minutes=5)
"""A price counts as its session's last price from this long before the close on."""

_DAY = timedelta(days=1)
_CACHED_SESSIONS = 4096


class Session(msgspec.Struct, frozen=True):
    """One trading day of a calendar.

    `open` and `close` are the regular hours, nominal ones if `is_trading_day` is false. The regular
    phase lasts through `regular_until`, which is later than `close` if a closing auction follows.
    Extended trading lasts from `pre_open` to `open`, and until `post_close`.
    """

    date: date
    open: datetime
    close: datetime
    is_trading_day: bool
    pre_open: datetime
    regular_until: datetime
    post_close: datetime
    break_start: datetime | None = None
    break_end: datetime | None = None

    def phase(self, instant: datetime) -> Phase:
        """Return the phase of this session at an instant.

        The instant of the close is regular, since closing prices have it. A lunch break is regular
        too, as late prints of the morning fall into it; `is_break` distinguishes it.
        """
        if not self.is_trading_day or instant < self.pre_open:
            return "closed"
        if instant < self.open:
            return "pre"
        if instant <= self.regular_until:
            return "regular"
        return "post" if instant < self.post_close else "closed"

    def is_break(self, instant: datetime) -> bool:
        """Return whether trading pauses at an instant, in `[break_start, break_end)`."""
        if self.break_start is None or self.break_end is None:
            return False
        return self.break_start <= instant < self.break_end


class Calendar(ABC):
    """The sessions of a market, cached by date. `zone` is the market's time zone."""

    def __init__(self, name: str, zone: tzinfo) -> None:
        self.name = name
        self.zone = zone
        self._sessions: dict[date, Session] = {}

    def _date(self, local: datetime) -> date:
        """Return the date of the session that contains a local time."""
        return local.date()

    @abstractmethod
    def _make(self, day: date) -> Session:
        """Make the session of a date."""

    def session_on(self, day: date) -> Session:
        """Return the session of a date. A day without a session has nominal hours."""
        session = self._sessions.get(day)
        if session is None:
            if len(self._sessions) >= _CACHED_SESSIONS:
                self._sessions.clear()
            session = self._sessions[day] = self._make(day)
        return session

    def session_at(self, instant: datetime) -> Session:
        """Return the session of an aware instant; every instant has one.

        Raises ValueError if the instant is naive, OverflowError within a day of the first and last
        instants that a datetime can hold.
        """
        if instant.tzinfo is None:
            raise ValueError(f"instant {instant} has no time zone")
        return self.session_on(self._date(instant.astimezone(self.zone)))

    def span_of(self, day: date) -> tuple[datetime, datetime]:
        """Return the range `[start, end)` of the instants in the session of `day`, including those
        outside trading hours.

        The previous session may extend into this range; the next session never does.
        """
        session, following = self.session_on(day), self.session_on(day + _DAY)
        midnight, after = (self._instant(at, time()) for at in (day, day + _DAY))
        end = min(after, following.pre_open) if following.is_trading_day else after
        return min(session.pre_open, midnight), end

    def closing_instant(self, day: date) -> datetime:
        """Return the timestamp of a price for the whole of `day`: the close of its session.

        If the next session opens at that very instant, the result is a microsecond earlier. It thus
        belongs to `day` in every calendar.
        """
        close = self.session_on(day).close
        belongs = self.session_at(close).date == day
        return close if belongs else close - timedelta(microseconds=1)

    def market_state(self, instant: datetime) -> MarketState:
        """Return the state of the market, as quotes show it; CLOSED in a lunch break."""
        session = self.session_at(instant)
        phase: Phase = "closed" if session.is_break(instant) else session.phase(instant)
        return cast(MarketState, phase.upper())

    def is_open(self, instant: datetime) -> bool:
        """Return whether regular trading is in progress."""
        return self.market_state(instant) == "REGULAR"

    def next_open(self, instant: datetime) -> datetime:
        """Return the first opening after an instant; the end of a lunch break counts as one."""
        day = self.session_at(instant).date
        while True:
            session = self.session_on(day)
            if session.is_trading_day:
                for opening in (session.open, session.break_end):
                    if opening is not None and opening > instant:
                        return opening
            day += _DAY

    def trades_on(self, day: date) -> bool:
        """Return whether the market has a session on the day, as far as the calendar knows."""
        return self.session_on(day).is_trading_day

    def next_session(self, session: Session) -> Session:
        """Return the next trading day after a session. It is found by date, since one session may
        close at the very instant at which the next one opens."""
        day = session.date + _DAY
        while not self.trades_on(day):
            day += _DAY
        return self.session_on(day)

    def trading_ends(self, session: Session) -> datetime:
        """Return the end of a session's regular trading if the calendar knows it; else the
        session's close."""
        return session.close

    def is_last_price(self, session: Session, instant: datetime) -> bool:
        """Return whether a price at an instant may serve as the session's close."""
        return instant >= self.trading_ends(session) - LAST_PRICE

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


class _ExchangeRule(msgspec.Struct, frozen=True):
    """The hours of an exchange that the generated table lacks."""

    zone: str
    pre_opens: time | None = None
    post_market: timedelta = timedelta()
    closing_auction: timedelta = timedelta()


_EXCHANGES = {
    "XNYS": _ExchangeRule(NEW_YORK, pre_opens=time(4), post_market=timedelta(hours=4)),
    "XLON": _ExchangeRule("Europe/London", closing_auction=timedelta(minutes=10)),
    "XHKG": _ExchangeRule("Asia/Hong_Kong", closing_auction=timedelta(minutes=10)),
}


class ExchangeCalendar(Calendar):
    """Weekdays with opening hours, holidays and early closes from the session table."""

    def __init__(self, name: str) -> None:
        self._rule = _EXCHANGES[name]
        super().__init__(name, ZoneInfo(self._rule.zone))
        self._hours = ExchangeHours(name)

    def _make(self, day: date) -> Session:
        rule, hours = self._rule, self._hours.on(day)
        start, close = self._instant(day, hours.open), self._instant(day, hours.close)
        pause = [self._instant(day, at) for at in hours.pause] if hours.pause else [None, None]
        return Session(
            date=day,
            open=start,
            close=close,
            is_trading_day=self._hours.is_trading_day(day),
            pre_open=self._instant(day, rule.pre_opens) if rule.pre_opens else start,
            regular_until=close + rule.closing_auction,
            post_close=close + rule.post_market,
            break_start=pause[0],
            break_end=pause[1],
        )


class DayCalendar(Calendar):
    """Sessions that are whole local days and never closed.

    `exchange` is the zone's exchange in the closing table, or None. `trades_on` knows its holidays.
    Without an exchange, UTC trades every day, and any other zone Monday to Friday.
    """

    def __init__(self, name: str, zone: tzinfo) -> None:
        super().__init__(name, zone)
        self.exchange = _DAY_EXCHANGE_OF_ZONE.get(name)

    @cached_property
    def _hours(self) -> ExchangeHours | None:
        """Return the exchange's hours; None without an exchange. The hours are loaded at first use,
        since most answers never need them."""
        return ExchangeHours(self.exchange) if self.exchange else None

    def trades_on(self, day: date) -> bool:
        """Return whether the market has a session on a day. The phases of all days are alike."""
        if self._hours is not None:
            return self._hours.is_trading_day(day)
        return self.zone is UTC or day.weekday() < 5

    def trading_ends(self, session: Session) -> datetime:
        """Return when the zone's exchange closes. If its hours are unknown, return when the session
        ends."""
        if self._hours is None:
            return session.close
        return self._instant(session.date, self._hours.on(session.date).close)

    def _make(self, day: date) -> Session:
        start, end = self._instant(day, time()), self._instant(day + _DAY, time())
        return Session(day, start, end, True, start, end, end)


class OvernightCalendar(Calendar):
    """Five sessions a week that open on the evening before, from Sunday evening on; no holidays.

    A session has the date on which it ends. An instant outside all sessions has its local date.
    """

    def __init__(self, name: str, zone: tzinfo, opens: time, closes: time) -> None:
        super().__init__(name, zone)
        self._opens = opens
        self._closes = closes

    def _date(self, local: datetime) -> date:
        ends = local.date() + _DAY if local.time() >= self._opens else local.date()
        return ends if ends.weekday() < 5 else local.date()

    def _make(self, day: date) -> Session:
        start, end = self._instant(day - _DAY, self._opens), self._instant(day, self._closes)
        return Session(day, start, end, day.weekday() < 5, start, end, end)


_EXCHANGE_OF_ZONE = {
    NEW_YORK: "XNYS",
    "US/Eastern": "XNYS",
    "Europe/London": "XLON",
    "GB": "XLON",
    "Asia/Hong_Kong": "XHKG",
    "Hongkong": "XHKG",
}
_DAY_EXCHANGE_OF_ZONE = {
    "America/Toronto": "XTSE",
    "Asia/Calcutta": "XBOM",
    "Asia/Kolkata": "XBOM",
    "Asia/Seoul": "XKRX",
    "Asia/Shanghai": "XSHG",
    "Asia/Tokyo": "XTKS",
    "Australia/Sydney": "XASX",
    "Europe/Amsterdam": "XAMS",
    "Europe/Berlin": "XETR",
    "Europe/Paris": "XPAR",
    "Europe/Rome": "XMIL",
    "Europe/Zurich": "XSWX",
}
UTC_NAMES = frozenset({"UTC", "Etc/UTC"})
CRYPTO_PAIR = re.compile(r"[A-Z0-9]+-(?:USD|USDT|USDC|EUR|GBP|JPY|CAD|AUD|CHF|BTC|ETH)")


def calendar_for(symbol: str, exchange_timezone: str | None) -> Calendar:
    """Return the calendar of a symbol's ticks.

    By symbol: `EURUSD=X` trades as currencies do, 17:00 to 17:00 in New York. `ES=F` trades as
    futures do on CME, 18:00 to 17:00. A pair like BTC-USD trades round the clock, in UTC unless it
    has another time zone. By time zone: New York, London and Hong Kong have their exchange's
    sessions, any other IANA zone whole local days. Without a time zone New York's apply. Names that
    are not IANA zones use UTC days without opening hours; no error is raised.
    """
    if symbol.endswith("=X"):
        return _currencies()
    if symbol.endswith("=F"):
        return _futures()
    if not exchange_timezone:
        return _of_zone("UTC" if CRYPTO_PAIR.fullmatch(symbol) else NEW_YORK)
    return _of_zone(exchange_timezone)


@cache
def zone_names() -> frozenset[str]:
    """Return the names of time zones, about 600, in this machine's copy of the IANA database."""
    return frozenset(available_timezones())


@cache
def _currencies() -> Calendar:
    return OvernightCalendar("24/5", ZoneInfo(NEW_YORK), time(17), time(17))


@cache
def _futures() -> Calendar:
    return OvernightCalendar("CME", ZoneInfo(NEW_YORK), time(18), time(17))


@lru_cache(maxsize=128)
def _of_zone(name: str) -> Calendar:
    exchange = _EXCHANGE_OF_ZONE.get(name)
    if exchange:
        return ExchangeCalendar(exchange)
    if name in UTC_NAMES:
        return DayCalendar("24/7", UTC)
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such file, bad name, or a folder
        return _of_zone("UTC")
    return DayCalendar(name, zone)
