"""Computes what the conditions of a symbol's rules cost together, and whether that is too much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from chalicelib.domain.folding import BASE_OF
from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.when.needs import Needs, leaf_needs, most_of, needs_of, stored_bars
from chalicelib.domain.when.nodes import Leaf
from chalicelib.domain.when.reading import tree_of

MAX_STORED_BARS_OF_A_SYMBOL = 60_000
"""The most stored bars that all rules of a symbol may need together."""

MAX_OTHER_SERIES = 12
"""The most series of other symbols that the rules of a symbol may read: minutes, hours and days."""

MAX_UPDATES_OF_A_SYMBOL = 400_000
"""The most bars that a symbol's values may take together: about a second of CPU."""


FEW_BARS = 2_500
"""About the number of stored bars that one Query returns. Values that need no more bars are cheap
to read again. A rule that needs more is costly, and shares no desk with cheap rules."""

FEW_UPDATES = 20_000
"""Values that together take no more bars than this are cheap to compute again, in some 50 ms of
CPU."""

MAX_NUMBERS = 1_500_000
"""The most numbers in all values that a container keeps: some 60 MB."""

MAX_NUMBERS_OF_ALL = 1_200_000
"""The most numbers that a stage's rules may need in values that are not cheap to compute again."""


class _Of(msgspec.Struct, frozen=True):
    """The needs of one condition: stored bars by series, and bars by value."""

    needs: Needs
    leaves: Mapping[Leaf, int]

    @property
    def is_costly(self) -> bool:
        """Return whether the condition needs more than FEW_BARS stored bars."""
        return sum(stored_bars(key, bars) for key, bars in self.needs.items()) > FEW_BARS


_Desk = tuple[str, bool]
"""An interval, and whether its rules are costly. Rules of the same desk share bars and values."""


class Excess(NamedTuple):
    """The part of the needs beyond a bound, in words: `70,000 stored bars together`."""

    needed: str
    most: int


def excess_of(rules: Iterable[Rule]) -> Excess | None:
    """Return what the rules with `when` of a symbol or a preview together need beyond a bound; None
    if nothing. Cheap rules on one interval share bars and values, as do costly ones."""
    return _excess(tuple((rule.interval, rule.when) for rule in rules if rule.when))


@lru_cache(maxsize=256)
def _excess(texts: tuple[tuple[str, str], ...]) -> Excess | None:
    """Return `excess_of` rules with these intervals and texts. The result is cached, since each run
    of ticks asks for the same rules."""
    found = [_with_desk(interval, text) for interval, text in texts]
    bounds: tuple[tuple[Callable[..., int], int, str], ...] = (
        (_stored_bars, MAX_STORED_BARS_OF_A_SYMBOL, "stored bars together"),
        (_other_series, MAX_OTHER_SERIES, "series of other symbols together"),
        (_updates, MAX_UPDATES_OF_A_SYMBOL, "bars of all their different values together"),
    )
    for count, most, what in bounds:
        if (needed := count(found)) > most:
            return Excess(f"{needed:,} {what}", most)
    return None


def kept_numbers(rules: Iterable[Rule], symbols: int) -> int:
    """Return about how many numbers containers have to keep for a stage's rules with `when` if the
    stage has `symbols` symbols.

    Values that are cheap to compute again do not count, since they need not be kept between prices.
    """
    found = [rule for rule in rules if rule.when]
    for_all = [rule for rule in found if rule.symbol == ANY_SYMBOL]
    own: dict[str, list[Rule]] = {}
    for rule in found:
        if rule.symbol != ANY_SYMBOL:
            own.setdefault(rule.symbol, []).append(rule)
    others = max(0, symbols - len(own)) * _numbers(for_all)
    return others + sum(_numbers([*for_all, *mine]) for mine in own.values())


def numbers_of(leaves: Iterable[Leaf]) -> int:
    """Return about how many numbers the distinct values of rules on one interval hold."""
    return 50 + sum(20 + leaf.ago + int(max(leaf.numbers, default=0)) for leaf in leaves)


def is_cheap(stored: int, updates: int) -> bool:
    """Return whether values that need `stored` stored bars and together take `updates` bars are
    cheap to compute again."""
    return stored <= FEW_BARS and updates <= FEW_UPDATES


def _numbers(rules: Iterable[Rule]) -> int:
    by_desk: dict[_Desk, list[tuple[_Desk, _Of]]] = {}
    for rule in rules:
        desk, one = _with_desk(rule.interval, rule.when or "")
        by_desk.setdefault(desk, []).append((desk, one))
    return sum(
        numbers_of(set().union(*(one.leaves for _, one in found)))
        for found in by_desk.values()
        if not is_cheap(_stored_bars(found), _updates(found))
    )


def stored_bars_of(rules: Iterable[Rule]) -> int:
    """Return how many stored bars a symbol's rules with `when` need together."""
    return _stored_bars([_with_desk(rule.interval, rule.when) for rule in rules if rule.when])


def by_cost(rules: Iterable[Rule]) -> tuple[list[Rule], list[Rule]]:
    """Return the cheap rules with `when` and the costly ones."""
    cheap: list[Rule] = []
    costly: list[Rule] = []
    for rule in rules:
        is_costly = _of(rule.when or "", rule.interval).is_costly
        (costly if is_costly else cheap).append(rule)
    return cheap, costly


def within_cost(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules with `when` of a symbol that are judged: the first ones by id that together
    stay within all bounds. Other rules exist only if two rules were stored at the same time."""
    found = sorted((rule for rule in rules if rule.when), key=lambda rule: rule.rule_id)
    while excess_of(found):
        found.pop()
    return found


def _stored_bars(found: Sequence[tuple[_Desk, _Of]]) -> int:
    shared = most_of(
        ((desk, key), stored_bars(key, bars))
        for desk, one in found
        for key, bars in one.needs.items()
    )
    return sum(shared.values())


def _other_series(found: Sequence[tuple[_Desk, _Of]]) -> int:
    """Return the number of stored series of other symbols. Bars of up to 30 minutes share the
    series of minutes."""
    return len(
        {
            (interval, key.symbol, BASE_OF[key.interval])
            for (interval, _), one in found
            for key in one.needs
            if key.symbol
        }
    )


def _updates(found: Sequence[tuple[_Desk, _Of]]) -> int:
    shared = most_of(
        ((desk, leaf), bars) for desk, one in found for leaf, bars in one.leaves.items()
    )
    return sum(shared.values())


def _with_desk(interval: str, text: str) -> tuple[_Desk, _Of]:
    one = _of(text, interval)
    return (interval, one.is_costly), one


@lru_cache(maxsize=1024)
def _of(text: str, interval: str) -> _Of:
    tree = tree_of(text)
    return _Of(needs_of(tree, interval), leaf_needs(tree, interval))
