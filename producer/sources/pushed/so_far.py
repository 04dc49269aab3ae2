"""Makes ticks of trades. A tick also has the session's open, high, low and volume so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

import msgspec

from chalicelib.domain.actions import Action, scaled_price
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.ticks import as_volume
from chalicelib.domain.times import from_text
from producer.sources.pushed.messages import Trade
from producer.wire import WireTick

PAIR = re.compile(r"[A-Z0-9]{1,12}-[A-Z0-9]{2,6}")
"""A pair of currencies."""

_MINUTE = len("2026-11-20T15:30")
_STATES = {"pre": "PRE", "regular": "REGULAR", "post": "POST", "closed": "POST"}
"""The market state of a trade by the session's phase. A trade outside all hours counts as one after
hours."""


class Listing(msgspec.Struct, frozen=True):
    """The values that all ticks of a symbol share."""

    currency: str | None
    exchange_timezone: str
    source: str


def pair_listing(symbol: str, source: str) -> Listing | None:
    """Return what the ticks of a pair such as BTC-USD share; None for any other symbol. Pairs trade
    round the clock: their day is UTC's."""
    return Listing(symbol.rpartition("-")[2], "UTC", source) if PAIR.fullmatch(symbol) else None


class _SoFar(msgspec.Struct):
    """A symbol's session: prices of regular hours, and the volumes of its minutes.

    `price` is the newest price of regular hours, and `priced_in` is the minute in which it came.
    `totals` are the volumes of regular and of other hours; they never fall.
    """

    day: date
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    price: Decimal | None = None
    priced_in: str = ""
    volumes: dict[str, Decimal] = {}
    totals: dict[bool, Decimal] = {}


class SessionsSoFar:
    """The current session of each symbol, from history and trades.

    Trades and bars are within ingest's bounds. A trade's size counts at once; its price counts once
    its tick has passed hygiene (`complete`). Ticks have a volume once history has given the minutes
    before the trades. Regular hours have a separate volume from the hours before and after them.
    Ticks of a session with a split name the split, and their last close is adjusted for it.
    """

    def __init__(self) -> None:
        self._symbols: dict[str, _SoFar] = {}
        self._at: dict[str, tuple[str, Session, str]] = {}
        self._told: set[str] = set()
        self._ticked: set[str] = set()
        self._settled: dict[str, str] = {}
        self._made: set[str] = set()
        self._splits: dict[str, dict[str, Action]] = {}

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        for name in list(filter(drops, self._symbols)):
            for known in (self._symbols, self._at, self._settled, self._splits):
                known.pop(name, None)
            self._told.discard(name)
            self._ticked.discard(name)
            self._made.discard(name)

    def learn(self, bars: Iterable[WireTick]) -> set[str]:
        """Take the prices, volumes and splits of historical bars, in time order.

        Returns the symbols whose ticks have already stated a volume that the bars have raised. The
        difference would count for the minute of the next tick.
        """
        return {bar.symbol for bar in bars if self._learns(bar)}

    def lacks(self, symbol: str, at: str, volume: Decimal) -> bool:
        """Return whether less than `volume` has been counted for a minute of the current
        session."""
        found = self._symbols.get(symbol)
        if found is None:
            return volume > 0
        return found.volumes.get(at[:_MINUTE], Decimal(0)) < volume

    def settle(self, symbol: str, minute: str) -> None:
        """Record that bars up to a minute (such as 2026-11-20T15:30) no longer change the volume so
        far."""
        self._settled[symbol] = minute

    def _learns(self, bar: WireTick) -> bool:
        if bar.action is not None and bar.action.kind == "split":
            self._splits.setdefault(bar.symbol, {})[bar.action.ex_date] = bar.action
            return False
        if bar.bar == "1m":
            return self._learn_minute(bar)
        if bar.bar == "1d":
            self._learn_day(bar)
        return False

    def _learn_day(self, bar: WireTick) -> None:
        day = date.fromisoformat(bar.timestamp[:10])
        found = self._of(bar.symbol, day)
        if found.day > day:
            found.previous_close = bar.price
        else:
            found.price = bar.price

    def _learn_minute(self, bar: WireTick) -> bool:
        session, phase = self._session_of(bar.symbol, bar.timestamp, bar.exchange_timezone)
        found = self._of(bar.symbol, session.date)
        self._told.add(bar.symbol)
        if found.day != session.date:  # the minute belongs to an earlier session
            return False
        minute = bar.timestamp[:_MINUTE]
        if phase == "regular":
            found.open = found.open or bar.open
            _widen(found, bar.high or bar.price, bar.low or bar.price)
            _price(found, minute, bar.price)
        if minute <= self._settled.get(bar.symbol, ""):
            return False
        more = (bar.volume or Decimal(0)) - found.volumes.get(minute, Decimal(0))
        if more > 0:
            _count(found, minute, phase, more)
        return bar.symbol in self._ticked and more > 0

    def tick(self, trade: Trade, listing: Listing) -> WireTick | None:
        """Return the tick of a trade, before `complete`; None for a trade that sets no price."""
        session, phase = self._session_of(trade.symbol, trade.at, listing.exchange_timezone)
        found = self._of(trade.symbol, session.date)
        minute = trade.at[:_MINUTE]
        is_current = found.day == session.date
        if trade.size is not None and is_current:
            _count(found, minute, phase, trade.size)
        if not trade.sets_price:
            return None
        self._made.add(trade.symbol)
        is_known = trade.size is not None and trade.symbol in self._told
        if is_known:
            self._ticked.add(trade.symbol)
        split = self._splits.get(trade.symbol, {}).get(session.date.isoformat())
        close = found.previous_close
        if split is not None and close is not None and is_current:
            close = scaled_price(close, split.factor)
        return WireTick(
            symbol=trade.symbol,
            timestamp=trade.at,
            price=trade.price,
            previous_close=close,
            split=split.ratio if split is not None else None,
            volume=_told(found, phase) if is_known else None,
            currency=listing.currency,
            exchange_timezone=listing.exchange_timezone,
            market_state=_STATES[phase],
            source=listing.source,
            mode="live",
        )

    def complete(self, tick: WireTick) -> None:
        """Set the open, high and low of a tick that `tick` made. They include the tick's price."""
        if tick.symbol not in self._made:
            return
        session, phase = self._session_of(tick.symbol, tick.timestamp, tick.exchange_timezone)
        found = self._of(tick.symbol, session.date)
        if found.day == session.date and phase == "regular":
            found.open = found.open or tick.price
            _widen(found, tick.price, tick.price)
            _price(found, tick.timestamp[:_MINUTE], tick.price)
        tick.open, tick.high, tick.low = found.open, found.high, found.low

    def _of(self, symbol: str, day: date) -> _SoFar:
        """Return the symbol's session. Begin a new session if `day` is later than the last
        session's."""
        found = self._symbols.get(symbol)
        if found is None or found.day < day:
            close = found.price if found is not None else None
            found = self._symbols[symbol] = _SoFar(day, previous_close=close)
        return found

    def _session_of(self, symbol: str, at: str, zone: str | None) -> tuple[Session, str]:
        """Return the session and its phase at an instant; looked up once for all trades of a
        minute."""
        minute = at[:_MINUTE]
        known = self._at.get(symbol)
        if known is None or known[0] != minute:
            instant = from_text(at)
            session = calendar_for(symbol, zone).session_at(instant)
            known = self._at[symbol] = minute, session, session.phase(instant)
        return known[1], known[2]


def _count(found: _SoFar, minute: str, phase: str, volume: Decimal) -> None:
    is_regular = phase == "regular"
    found.volumes[minute] = found.volumes.get(minute, Decimal(0)) + volume
    found.totals[is_regular] = found.totals.get(is_regular, Decimal(0)) + volume


def _told(found: _SoFar, phase: str) -> Decimal | None:
    """Return the volume to state in a tick. Return None if nothing has been counted or ingest would
    refuse the volume."""
    total = found.totals.get(phase == "regular")
    return None if total is None else as_volume(total)


def _price(found: _SoFar, minute: str, price: Decimal) -> None:
    if minute >= found.priced_in:
        found.price, found.priced_in = price, minute


def _widen(found: _SoFar, high: Decimal, low: Decimal) -> None:
    found.high = high if found.high is None else max(found.high, high)
    found.low = low if found.low is None else min(found.low, low)
