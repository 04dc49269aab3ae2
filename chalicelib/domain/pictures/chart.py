"""Draws an alert's picture: candles, averages, a level, and the signal on the last bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import groupby

from chalicelib.domain.alerts import SIMULATED_MARK, Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.messages import plain
from chalicelib.domain.pictures.canvas import LINE_HEIGHT, Canvas, clipped, text_width
from chalicelib.domain.pictures.palette import Ink
from chalicelib.domain.pictures.scales import (
    Area,
    Scale,
    near_level,
    price_range,
    round_prices,
    time_labels,
)
from chalicelib.domain.pictures.scene import Average, Scene, compose_scene
from chalicelib.domain.times import from_text

WIDTH, HEIGHT = 640, 320
LEAST_BARS = 2
"""The fewest bars of which a picture is drawn."""

_MARGIN = 8
_BETWEEN_LABELS = 80
_WIDEST = 16
"""The most columns of a candle."""
_INKS = (Ink.FAST, Ink.SLOW)


def draw(stored: Sequence[Bar], alert: Alert, zone: tzinfo) -> bytes | None:
    """Return the picture of an alert as PNG; None if there are too few bars. `stored` has the
    stored bars in order of time, and times are shown in `zone`."""
    scene = compose_scene(stored, alert)
    if len(scene.bars) < LEAST_BARS:
        return None
    canvas = Canvas(WIDTH, HEIGHT)
    low, high = price_range(scene)
    prices, decimals = round_prices(low, high)
    texts = {price: f"{price:,.{decimals}f}" for price in prices}
    tag = plain(scene.price)
    beside = max(map(text_width, (*texts.values(), tag))) + 2 * _MARGIN
    area = Area(_MARGIN, 2 * LINE_HEIGHT + 14, WIDTH - beside, HEIGHT - LINE_HEIGHT - 8)
    scale = Scale(area, low, high, max(scene.at + 1, len(scene.bars)))
    _headline(canvas, alert)
    _legend(canvas, scene)
    _grid(canvas, scale, texts, float(scene.price))
    _times(canvas, scale, scene, alert, zone)
    _candles(canvas, scale, scene.bars)
    for average, ink in zip(scene.averages, _INKS, strict=False):
        _average(canvas, scale, average, scene.at, ink)
    _signal(canvas, scale, scene, tag)
    return canvas.png()


def _headline(canvas: Canvas, alert: Alert) -> None:
    left = _MARGIN
    if alert.simulated:
        left = canvas.text(left, 4, SIMULATED_MARK, Ink.WARNING)
    canvas.text(left, 4, clipped(alert.message, WIDTH - _MARGIN - left), Ink.TEXT)


def _legend(canvas: Canvas, scene: Scene) -> None:
    """Write the interval and the meanings of the colours."""
    top = LINE_HEIGHT + 8
    left = canvas.text(_MARGIN, top, f"{scene.interval} bars", Ink.FAINT)
    for average, ink in zip(scene.averages, _INKS, strict=False):
        text = f"SMA-{average.window} {plain(average.value)}"
        left = canvas.text(left + 2 * _MARGIN, top, text, ink)
    if scene.level is not None:
        text = f"{scene.level.name} {plain(scene.level.price)}"
        canvas.text(left + 2 * _MARGIN, top, text, Ink.LEVEL)


def _grid(canvas: Canvas, scale: Scale, texts: dict[float, str], signal: float) -> None:
    """Draw a line at each round price, and write the price beside it except at the signal's tag."""
    for price, text in texts.items():
        row = round(scale.y(price))
        canvas.fill(scale.area.left, row, scale.area.right, row + 1, Ink.GRID)
        if abs(row - scale.y(signal)) >= LINE_HEIGHT:
            canvas.text(scale.area.right + _MARGIN, row - LINE_HEIGHT // 2, text, Ink.FAINT)


def _times(canvas: Canvas, scale: Scale, scene: Scene, alert: Alert, zone: tzinfo) -> None:
    """Write the times below the bars, and the time zone in the corner."""
    top = scale.area.bottom + 5
    least = max(1, round(_BETWEEN_LABELS / scale.step))
    labels = time_labels(scene.bars, scene.interval, zone, least)
    for place, text in labels.items():
        middle, width = round(scale.x(place)), text_width(text)
        left = min(max(_MARGIN, middle - width // 2), scale.area.right - width)
        canvas.fill(middle, scale.area.bottom, middle + 1, scale.area.bottom + 4, Ink.FAINT)
        canvas.text(left, top, text, Ink.FAINT)
    if any(":" in text for text in labels.values()):
        name = from_text(alert.timestamp).astimezone(zone).tzname() or ""
        canvas.text(scale.area.right + _MARGIN, top, name, Ink.FAINT)


def _candles(canvas: Canvas, scale: Scale, bars: Sequence[Bar]) -> None:
    body = min(_WIDEST, max(1, int(scale.step * 0.7)))
    for place, bar in enumerate(bars):
        ink = Ink.UP if bar.close >= bar.open else Ink.DOWN
        left = round(scale.x(place) - body / 2)
        high, low = (round(scale.y(float(price))) for price in (bar.high, bar.low))
        edges = sorted(round(scale.y(float(price))) for price in (bar.open, bar.close))
        canvas.fill(left + body // 2, high, left + body // 2 + 1, low + 1, ink)
        canvas.fill(left, edges[0], left + body, edges[1] + 1, ink)


def _average(canvas: Canvas, scale: Scale, average: Average, at: int, ink: Ink) -> None:
    """Draw an average as a line. An average of ticks is drawn as a dash at the signal."""
    rows = [None if value is None else scale.y(value) for value in average.line]
    for is_known, run in groupby(enumerate(rows), key=lambda each: each[1] is not None):
        if is_known:
            canvas.line([(scale.x(place), row or 0.0) for place, row in run], ink)
    value = float(average.value)
    if not average.line and scale.low <= value <= scale.high:
        column, row = round(scale.x(at)), round(scale.y(value))
        canvas.fill(column - 14, row - 1, column + 15, row + 1, ink)


def _signal(canvas: Canvas, scale: Scale, scene: Scene, tag: str) -> None:
    """Draw the level, and the signal with its price."""
    area, centre = scale.area, (scale.x(scene.at), scale.y(float(scene.price)))
    level = near_level(scene, scale.low, scale.high)
    if level is not None and scale.low <= level <= scale.high:
        canvas.dashes(area.left, area.right, round(scale.y(level)), Ink.LEVEL)
    canvas.dashes(area.left, area.right, round(centre[1]), Ink.SIGNAL)
    canvas.disc(centre, 7, Ink.PAPER)
    canvas.disc(centre, 5, Ink.SIGNAL)
    top = min(max(round(centre[1]) - LINE_HEIGHT // 2, 0), HEIGHT - LINE_HEIGHT)
    canvas.fill(area.right + 2, top, WIDTH, top + LINE_HEIGHT, Ink.SIGNAL)
    canvas.text(area.right + _MARGIN, top, tag, Ink.ON_SIGNAL)
