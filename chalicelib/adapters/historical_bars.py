"""Decides which stored bar a folded or late historical bar may replace.

`arrived` is the time at which the stream accepted the bar's record; bars made from ticks have none.
`folded` is the number of bars from which a folded bar was made.
"""

from __future__ import annotations

from chalicelib.adapters.dynamodb import Item, optional_number, optional_text
from chalicelib.adapters.replacing import Condition


def _came_no_later(stored: Item, item: Item) -> bool:
    return (optional_text(stored, "arrived") or "") <= (optional_text(item, "arrived") or "")


def _is_same(stored: Item, item: Item) -> bool:
    """Return whether two items are equal, even if their numbers are written differently."""
    return stored.keys() == item.keys() and all(
        optional_number(stored, name) == optional_number(item, name)
        if "N" in value
        else stored[name] == value
        for name, value in item.items()
    )


def _late_is_due(stored: Item, item: Item) -> bool:
    may = "folded" in stored or _came_no_later(stored, item)
    return may and not _is_same(stored, item)


def _folded_is_due(stored: Item, item: Item) -> bool:
    return not _is_same(stored, item) and ("deleted" in stored or _may_fill(stored, item))


def _may_fill(stored: Item, item: Item) -> bool:
    known, mine = optional_number(stored, "folded"), optional_number(item, "folded")
    if known is None or mine is None:
        return False
    return known < mine or (known == mine and _came_no_later(stored, item))


LATE = Condition(
    "attribute_not_exists(arrived) OR arrived <= :arrival OR attribute_exists(folded)",
    lambda item: {":arrival": item["arrived"]},
    _late_is_due,
)
FOLDED = Condition(
    "attribute_not_exists(series) OR attribute_exists(deleted)"
    " OR folded < :mine"
    " OR folded = :mine AND (attribute_not_exists(arrived) OR arrived <= :arrival)",
    lambda item: {":mine": item["folded"], ":arrival": item["arrived"]},
    _folded_is_due,
)
