"""Writing bars that were computed again: what differs, under its condition."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from chalicelib.domain.bars import Bar, key_of
from chalicelib.domain.building import Hour
from chalicelib.domain.correction import hour_of, hour_span
from chalicelib.domain.errors import Contended
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import just_after
from chalicelib.services.repair_reading import stored_bars
from chalicelib.services.stores import BarStore

Fewer = Callable[[Bar], int]
"""How many of its stored ticks a bar may have lost; one that has lost more stays as it is stored,
since what it was made from has expired."""


def at_most(count: int) -> Fewer:
    """Every bar so many."""
    return lambda _: count


ANY = at_most(sys.maxsize)


class BarWriter:
    """Puts and discards bars that were made from ticks."""

    def __init__(self, bars: BarStore) -> None:
        self._bars = bars

    def put_hours(
        self, symbol: str, timezone: str | None, hours: Sequence[Hour], arrival: str
    ) -> None:
        """Fold and put finished hours. An hour in which ticks of the other kind lay between may
        have ended before: what is folded now counts."""
        clashes = self.put_all(self.folded(symbol, timezone, hours), arrival)
        self.put_differing(sorted(clashes, key=_key), "1h", arrival, ANY)

    def put_all(self, bars: Sequence[Bar], arrival: str) -> list[Bar]:
        """Put bars of any intervals; returns those that differ from what is stored already."""
        return self._bars.put_all(bars, arrival) if bars else []

    def folded(
        self,
        symbol: str,
        timezone: str | None,
        hours: Iterable[Hour],
        without: Collection[Bar] = (),
    ) -> list[Bar]:
        """Hours out of their stored minutes, in order, each once; some minutes left out.

        Each of these hours has a tick: one whose minutes are all history counts a tick that the
        history hides, so that it is not taken for history itself.
        """
        calendar = calendar_for(symbol, timezone)
        spans = sorted((hour_span(hour, calendar) for hour in set(hours)), key=lambda one: one.key)
        if not spans:
            return []
        left_out = {bar.key for bar in without}
        stored = stored_bars(self._bars, symbol, "1m", spans[0].start, spans[-1].end)
        minutes = [bar for bar in stored if bar.key not in left_out]
        starts = [bar.start for bar in minutes]
        folded = []
        for span in spans:
            mine = minutes[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            hour = hour_of(span, mine)
            if hour is not None:
                folded.append(msgspec.structs.replace(hour, ticks=max(hour.ticks, 1)))
        return folded

    def put_differing(self, bars: Sequence[Bar], interval: str, arrival: str, fewer: Fewer) -> int:
        """Put finished bars of a symbol, in order, where they differ from what is stored, with
        `revision` raised. Returns how many differed."""
        if not bars:
            return 0
        end = just_after(key_of(bars[-1].start, extended=True))
        stored = stored_bars(self._bars, bars[0].symbol, interval, bars[0].start, end)
        return self.put_unlike(bars, stored, arrival, fewer)

    def put_unlike(
        self, bars: Iterable[Bar], stored: Iterable[Bar], arrival: str, fewer: Fewer
    ) -> int:
        """Likewise, where what is stored is known."""
        known = {bar.key: bar for bar in stored}
        differing = []
        for bar in bars:
            old = known.get(bar.key)
            if old is not None and bar.ticks + fewer(bar) < old.ticks:
                continue
            revision = old.revision + 1 if old else 0
            closed = msgspec.structs.replace(bar, closed=True, revision=revision)
            if old is None or not old.same_values(closed):
                differing.append(closed)
        if clashes := self.put_all(differing, arrival):
            raise _contended(clashes[0])
        return len(differing)

    def put_minutes(self, bars: Sequence[Bar], arrival: str, expired_before: str) -> Minutes:
        """Put whole minutes of a symbol, of which both kinds are given, where they differ.

        A minute with fewer ticks than are stored stays as it is, since some have expired, unless
        it begins at `expired_before` or later. Those that have no ticks of their kind any more are
        to be discarded once their hours are.
        """
        if not bars:
            return Minutes()
        end = just_after(key_of(bars[-1].start, extended=True))
        stored = stored_bars(self._bars, bars[0].symbol, "1m", bars[0].start, end)
        counts, had = _ticks_by_start(bars), _ticks_by_start(stored)
        known = [
            bar
            for bar in bars
            if counts[bar.start] >= had[bar.start] or bar.start >= expired_before
        ]
        changed = self.put_unlike(known, stored, arrival, ANY)
        kept, starts = {bar.key for bar in known}, {bar.start for bar in known}
        old = [bar for bar in stored if bar.start in starts and bar.ticks]
        new = {bar.key: bar.ticks for bar in known}
        return Minutes(
            changed,
            gone=[bar for bar in old if bar.key not in kept],
            beside=[bar for bar in old if bar.key in kept],
            expired={bar.start for bar in bars} - starts,
            lost=sum(max(0, bar.ticks - new.get(bar.key, 0)) for bar in old),
        )

    def put_hours_of(
        self,
        symbol: str,
        timezone: str | None,
        hours: Mapping[Hour, bool],
        gone: Collection[Bar],
        arrival: str,
        fewer: Fewer,
    ) -> int:
        """Fold hours out of their stored minutes but the `gone`, and put those that differ; discard
        those that have none any more and are marked as emptied. Returns how many differed."""
        folded = self.folded(symbol, timezone, hours, without=gone)
        changed = self.put_differing(folded, "1h", arrival, fewer)
        left = hours.keys() - {Hour(bar.start, bar.extended) for bar in folded}
        for hour in left:
            if hours[hour]:
                key = key_of(hour.start, extended=hour.extended)
                stored = stored_bars(self._bars, symbol, "1h", key, just_after(key))
                changed += self.discard(bar for bar in stored if bar.ticks)
        return changed

    def discard(self, bars: Iterable[Bar]) -> int:
        """Delete bars that have no ticks any more. Returns how many; raises Contended."""
        count = 0
        for bar in bars:
            if not self._bars.discard(bar):
                raise _contended(bar)
            count += 1
        return count


class Minutes(msgspec.Struct, frozen=True):
    """What putting minutes came to: how many differed, the stored and the running bars that are no
    more, because their ticks are of the other kind now, those that were stored and stay, the starts
    of minutes of which ticks have expired, and how many ticks the stored ones have lost."""

    changed: int = 0
    gone: list[Bar] = []
    emptied: list[Bar] = []
    beside: list[Bar] = []
    expired: set[str] = set()
    lost: int = 0


def _ticks_by_start(bars: Iterable[Bar]) -> Counter[str]:
    counts = Counter[str]()
    for bar in bars:
        counts[bar.start] += bar.ticks
    return counts


def _key(bar: Bar) -> str:
    return bar.key


def _contended(bar: Bar) -> Contended:
    return Contended(f"{bar.series}: a bar is being corrected by another invocation")
