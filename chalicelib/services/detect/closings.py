"""The points in a run of ticks at which rules with `when` are evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from chalicelib.domain.bar_watching import has_closed, label_of
from chalicelib.domain.building import SessionPlace, place_of
from chalicelib.domain.detection import State
from chalicelib.domain.ticks import Tick
from chalicelib.domain.when.points import Point, bar_point, tick_point


class Closing(msgspec.Struct, frozen=True):
    """A point in a run of ticks at which rules are evaluated. `tick` has the price to evaluate.

    At the close of a bar, `newest` is the tick that closed the bar; rules are evaluated when it
    comes. `was_over` says that the tick before it had already closed the bar. At a point on ticks,
    `tick` and `newest` are the same, and `before` is the preceding tick.
    """

    point: Point
    tick: Tick
    place: SessionPlace
    newest: Tick
    was_over: bool = False
    before: Tick | None = None


def closings_of(before: State, ticks: Sequence[Tick], intervals: set[str]) -> list[Closing]:
    """Return the points on `intervals` in a run of ticks after the state `before`. The points are
    in the order of the ticks. Each bar has one point."""
    return list(_each_closing(before, ticks, intervals)) if intervals else []


def _each_closing(before: State, ticks: Sequence[Tick], intervals: set[str]) -> Iterator[Closing]:
    mark = before.mark or before.last
    place = place_of(mark) if mark else None
    if place is not None and place.extended:
        mark = place = None
    last = before.last
    spot = (place_of(last), last.timestamp) if last else None
    closed: dict[str, str] = {}
    for tick in ticks:
        now = place_of(tick)
        for interval in intervals - {"tick"}:
            if mark is None or place is None or spot is None:
                continue
            label = label_of(place, interval)
            if has_closed(interval, place, now, tick.timestamp) and closed.get(interval) != label:
                closed[interval] = label
                zone = mark.exchange_timezone
                point = bar_point(interval, label, place.date, mark.symbol, zone)
                was_over = has_closed(interval, place, *spot)
                yield Closing(point, mark, place, tick, was_over)
        if "tick" in intervals:
            yield Closing(tick_point(tick.timestamp, now.date), tick, now, tick, before=last)
        last = tick
        spot = now, tick.timestamp
        if not now.extended:
            mark, place = tick, now
