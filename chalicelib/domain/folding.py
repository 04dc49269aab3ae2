"""Folds stored bars into coarser bars: 5m, 15m and 30m from 1m, 1wk and 1mo from 1d.

Minutes are folded by the clock, since every exchange opens on the half hour. Weeks begin on Monday.
Weeks and months follow the session's date, and are labelled at 00:00Z like days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import reduce
from itertools import groupby

import msgspec

from chalicelib.domain.bars import Bar, merge

MINUTES = {"5m": 5, "15m": 15, "30m": 30}

BASE_OF = {
    "1m": "1m",
    "5m": "1m",
    "15m": "1m",
    "30m": "1m",
    "1h": "1h",
    "1d": "1d",
    "1wk": "1d",
    "1mo": "1d",
}
"""The stored interval from which each interval is made."""

MOST_PARTS = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 1, "1d": 1, "1wk": 7, "1mo": 31}
"""The most stored bars in one bar of an interval."""

SPAN = {
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1wk": timedelta(days=7),
    "1mo": timedelta(days=31),
}
"""The longest time from a folded bar's label to its end."""


def label(start: str, interval: str) -> str:
    """Return the label of the `interval` bar that contains the stored bar with this start."""
    if interval in MINUTES:
        minute = int(start[14:16])
        return f"{start[:14]}{minute - minute % MINUTES[interval]:02d}:00.000000Z"
    if interval == "1mo":
        return f"{start[:8]}01T00:00:00.000000Z"
    if interval == "1wk":
        day = date.fromisoformat(start[:10])
        return f"{day - timedelta(days=day.weekday())}T00:00:00.000000Z"
    return start


def fold_bars(bars: Iterable[Bar], interval: str) -> list[Bar]:
    """Return bars of `interval` from stored bars in time order; a stored interval is unchanged.

    Regular and extended parts make separate bars. A bar is closed if its last part is closed.
    """
    if BASE_OF[interval] == interval:
        return list(bars)
    folded = []
    for start, parts in groupby(bars, key=lambda bar: label(bar.start, interval)):
        kinds: dict[bool, list[Bar]] = {False: [], True: []}
        for part in parts:
            kinds[part.extended].append(part)
        folded += [join(kind, interval, start) for kind in kinds.values() if kind]
    return folded


def join(parts: Iterable[Bar], interval: str, start: str) -> Bar:
    """Return the bar of `interval` labelled `start`, made from one or more parts in order."""
    joined = reduce(merge, parts)
    return msgspec.structs.replace(joined, interval=interval, start=start)
