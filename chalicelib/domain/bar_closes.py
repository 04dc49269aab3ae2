"""Joins a symbol's stored closes with the closes from the current run of ticks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

import msgspec

from chalicelib.domain.splits import DatedClose
from chalicelib.domain.times import later


class BarClose(msgspec.Struct, frozen=True, array_like=True):
    """The close of a stored bar or of a bar in the run, not adjusted for splits.

    label: the bar's label; part: the start of the minute or day that the close comes from (for a
    historical hour, its last possible minute); dated: the close with its session's date;
    is_history: the close is from history, which bars made from ticks do not replace.
    """

    label: str
    part: str
    dated: DatedClose
    is_history: bool = False


StoredCloses = Callable[[str, str, str, int], Sequence[BarClose]]
"""(interval, first, end, count) -> the stored closes of bars before the label `end`, in order. At
least `count` of these bars are before the label `first`, if there are that many."""


def no_history(_interval: str, _first: str, _end: str, _count: int) -> list[BarClose]:
    """Return no closes. This is the StoredCloses of a symbol without history."""
    return []


class CloseSeries:
    """The closes of one interval's bars: first stored closes, then the closes of bars in the run.

    If history is stored for a bar of the run, later bars use history's close. The result is the
    same as if each tick had come in its own run.
    """

    def __init__(self, first: str) -> None:
        """`first` is the label of the first bar that the run closes."""
        self.first = first
        self.own: list[BarClose] = []
        self._rows: list[BarClose] = []
        self._history: list[BarClose] = []
        self._taken = 0
        self.is_read = False

    def read(self, stored: Sequence[BarClose]) -> None:
        """Add stored closes: of bars before the run's first bar, and of history in the run."""
        self.is_read = True
        self._rows = [row for row in stored if row.label < self.first]
        later = [row for row in stored if row.label >= self.first and row.is_history]
        self._history = later[::-1]

    def before_last(self, count: int) -> list[DatedClose]:
        """Return in order at most `count` closes of the bars before the run's last bar."""
        for own in self.own[self._taken : -1]:
            self._rows += self._history_before(own.label)
            self._rows.append(self._stored_for(own))
        self._taken = len(self.own) - 1
        self._rows += self._history_before(self.own[-1].label)
        return [row.dated for row in self._rows[-count:]]

    def refine(self, minutes: Sequence[BarClose]) -> None:
        """Apply historical minutes to the run's finished hours that `before_last` has not used yet.

        If a historical minute of an hour is not before the hour's last tick, the hour takes that
        minute's close. It is also stored with this close. `minutes` are those of the run, in order.
        """
        for at in range(self._taken, len(self.own) - 1):
            own = self.own[at]
            place = bisect_left(minutes, later(own.label, seconds=3600), key=_part)
            if place and minutes[place - 1].part >= own.part:
                minute = minutes[place - 1]
                self.own[at] = BarClose(own.label, minute.part, minute.dated)

    def _history_before(self, label: str) -> list[BarClose]:
        found = []
        while self._history and self._history[-1].label < label:
            found.append(self._history.pop())
        return found

    def _stored_for(self, own: BarClose) -> BarClose:
        """Return history's close of the same bar unless it ends sooner, else the run's close."""
        if self._history and self._history[-1].label == own.label:
            stored = self._history.pop()
            return stored if stored.part >= own.part else own
        return own


def _part(close: BarClose) -> str:
    return close.part
