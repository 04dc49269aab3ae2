"""Decides what an alert's picture shows: bars, averages, levels and the signal, as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar, shown
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, fold_bars
from chalicelib.domain.indicators.sma import SMA

MOST_BARS = 60
"""The most bars in a picture."""

MOST_READ = 600
"""The most stored bars that are read for a picture. The picture shows fewer bars if each is made of
many stored ones."""

TICK_INTERVAL = "1m"
"""The interval of the bars in a picture of a rule on ticks."""

_AVERAGE = re.compile(r"sma_(\d{1,3})", re.ASCII)
_LEVELS = {
    "greater_than": ("value", "Level"),
    "less_than": ("value", "Level"),
    "crossing": ("value", "Level"),
    "crossing_up": ("value", "Level"),
    "crossing_down": ("value", "Level"),
    "change_percent": ("previous_close", "Previous close"),
}
"""By condition: which of the alert's values is the level, and the level's name for people."""


class Average(msgspec.Struct, frozen=True):
    """A moving average: its window, its value at the signal, and a value for each bar in the
    picture. The value is None where there are too few bars before."""

    window: int
    value: Decimal
    line: tuple[float | None, ...]


class Level(msgspec.Struct, frozen=True):
    """A price with which the alert's price was compared."""

    name: str
    price: Decimal


class Scene(msgspec.Struct, frozen=True):
    """The contents of a picture. The signal is drawn at bar number `at`, which is one after the
    last bar if the signal's own bar is still in progress."""

    interval: str
    bars: tuple[Bar, ...]
    at: int
    price: Decimal
    averages: tuple[Average, ...]
    level: Level | None


def interval_of(alert: Alert) -> str:
    """Return the interval of the bars in an alert's picture."""
    return TICK_INTERVAL if alert.interval == "tick" else alert.interval


def stored_needed(alert: Alert) -> int:
    """Return how many stored bars an alert's picture needs."""
    windows = [0, *_windows(alert)] if alert.interval != "tick" else [0]
    needed = (MOST_BARS + max(windows)) * MOST_PARTS[interval_of(alert)]
    return min(needed, MOST_READ)


def compose_scene(stored: Sequence[Bar], alert: Alert) -> Scene:
    """Return what to draw, from stored bars in order of time up to the alert.

    A rule on bars is judged only on regular bars, so only these are shown. The last bar is the one
    at which the rule fired. For a rule on ticks the signal's minute is not stored yet.
    """
    interval = interval_of(alert)
    on_ticks = alert.interval == "tick"
    kept = [bar for bar in shown(stored) if on_ticks or not bar.extended]
    bars = fold_bars(kept, interval)
    if BASE_OF[interval] != interval and len(stored) >= MOST_READ:
        bars = bars[1:]  # may lack its first stored bars
    return Scene(
        interval=interval,
        bars=tuple(bars[-MOST_BARS:]),
        at=min(len(bars), MOST_BARS) - (0 if on_ticks else 1),
        price=alert.price,
        averages=_averages(bars, alert),
        level=_level(alert),
    )


def _level(alert: Alert) -> Level | None:
    value, name = _LEVELS.get(alert.condition, ("", ""))
    price = alert.values.get(value)
    return None if price is None else Level(name, price)


def _averages(bars: Sequence[Bar], alert: Alert) -> tuple[Average, ...]:
    """Return the averages of an alert. An average of ticks has no value for bars."""
    closes = [bar.close for bar in bars]
    found = []
    for window, value in sorted(_windows(alert).items()):
        average = SMA(window)
        line = list(map(average.update, closes)) if alert.interval != "tick" else []
        found.append(Average(window, value, tuple(line[-MOST_BARS:])))
    return tuple(found)


def _windows(alert: Alert) -> dict[int, Decimal]:
    """Return the values of an alert's averages, by window."""
    named = [(_AVERAGE.fullmatch(name), value) for name, value in alert.values.items()]
    return {int(found[1]): value for found, value in named if found}
