"""Encode what is due for compaction, short enough for a Glue parameter. Keys with the same dates of
arrival are grouped. If the text is still too long, old keys share a larger set of dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

MOST_BYTES = 400_000
"""The most bytes of the JSON. Glue accepts 512,000; all days from 1970 to 2060 take 370,000."""

EXACT = 100
"""How many of the newest keys keep their own dates when older keys have to share theirs."""

Due = Mapping[str, tuple[str, ...]]
"""Dates of arrival by due key. A key is a trading day, or a period of bars (`1h 2026-11`)."""


def encode(due: Due) -> str:
    """Return a JSON object. Each name is a list of due keys joined by commas. Its value is their
    dates."""
    keys: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, dates in sorted(due.items()):
        keys[dates].append(key)
    return msgspec.json.encode({",".join(some): dates for dates, some in keys.items()}).decode()


def decode(text: str) -> dict[str, tuple[str, ...]]:
    """Decode what `encode` returned. An earlier version of `encode` wrote each key separately."""
    groups = msgspec.json.decode(text, type=dict[str, tuple[str, ...]])
    return {key: dates for keys, dates in groups.items() for key in keys.split(",")}


def bounded(due: Due) -> Due:
    """Return the same keys in at most MOST_BYTES. If necessary, keys get additional dates of
    arrival; more raw objects are then read for the same ticks."""
    for exact in (len(due), EXACT, 0):
        small = _sharing(due, exact)
        if len(encode(small)) <= MOST_BYTES:
            break
    return small


def _sharing(due: Due, exact: int) -> Due:
    """Return the same keys with fewer distinct dates. The `exact` newest keys keep their own dates.
    Each older key gets the dates of all older keys."""
    others: Sequence[str] = sorted(due)[: max(len(due) - exact, 0)]
    dates = tuple(sorted({date for key in others for date in due[key]}))
    return {**due, **dict.fromkeys(others, dates)}
