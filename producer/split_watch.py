"""Splits among the live ticks: Yahoo's history has to be fetched anew after one.

Yahoo's history is split-adjusted whatever one asks for (ranaroussi/yfinance issue 2076): what was
fetched before a split does not fit what comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from chalicelib.domain.sessions import Calendar, Session, calendar_for
from chalicelib.domain.splits import find_split
from chalicelib.domain.times import from_text
from producer.status import Status
from producer.wire import WireTick


class _Seen(NamedTuple):
    session: Session
    price: Decimal


class SplitWatch:
    """Remembers each symbol's last regular price, and compares the next session's previous close
    with it, by the rule that detection has too."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._last: dict[str, _Seen] = {}

    def seen_in(self, ticks: Iterable[WireTick]) -> set[str]:
        """The symbols whose ticks, in order, show a split."""
        return {tick.symbol for tick in ticks if self._shows_split(tick)}

    def _shows_split(self, tick: WireTick) -> bool:
        calendar = calendar_for(tick.symbol, tick.exchange_timezone)
        instant = from_text(tick.timestamp)
        session = calendar.session_at(instant)
        if session.phase(instant) != "regular":
            return False
        before = self._last.get(tick.symbol)
        self._last[tick.symbol] = _Seen(session, tick.price)
        if before is None or not _is_next(calendar, before.session, session):
            return False
        if tick.previous_close is None:
            return False
        split = find_split(session.date.isoformat(), before.price, tick.previous_close)
        if split is None:
            return False
        ratio = f"{split.numerator}:{split.denominator}"
        self._status.problem(f"{tick.symbol}: a split, {ratio}: its history is fetched anew")
        return True


def _is_next(calendar: Calendar, before: Session, session: Session) -> bool:
    return session.date > before.date and calendar.next_session(before).date == session.date
