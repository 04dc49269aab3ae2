"""Backtests of previews: reads the bars over which a rule fired."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from chalicelib.domain.backtest import Backtest, TradingCosts, backtest
from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, fold_bars
from chalicelib.domain.rules import Rule
from chalicelib.domain.times import just_after, minute_of
from chalicelib.domain.when.adjusting import adjusted_bars
from chalicelib.services.rules.preview import MAX_BARS, Previewed
from chalicelib.services.stores import Stores

_PAGE = 2_500


def backtest_of(
    stores: Stores,
    rule: Rule,
    previewed: Previewed,
    reach: tuple[str | None, str | None],
    costs: TradingCosts,
) -> Backtest:
    """Return what followed the fires of a preview, over the bars of its range. A rule on ticks is
    traded on 1m bars."""
    interval = "1m" if rule.interval == "tick" else rule.interval
    bars = _bars(stores, rule.symbol, interval, reach)
    starts = [bar.start for bar in bars]
    labels = map(minute_of, previewed.fired_at) if rule.interval == "tick" else previewed.fired_at
    places = [bisect_right(starts, label) - 1 for label in labels]
    return backtest(bars, sorted({place for place in places if place >= 0}), costs)


def _bars(
    stores: Stores, symbol: str, interval: str, reach: tuple[str | None, str | None]
) -> Sequence[Bar]:
    start, end = reach
    rows: list[Bar] = []
    base = BASE_OF[interval]
    while len(rows) < MAX_BARS:
        page = stores.bars.bars(symbol, base, start, end, limit=_PAGE)
        rows += [bar for bar in page.rows if not bar.extended]
        if page.next_key is None:
            break
        start = just_after(page.next_key)
    state = stores.state.get(symbol)
    splits = state.splits if state is not None else ()
    return fold_bars(adjusted_bars(rows, splits), interval)
