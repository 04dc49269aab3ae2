"""What a condition needs: the bars of each series, and whether these are too many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import BASE_OF, MOST_PARTS
from chalicelib.domain.when.catalogue import bars_needed
from chalicelib.domain.when.nodes import (
    Comparison,
    Condition,
    Edge,
    Lasting,
    Leaf,
    Node,
    children,
    leaves_of,
)
from chalicelib.domain.when.reading import tree_of
from chalicelib.domain.when.writing import leaf_text

MAX_LEAVES = 24
MAX_SYMBOLS = 3
"""The most other symbols that a condition may name."""

MAX_STORED_BARS = 25_000
"""The most stored bars that a rule may need of a series."""

_A_DAY = {"1m": 390, "1h": 7, "1d": 1}
"""The stored bars of a session of six and a half hours, from which messages compute days."""

_LENGTH = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 390, "1wk": 5 * 390}
"""The minutes of a bar in a session of six and a half hours. A month has at most 23 sessions."""


class SeriesKey(msgspec.Struct, frozen=True, order=True):
    """The key of a series of bars. `symbol` is empty for the rule's own symbol."""

    symbol: str
    interval: str


_Key = TypeVar("_Key")
Needs = Mapping[SeriesKey, int]
"""How many of a series' newest bars a condition depends on."""


def horizon_of(node: Node) -> int:
    """Return how many points a condition looks back, in addition to the bars of its values."""
    below = max(map(horizon_of, children(node)), default=0)
    match node:
        case Lasting():
            return below + node.bars
        case Comparison() if node.op.startswith("crosses"):
            return below + 1
        case Edge():
            return below + 1
        case _:
            return below


def needs_of(condition: Condition, interval: str) -> Needs:
    """Return how many bars of each series a rule on an interval (or on ticks) needs."""
    points = [] if interval == "tick" else [(SeriesKey("", interval), horizon_of(condition) + 1)]
    values = (
        (SeriesKey(leaf.symbol, leaf.interval or interval), bars)
        for leaf, bars in leaf_needs(condition, interval).items()
    )
    return most_of([*points, *values])


def most_of(numbers: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    """Return the largest number for each key."""
    found: dict[_Key, int] = {}
    for key, number in numbers:
        found[key] = max(found.get(key, 0), number)
    return found


def leaf_needs(condition: Condition, interval: str) -> dict[Leaf, int]:
    """Return how many of the newest bars of its series each value takes, for values computed from
    bars."""
    horizon = 0 if interval == "tick" else horizon_of(condition)
    found: dict[Leaf, int] = {}
    for leaf in leaves_of(condition):
        of = leaf.interval or interval
        if of != "tick":
            bars = bars_needed(leaf.name, leaf.numbers, of) + leaf.ago
            found[leaf] = bars + _points_in(horizon, interval, of)
    return found


def _points_in(points: int, interval: str, of: str) -> int:
    """Return the most bars of the interval `of` that lie within `points` bars of `interval`."""
    if not points or interval == of:
        return points
    minutes = _LENGTH.get(interval, 23 * 390)
    return -(-points * minutes // _LENGTH.get(of, 23 * 390)) + 1


@lru_cache(maxsize=1024)
def most_in_a_point(text: str, interval: str) -> int:
    """Return how many bars of a condition's shortest interval lie within one bar of its rule's
    interval."""
    others = {leaf.interval or interval for leaf in leaves_of(tree_of(text))}
    return max((_points_in(1, interval, of) for of in others), default=1)


def stored_bars(key: SeriesKey, bars: int) -> int:
    """Return the most stored bars from which `bars` bars of a series are made."""
    return bars * MOST_PARTS[key.interval]


def check_needs(condition: Condition, interval: str) -> Needs:
    """Return what a rule needs. Raises RuleError if it is too much or not defined on ticks."""
    leaves = leaves_of(condition)
    if len(leaves) > MAX_LEAVES:
        raise RuleError("when", f"{len(leaves)} values", f"at most {MAX_LEAVES} different ones")
    symbols = {leaf.symbol for leaf in leaves if leaf.symbol}
    if len(symbols) > MAX_SYMBOLS:
        raise RuleError("when", ", ".join(sorted(symbols)), f"at most {MAX_SYMBOLS} other symbols")
    for leaf in leaves:
        is_price = leaf.name == "close" and not (leaf.symbol or leaf.ago)
        if interval == "tick" and not leaf.interval and not is_price:
            allowed = "close, or values with an interval such as rsi(14, 1m), for a rule on ticks; "
            raise RuleError("when", leaf_text(leaf), allowed + "or give the rule an interval")
    needs = needs_of(condition, interval)
    for key, bars in needs.items():
        if stored_bars(key, bars) > MAX_STORED_BARS:
            raise RuleError("when", in_words(key, bars), f"at most {MAX_STORED_BARS:,} stored bars")
    return needs


def in_words(key: SeriesKey, bars: int) -> str:
    """Return the bars that a condition needs of a series, in words: `needs 400 days of 1m bars`."""
    base = BASE_OF[key.interval]
    stored = stored_bars(key, bars)
    days = -(-stored // _A_DAY[base])
    of = f" of {key.symbol}" if key.symbol else ""
    unit = "day" if days == 1 else "days"
    return f"needs {days:,} {unit} of {base} bars{of} ({stored:,} bars)"


@lru_cache(maxsize=1024)
def symbols_of(text: str) -> frozenset[str]:
    """Return the other symbols that a condition's text names."""
    return frozenset(leaf.symbol for leaf in leaves_of(tree_of(text)) if leaf.symbol)
