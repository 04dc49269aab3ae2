"""Rules on bars: judged once at the close of each bar of their interval, in regular hours.

A bar closes when the first tick beyond it comes; a day also with the first tick after its session's
close. Its close is the last regular tick in it. The closes before it come from history, which is
read only when a bar with a rule on it closes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from chalicelib.domain.building import Place
from chalicelib.domain.folding import MINUTES, label
from chalicelib.domain.rules import Rule
from chalicelib.domain.splits import Split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text
from chalicelib.domain.watching import Point

Closes = Callable[[str, str, int, Split | None], Sequence[Decimal]]
"""(interval, label, count, split) -> at most `count` closes of bars before the label, in order."""


def no_history(_interval: str, _label: str, _count: int, _split: Split | None) -> list[Decimal]:
    """The history of a symbol that has none."""
    return []


def label_of(place: Place, interval: str) -> str:
    """The label of the bar of `interval` in which a place lies."""
    if interval == "1m" or interval in MINUTES:
        return label(place.minute, interval)
    if interval == "1h":
        return place.hour.start
    return label(f"{place.date}T00:00:00.000000Z", interval)


def has_closed(interval: str, mark: Place, place: Place, instant: str) -> bool:
    """Whether the bar around `mark` is over now that a tick has come at `place`."""
    if label_of(mark, interval) != label_of(place, interval):
        return True
    return interval == "1d" and place.extended and from_text(instant) > mark.session.close


class BarWatch:
    """Points at which the bars of one run of ticks close."""

    def __init__(self, rules: Sequence[Rule], history: Closes, split: Split | None) -> None:
        self._needed: dict[str, int] = {}
        for rule in rules:
            if rule.interval != "tick":
                needed = max(self._needed.get(rule.interval, 1), rule.closes_needed)
                self._needed[rule.interval] = needed
        self._history = history
        self._split = split
        self._closes: dict[str, list[Decimal]] = {}

    def restart(self, split: Split) -> None:
        """Count everything as after a split that has just been seen."""
        self._split = split
        self._closes.clear()

    def closing(self, tick: Tick, mark: Place, place: Place, instant: str) -> dict[str, Point]:
        """By interval, the points of bars that are over; `tick` is the last regular one, at
        `mark`; the new one stands at `place` and `instant`."""
        return {
            interval: self._point(interval, tick, mark)
            for interval in self._needed
            if has_closed(interval, mark, place, instant)
        }

    def _point(self, interval: str, tick: Tick, mark: Place) -> Point:
        bar = label_of(mark, interval)
        needed = self._needed[interval]
        closes = self._closes.get(interval)
        if closes is None:
            closes = list(self._history(interval, bar, needed, self._split))
        previous = closes[-1] if closes else None
        closes = [*closes, tick.price][-needed - 1 :]
        self._closes[interval] = closes
        return Point(
            timestamp=tick.timestamp,
            price=tick.price,
            previous_price=previous,
            previous_close=tick.previous_close,
            session=mark.date,
            scope=bar,
            closes=closes,
        )
