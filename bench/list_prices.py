"""The list prices of `bench/prices.json`: one region, one day, each with the page it is from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("prices.json")


class Price(msgspec.Struct, frozen=True):
    """USD for one of what `per` says; `source` is the page that lists it."""

    usd: float
    per: str
    source: str


class Prices(msgspec.Struct, frozen=True):
    """The file. `free` are allowances of every month that do not end."""

    as_of: str
    region: str
    hours_a_month: float
    usd: dict[str, Price]
    free: dict[str, int]

    def of(self, name: str, count: float = 1) -> float:
        """USD for so many."""
        return self.usd[name].usd * count


@cache
def prices() -> Prices:
    """Read the file. Raises msgspec.ValidationError where it is not complete."""
    return msgspec.json.decode(FILE.read_bytes(), type=Prices, strict=True)
