"""Read the closed bars of an interval over a range. Detect evaluates a rule when a bar closes.

A bar closes when the first tick after it arrives, before the rule expires. Stored bars alone do not
show whether a bar has closed. An unfinished week already has stored days. A day is over at the
first tick after its session's close, but is stored only at the next session's first tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import chain, groupby, pairwise
from typing import cast

from chalicelib.domain.bar_watching import Spot, has_closed, label_of
from chalicelib.domain.building import SessionPlace, place_of
from chalicelib.domain.detection import State
from chalicelib.domain.folding import BASE_OF, label
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import DatedClose
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, to_text
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.stores import Close, Stores

_DAY = timedelta(days=1).total_seconds()
LONGEST_SECONDS = {"1m": 60.0, "5m": 300.0, "15m": 900.0, "30m": 1800.0, "1h": 3600.0}
LONGEST_SECONDS |= {"1d": _DAY, "1wk": 7 * _DAY, "1mo": 31 * _DAY}
"""The length of each interval's longest bar, in seconds."""

_MOST_AFTER_CLOSE = 1000
"""How many ticks are read to find one after a session's close."""

LastPart = tuple[Close, DatedClose | None]
"""The last stored bar within a bar, and the close of the session before."""


class ClosedBars:
    """Reads a symbol's regular bars that have closed."""

    def __init__(
        self, stores: Stores, rule: Rule, state: State, time_is_up: Callable[[], bool]
    ) -> None:
        """Create a reader. `state` is the state of the symbol."""
        self._time_is_up = time_is_up
        self._stores = stores
        self._rule = rule
        self._state = state
        self._interval = rule.interval
        self._base = BASE_OF[rule.interval]
        self._newest = self._newest_spot()

    def last_parts(
        self, start: str | None, end: str | None, before: DatedClose | None
    ) -> Iterator[LastPart]:
        """Yield the last part of each closed bar, if that part begins in `[start, end)`. `before`
        is the last close before these bars. Ends before the first bar that closes after the rule
        has expired. Raises TimeIsUp."""
        dated = _with_session_before(self._closes(start, end), before)
        groups = groupby(dated, key=lambda part: label(part[0].start, self._interval))
        lasts = ((name, _last(parts)) for name, parts in groups)
        for one, following in pairwise(chain(lasts, [None])):
            name, last = cast("tuple[str, LastPart]", one)
            if self._is_beyond_expiry(name, last[0]):
                return
            in_range = end is None or last[0].start < end
            if in_range and self._is_over(name, has_next=following is not None):
                yield last

    def _closes(self, start: str | None, end: str | None) -> Iterator[Close]:
        """Yield the closes of stored bars and of the running day, up to the end of the bar that
        contains `end`."""
        until = later(end, seconds=LONGEST_SECONDS[self._interval]) if end is not None else None
        day = self._running_day(start, until)
        for close in self._stores.bars.closes(self._state.symbol, self._base, start, until):
            if close.extended and self._time_is_up():
                raise TimeIsUp
            if not close.extended and (day is None or close.start < day.start):
                yield close
            elif day is not None and not close.extended and close.start > day.start:
                yield from (day, close)
                day = None
        if day is not None:
            yield day

    def _running_day(self, start: str | None, until: str | None) -> Close | None:
        day = self._state.day
        if day is None or self._interval != "1d" or day.ticks < 1:
            return None
        if (start is not None and day.start < start) or (until is not None and day.start >= until):
            return None
        return Close(day.start, day.session_date, day.close, day.ticks)

    def _newest_spot(self) -> Spot | None:
        """Return the place and time of the newest tick before the rule expires; None without
        ticks."""
        tick = self._state.last
        if tick is not None and self._rule.has_expired(tick.timestamp):
            tick = self._last_before(self._rule.expires_at)
        return None if tick is None else (place_of(tick), tick.timestamp)

    def _last_before(self, instant: str | None) -> Tick | None:
        prices = self._stores.prices
        rows = prices.ticks(self._state.symbol, None, instant, limit=1, descending=True).rows
        return rows[0].tick if rows else None

    def _is_over(self, name: str, *, has_next: bool) -> bool:
        """Return whether a bar has closed by the newest tick. If a historical bar is later than
        that tick, it has closed if its interval is stored, or if another bar follows."""
        if self._newest is not None:
            running = label_of(self._newest[0], self._interval)
            if name <= running:
                return name < running or self._has_day_closed(*self._newest)
        return has_next or self._interval == self._base

    def _is_beyond_expiry(self, name: str, last: Close) -> bool:
        """Return whether a bar lies beyond the newest tick and ends after the rule has expired. If
        so, the same is true of all later bars."""
        if self._newest is not None and name <= label_of(self._newest[0], self._interval):
            return False
        return self._rule.has_expired(later(last.start, seconds=LONGEST_SECONDS[self._base]))

    def _has_day_closed(self, place: SessionPlace, instant: str) -> bool:
        """Return whether a tick after the session's close has closed the day of the newest tick.
        The newest tick itself may follow that tick and still count as regular, as in an auction."""
        if self._interval != "1d":
            return False
        start, end = to_text(place.session.close), just_after(instant)
        ticks = self._stores.prices.ticks
        page = ticks(self._state.symbol, start, end, limit=_MOST_AFTER_CLOSE, descending=True)
        after = ((place_of(row.tick), row.tick.timestamp) for row in page.rows)
        return any(has_closed("1d", place, *spot) for spot in after)


def _last(parts: Iterable[LastPart]) -> LastPart:
    *_, last = parts
    return last


def _with_session_before(closes: Iterable[Close], before: DatedClose | None) -> Iterator[LastPart]:
    """Pair each close with the last close of the session before; None if that is unknown."""
    last = before
    for close in closes:
        if last is not None and last[0] != close.date:
            before = last
        yield close, before if before and before[0] != close.date else None
        last = close.date, close.close
