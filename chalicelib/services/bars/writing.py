"""Write recomputed bars that differ from the stored bars, unless these have changed meanwhile."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from chalicelib.domain.bars import Bar, key_of, shown
from chalicelib.domain.building import Hour
from chalicelib.domain.correction import hour_of, hour_span
from chalicelib.domain.errors import Contended
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import just_after
from chalicelib.services.bars.repair_reading import stored_bars
from chalicelib.services.stores import BarStore, Refused

MayLose = Callable[[Bar], int]
"""A function that returns how many of its stored ticks a bar may have lost. If a bar has lost more,
the ticks from which it was made have expired. The stored bar then stays."""


def at_most(count: int) -> MayLose:
    """Return a MayLose that allows every bar to have lost `count` ticks."""
    return lambda _: count


ANY = at_most(sys.maxsize)


class BarWriter:
    """Puts and discards bars made from ticks."""

    def __init__(self, bars: BarStore) -> None:
        self._bars = bars

    def put_hours(
        self, symbol: str, timezone: str | None, hours: Sequence[Hour], arrival: str
    ) -> None:
        """Make finished hours from their minutes and put them. An hour may be stored already if
        regular and extended ticks alternate. The new hour then replaces it. Raises Contended."""
        folded = self._folded(symbol, timezone, hours)
        refused = self.put_all([one.bar for one in folded], arrival)
        differing = sorted(refused.differing, key=_key)
        self.put_differing(differing, "1h", arrival, _losses(folded))

    def put_all(self, bars: Sequence[Bar], arrival: str) -> Refused:
        """Put bars of any interval. Return the bars that were refused; see Refused."""
        return self._bars.put_all(bars, arrival) if bars else Refused()

    def _folded(
        self,
        symbol: str,
        timezone: str | None,
        hours: Iterable[Hour],
        without: Collection[Bar] = (),
    ) -> list[_Folded]:
        """Make hours from their stored minutes, leaving out the minutes in `without`. Return each
        hour that has minutes once, in order."""
        calendar = calendar_for(symbol, timezone)
        spans = sorted((hour_span(hour, calendar) for hour in set(hours)), key=lambda one: one.key)
        if not spans:
            return []
        left_out = {bar.key for bar in without}
        stored = stored_bars(self._bars, symbol, "1m", spans[0].start, spans[-1].end)
        minutes = [bar for bar in shown(stored) if bar.key not in left_out]
        starts = [bar.start for bar in minutes]
        folded = []
        for span in spans:
            mine = minutes[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            hour = hour_of(span, mine)
            if hour is not None:
                folded.append(_Folded.of(hour, mine))
        return folded

    def put_differing(
        self, bars: Sequence[Bar], interval: str, arrival: str, fewer: MayLose
    ) -> int:
        """Put a symbol's finished bars that differ from the stored ones, and raise their
        `revision`. Return how many differed. `bars` are in order. `fewer` returns how many ticks a
        bar may have lost. If a bar has lost more, the stored bar stays. Raises Contended."""
        if not bars:
            return 0
        end = just_after(key_of(bars[-1].start, extended=True))
        stored = self._stored(bars[0].symbol, interval, bars[0].start, end)
        return self.put_differing_from(bars, stored, arrival, fewer)

    def put_differing_from(
        self, bars: Iterable[Bar], stored: Iterable[Bar], arrival: str, fewer: MayLose
    ) -> int:
        """Put finished bars that differ from the bars in `stored`, as `put_differing` does."""
        known = {bar.key: bar for bar in stored}
        differing = []
        for bar in bars:
            old = known.get(bar.key)
            lost = old is not None and not old.deleted and bar.ticks + fewer(bar) < old.ticks
            if lost:
                continue
            revision = old.revision + 1 if old else 0
            closed = msgspec.structs.replace(bar, closed=True, revision=revision)
            if old is None or not old.same_values(closed):
                differing.append(closed)
        if clashes := self.put_all(differing, arrival).differing:
            raise _contended(clashes[0])
        return len(differing)

    def put_minutes(
        self, bars: Sequence[Bar], arrival: str, expired_before: str, doubtful: Sequence[Bar] = ()
    ) -> Minutes:
        """Put a symbol's complete minutes, regular and extended, that differ from the stored ones.

        A minute with fewer ticks than its stored bars stays as stored, since some ticks have
        expired. Minutes from `expired_before` on are exempt, and stored bars in `doubtful` do not
        count. After putting the hours, discard the result's `gone` bars. Raises Contended.
        """
        if not bars:
            return Minutes()
        end = just_after(key_of(bars[-1].start, extended=True))
        found = self._stored(bars[0].symbol, "1m", bars[0].start, end)
        stored = [bar for bar in found if not bar.deleted]
        trusted = [bar for bar in stored if not any(map(bar.same_values, doubtful))]
        counts, had = _ticks_by_start(bars), _ticks_by_start(trusted)
        known = [
            bar
            for bar in bars
            if counts[bar.start] >= had[bar.start] or bar.start >= expired_before
        ]
        changed = self.put_differing_from(known, found, arrival, ANY)
        kept, starts = {bar.key for bar in known}, {bar.start for bar in known}
        old = [bar for bar in stored if bar.start in starts and bar.ticks]
        return Minutes(
            changed,
            gone=[bar for bar in old if bar.key not in kept],
            beside=[bar for bar in old if bar.key in kept],
            expired={bar.start for bar in bars} - starts,
        )

    def put_hours_of(
        self,
        symbol: str,
        timezone: str | None,
        hours: Mapping[Hour, bool],
        gone: Collection[Bar],
        arrival: str,
    ) -> int:
        """Make hours from their stored minutes, and put those that differ. The `gone` minutes are
        left out. An hour without minutes is discarded if `hours` maps it to True. Return how many
        hours were put or discarded. Raises Contended."""
        folded = self._folded(symbol, timezone, hours, without=gone)
        bars = [one.bar for one in folded]
        changed = self.put_differing(bars, "1h", arrival, _losses(folded))
        left = hours.keys() - {Hour(bar.start, bar.extended) for bar in bars}
        for hour in left:
            if hours[hour]:
                key = key_of(hour.start, extended=hour.extended)
                stored = stored_bars(self._bars, symbol, "1h", key, just_after(key))
                changed += self.discard((bar for bar in stored if bar.ticks), arrival)
        return changed

    def discard(self, bars: Iterable[Bar], arrival: str) -> int:
        """Put tombstones in place of bars that have no ticks left. Return the number of these bars.
        Raises Contended."""
        count = 0
        for bar in bars:
            if not self._bars.discard(bar, arrival):
                raise _contended(bar)
            count += 1
        return count

    def discard_running(self, bars: Iterable[Bar], arrival: str) -> None:
        """Put tombstones for live bars that have no ticks left, since another container could still
        store such a bar. A stored historical bar or tombstone stays. Raises Contended."""
        for bar in bars:
            found = self._stored(bar.symbol, bar.interval, bar.key, just_after(bar.key))
            revision = found[0].revision if found else 0
            left = [one for one in found if one.deleted or not one.ticks]
            if not left:
                self.discard([msgspec.structs.replace(bar, revision=revision)], arrival)

    def _stored(self, symbol: str, interval: str, start: str, end: str) -> list[Bar]:
        """Return the bars and tombstones of `[start, end)`."""
        return stored_bars(self._bars, symbol, interval, start, end, deleted=True)


class _Folded(msgspec.Struct, frozen=True):
    """An hour made from minutes. It may have `may_lose` fewer ticks than the stored hour. This is
    the number of ticks that its minutes have of the other kind, regular or extended. It is
    unlimited if history replaced minutes. If the hour has lost more ticks, some of its minutes have
    expired."""

    bar: Bar
    may_lose: int

    @classmethod
    def of(cls, hour: Bar, minutes: Iterable[Bar]) -> _Folded:
        """Return an hour and how many ticks it may have lost, from its minutes of both kinds."""
        others = [bar for bar in minutes if bar.extended is not hour.extended or not bar.ticks]
        history = any(not bar.ticks for bar in others)
        may_lose = sys.maxsize if history else sum(bar.ticks for bar in others)
        return cls(hour, may_lose)


def _losses(folded: Iterable[_Folded]) -> MayLose:
    by_key = {one.bar.key: one.may_lose for one in folded}
    return lambda bar: by_key[bar.key]


class Minutes(msgspec.Struct, frozen=True):
    """The result of putting minutes.

    `changed` is the number of bars that differed. `gone` has stored bars that have no ticks left:
    all have become extended, or all regular. `emptied` has such live bars. `beside` has the stored
    bars that remain. `expired` has the starts of the minutes whose ticks have expired.
    """

    changed: int = 0
    gone: list[Bar] = []
    emptied: list[Bar] = []
    beside: list[Bar] = []
    expired: set[str] = set()


def _ticks_by_start(bars: Iterable[Bar]) -> Counter[str]:
    counts = Counter[str]()
    for bar in bars:
        counts[bar.start] += bar.ticks
    return counts


def _key(bar: Bar) -> str:
    return bar.key


def _contended(bar: Bar) -> Contended:
    return Contended(f"{bar.series}: a bar is being corrected by another invocation")
