"""Read states with the splits and dividends for which a preview adjusts bars."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.splits import Split, Told
from chalicelib.services.market_data.adjusting import Actions
from chalicelib.services.market_data.queries import Adjustment
from chalicelib.services.stores import Stores


class AdjustedStates:
    """Reads states like a StateStore, but replaces their splits by those of an adjustment. For
    "raw" there are none. For "splits" they are those that sources reported, and noted ones that no
    source reported. "all" adds dividends. As in live detection, a bar is evaluated with the splits
    up to its own session, whenever they became known."""

    def __init__(self, stores: Stores, adjustment: Adjustment) -> None:
        self._stores = stores
        self._adjustment = adjustment
        self._found: dict[str, State] = {}

    def get(self, symbol: str) -> State | None:
        """Return the state of a symbol. If none is stored, return an empty one: the symbol may
        still have history."""
        if symbol not in self._found:
            state = self._stores.state.get(symbol) or State(symbol=symbol)
            self._found[symbol] = self._adjusted(state)
        return self._found[symbol]

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """Return the states of those symbols that have one."""
        states = self._stores.state.get_many(symbols)
        return {symbol: self._adjusted(state) for symbol, state in states.items()}

    def put(self, state: State) -> bool:
        """Raise RuntimeError, since previews write nothing."""
        raise RuntimeError(f"a preview writes no state, not that of {state.symbol} either")

    def _adjusted(self, state: State) -> State:
        actions = Actions(self._stores, state, self._adjustment)
        told = actions.told_apart
        found: list[Split] = [Told.of(one) for one in (*told, *actions.dividends)]
        found += actions.noted_apart(told)
        return msgspec.structs.replace(state, splits=tuple(sorted(found, key=attrgetter("date"))))
