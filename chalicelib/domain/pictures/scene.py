"""What the picture of an alert shows: bars, averages, levels and the signal, as plain numbers."""

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
"""The bars that a picture of a rule on ticks shows."""

_AVERAGE = re.compile(r"sma_(\d{1,3})", re.ASCII)
_LEVELS = {
    "greater_than": ("value", "Level"),
    "less_than": ("value", "Level"),
    "crossing": ("value", "Level"),
    "crossing_up": ("value", "Level"),
    "crossing_down": ("value", "Level"),
    "change_percent": ("previous_close", "Previous close"),
}
"""By condition: which of an alert's values is the price to compare with, and that price's name."""


class Average(msgspec.Struct, frozen=True):
    """A moving average: its window, its value at the signal, and a value for each bar that is
    shown, None where there are too few bars before it."""

    window: int
    value: Decimal
    line: tuple[float | None, ...]


class Level(msgspec.Struct, frozen=True):
    """A price that the alert's price was compared with."""

    name: str
    price: Decimal


class Scene(msgspec.Struct, frozen=True):
    """What is drawn. The signal lies at bar number `at`, which is one after the last bar if the
    signal's own bar is still in progress."""

    interval: str
    bars: tuple[Bar, ...]
    at: int
    price: Decimal
    averages: tuple[Average, ...]
    level: Level | None


def interval_of(alert: Alert) -> str:
    """Return the interval of the bars in the picture of an alert."""
    return TICK_INTERVAL if alert.interval == "tick" else alert.interval


def stored_needed(alert: Alert) -> int:
    """Return how many stored bars the picture of an alert needs."""
    windows = [0, *_windows(alert)] if alert.interval != "tick" else [0]
    needed = (MOST_BARS + max(windows)) * MOST_PARTS[interval_of(alert)]
    return min(needed, MOST_READ)


def compose_scene(stored: Sequence[Bar], alert: Alert) -> Scene:
    """Return what to draw, from stored bars in order of time up to the alert.

    For a rule on bars only regular bars are shown, since it was judged on these. The last one is
    the bar at which the rule fired. For a rule on ticks the signal's minute is not stored yet.
    """
    interval = interval_of(alert)
    on_ticks = alert.interval == "tick"
    kept = [bar for bar in shown(stored) if on_ticks or not bar.extended]
    bars = fold_bars(kept, interval)
    if BASE_OF[interval] != interval and len(stored) >= MOST_READ:
        bars = bars[1:]  # cut by the bound
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
    """Return the averages of an alert. Averages over ticks have no line among bars."""
    closes = [bar.close for bar in bars]
    found = []
    for window, value in sorted(_windows(alert).items()):
        average = SMA(window)
        line = list(map(average.update, closes)) if alert.interval != "tick" else []
        found.append(Average(window, value, tuple(line[-MOST_BARS:])))
    return tuple(found)


def _windows(alert: Alert) -> dict[int, Decimal]:
    """Return an alert's averages by their windows."""
    named = [(_AVERAGE.fullmatch(name), value) for name, value in alert.values.items()]
    return {int(found[1]): value for found, value in named if found}
