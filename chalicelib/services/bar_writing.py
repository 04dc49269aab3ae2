"""Writing bars that were computed again: what differs, under its condition."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.domain.bars import Bar, key_of
from chalicelib.domain.building import Hour
from chalicelib.domain.correction import hour_of, hour_span
from chalicelib.domain.errors import Contended
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import just_after
from chalicelib.services.repair_reading import stored_bars
from chalicelib.services.stores import BarStore


class BarWriter:
    """Puts and discards bars that were made from ticks."""

    def __init__(self, bars: BarStore) -> None:
        self._bars = bars

    def put_hours(
        self, symbol: str, timezone: str | None, hours: Sequence[Hour], arrival: str
    ) -> None:
        """Fold and put finished hours."""
        clashes = self.put_all(self.folded(symbol, timezone, hours), arrival)
        self.put_differing(sorted(clashes, key=_key), "1h", arrival)

    def put_all(self, bars: Sequence[Bar], arrival: str) -> list[Bar]:
        """Put bars of any intervals; returns those that differ from what is stored already."""
        return self._bars.put_all(bars, arrival) if bars else []

    def folded(self, symbol: str, timezone: str | None, hours: Iterable[Hour]) -> list[Bar]:
        """Hours out of their stored minutes, in order, each once."""
        calendar = calendar_for(symbol, timezone)
        spans = sorted((hour_span(hour, calendar) for hour in set(hours)), key=lambda one: one.key)
        if not spans:
            return []
        minutes = stored_bars(self._bars, symbol, "1m", spans[0].start, spans[-1].end)
        starts = [bar.start for bar in minutes]
        folded = []
        for span in spans:
            mine = minutes[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            hour = hour_of(span, mine)
            if hour is not None:
                folded.append(hour)
        return folded

    def put_differing(
        self, bars: Sequence[Bar], interval: str, arrival: str, fewer: int = 0
    ) -> int:
        """Put finished bars of a symbol, in order, where they differ from what is stored, with
        `revision` raised. Returns how many differed.

        A bar that has lost more than `fewer` of its ticks stays as it is stored: what it was made
        from has expired.
        """
        if not bars:
            return 0
        end = just_after(key_of(bars[-1].start, extended=True))
        stored = stored_bars(self._bars, bars[0].symbol, interval, bars[0].start, end)
        return self.put_unlike(bars, stored, arrival, fewer)

    def put_unlike(
        self, bars: Iterable[Bar], stored: Iterable[Bar], arrival: str, fewer: int
    ) -> int:
        """Likewise, where what is stored is known."""
        known = {bar.key: bar for bar in stored}
        differing = []
        for bar in bars:
            old = known.get(bar.key)
            if old is not None and bar.ticks + fewer < old.ticks:
                continue
            revision = old.revision + 1 if old else 0
            closed = msgspec.structs.replace(bar, closed=True, revision=revision)
            if old is None or not old.same_values(closed):
                differing.append(closed)
        if clashes := self.put_all(differing, arrival):
            raise _contended(clashes[0])
        return len(differing)

    def discard(self, bars: Iterable[Bar]) -> None:
        """Delete bars that have no ticks any more. Raises Contended."""
        for bar in bars:
            if not self._bars.discard(bar):
                raise _contended(bar)


def _key(bar: Bar) -> str:
    return bar.key


def _contended(bar: Bar) -> Contended:
    return Contended(f"{bar.series}: a bar is being corrected by another invocation")
