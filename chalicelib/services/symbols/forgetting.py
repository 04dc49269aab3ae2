"""Forgetting a symbol: everything but the archive, so that its series can begin again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.errors import Contended
from chalicelib.services.stores import SeriesEraser, SeriesKind, Stores
from chalicelib.services.symbols.lists import SEEN, TRACKED

_ORDER: tuple[SeriesKind, ...] = ("prices", "bars", "alerts")
_TRIES = 10


class Forgotten(msgspec.Struct, frozen=True):
    """What was deleted. Where `complete` is false, time ran out: the same call goes on."""

    symbol: str
    prices: int
    bars: int
    alerts: int
    complete: bool


class Forget:
    """Deletes a symbol's prices, bars, alerts and state, and takes it off both lists.

    The symbol leaves the list of those seen last, so that a call that breaks off can be repeated.
    Rules of the symbol stay, and so do its records in the archive.
    """

    def __init__(
        self, stores: Stores, eraser: SeriesEraser, forgotten: Callable[[str], None]
    ) -> None:
        """`forgotten` is called with a symbol that is gone, for what this container caches of it.

        Other containers read anew what they cached once the symbol has not come for a minute.
        """
        self._stores = stores
        self._eraser = eraser
        self._forgotten = forgotten

    def __call__(self, symbol: str, deadline: float) -> Forgotten:
        """Delete until the deadline (time.monotonic); a symbol of which nothing is stored is fine.

        Raises Contended while detect keeps writing the symbol's state.
        """
        self._stores.symbols.remove(TRACKED, symbol)
        counts: dict[SeriesKind, int] = {}
        complete = True
        for kind in _ORDER:
            erased = self._eraser.erase(kind, symbol, deadline)
            counts[kind] = erased.count
            complete = complete and erased.complete
        if complete:
            self._empty_state(symbol)
            self._stores.symbols.remove(SEEN, symbol)
            self._forgotten(symbol)
        return Forgotten(symbol, counts["prices"], counts["bars"], counts["alerts"], complete)

    def _empty_state(self, symbol: str) -> None:
        """Write an empty state under the next version.

        Deleting the item would start its versions anew, and a container that kept a state of the
        old series could then write it over one of the new series that has reached its version.
        """
        for _ in range(_TRIES):
            state = self._stores.state.get(symbol)
            if state is None or self._stores.state.put(_empty(state)):
                return
        raise Contended(f"{symbol}: its state is being written; stop what sends it first")


def _empty(state: State) -> State:
    """An empty state in the place of one. It counts as repaired, so that no container goes on with
    closes of bars that are gone."""
    return State(symbol=state.symbol, version=state.version, repairs=state.repairs + 1)
