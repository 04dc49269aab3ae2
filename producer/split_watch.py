"""Detects splits among live ticks, as Yahoo lists them.

Each tick of such a session names the split, and the symbol's history has to be fetched again.
Yahoo's history is always split-adjusted (ranaroussi/yfinance issue 2076): bars fetched before a
split do not match later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.splits import find_split
from chalicelib.domain.times import from_text
from producer.reasons import reason
from producer.status import Status
from producer.wire import WireTick


class _Seen(NamedTuple):
    session: Session
    price: Decimal


class SplitWatch:
    """Adds the split of their session to ticks, and reports each split once.

    Polled ticks include their split. Pushed ones do not: if the previous close differs from the
    last price by the ratio of a split, `listed(symbol)` returns the session's split. Only listed
    splits count.
    """

    def __init__(
        self, status: Status, listed: Callable[[str], str | None] = lambda _symbol: None
    ) -> None:
        self._status = status
        self._listed = listed
        self._last: dict[str, _Seen] = {}
        self._splits: dict[tuple[str, str], str] = {}

    def learn(self, bars: Iterable[WireTick]) -> None:
        """Note the splits in history, which is adjusted for them."""
        for bar in bars:
            if bar.split is not None:
                self._splits[bar.symbol, bar.timestamp[:10]] = bar.split

    def seen_in(self, ticks: Iterable[WireTick]) -> set[str]:
        """Return the symbols whose ticks, in order, have a new split."""
        return {tick.symbol for tick in ticks if self._is_new(tick)}

    def _is_new(self, tick: WireTick) -> bool:
        calendar = calendar_for(tick.symbol, tick.exchange_timezone)
        instant = from_text(tick.timestamp)
        session = calendar.session_at(instant)
        key = tick.symbol, session.date.isoformat()
        found = tick.split or self._listed_split(tick, session)
        if session.phase(instant) == "regular":
            self._last[tick.symbol] = _Seen(session, tick.price)
        known = self._splits.get(key)
        tick.split = known or found
        if known is not None or found is None:
            return False
        self._splits[key] = found
        self._status.problem(f"{tick.symbol}: a split, {found}: fetching its history again")
        return True

    def _listed_split(self, tick: WireTick, session: Session) -> str | None:
        """Return the listed split of a session whose first tick suggests one."""
        before = self._last.get(tick.symbol)
        if before is None or before.session.date >= session.date or tick.previous_close is None:
            return None
        if find_split(session.date.isoformat(), before.price, tick.previous_close) is None:
            return None
        try:
            return self._listed(tick.symbol)
        except Exception as error:  # noqa: BLE001 - the price itself is sent anyway
            self._status.problem(
                f"{tick.symbol}: whether it was split is not known: {reason(error)}", error
            )
            return None
