"""The list prices in `costs/prices.json`: those of one region on one day, each with its source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("prices.json")


class Price(msgspec.Struct, frozen=True):
    """USD for one `per`, such as "hour of a shard". `source` is the page that lists the price."""

    usd: float
    per: str
    source: str


class Prices(msgspec.Struct, frozen=True):
    """The content of `costs/prices.json`. `free` are permanent monthly allowances."""

    as_of: str
    region: str
    hours_a_month: float
    usd: dict[str, Price]
    free: dict[str, int]

    def of(self, name: str, count: float = 1) -> float:
        """Return USD for `count` units of a price. Raises KeyError for an unknown name."""
        return self.usd[name].usd * count


@cache
def prices() -> Prices:
    """Read the list prices from the file. Raises msgspec.ValidationError if it is incomplete."""
    return msgspec.json.decode(FILE.read_bytes(), type=Prices, strict=True)
