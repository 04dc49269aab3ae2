"""The opening hours of symbols' exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from chalicelib.domain.exchange_delays import exchange_delay
from producer.exchange_hours import ExchangeHours, hours_of
from producer.markets import market_of

AFTER_CLOSE = timedelta(minutes=10)
"""An exchange counts as open for this long after its close, since closing prices come a few minutes
late, plus Yahoo's delay."""


class Always:
    """Opening hours for `--ignore-hours`: every exchange is always open."""

    def is_open(self, symbol: str, instant: datetime) -> bool:  # noqa: ARG002 - the interface's
        """Return True, since every exchange is open."""
        return True

    def next_open(self, symbols: Iterable[str], instant: datetime) -> datetime:  # noqa: ARG002
        """Return the given instant, since all exchanges are open."""
        return instant


class MarketHours:
    """Opening hours by exchange. Instants are aware UTC.

    Each exchange is looked up once per instant. An exchange whose hours are unknown counts as open
    and does not affect the others. `note` is called once for each exchange whose holidays or hours
    are unknown.
    """

    def __init__(self, note: Callable[[str], None] = lambda _: None) -> None:
        self._note = note
        self._noted: set[str] = set()
        self._told: tuple[datetime | None, dict[tuple[str, timedelta], bool]] = (None, {})

    def is_open(self, symbol: str, instant: datetime) -> bool:
        """Return whether new prices of the symbol may come from its exchange. They may come while
        it is open, and for ten minutes plus Yahoo's delay after its close. Unknown hours count as
        open."""
        told_at, told = self._told
        if told_at != instant:
            told_at, told = self._told = instant, {}
        market = market_of(symbol).calendar, exchange_delay(symbol)
        if market not in told:
            told[market] = self._is_open(*market, instant)
        return told[market]

    def _is_open(self, name: str, delay: timedelta, instant: datetime) -> bool:
        hours = self._hours(name, instant)
        if hours is None:
            return True
        return hours.is_open(instant) or hours.is_open(instant - AFTER_CLOSE - delay)

    def gives_prices(self, symbols: Iterable[str], instant: datetime) -> bool:
        """Return whether new prices of any of the symbols are expected.

        A symbol's exchange has to trade now, and at the time of the prices that arrive now, which
        may be delayed. Lunch breaks do not count as trading, nor do unknown hours.
        """
        lates = {(market_of(name).calendar, exchange_delay(name)) for name in symbols}
        return any(self._trades(name, instant, AFTER_CLOSE + delay) for name, delay in lates)

    def _trades(self, name: str, instant: datetime, late: timedelta) -> bool:
        hours = self._hours(name, instant)
        return hours is not None and hours.trades(instant) and hours.trades(instant - late)

    def next_open(self, symbols: Iterable[str], instant: datetime) -> datetime:
        """Return the first opening of any of the symbols' exchanges after the instant. Return the
        instant itself if the hours of one of the exchanges are unknown."""
        names = {market_of(symbol).calendar for symbol in symbols}
        known = [self._hours(name, instant) for name in names]
        return min(instant if hours is None else hours.next_open(instant) for hours in known)

    def _hours(self, name: str, instant: datetime) -> ExchangeHours | None:
        try:
            hours = hours_of(name, instant.year)
        except Exception as error:  # noqa: BLE001 - the other exchanges continue
            self._once(name, f"{name}: its hours are not known ({error}); it counts as open")
            return None
        if hours.assumed_after is not None and instant >= hours.assumed_after:
            day = hours.assumed_after.date()
            self._once(
                name,
                f"{name}: holidays after {day} are not known; every weekday counts as a session",
            )
        return hours

    def _once(self, name: str, message: str) -> None:
        if name not in self._noted:
            self._noted.add(name)
            self._note(message)


Hours = Always | MarketHours
"""The opening hours of exchanges."""
