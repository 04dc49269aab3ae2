"""What is due, small enough for a parameter of Glue: keys with the same dates of arrival together,
and beyond a bound old keys with more dates than their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

MOST_BYTES = 400_000
"""Glue takes values of 512,000 bytes. All days from 1970 to 2060 take 370,000."""

EXACT = 100
"""So many of the newest keys keep their own dates for as long as possible."""

Due = Mapping[str, tuple[str, ...]]
"""Dates of arrival by what is due: a trading day, or an interval and a period (`1h 2026-11`)."""


def encode(due: Due) -> str:
    """JSON of keys, divided by commas, with the dates of arrival that they share."""
    keys: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, dates in sorted(due.items()):
        keys[dates].append(key)
    return msgspec.json.encode({",".join(some): dates for dates, some in keys.items()}).decode()


def decode(text: str) -> dict[str, tuple[str, ...]]:
    """What `encode` wrote, or a version that wrote each key with its own dates."""
    groups = msgspec.json.decode(text, type=dict[str, tuple[str, ...]])
    return {key: dates for keys, dates in groups.items() for key in keys.split(",")}


def bounded(due: Due) -> Due:
    """The same keys in at most MOST_BYTES, with more dates of arrival where need be: these have
    more raw objects read, and find the same ticks."""
    for exact in (len(due), EXACT, 0):
        small = _sharing(due, exact)
        if len(encode(small)) <= MOST_BYTES:
            break
    return small


def _sharing(due: Due, exact: int) -> Due:
    """The newest keys as they are, and the others with the dates of all of them."""
    others: Sequence[str] = sorted(due)[: max(len(due) - exact, 0)]
    dates = tuple(sorted({date for key in others for date in due[key]}))
    return {**due, **dict.fromkeys(others, dates)}
