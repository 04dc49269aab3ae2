"""The interfaces to the lists of symbols, the producers' reports, and the deletion of series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import TickError
from chalicelib.domain.field_types import Instant, Symbol
from chalicelib.domain.sources import Sources, parse_sources
from chalicelib.domain.ticks import UNKNOWN_SOURCE

if TYPE_CHECKING:  # only detect notes splits
    from chalicelib.domain.splits import Split


class SymbolEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of one of the lists of symbols: "seen", "tracked" or "forgotten".

    `source` is the first source of the series, or the source that the series must begin with.
    `switches` has the later sources, separated by commas (`2026-11-20T15:30:00.000000Z alpaca`).
    `standby` is the text of a Standby; only lines of "tracked" have it. `split_date` and
    `split_ratio` describe the last split that detect saw. History from before it must be fetched
    again. `problem` says why an item was quarantined, and `problem_at` when it arrived.
    """

    symbol: Symbol
    added_at: Instant
    source: Annotated[
        str | None, Meta(description="The source in force; null before a tick has named one.")
    ] = None
    switches: str | None = None
    standby: str | None = None
    name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    forgotten_at: Annotated[
        Instant | None, Meta(description="When an earlier series of the symbol was deleted.")
    ] = None
    packed: Annotated[
        str | None, Meta(description="yes once a record contained several of its ticks.")
    ] = None
    packed_at: Annotated[
        Instant | None, Meta(description="Since when, if it had been seen before.")
    ] = None
    split_date: Annotated[
        str | None, Meta(description="The session of the last split seen.", examples=["2026-11-20"])
    ] = None
    split_ratio: Annotated[
        str | None, Meta(description="New shares for old ones.", examples=["4:1"])
    ] = None
    problem: Annotated[
        str | None, Meta(description="Why its latest item from another source was quarantined.")
    ] = None
    problem_at: Instant | None = None

    @property
    def known_sources(self) -> Sources:
        """Return the sources of the series; only the first source if `switches` cannot be read."""
        if self.switches is None:
            return Sources(self.source)
        try:
            return parse_sources(f"{self.source or UNKNOWN_SOURCE},{self.switches}")
        except TickError:  # changed by hand: ticks of other sources go to quarantine
            return Sources(self.source)


class SymbolStore(Protocol):
    """Stores the lists of symbols: "seen", "tracked" and "forgotten"."""

    def listed(self, name: str) -> list[SymbolEntry]:
        """Return all lines of a list, ordered by symbol."""

    def page(self, name: str, after: str, limit: int) -> list[SymbolEntry]:
        """Return at most `limit` lines of a list, ordered by symbol, beginning after the symbol
        `after`."""

    def count(self, name: str) -> int:
        """Return the number of symbols in a list."""

    def find(self, symbol: str) -> SymbolEntry | None:
        """Return the symbol's line in "seen" or, if that is missing, in "tracked"; None if neither
        has one."""

    def find_many(self, name: str, symbols: Iterable[str]) -> dict[str, SymbolEntry]:
        """Return the lines that these symbols have in a list, with consistent reads. Symbols
        without a line are left out."""

    def put(self, name: str, entry: SymbolEntry) -> SymbolEntry:
        """Add a line to a list, unless the list already has one for the symbol. Return the stored
        line."""

    def note_split(self, symbol: str, split: Split) -> None:
        """Write a split into the symbol's line in "seen", if there is one."""

    def note_problem(self, symbol: str, problem: str, at: str) -> None:
        """Write into the symbol's line in "seen" why an item was quarantined, if the line
        exists."""

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        """Add a line to "seen", or complete the stored line with missing fields. Return the stored
        line. A new line has no `packed_at`."""

    def set_sources(self, name: str, entry: SymbolEntry, sources: Sources) -> bool:
        """Write sources into a symbol's line and return True. If the line no longer exists or no
        longer has the sources of `entry`, write nothing and return False."""

    def note_forgotten(self, symbol: str, at: str) -> None:
        """Note in the list "forgotten" that a symbol's series was deleted at `at`."""

    def note_standby(self, symbol: str, standby: str | None) -> None:
        """Write a standby into the symbol's line in "tracked", if it exists; None removes it."""

    def remove(self, name: str, symbol: str) -> None:
        """Remove a symbol from a list, if the list has it."""


class ProducerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A producer's report about itself at `time`.

    `progress` is the share of the history that was sent, from 0 to 1; None if the history has no
    known end. `dropped` counts the ticks that were not sent, by reason.
    """

    command: str
    source: str
    state: str
    time: str
    progress: Decimal | None = None
    problem: str | None = None
    dropped: Mapping[str, int] = {}


class ProducerStore(Protocol):
    """Stores the producers' reports."""

    def statuses(self) -> list[ProducerStatus]:
        """Return the latest report of each producer command that ever ran."""


SeriesKind = Literal["prices", "bars", "alerts"]


class Erased(msgspec.Struct, frozen=True):
    """The number of deleted items, and whether none is left."""

    count: int
    complete: bool


class SeriesEraser(Protocol):
    """Deletes the stored data of one symbol."""

    def erase(self, kind: SeriesKind, symbol: str, deadline: float) -> Erased:
        """Delete a symbol's items of one kind until the deadline (time.monotonic)."""
