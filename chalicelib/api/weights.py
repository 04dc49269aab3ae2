"""The weight of a request is the number of requests that it counts as in its key's minute. It
depends on the route and on what the request may read.

A row of half an hour is made of up to thirty stored minutes. A page therefore counts as one more
request for each further READ_BY_ONE stored bars that it may read. Interval, limit and range give
that number before anything is read. A page of alerts of one condition reads the other alerts, too,
and counts as one more for each further READ_BY_ONE alerts that it may read. Adjusted prices of
several symbols count as one more for each further LISTS_BY_ONE symbols. Previews count as one more
for each READ_BY_ONE stored bars that their condition needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.api import bodies, instants
from chalicelib.api.parameters import asks_for_whole
from chalicelib.api.problems import Problem
from chalicelib.api.routes import Route
from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import BASE_OF, MOST_PARTS
from chalicelib.domain.times import from_text
from chalicelib.services.market_data.bar_reading import MOST_READ
from chalicelib.services.market_data.queries import DEFAULT_LIMIT
from chalicelib.services.rules import alert_history

WHOLE_WEIGHT = 10
"""The weight of deleting all data of a symbol, and of reading a whole range. Such a range may have
50,000 rows, and a page at most 5,000."""

READ_BY_ONE = 5_000
"""How many stored bars or alerts a request may read for a weight of one. The longest page of a
stored interval reads this many, and so does the longest page of alerts of all conditions."""

LISTS_BY_ONE = 10
"""The corporate actions of this many symbols are read for a weight of one. A symbol has some 250
after sixty years, at most 2,000."""

PREVIEW = "/rules/preview"

_AUTO = "auto"
_STEPS = {"1m": timedelta(minutes=1), "1d": timedelta(days=1)}
_DAYS = {"1d": 2, "5d": 7}
"""The most trading days of these periods. Longer periods have more bars than a page reads."""

Clock = Callable[[], datetime]
Given = Mapping[str, Sequence[str]]
"""Query parameters with their non-empty values. Views refuse repeated parameters."""


def weight_of(route: Route, given: Given, clock: Clock) -> int:
    """Return the weight of a request to a route."""
    if asks_for_whole(given) or (route.method == "DELETE" and "data" in given):
        return max(route.weight, WHOLE_WEIGHT)
    if route.path == "/alerts" and "condition" in given:
        return route.weight + (alert_history.MOST_READ - 1) // READ_BY_ONE
    if route.interval is None:
        return route.weight
    bars = max(0, _stored_bars(route.interval, given, clock) - 1) // READ_BY_ONE
    return route.weight + bars + _lists_of_actions(given)


def preview_weight(least: int, request: Any) -> int:
    """Return the weight of a preview: `least`, plus one for each READ_BY_ONE stored bars that its
    `when` needs before the first price. A body that the view refuses counts as `least`."""
    try:
        given = bodies.read_object(request)
        if given.get("when") is None:
            return least
        from chalicelib.domain.rules import parse_rule
        from chalicelib.domain.when.costs import stored_bars_of

        needed = {name: given.get(name) for name in ("symbol", "interval", "when")}
        return least + stored_bars_of([parse_rule(needed, "preview")]) // READ_BY_ONE
    except (Problem, RuleError):
        return least


def _lists_of_actions(given: Given) -> int:
    """Return the additional weight of reading the corporate actions of several symbols; 0 unless
    the answer is adjusted."""
    is_adjusted = _first(given, "adjustment") not in ("", "raw")
    return (_symbols(given) - 1) // LISTS_BY_ONE if is_adjusted else 0


def _symbols(given: Given) -> int:
    return 1 + sum(text.count(",") for text in given.get("symbols", ()))


def _stored_bars(default_interval: str, given: Given, clock: Clock) -> int:
    """Return the most stored bars that a page reads; 0 if each row is a single stored bar."""
    interval = _first(given, "interval") or default_interval
    if interval != _AUTO and MOST_PARTS.get(interval, 1) == 1:
        return 0
    limit = _first(given, "limit") or str(DEFAULT_LIMIT)
    by_limit = MOST_READ
    if interval != _AUTO and limit.isascii() and limit.isdigit() and len(limit) < 5:
        by_limit = (int(limit) + 2) * MOST_PARTS[interval]
    step = _STEPS[BASE_OF.get(interval, "1m")]
    return min(MOST_READ, by_limit, _in_range(step, given, clock))


def _in_range(step: timedelta, given: Given, clock: Clock) -> int:
    """Return the number of steps in the range, over all symbols. Return MOST_READ if the range is
    open or unknown here, since a page token has its own range."""
    symbols = _symbols(given)
    start, period = _first(given, "start"), _first(given, "period")
    if "page_token" in given:
        return MOST_READ
    if period in _DAYS:
        return symbols * (timedelta(days=_DAYS[period]) // step)
    try:
        since = from_text(instants.parse(start)) if start else None
        until = from_text(instants.parse(_first(given, "end"))) if "end" in given else clock()
    except ValueError:  # the view refuses it later
        return MOST_READ
    return MOST_READ if since is None else symbols * max(0, (until - since) // step)


def _first(given: Given, name: str) -> str:
    return next(iter(given.get(name, ())), "")
