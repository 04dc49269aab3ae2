"""Backtests of previews: reads the bars over which a rule fired."""

from __future__ import annotations

from bisect import bisect_right

from chalicelib.domain.backtest import Backtest, TradingCosts, backtest
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, fold_bars, label
from chalicelib.domain.rules import Rule
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.domain.when.adjusting import adjusted_bars
from chalicelib.services.bars.running_bars import RunningBars
from chalicelib.services.rules.closed_bars import LONGEST_SECONDS
from chalicelib.services.rules.preview_run import MAX_BARS, Position, Previewed
from chalicelib.services.stores import Stores

_PAGE = 2_500


def backtest_of(
    stores: Stores,
    rule: Rule,
    previewed: Previewed,
    start: str | None,
    costs: TradingCosts,
    since: Position | None = None,
) -> Backtest:
    """Return what followed the fires of a preview that began at `start`, or continued another one
    from `since`, over the bars that it judged. A rule on ticks is traded on 1m bars."""
    on_ticks = rule.interval == "tick"
    interval = "1m" if on_ticks else rule.interval
    if since is not None:
        start = minute_of(since.until) if on_ticks else just_after(since.until)
    elif start is not None:
        start = label(start, interval)
    bars: list[Bar] = []
    if previewed.until is not None:
        last = minute_of(previewed.until) if on_ticks else previewed.until
        bars = _bars(stores, rule.symbol, interval, start, last)
    starts = [bar.start for bar in bars]
    labels = map(minute_of, previewed.fired_at) if on_ticks else previewed.fired_at
    places = {bisect_right(starts, fired) - 1 for fired in labels}
    return backtest(bars, sorted(places), costs)


def _bars(stores: Stores, symbol: str, interval: str, start: str | None, last: str) -> list[Bar]:
    """Return the regular bars from a label to a last one, which may be running."""
    rows: list[Bar] = []
    base, first = BASE_OF[interval], start or ""
    end = later(last, seconds=LONGEST_SECONDS[interval])
    while len(rows) < MAX_BARS:
        page = stores.bars.bars(symbol, base, start, end, limit=_PAGE)
        rows += [bar for bar in page.rows if not bar.extended]
        if page.next_key is None:
            break
        start = just_after(page.next_key)
    state = stores.state.get(symbol)
    if state is not None and base == interval and not (rows and rows[-1].start >= last):
        rows = RunningBars(stores.bars).added(rows, state, base, end, may_go_on=True)
    splits = state.splits if state is not None else ()
    bars = fold_bars(adjusted_bars(rows, splits), interval)
    return [bar for bar in bars if first <= bar.start <= last]
