"""Change the source of a symbol's series, from a given instant on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.errors import Conflict, Contended, SourceError
from chalicelib.domain.sources import AHEAD_SECONDS, MOST_BYTES, SOURCE, Sources
from chalicelib.domain.standby import LEAST_SECONDS, MOST_SECONDS, Standby, first_minute
from chalicelib.domain.ticks import LABEL_ALLOWED, family
from chalicelib.domain.times import to_text
from chalicelib.services.symbol_stores import SymbolEntry, SymbolStore
from chalicelib.services.symbols.lists import SEEN, TRACKED

_TRIES = 5
_WHOLE = "00.000000Z"
_FROM_ALLOWED = f"a whole minute at least {AHEAD_SECONDS // 60} minutes ahead"


class SourceSwitch:
    """Records switches in the lines of tracked symbols. `clock` returns the present as an aware
    datetime."""

    def __init__(self, store: SymbolStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, symbol: str, source: str, start: str | None) -> None:
        """Have the series continue with `source` from `start` on; None means as soon as possible.

        Switches that are at least AHEAD_SECONDS ahead are replaced. If the series has no source
        yet, it begins with `source`. Raises SourceError, Conflict, Contended.
        """
        self.check(source, start)
        self.change(symbol, lambda known: self._switched(known, source, start))

    def change(self, symbol: str, wanted: Callable[[Sources], Sources]) -> None:
        """Call `wanted` with a tracked symbol's sources, and store the sources that it returns.

        Raises what `wanted` raises. Raises Contended if the sources keep changing or the symbol is
        not tracked.
        """
        if not any(self._is_done(symbol, wanted) for _ in range(_TRIES)):
            raise Contended(f"{symbol}: its sources are being changed; repeat the request")

    def check(self, source: str, start: str | None) -> None:
        """Raise SourceError if this source or this instant is not allowed in a switch."""
        if not SOURCE.fullmatch(source):
            raise SourceError("source", source, f"{LABEL_ALLOWED}; not unknown")
        if start is not None and (start < to_text(self._earliest()) or start[17:] != _WHOLE):
            raise SourceError("from", start, _FROM_ALLOWED)

    def stand_by(self, symbol: str, standby: Standby | None) -> None:
        """Set the standby of a tracked symbol; None removes it."""
        self._store.note_standby(symbol, None if standby is None else standby.text())

    @staticmethod
    def check_standby(standby: Standby) -> None:
        """Raise SourceError if this standby is not allowed for any symbol."""
        if not SOURCE.fullmatch(standby.source) or family(standby.source) == family(standby.first):
            allowed = f"another source than {standby.first}: {LABEL_ALLOWED}; not unknown"
            raise SourceError("standby", standby.source, allowed)
        if not LEAST_SECONDS <= standby.after_seconds <= MOST_SECONDS:
            allowed = f"{LEAST_SECONDS} to {MOST_SECONDS} seconds"
            raise SourceError("standby_after", str(standby.after_seconds), allowed)

    def _earliest(self) -> datetime:
        return self._clock() + timedelta(seconds=AHEAD_SECONDS)

    def _is_done(self, symbol: str, change: Callable[[Sources], Sources]) -> bool:
        """Change the sources in the symbol's lines and return True. Return False if the symbol is
        not tracked or if another process changed a line meanwhile."""
        tracked = self._store.find_many(TRACKED, [symbol]).get(symbol)
        seen = self._store.find_many(SEEN, [symbol]).get(symbol)
        if tracked is None:
            return False
        wanted = change(seen.known_sources if seen else Sources(None))
        if seen is not None and not self._is_set(SEEN, seen, wanted):
            return False
        if not self._is_set(TRACKED, tracked, wanted):
            return False
        return seen is not None or not self._store.find_many(SEEN, [symbol])

    def _is_set(self, name: str, line: SymbolEntry, wanted: Sources) -> bool:
        """Write sources into a line, unless the line has them. Return whether it has them now."""
        return line.known_sources == wanted or self._store.set_sources(name, line, wanted)

    def _switched(self, known: Sources, source: str, start: str | None) -> Sources:
        if known.first is None:
            return Sources(source)
        earliest, first = to_text(self._earliest()), to_text(first_minute(self._clock()))
        wanted = known.switched(source, start or first, fixed_before=earliest)
        if len(wanted.text()) > MOST_BYTES:
            times = len(known.switches)
            raise Conflict(
                f"the source has changed {times} times, which is the most", field="source"
            )
        return wanted
