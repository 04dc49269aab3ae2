"""Answer the claims of producers. A standby claims a symbol when it wants to take over, and the
first source when it wants to return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import Contended
from chalicelib.domain.field_types import Symbol
from chalicelib.domain.standby import NotNow, Standby, claimed, parse_standby, silence
from chalicelib.domain.ticks import Tick
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.lists import TRACKED
from chalicelib.services.symbols.switching import SourceSwitch


class Claim(msgspec.Struct, frozen=True):
    """The answer to a claim for a symbol."""

    symbol: Symbol
    granted: Annotated[
        bool, Meta(description="Whether the series has the source, or will have it.")
    ]
    reason: Annotated[str | None, Meta(description="Why it was not granted.")] = None


class Claims:
    """Answers the claims of a symbol's first source and its standby. `clock` returns the present as
    an aware datetime."""

    def __init__(self, stores: Stores, clock: Callable[[], datetime]) -> None:
        self._stores = stores
        self._clock = clock
        self._switch = SourceSwitch(stores.symbols, clock)

    def __call__(self, source: str, symbols: Sequence[str]) -> list[Claim]:
        """Answer a source's claims for at most 100 symbols, in their order."""
        tracked = self._stores.symbols.find_many(TRACKED, symbols)
        states = self._stores.state.get_many(symbols)
        newest = {name: state.last for name, state in states.items()}
        return [self._answer(source, one, tracked.get(one), newest.get(one)) for one in symbols]

    def _answer(
        self, source: str, symbol: str, line: SymbolEntry | None, last: Tick | None
    ) -> Claim:
        standby = parse_standby(line.standby) if line is not None else None
        if line is None or standby is None or not standby.has(source):
            return Claim(symbol, False, f"{source} is not one of its two sources")
        try:
            self._grant(source, line, standby, last)
        except (NotNow, Contended) as error:
            return Claim(symbol, False, str(error))
        return Claim(symbol, True)

    def _grant(self, source: str, line: SymbolEntry, standby: Standby, last: Tick | None) -> None:
        """Record the switch to a source, if it is the source's turn. Raises NotNow, Contended."""
        now = self._clock()
        silent = silence(line.symbol, last, line.known_sources, line.added_at, now)
        if silent is not None and silent >= standby.after_seconds:
            # detection may lag behind what is stored
            page = self._stores.prices.ticks(line.symbol, None, None, limit=1, descending=True)
            last = page.rows[0].tick if page.rows else None
            silent = silence(line.symbol, last, line.known_sources, line.added_at, now)
        self._switch.change(line.symbol, lambda known: claimed(known, standby, source, silent, now))
