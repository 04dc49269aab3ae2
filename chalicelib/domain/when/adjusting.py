"""Adjusts bars from before a split, as `adjusted_closes` adjusts closes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter

from chalicelib.domain.actions import Scale, Step
from chalicelib.domain.bars import Bar
from chalicelib.domain.splits import DatedClose, Split, unadjusted


def adjusted_bars(bars: Sequence[Bar], splits: Sequence[Split]) -> list[Bar]:
    """Return stored bars adjusted for all splits. Bars and splits are in order.

    Bars before a split stay as they are if a later backfill has already adjusted them for it. The
    product of a price and its factors is rounded once, as by `Scale`.
    """
    return list(chain.from_iterable(adjusted_pages(bars, splits, len(bars) or 1)))


def adjusted_pages(
    bars: Sequence[Bar], splits: Sequence[Split], size: int
) -> Iterator[Sequence[Bar]]:
    """Yield the bars of `adjusted_bars`, `size` at a time. Each page is computed when the caller
    reaches it."""
    scale = _scale(bars, splits) if bars else None
    for at in range(0, len(bars), size):
        page = bars[at : at + size]
        yield [scale.adjust(bar, _date(bar)) for bar in page] if scale else page


def _scale(bars: Sequence[Bar], splits: Sequence[Split]) -> Scale | None:
    """Return the Scale that adjusts these bars; None if no bar would change."""

    def last_close(day: str) -> DatedClose | None:
        return next(((_date(bar), bar.close) for bar in reversed(bars) if _date(bar) < day), None)

    since = bisect_right(splits, _date(bars[0]), key=attrgetter("date"))
    found = unadjusted(splits[since:], last_close)
    return Scale(Step(one.date, one.factor, one.volume_factor) for one in found) if found else None


def _date(bar: Bar) -> str:
    return bar.session_date or bar.start[:10]
