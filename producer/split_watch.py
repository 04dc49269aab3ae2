"""Detects splits among live ticks, as the source lists them.

Each tick of a split's session names the split, and the symbol's history has to be fetched again.
Yahoo's history is always split-adjusted (ranaroussi/yfinance issue 2076): bars fetched before a
split do not match later ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.splits import find_split
from chalicelib.domain.times import from_text
from producer.status import Status
from producer.wire import WireTick


class _Seen(NamedTuple):
    session: Session
    price: Decimal


class SplitWatch:
    """Adds a session's split to each of its ticks, and reports each split once.

    Polled ticks include their split. Pushed ticks do not include it. `suggests` finds pushed ticks
    that hint at a split, and `take` stores the split once the source lists it. Only listed splits
    count.
    """

    def __init__(self, status: Status) -> None:
        self._status = status
        self._last: dict[str, _Seen] = {}
        self._splits: dict[tuple[str, str], str] = {}

    def learn(self, bars: Iterable[WireTick]) -> None:
        """Record the splits in historical bars, whose prices are adjusted for them."""
        for bar in bars:
            if bar.split is not None:
                self._splits[bar.symbol, bar.timestamp[:10]] = bar.split

    def seen_in(self, ticks: Iterable[WireTick]) -> set[str]:
        """Add known splits to ticks, which come in order. Return the symbols that have a new
        split."""
        return {tick.symbol for tick in ticks if self._is_new(tick)}

    def _is_new(self, tick: WireTick) -> bool:
        calendar = calendar_for(tick.symbol, tick.exchange_timezone)
        instant = from_text(tick.timestamp)
        session = calendar.session_at(instant)
        key = tick.symbol, session.date.isoformat()
        found = tick.split
        if session.phase(instant) == "regular":
            self._last[tick.symbol] = _Seen(session, tick.price)
        known = self._splits.get(key)
        tick.split = known or found
        if known is not None or found is None:
            return False
        self.take(*key, found)
        return True

    def take(self, symbol: str, date: str, split: str) -> None:
        """Record and report the split of a symbol's session."""
        self._splits[symbol, date] = split
        self._status.problem(f"{symbol}: a split, {split}: fetching its history again")

    def suggests(self, tick: WireTick, now: datetime) -> str | None:
        """Return the date of a tick's session if the tick hints at an unknown split; else None.

        A hint is a tick of the current session whose previous close differs from the last session's
        price. The difference has to be the ratio of a split.
        """
        before = self._last.get(tick.symbol)
        if before is None or tick.previous_close is None or tick.split is not None:
            return None
        calendar = calendar_for(tick.symbol, tick.exchange_timezone)
        session = calendar.session_at(from_text(tick.timestamp))
        if before.session.date >= session.date or session.date != calendar.session_at(now).date:
            return None
        date = session.date.isoformat()
        if (tick.symbol, date) in self._splits:
            return None
        is_split = find_split(date, before.price, tick.previous_close) is not None
        return date if is_split else None
