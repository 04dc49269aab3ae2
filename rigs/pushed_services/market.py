"""The trades of a stand-in. The stand-in pushes them and makes its history of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

_CENT = Decimal("0.01")
_LEAST = Decimal(1)


class Trade(NamedTuple):
    """One trade. `number` counts the trades of a symbol without holes."""

    symbol: str
    number: int
    at: datetime
    price: Decimal
    size: Decimal


class Candle(NamedTuple):
    """A candle of the trades in `[start, start + length)`."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Market:
    """The trades of each symbol. Prices are a random walk from a seed."""

    def __init__(self, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self.trades: dict[str, list[Trade]] = {}

    def trade(self, symbol: str, at: datetime) -> Trade:
        """Make and return the symbol's next trade. `at` is cut to milliseconds, the unit of
        Binance."""
        made = self.trades.setdefault(symbol, [])
        last = made[-1].price if made else Decimal(100)
        price = max(_LEAST, last + _CENT * self._rng.randint(-40, 40))
        size = Decimal(self._rng.randint(1, 5_000)).scaleb(-3)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        found = Trade(symbol, 1000 + len(made), at, price, size)
        made.append(found)
        return found

    def candles(
        self, symbol: str, start: datetime, end: datetime, length: timedelta
    ) -> Iterator[Candle]:
        """Yield the candles that start in `[start, end)`, in order. A span without trades has no
        candle."""
        groups: dict[datetime, list[Trade]] = {}
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        for trade in self.trades.get(symbol, ()):
            first = trade.at - (trade.at - epoch) % length
            if start <= first < end:
                groups.setdefault(first, []).append(trade)
        for first in sorted(groups):
            prices = [trade.price for trade in groups[first]]
            volume = sum((trade.size for trade in groups[first]), Decimal(0))
            yield Candle(first, prices[0], max(prices), min(prices), prices[-1], volume)
