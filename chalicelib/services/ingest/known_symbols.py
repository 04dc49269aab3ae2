"""Cache the entries of symbols in the list "seen" for minutes. Entries are read when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.bars import Bar
from chalicelib.domain.sources import LEASE_SECONDS, Sources, parse_sources
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Tick, family
from chalicelib.domain.times import from_epoch_seconds, to_text
from chalicelib.services.ingest.new_symbols import NewSymbols
from chalicelib.services.ingest.plan import Read, items_of, packed_symbols
from chalicelib.services.symbol_stores import SymbolEntry, SymbolStore
from chalicelib.services.symbols.lists import FORGOTTEN, SEEN, TRACKED

MAX_KNOWN = 50_000
MAX_SWITCHES = 50_000
"""The most switches that are cached in parsed form. They take 10 MB. An entry of 2,000 bytes has 66
switches and takes six times as much when parsed."""

KNOWN_SECONDS = 60
COMPLETE_SECONDS = 300
IDLE_SECONDS = 60
LEARNT_SECONDS = 180
"""After this time, each container knows that a symbol is packed. A cached entry is read again after
KNOWN_SECONDS. An invocation that still uses the old one ends within the handler's 60 seconds."""
_YES = "yes"


class Offered(msgspec.Struct):
    """What a batch says about a symbol.

    `entry` has the first source named, the first arrival, and whether several ticks may share an
    item. `sources` has all sources that are named. `newest` is the last timestamp. If the symbol's
    ticks come from a recording, `recorded` has the sources of the whole series.
    """

    entry: SymbolEntry
    sources: set[str]
    newest: str
    recorded: Sources | None = None


class _ParsedSources:
    """Parses the sources of entries when needed. It caches sources with up to MAX_SWITCHES switches
    in all."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[SymbolEntry, Sources]] = {}
        self._switches = 0

    def of(self, line: SymbolEntry) -> Sources:
        """Return the parsed sources of an entry."""
        kept = self._kept.get(line.symbol)
        if kept is not None and kept[0] is line:
            return kept[1]
        sources = line.known_sources
        if self._switches + len(sources.switches) > MAX_SWITCHES:
            self.clear()
        self._switches += len(sources.switches)
        self._kept[line.symbol] = line, sources
        return sources

    def clear(self) -> None:
        """Drop all cached sources."""
        self._kept.clear()
        self._switches = 0


class KnownSymbols:
    """Looks up and completes the entries of the list "seen". A container has one instance.

    `max_symbols` is the stage's limit. `clock` dates entries (`packed_at`) in all containers.
    """

    def __init__(self, store: SymbolStore, clock: Callable[[], datetime], max_symbols: int) -> None:
        self._store = store
        self._clock = clock
        self._new = NewSymbols(store, clock, max_symbols)
        self._lines: dict[str, SymbolEntry] = {}
        self._sources = _ParsedSources()
        self._valid_until: dict[str, str] = {}
        self._came: dict[str, float] = {}
        self._forgot_at = self._emptied_at = self._now()

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._lines

    def __getitem__(self, symbol: str) -> SymbolEntry:
        return self._lines[symbol]

    def sources(self, symbol: str) -> Sources | None:
        """Return the sources of a symbol's series; None if the symbol is unknown."""
        line = self._lines.get(symbol)
        return None if line is None else self._sources.of(line)

    def learn(self, offered: Mapping[str, Offered], deadline: float) -> dict[str, str]:
        """Look up the entries of a batch's symbols that are not cached or may have changed. Until
        the deadline, write what they lack. Return the refused symbols, each with the reason."""
        self._forget()
        self._forget_idle(offered)
        new = [symbol for symbol, mine in offered.items() if self._needs_reading(symbol, mine)]
        for symbol in new:
            self._lines.pop(symbol, None)
        if new:
            self._keep(lambda: self._store.find_many(SEEN, new))
        unseen = [symbol for symbol in offered if symbol not in self._lines]
        refused = self._new.refused(unseen)
        new = [symbol for symbol in unseen if symbol not in refused]
        beginnings = self._beginnings(offered, new)
        lacking = [
            self._noted_now(beginnings.get(symbol, mine.entry))
            for symbol, mine in offered.items()
            if symbol not in refused and _lacks(self._lines.get(symbol), mine.entry)
        ]
        for entry in lacking:
            self._lines.pop(entry.symbol, None)
        self._keep(lambda: self._new.pinned(lacking, deadline))
        return refused

    def look_up(self, actions: Iterable[Action]) -> None:
        """Read the entries of the actions' symbols that are not cached or may have changed. No
        symbol is registered."""
        due = sorted({one.symbol for one in actions if self._may_be_outdated(one)})
        for symbol in due:
            self._lines.pop(symbol, None)
        if due:
            self._keep(lambda: self._store.find_many(SEEN, due))

    def not_yet_shared(self, offered: Iterable[str]) -> set[str]:
        """Return the packed symbols whose ticks may not share items yet. A container that does not
        know that a symbol is packed could overwrite a whole item by repeating a part of it."""
        since = to_text(self._clock() - timedelta(seconds=LEARNT_SECONDS))
        lines = (self._lines[symbol] for symbol in offered)
        return {line.symbol for line in lines if line.packed_at and line.packed_at > since}

    def unlearn(self, symbol: str) -> None:
        """Drop a forgotten symbol's cached entry. The symbol's next record causes a new read."""
        self._lines.pop(symbol, None)

    def _now(self) -> float:
        return self._clock().timestamp()

    def _keep(self, read: Callable[[], Mapping[str, SymbolEntry]]) -> None:
        """Cache the entries that `read` returns. They are valid for LEASE_SECONDS from the start of
        the read."""
        until = to_text(from_epoch_seconds(self._now() + LEASE_SECONDS))
        lines = read()
        self._lines |= lines
        self._valid_until |= dict.fromkeys(lines, until)

    def _beginnings(
        self, offered: Mapping[str, Offered], unseen: Sequence[str]
    ) -> dict[str, SymbolEntry]:
        """Return the first entries of new symbols.

        An entry in the list "tracked" may name the source with which the series has to begin. An
        entry in the list "forgotten" means that the series begins again.
        """
        if not unseen:
            return {}
        planned = self._store.find_many(TRACKED, unseen)
        forgotten = self._store.find_many(FORGOTTEN, unseen)
        return {
            symbol: _beginning(offered[symbol], planned.get(symbol), forgotten.get(symbol))
            for symbol in unseen
        }

    def _noted_now(self, entry: SymbolEntry) -> SymbolEntry:
        if not entry.packed:
            return entry
        return msgspec.structs.replace(entry, packed_at=to_text(self._clock()))

    def _forget_idle(self, offered: Iterable[str]) -> None:
        """Drop the cached entries of symbols that had no record for a while. These symbols may have
        been forgotten."""
        now = self._now()
        for symbol in offered:
            if now - self._came.get(symbol, now) > IDLE_SECONDS:
                self._lines.pop(symbol, None)
            self._came[symbol] = now

    def _needs_reading(self, symbol: str, offered: Offered) -> bool:
        """Return whether to read a symbol's stored entry. It must be read if it is not cached, or
        if it may lack a switch that decides about the newest tick. It must also be read if the
        batch names a source other than the entry's. The series of the entry's source may then have
        been forgotten."""
        if symbol not in self._lines or offered.newest >= self._valid_until[symbol]:
            return True
        mine = self._sources.of(self._lines[symbol]).at(offered.newest)
        return mine is not None and any(
            source != mine and family(source) != family(mine) for source in offered.sources
        )

    def _may_be_outdated(self, action: Action) -> bool:
        symbol = action.symbol
        if symbol not in self._lines or action.instant >= self._valid_until[symbol]:
            return True
        if self._now() - self._came.get(symbol, 0.0) > IDLE_SECONDS:  # may be forgotten
            return True
        sources = self._sources.of(self._lines[symbol])
        return sources.refusal(action.source, action.instant) is not None

    def _forget(self) -> None:
        """Drop cached entries. Entries that another container may have completed are dropped each
        minute. All entries are dropped every five minutes, or if there are too many."""
        now = self._now()
        if len(self._lines) > MAX_KNOWN or now - self._emptied_at > COMPLETE_SECONDS:
            self._lines, self._valid_until, self._came = {}, {}, {}
            self._sources.clear()
            self._emptied_at = now
        if now - self._forgot_at > KNOWN_SECONDS:
            self._lines = {
                symbol: line for symbol, line in self._lines.items() if line.source and line.packed
            }
            self._forgot_at = now


class Foreign:
    """Finds items that do not belong to their symbol's series, by the sources of the symbols.

    `found` has the symbols that had such items, each with the last reason.
    """

    def __init__(self, known: KnownSymbols) -> None:
        self._known = known
        self.found: dict[str, str] = {}

    def reason(self, item: Tick | Bar | Action) -> str | None:
        """Return why an item does not belong to the series; None if it does.

        A tick without a source fits any series. The first source named becomes the series' source.
        """
        sources = self._known.sources(item.symbol)
        if sources is None or (not sources.switches and item.source == sources.first):
            return None
        reason = sources.refusal(item.source, item.instant)
        if reason is not None:
            self.found[item.symbol] = reason
        return reason


def offered_by(reads: Iterable[Read]) -> dict[str, Offered]:
    """Return what a batch says about its symbols."""
    offered: dict[str, Offered] = {}
    for read in reads:
        arrival = to_text(read.record.arrival)
        packed = packed_symbols(read)
        for item in items_of(read.decoded):
            is_packed = item.symbol in packed
            known = offered.get(item.symbol)
            if known is None:
                entry = _entry(item, arrival, packed=is_packed)
                known = offered[item.symbol] = Offered(entry, set(), "")
            elif _is_open(known.entry, packed=is_packed):
                known.entry = _joined(known.entry, _entry(item, arrival, packed=is_packed))
            known.newest = max(known.newest, item.instant)
            if item.source != UNKNOWN_SOURCE:
                known.sources.add(item.source)
        for symbol, text in read.decoded.sources:
            if symbol in offered:
                offered[symbol].recorded = parse_sources(text)
    return offered


def _entry(item: Tick | Bar, added_at: str, *, packed: bool) -> SymbolEntry:
    return SymbolEntry(
        symbol=item.symbol,
        added_at=added_at,
        source=None if item.source == UNKNOWN_SOURCE else item.source,
        currency=item.currency if isinstance(item, Tick) else None,
        packed=_YES if packed else None,
    )


def _is_open(entry: SymbolEntry, *, packed: bool) -> bool:
    """Return whether a further item may complete the entry. This is so if the source, the currency
    or `packed` is missing."""
    return entry.source is None or entry.currency is None or (packed and not entry.packed)


def _joined(first: SymbolEntry, second: SymbolEntry) -> SymbolEntry:
    return msgspec.structs.replace(
        first,
        source=first.source or second.source,
        currency=first.currency or second.currency,
        packed=first.packed or second.packed,
    )


def _beginning(
    offered: Offered, plan: SymbolEntry | None, forgotten: SymbolEntry | None
) -> SymbolEntry:
    """Return the first entry of a new symbol. Its source is the one that its tracked entry names,
    else those of its recording, else the offered one."""
    entry = offered.entry
    if forgotten is not None:
        entry = msgspec.structs.replace(entry, forgotten_at=forgotten.added_at)
    if plan is not None and plan.source is not None:
        return msgspec.structs.replace(entry, source=plan.source)
    if offered.recorded is None:
        return entry
    first, switches = offered.recorded.parts()
    return msgspec.structs.replace(entry, source=first, switches=switches)


def _lacks(line: SymbolEntry | None, offered: SymbolEntry) -> bool:
    """Return whether a symbol's entry is missing, or lacks the offered source or `packed`."""
    if line is None:
        return True
    return bool(offered.source and not line.source) or bool(offered.packed and not line.packed)
