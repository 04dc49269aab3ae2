"""Decides at which pixels of a picture prices and bars lie, and which labels stand beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import tzinfo

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import MINUTES
from chalicelib.domain.pictures.scene import Scene
from chalicelib.domain.times import from_text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BY_DATE = ("1d", "1wk", "1mo")
_ROUND_MINUTES = (1, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440)
_MOST_PRICES = 5
_LEAST_SHARE = 1e-6
"""The least height of a range as a share of its price, so that labels stay short and floats
distinct."""

_NEAR = 0.6
"""A level is shown if its distance from the bars is at most this share of their range."""


class Area(msgspec.Struct, frozen=True):
    """The part of a picture, in pixels, in which prices are drawn."""

    left: int
    top: int
    right: int
    bottom: int


class Scale(msgspec.Struct, frozen=True):
    """Converts prices to rows, and indexes of bars to columns."""

    area: Area
    low: float
    high: float
    places: int

    def y(self, price: float) -> float:
        """Return the row at which a price is drawn."""
        share = (price - self.low) / (self.high - self.low)
        return self.area.bottom - 1 - share * (self.area.bottom - 1 - self.area.top)

    def x(self, place: int) -> float:
        """Return the column at the middle of the bar with this index."""
        return self.area.left + (place + 0.5) * self.step

    @property
    def step(self) -> float:
        """Return the number of columns from one bar to the next."""
        return (self.area.right - self.area.left) / self.places


def price_range(scene: Scene) -> tuple[float, float]:
    """Return the lowest and the highest price that a picture shows, with a margin."""
    prices = [float(scene.price)]
    prices += [float(price) for bar in scene.bars for price in (bar.low, bar.high)]
    prices += [value for each in scene.averages for value in each.line if value is not None]
    low, high = min(prices), max(prices)
    level = near_level(scene, low, high)
    if level is not None:
        low, high = min(low, level), max(high, level)
    if high - low <= abs(high) * _LEAST_SHARE:
        room = abs(high) * 0.01 or 1.0
    else:
        room = (high - low) * 0.06
    return low - room, high + room


def near_level(scene: Scene, low: float, high: float) -> float | None:
    """Return the level's price if it is near enough to the prices from `low` to `high` to be shown;
    else None."""
    if scene.level is None:
        return None
    level, reach = float(scene.level.price), (high - low) * _NEAR
    return level if low - reach <= level <= high + reach else None


def round_prices(low: float, high: float) -> tuple[list[float], int]:
    """Return a few round prices in a range, and how many decimals they need."""
    rough = (high - low) / _MOST_PRICES
    size = math.floor(math.log10(rough))
    step = next(s * 10.0**size for s in (1, 2, 5, 10) if s * 10.0**size >= rough)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)], decimals


def time_labels(bars: Sequence[Bar], interval: str, zone: tzinfo, least: int) -> dict[int, str]:
    """Return the labels to write below bars, by the index of the bar: round times, at least `least`
    bars apart.

    Times are in `zone`; days are those of sessions. On each later day, the date replaces the first
    time.
    """
    labels: dict[int, str] = {}
    minutes = _minutes_between(interval, least)
    last, day_before = -least, ""
    for place, bar in enumerate(bars):
        day, time = _clock(bar, interval, zone)
        is_round = not time or (int(time[:2]) * 60 + int(time[3:])) % minutes == 0
        if is_round and place - last >= least:
            labels[place] = day if not time or (day_before and day != day_before) else time
            last, day_before = place, day
    return labels


def _minutes_between(interval: str, least: int) -> int:
    """Return the lowest round number of minutes that is at least as long as `least` bars of the
    interval."""
    minutes = {"1m": 1, "1h": 60, **MINUTES}.get(interval, 1) * least
    return next((step for step in _ROUND_MINUTES if step >= minutes), _ROUND_MINUTES[-1])


def _clock(bar: Bar, interval: str, zone: tzinfo) -> tuple[str, str]:
    """Return the date and the time of a bar's start; no time for bars of a day or longer."""
    start = from_text(bar.start)
    if interval in _BY_DATE:
        year = f" {start.year}" if interval == "1mo" else ""
        day = "" if interval == "1mo" else f" {start.day}"
        return f"{_MONTHS[start.month - 1]}{day}{year}", ""
    local = start.astimezone(zone)
    return f"{_MONTHS[local.month - 1]} {local.day}", f"{local:%H:%M}"
