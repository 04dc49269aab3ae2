"""Adjusts bars from before a split, as `adjusted_closes` adjusts closes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.splits import Split, adjusted


def adjusted_bars(bars: Sequence[Bar], splits: Sequence[Split]) -> list[Bar]:
    """Return stored bars in order, adjusted for all splits, which are in order.

    Those before a split are unchanged once a fresh backfill has adjusted them for it.
    """
    rows = list(bars)
    if not (rows and splits and _date(rows[0]) < splits[-1].date):
        return rows
    for place in reversed(range(len(splits))):
        split = splits[place]
        last = next((bar for bar in reversed(rows) if _date(bar) < split.date), None)
        if last is None:
            continue
        before = adjusted(split.before, split.date, splits[place + 1 :])
        if msgspec.structs.replace(split, before=before).is_unadjusted(last.close):
            rows = [_adjusted(bar, split) if _date(bar) < split.date else bar for bar in rows]
    return rows


def _adjusted(bar: Bar, split: Split) -> Bar:
    prices = {name: split.adjust(getattr(bar, name)) for name in ("open", "high", "low", "close")}
    volume = bar.volume
    if volume is not None and split.volume_factor != 1:
        volume = volume * split.numerator / split.denominator
    return msgspec.structs.replace(bar, **prices, volume=volume)


def _date(bar: Bar) -> str:
    return bar.session_date or bar.start[:10]
