"""Forget a symbol: delete all of its data except the archive, so that the series can begin
again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.errors import Contended
from chalicelib.domain.times import to_text
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SeriesEraser, SeriesKind
from chalicelib.services.symbols.lists import SEEN, TRACKED

_ORDER: tuple[SeriesKind, ...] = ("prices", "bars", "alerts")
_TRIES = 10


class Forgotten(msgspec.Struct, frozen=True):
    """What was deleted. If not `complete`, time ran out, and another call continues the
    deletion."""

    symbol: str
    prices: int
    bars: int
    alerts: int
    complete: bool


class Forget:
    """Deletes a symbol's prices, bars, alerts and state, and removes it from "tracked" and "seen".

    The symbol is removed from "seen" last, so that an interrupted call can be repeated. Before the
    removal, the time is noted. With it, ingest can tell the archive that the series began again.
    The symbol's rules and archived records remain.
    """

    def __init__(
        self,
        stores: Stores,
        eraser: SeriesEraser,
        forgotten: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Create the service. `forgotten` is called with a deleted symbol, and clears its cached
        data in this container. `clock` returns the present as an aware datetime.

        Other containers refresh their caches after a minute without a price of the symbol.
        """
        self._stores = stores
        self._eraser = eraser
        self._forgotten = forgotten
        self._clock = clock

    def __call__(self, symbol: str, deadline: float) -> Forgotten:
        """Delete a symbol's data until the deadline, a time.monotonic. The symbol may have none.

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
            had_state = self._empty_state(symbol)
            if had_state or any(counts.values()):
                self._stores.symbols.note_forgotten(symbol, to_text(self._clock()))
            self._stores.symbols.remove(SEEN, symbol)
            self._forgotten(symbol)
        return Forgotten(symbol, counts["prices"], counts["bars"], counts["alerts"], complete)

    def _empty_state(self, symbol: str) -> bool:
        """Write an empty state with the next version. Return whether a state was stored before.

        Deleting the item would restart the versions. A container that cached a state of the old
        series could then overwrite a state of the new series that has reached the same version.
        """
        for _ in range(_TRIES):
            state = self._stores.state.get(symbol)
            if state is None or self._stores.state.put(_empty(state)):
                return state is not None
        raise Contended(f"{symbol}: its state is being written; stop what sends it first")


def _empty(state: State) -> State:
    """Return an empty state that can replace `state`. Its count of repairs is higher, so containers
    stop using closes of deleted bars."""
    return State(symbol=state.symbol, version=state.version, repairs=state.repairs + 1)
