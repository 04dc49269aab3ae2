"""What the conditions of a symbol's rules cost together, and whether that is too much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from chalicelib.domain.folding import BASE_OF
from chalicelib.domain.rules import Rule
from chalicelib.domain.when.needs import Needs, SeriesKey, leaf_needs, needs_of, stored_bars
from chalicelib.domain.when.nodes import Leaf
from chalicelib.domain.when.reading import tree_of

MAX_STORED_BARS_OF_A_SYMBOL = 60_000
"""The most stored bars that all rules of a symbol may need together."""

MAX_OTHER_SERIES = 12
"""The most series of other symbols that the rules of a symbol may read: minutes, hours and days."""

MAX_UPDATES_OF_A_SYMBOL = 400_000
"""The most bars that the values of a symbol's rules may take together: about a second of CPU."""


class _Of(msgspec.Struct, frozen=True):
    """What one condition needs: stored bars by series, and bars by value."""

    needs: Needs
    leaves: Mapping[Leaf, int]


class Excess(NamedTuple):
    """What is needed beyond a bound, in words: `70,000 stored bars together`."""

    needed: str
    most: int


def excess_of(rules: Iterable[Rule]) -> Excess | None:
    """Return what the rules with `when` of a symbol, or of a preview, need together beyond a bound;
    None if nothing. Rules on one interval share bars and values."""
    found = [(rule.interval, _of(rule.when, rule.interval)) for rule in rules if rule.when]
    bounds: tuple[tuple[Callable[..., int], int, str], ...] = (
        (_stored_bars, MAX_STORED_BARS_OF_A_SYMBOL, "stored bars together"),
        (_other_series, MAX_OTHER_SERIES, "series of other symbols together"),
        (_updates, MAX_UPDATES_OF_A_SYMBOL, "bars of all their different values together"),
    )
    for count, most, what in bounds:
        if (needed := count(found)) > most:
            return Excess(f"{needed:,} {what}", most)
    return None


def stored_bars_of(rules: Iterable[Rule]) -> int:
    """Return how many stored bars the rules with `when` of a symbol need together."""
    return _stored_bars(
        [(rule.interval, _of(rule.when, rule.interval)) for rule in rules if rule.when]
    )


def within_cost(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules with `when` of a symbol that are judged: by id, as far as together they stay
    within all bounds. Others are not stored unless two were at the same time."""
    found = sorted((rule for rule in rules if rule.when), key=lambda rule: rule.rule_id)
    while excess_of(found):
        found.pop()
    return found


def _stored_bars(found: Sequence[tuple[str, _Of]]) -> int:
    shared: dict[tuple[str, SeriesKey], int] = {}
    for interval, one in found:
        for key, bars in one.needs.items():
            at = interval, key
            shared[at] = max(shared.get(at, 0), stored_bars(key, bars))
    return sum(shared.values())


def _other_series(found: Sequence[tuple[str, _Of]]) -> int:
    """Bars of up to 30 minutes are made of the same minutes."""
    return len(
        {
            (interval, key.symbol, BASE_OF[key.interval])
            for interval, one in found
            for key in one.needs
            if key.symbol
        }
    )


def _updates(found: Sequence[tuple[str, _Of]]) -> int:
    shared: dict[tuple[str, Leaf], int] = {}
    for interval, one in found:
        for leaf, bars in one.leaves.items():
            shared[interval, leaf] = max(shared.get((interval, leaf), 0), bars)
    return sum(shared.values())


@lru_cache(maxsize=1024)
def _of(text: str, interval: str) -> _Of:
    tree = tree_of(text)
    return _Of(needs_of(tree, interval), leaf_needs(tree, interval))
