"""A slow interpreter of conditions: at each point it computes everything from all bars before.

It shares nothing with the code under test but the tree and the bars. An indicator is a function of
a list of bars, a condition a function of the points up to one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import fmean
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.bars import Bar
from chalicelib.domain.when.nodes import (
    Comparison,
    Condition,
    Edge,
    Expression,
    Group,
    Lasting,
    Leaf,
    Not,
)

NEW_YORK = ZoneInfo("America/New_York")
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
Truth = bool | None


class At(NamedTuple):
    """A point: the label of its bar or the instant of its tick, its session's date, its price."""

    label: str
    date: str
    price: Decimal


def instant(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text)


def close_of(day: str) -> datetime:
    """Return when New York closes on a day."""
    return datetime.combine(date.fromisoformat(day), time(16), NEW_YORK).astimezone(UTC)


class Model:
    """One condition over the points of one rule. `bars` has the bars of each series of a symbol
    ("" for the rule's own) and interval, in order."""

    def __init__(
        self, interval: str, points: Sequence[At], bars: Mapping[tuple[str, str], Sequence[Bar]]
    ) -> None:
        self._interval = interval
        self._points = points
        self._bars = bars

    def fires(self, condition: Condition, since: str) -> list[str]:
        """Return the labels of the points at which a rule fires that begins at a point."""
        found: list[str] = []
        held = False
        for at, point in enumerate(self._points):
            if point.label < since:
                continue
            holds = self.truth(condition, at) is True
            again = self._interval == "tick" and found and found[-1][:16] == point.label[:16]
            if holds and not held and not again:
                found.append(point.label)
            held = holds
        return found

    def truth(self, node: Condition, at: int) -> Truth:
        """Return whether a condition holds at a point."""
        if at < 0:
            return None
        match node:
            case Group():
                found = [self.truth(one, at) for one in node.of]
                decisive = node.op == "any"
                return decisive if decisive in found else None if None in found else not decisive
            case Not():
                below = self.truth(node.of, at)
                return None if below is None else not below
            case Lasting():
                found = [self.truth(node.of, at - back) for back in range(node.bars)]
                decisive = node.op == "within"
                return decisive if decisive in found else None if None in found else not decisive
            case Edge():
                now, before = self._inside(node, at), self._inside(node, at - 1)
                wanted = node.op == "enters"
                if now is (not wanted) or before is wanted:
                    return False
                return None if now is None or before is None else True
            case Comparison():
                return self._compared(node, at)

    def _compared(self, node: Comparison, at: int) -> Truth:
        now = self._side(node.left, node.right, at)
        if not node.op.startswith("crosses"):
            if now is None:
                return None
            return {"above": now > 0, "below": now < 0, "at_least": now >= 0, "at_most": now <= 0}[
                node.op
            ]
        before = self._side(node.left, node.right, at - 1)
        wanted = 1 if node.op == "crosses_above" else -1
        if (now is not None and now != wanted) or before == wanted:
            return False
        return None if now is None or before is None else True

    def _inside(self, node: Edge, at: int) -> Truth:
        low, high = self._side(node.value, node.low, at), self._side(node.value, node.high, at)
        if (low is not None and low < 0) or (high is not None and high > 0):
            return False
        return None if low is None or high is None else True

    def _side(self, left: Expression, right: Expression, at: int) -> int | None:
        one, other = self.value(left, at), self.value(right, at)
        return None if one is None or other is None else (one > other) - (one < other)

    def value(self, node: Expression, at: int) -> Decimal | None:
        """Return a value at a point; None if it is not known."""
        if at < 0:
            return None
        if isinstance(node, Decimal):
            return node
        if isinstance(node, Leaf):
            return self._leaf(node, at)
        one, other = self.value(node.left, at), self.value(node.right, at)
        if one is None or other is None or (node.op == "over" and not other):
            return None
        return {
            "plus": lambda: one + other,
            "minus": lambda: one - other,
            "times": lambda: one * other,
            "over": lambda: one / other,
        }[node.op]()

    def _leaf(self, leaf: Leaf, at: int) -> Decimal | None:
        point = self._points[at]
        interval = leaf.interval or self._interval
        if interval == "tick":
            return point.price
        known = self._bars[leaf.symbol, interval]
        over = [bar for bar in known if self._is_over(bar, leaf.symbol, interval, point)]
        over = over[: len(over) - leaf.ago] if leaf.ago else over
        if not over:
            return None
        return _computed(leaf, over)

    def _is_over(self, bar: Bar, symbol: str, interval: str, point: At) -> bool:
        if not symbol and interval == self._interval:
            return bar.start <= point.label
        on_days = self._interval == "1d"
        if interval == "1d":
            if symbol:
                return close_of(bar.start[:10]) <= self._end(point)
            return bar.start[:10] <= point.date if on_days else bar.start[:10] < point.date
        if not symbol and on_days:
            return bar.session_date <= point.date
        return instant(bar.start) + timedelta(minutes=MINUTES[interval]) <= self._end(point)

    def _end(self, point: At) -> datetime:
        if self._interval == "tick":
            return instant(point.label)
        if self._interval == "1d":
            return close_of(point.date)
        return instant(point.label) + timedelta(minutes=MINUTES[self._interval])


def _rounded(value: float) -> Decimal:
    return Decimal(repr(round(float(value), 8)))


def _sma(closes: list[Decimal | None], window: int) -> Decimal | None:
    last = [close for close in closes[-window:] if close is not None]
    return sum(last, Decimal(0)) / window if len(last) == window else None


def _ema(values: list[float], window: int) -> list[float]:
    """From the mean of the first `window` values on."""
    found = [fmean(values[:window])] if len(values) >= window else []
    for value in values[window:]:
        found.append(found[-1] + (value - found[-1]) * 2 / (window + 1))
    return found


def _wilder(values: list[float], window: int) -> float | None:
    if len(values) < window:
        return None
    found = fmean(values[:window])
    for value in values[window:]:
        found = (found * (window - 1) + value) / window
    return found


def _macd(leaf: Leaf, closes: list[float]) -> Decimal | None:
    fast, slow, signal = map(int, leaf.numbers)
    if len(closes) < slow + signal - 1:
        return None
    slows = _ema(closes, slow)
    fasts = _ema(closes[slow - fast :], fast)
    line = [one - other for one, other in zip(fasts, slows, strict=True)]
    signals = _ema(line, signal)
    parts = {"macd": line[-1], "macd_signal": signals[-1]}
    return _rounded(parts.get(leaf.name, line[-1] - signals[-1]))


def _bands(leaf: Leaf, closes: list[Decimal]) -> Decimal | None:
    window, deviations = int(leaf.numbers[0]), float(leaf.numbers[1])
    if len(closes) < window:
        return None
    last = closes[-window:]
    mean = sum(last, Decimal(0)) / window
    variance = sum(((close - mean) ** 2 for close in last), Decimal(0)) / window
    middle, distance = float(mean), deviations * float(variance.sqrt())
    if leaf.name == "bb_percent":
        if not variance:
            return None
        return _rounded((float(closes[-1]) - middle + distance) / (2 * distance))
    if leaf.name == "bb_width":
        return _rounded(200 * distance / middle)
    return _rounded(middle + {"bb_upper": 1, "bb_lower": -1}.get(leaf.name, 0) * distance)


def _percent(value: Decimal, reference: Decimal | None) -> Decimal | None:
    return (value - reference) * 100 / reference if reference else None


def _in_session(leaf: Leaf, bars: list[Bar]) -> Decimal | None:
    today = [bar for bar in bars if bar.session_date == bars[-1].session_date]
    before = bars[: len(bars) - len(today)]
    if leaf.name == "vwap":
        volume = sum(float(bar.volume or 0) for bar in today)
        typical = [float(bar.high + bar.low + bar.close) / 3 for bar in today]
        pairs = zip(typical, today, strict=True)
        traded = sum(price * float(bar.volume or 0) for price, bar in pairs)
        return _rounded(traded / volume) if volume else None
    value = today[0].open if leaf.name == "gap" else today[-1].close
    return _percent(value, before[-1].close if before else None)


def _extreme(leaf: Leaf, bars: list[Bar], of: str) -> Decimal | None:
    window = int(leaf.numbers[0])
    values = [getattr(bar, of) for bar in bars[-window:]]
    if len(values) < window or None in values:
        return None
    found: Decimal = min(values) if leaf.name == "lowest" else max(values)
    return found


def _computed(leaf: Leaf, bars: list[Bar]) -> Decimal | None:  # noqa: C901 - a case a value
    closes = [bar.close for bar in bars]
    floats = [float(close) for close in closes]
    window = int(leaf.numbers[0]) if leaf.numbers else 0
    match leaf.name:
        case "close" | "open" | "high" | "low" | "volume":
            found: Decimal | None = getattr(bars[-1], leaf.name)
            return found
        case "sma":
            return _sma(list(closes), window)
        case "mean":
            return _sma([getattr(bar, leaf.of) for bar in bars], window)
        case "ema":
            averages = _ema(floats, window)
            return _rounded(averages[-1]) if averages else None
        case "rsi":
            moves = [after - before for before, after in itertools.pairwise(floats)]
            gain = _wilder([max(move, 0.0) for move in moves], window)
            loss = _wilder([max(-move, 0.0) for move in moves], window)
            if gain is None or loss is None or gain + loss < 1e-14:
                return None
            return _rounded(100 * gain / (gain + loss))
        case "macd" | "macd_signal" | "macd_histogram":
            return _macd(leaf, floats)
        case "bb_upper" | "bb_middle" | "bb_lower" | "bb_percent" | "bb_width":
            return _bands(leaf, closes)
        case "atr":
            pairs = itertools.pairwise(bars)
            ranges = [
                max(float(bar.high), float(last.close)) - min(float(bar.low), float(last.close))
                for last, bar in pairs
            ]
            average = _wilder(ranges, window)
            return None if average is None else _rounded(average)
        case "vwap" | "gap" | "day_change":
            return _in_session(leaf, bars)
        case "highest" | "lowest":
            return _extreme(leaf, bars, leaf.of)
        case "change":
            return _percent(closes[-1], closes[-window - 1]) if len(closes) > window else None
        case "from_high":
            return _percent(closes[-1], _extreme(leaf, bars, "high"))
    raise AssertionError(leaf.name)
