"""Backtest a previewed rule: read the bars that it was evaluated on, and trade at its alerts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

import msgspec

from chalicelib.domain.backtest import Backtest, TradingCosts, backtest
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, fold_bars, label
from chalicelib.domain.rules import Rule
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.domain.when.adjusting import adjusted_pages
from chalicelib.services.bars.running_bars import RunningBars
from chalicelib.services.bars.time_limits import never
from chalicelib.services.rules.closed_bars import LONGEST_SECONDS
from chalicelib.services.rules.preview_run import MAX_BARS, Position, Previewed
from chalicelib.services.stores import Stores

_PAGE = 2_500
_CUT = "Only bars up to {} were read: the time was over, or there were too many."


def backtest_of(
    stores: Stores,
    rule: Rule,
    previewed: Previewed,
    start: str | None,
    costs: TradingCosts,
    since: Position | None = None,
    time_is_up: Callable[[], bool] = never,
) -> Backtest:
    """Return the backtest of a preview, which trades at each alert. It begins at `start` or, if the
    preview continued another one, at `since`. It uses the bars that the rule was evaluated on; for
    a rule on ticks, 1m bars. If time is up before all bars are read, the backtest ends there and
    has a caveat."""
    on_ticks = rule.interval == "tick"
    interval = "1m" if on_ticks else rule.interval
    if previewed.until is None:
        return backtest([], [], costs)
    start = _start(start, since, interval, on_ticks=on_ticks)
    last = minute_of(previewed.until) if on_ticks else previewed.until
    base, end = BASE_OF[interval], later(last, seconds=LONGEST_SECONDS[interval])
    rows, left = _rows(stores, rule.symbol, base, (start, end), time_is_up)
    rows = _with_running(stores, rule.symbol, interval, rows, last, end)
    rows, cut = _adjusted(stores, rule.symbol, rows, time_is_up)
    left = cut or left
    bars = [bar for bar in fold_bars(rows, interval) if (start or "") <= bar.start <= last]
    fired = [minute_of(one) for one in previewed.fired_at] if on_ticks else previewed.fired_at
    if left is not None:  # the last bar may lack some of its rows
        left = left if base == interval else label(left, interval)
        bars = [bar for bar in bars if bar.start < left]
        fired = [one for one in fired if one < left]
    starts = [bar.start for bar in bars]
    found = backtest(bars, sorted({bisect_right(starts, one) - 1 for one in fired}), costs)
    if left is not None:
        told = _CUT.format(bars[-1].start if bars else start)
        found = msgspec.structs.replace(found, caveats=[told, *found.caveats])
    return found


def _start(
    start: str | None, since: Position | None, interval: str, *, on_ticks: bool
) -> str | None:
    """Return the label of the backtest's first bar. None means that all stored bars are read."""
    if since is not None:
        return minute_of(since.until) if on_ticks else just_after(since.until)
    return label(start, interval) if start is not None else None


def _rows(
    stores: Stores,
    symbol: str,
    base: str,
    reach: tuple[str | None, str],
    time_is_up: Callable[[], bool],
) -> tuple[list[Bar], str | None]:
    """Return stored regular bars, and the instant at which reading stopped; None if all were
    read."""
    rows: list[Bar] = []
    start, end = reach
    while True:
        page = stores.bars.bars(symbol, base, start, end, limit=_PAGE)
        rows += [bar for bar in page.rows if not bar.extended]
        if page.next_key is None:
            return rows, None
        start = just_after(page.next_key)
        if len(rows) >= MAX_BARS or time_is_up():
            return rows, start


def _with_running(
    stores: Stores, symbol: str, interval: str, rows: list[Bar], last: str, end: str
) -> list[Bar]:
    """Add the running bar to stored bars, if the rule was last evaluated on it."""
    state, base = stores.state.get(symbol), BASE_OF[interval]
    if state is None or base != interval or (rows and rows[-1].start >= last):
        return rows
    return RunningBars(stores.bars).added(rows, state, base, end, may_go_on=True)


def _adjusted(
    stores: Stores, symbol: str, rows: list[Bar], time_is_up: Callable[[], bool]
) -> tuple[list[Bar], str | None]:
    """Adjust bars for splits until time is up. Return the adjusted bars, and the start of the first
    bar that was not adjusted; None if all were."""
    state = stores.state.get(symbol)
    found: list[Bar] = []
    for page in adjusted_pages(rows, state.splits if state is not None else (), _PAGE):
        found += page
        if len(found) < len(rows) and time_is_up():
            return found, rows[len(found)].start
    return found, None
