"""Find out which prices of a symbol's bars have expired, by comparing ticks with stored 1m bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import day_range
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import later
from chalicelib.services.bars.repair_reading import stored_bars
from chalicelib.services.stores import BarStore


class Losses:
    """Compares a symbol's minutes, in order, with its stored minute bars, which outlive its prices.

    If a stored minute counts more ticks than were found, some of its ticks have expired: the minute
    is a loss. Only minutes before `expired_before` can be losses. DynamoDB deletes expired items in
    any order, so any session may have losses. `unbroken` counts the ticks since the last loss.
    """

    def __init__(self, bars: BarStore, first: Tick, expired_before: str) -> None:
        self._bars = bars
        self._symbol = first.symbol
        self._expired_before = expired_before
        place = place_of(first)
        self._reached, _ = day_range(place.session)
        self._doubtful = place.date if place.minute < expired_before else ""
        self._sessions: set[str] = set()
        self._lost: set[str] = set()
        self._stored = Counter[str]()
        self.unbroken = 0

    def without(self, minutes: Sequence[Bar], until: str) -> list[Bar]:
        """Compare the next minutes, all before `until`, with the stored ones. Return the minutes to
        write. A minute with all its ticks is left as stored if its volume may depend on an expired
        tick."""
        mine, old = _by_start(minutes), _by_start(self._read(until))
        left = {
            start
            for start in sorted(mine.keys() | old.keys())
            if self._stays(start, mine.get(start, []), old.get(start, []))
        }
        return [bar for bar in minutes if bar.start not in left]

    def lost_some(self, start: str, mine: Iterable[Bar], stored: Iterable[Bar]) -> bool:
        """Return whether ticks of the minute at `start` have expired."""
        return start < self._expired_before and _ticks(mine) < _ticks(stored)

    def are_doubtful(self, mine: Sequence[Bar], stored: Sequence[Bar]) -> bool:
        """Return whether a minute's new volumes are unreliable. The minute then has all stored
        ticks, but its volumes may have been computed without an expired tick."""
        if not any(bar.session_date == self._doubtful and bar.volume is not None for bar in mine):
            return False
        return {bar.key: bar.ticks for bar in mine} == {bar.key: bar.ticks for bar in stored}

    def may_concern(self, date: str) -> bool:
        """Return whether ticks of a session may have expired, since it may have begun early
        enough."""
        return later(f"{date}T00:00:00.000000Z", days=-1) < self._expired_before

    def concern(self, date: str) -> bool:
        """Return whether ticks of a session have expired."""
        return date in self._lost

    def allowed(self, date: str, ticks: int, seen: int) -> int:
        """Return by how many ticks a day may fall short of its stored bar. It may lack ticks that
        became regular or extended. The result is 0 if ticks of the session have expired. `ticks`
        counts the day's ticks now, `seen` the regular and extended ticks of its session."""
        if self.concern(date):
            return 0
        return max(0, self._stored[date] - ticks) if self.may_concern(date) else seen

    def precede(self, date: str) -> bool:
        """Return whether prices are missing between a session and the one before. If so, the prices
        may not show a split between the two."""
        before = max((known for known in self._sessions if known < date), default="")
        return not before or any(before <= lost <= date for lost in self._lost)

    def _read(self, until: str) -> list[Bar]:
        start, self._reached = self._reached, max(self._reached, until)
        if start >= until or (start >= self._expired_before and not self._doubtful):
            return []
        stored = stored_bars(self._bars, self._symbol, "1m", start, until)
        return [bar for bar in stored if bar.ticks]

    def _stays(self, start: str, mine: Sequence[Bar], stored: Sequence[Bar]) -> bool:
        date = (mine or stored)[0].session_date
        self._stored[date] += _ticks(stored)
        self._sessions |= {date} if mine else set()
        if self.lost_some(start, mine, stored):
            self._lost.add(date)
            self._doubtful = date
            self.unbroken = 0
            return False  # the writer keeps a stored minute that has more ticks
        self.unbroken += _ticks(mine)
        doubtful = self.are_doubtful(mine, stored)
        if any(bar.volume is not None and not bar.extended for bar in mine):
            self._doubtful = ""
        return doubtful


def _ticks(bars: Iterable[Bar]) -> int:
    return sum(bar.ticks for bar in bars)


def _by_start(bars: Iterable[Bar]) -> Mapping[str, list[Bar]]:
    found: dict[str, list[Bar]] = {}
    for bar in bars:
        found.setdefault(bar.start, []).append(bar)
    return found
