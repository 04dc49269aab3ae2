"""Count how often a rule would have fired over the last year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.times import to_text
from chalicelib.services.rules.preview_run import Previewed

YEAR = timedelta(days=365)
MOST_SYMBOLS = 10
"""A rule for all symbols is tried on at most this many of them."""

STORM_A_YEAR = 250
STORM_A_DAY = 10
"""A rule is a storm if one symbol has more alerts than this in a day, or STORM_A_YEAR in the
year."""

Preview = Callable[[Rule, str, str | None, str | None], Previewed]


class Fires(msgspec.Struct, frozen=True):
    """How often a rule fires over a year.

    `count` counts all alerts. `last` is the date of the last one, or empty. `most` is the most
    alerts of one symbol in the year, `busiest` in a day. `symbols` counts the symbols that were
    tried, `judged` the prices. `is_known` says whether the condition was ever known. `complete`
    says whether all prices of the year were evaluated.
    """

    count: int = 0
    last: str = ""
    most: int = 0
    busiest: int = 0
    symbols: int = 1
    judged: int = 0
    is_known: bool = True
    complete: bool = True

    @property
    def warnings(self) -> list[str]:
        """Return warnings about a rule that fires this often; empty if there is nothing to warn
        about."""
        if not self.judged:
            return ["there are no prices of the last year to try it on"]
        if not self.is_known:
            return ["never known: too few bars are stored before the year's prices"]
        if not self.count:
            return ["it would not have fired in the last year"]
        if self.busiest > STORM_A_DAY:
            return [f"a storm: up to {self.busiest} alerts of one symbol in a day"]
        if self.most > STORM_A_YEAR:
            return [f"a storm: {self.most} alerts of one symbol in the year"]
        return []


def fires_of(preview: Preview, rule: Rule, tracked: Sequence[str], now: datetime) -> Fires:
    """Count how often a rule fires in the year before `now`. A rule for all symbols is tried on the
    first MOST_SYMBOLS of `tracked`. The rule is evaluated like one that was in force before that
    year."""
    symbols = tracked[:MOST_SYMBOLS] if rule.symbol == ANY_SYMBOL else [rule.symbol]
    start, end = to_text(now - YEAR), to_text(now)
    found = [(symbol, preview(rule, symbol, start, end)) for symbol in symbols]
    stamps = [(symbol, one.timestamp[:10]) for symbol, each in found for one in each.alerts]
    judged = sum(each.judged for _, each in found)
    return Fires(
        count=len(stamps),
        last=max((day for _, day in stamps), default=""),
        most=max((len(each.alerts) for _, each in found), default=0),
        busiest=max(Counter(stamps).values(), default=0),
        symbols=len(symbols),
        judged=judged,
        is_known=not judged or any(each.unknown < each.judged for _, each in found),
        complete=all(each.complete for _, each in found),
    )
