"""The interfaces to the stores; adapters and the tests' fakes implement them.

Ranges are half-open, with instants as texts; None means an open end. Reads of prices, bars and
alerts return pages: `next_key` is None at the end; otherwise more rows may follow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:  # every function imports this module, and uses a few of the stores
    from chalicelib.domain.actions import Action
    from chalicelib.domain.alerts import Alert, StoredAlert
    from chalicelib.domain.archive_layout import Told
    from chalicelib.domain.bars import Bar
    from chalicelib.domain.detection import State
    from chalicelib.domain.digests import Digest, StoredDigest
    from chalicelib.domain.raw_lines import ArchivedLine
    from chalicelib.domain.readings import Reading
    from chalicelib.domain.rules import BrokenRule, Rule
    from chalicelib.services.priced import PricedRecord, StoredTick
    from chalicelib.services.symbol_stores import ProducerStore, SymbolStore

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """Rows in order, and whether more may follow."""

    rows: tuple[Row, ...]
    next_key: str | None = None


MOST_COPIES = 50_000
"""The most further copies of ticks, or ticks within one minute, that a repair or a page may read.
Items may hold copies of each other's ticks, but hardly any do."""

CROWDED_STEP = 5_000
"""The most ticks that detect and rebuild take at once from a minute with very many. Each page reads
all ticks that are left of the minute, so larger pages read the minute less often."""


class PriceStore(Protocol):
    """Stores ticks by symbol and time."""

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """Put all records; return the indexes of those not acknowledged by the deadline
        (time.monotonic)."""

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """Return the items stored under these keys, read consistently."""

    def ticks(
        self,
        symbol: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        most_copies: int | None = None,
        most: int | None = None,
    ) -> Page[StoredTick]:
        """Return a page of at most `limit` ticks, each once, in order of time.

        A page reads whole minutes. If a minute has more than `limit` ticks, the page may have up to
        `most`, so that the minute is read less often. Raises TooManyCopies if the items read hold
        more than `most_copies` further copies of ticks, or if one minute has more ticks than that.
        """

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """Return when the stream accepted the symbol's first record after an instant (of all for
        None). Return None if there is no such record. Reads at most one item."""


class Close(msgspec.Struct, frozen=True):
    """What rules need of a bar. `date` is its session's date; `ticks` is 0 for a historical bar."""

    start: str
    date: str
    close: Decimal
    ticks: int
    extended: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Bars that were not put, since another bar made from ticks is stored in their place:
    `differing` if that has other values, so that one of the two is outdated, `same` if it has the
    same."""

    differing: tuple[Bar, ...] = ()
    same: tuple[Bar, ...] = ()


def refused_by(bars: Iterable[Bar], stored: Iterable[Bar | None]) -> Refused:
    """Return which bars were refused. `stored` has, for each bar, the one made from ticks that is
    stored in its place; None if there is none or the bar was put."""
    pairs = [(bar, one) for bar, one in zip(bars, stored, strict=True) if one is not None]
    return Refused(
        differing=tuple(bar for bar, one in pairs if not one.same_values(bar)),
        same=tuple(bar for bar, one in pairs if one.same_values(bar)),
    )


class BarStore(Protocol):
    """Stores finished bars of the stored intervals."""

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """Return the closes of all bars whose start lies in the range, in order.

        With `newest`, they come newest first and are read consistently, `newest` at a time.
        """

    def bars(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        consistent: bool = False,
        deleted: bool = False,
    ) -> Page[Bar]:
        """Return bars whose `key` lies in the range; a regular and an extended bar may have the
        same start. Tombstones are included if `deleted`."""

    def put(self, bar: Bar, expires_from: str) -> bool:
        """Put a bar made from ticks, unless a historical bar, or one with the same or a higher
        revision, is stored. Returns whether it was put."""

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """Put bars made from ticks, each as `put` does; no two may have the same series and key.

        After an error some may be stored and others not.
        """

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """Put a tombstone in place of a bar made from ticks, even if no bar is stored, but not in
        place of another revision. Returns whether a tombstone is stored now."""

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars in place of whatever is stored; return the indexes of those not
        acknowledged by the deadline."""

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars, except in place of a historical bar that came later and is not
        folded. Return the indexes of those not processed by the deadline. Each call makes
        progress."""

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put folded historical bars. Of the stored bars, they replace only those folded from fewer
        bars, or from as many that came no later. Return the indexes of those not processed by the
        deadline. Each call makes progress."""

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """Give each symbol a new, unique mark, since its stored bars have changed but its state has
        not: data read under another mark is invalid. Returns the indexes of those not acknowledged
        by the deadline."""

    def history_mark(self, symbol: str) -> str:
        """Return the symbol's mark, read consistently; empty if it has none."""


class RecordedActions(msgspec.Struct, frozen=True):
    """The result of recording actions. `conflicts` has the actions that a stored one contradicts:
    by index, first the one of the two that counts, then the other. `left` has the indexes of
    actions that were not settled by the deadline."""

    conflicts: dict[int, tuple[Action, Action]]
    left: frozenset[int]


class ActionStore(Protocol):
    """Stores corporate actions: of each symbol and ex-date at most one split and one dividend."""

    def record(self, actions: Sequence[Action], deadline: float) -> RecordedActions:
        """Store actions. Of all actions that ever came with one `place`, the one with the lowest
        `rank` is kept. Each call makes progress."""

    def actions(self, symbol: str) -> list[Action]:
        """Return the newest 2,000 actions of a symbol, by ex-date."""


class StateStore(Protocol):
    """Stores one state per symbol. If a stored state cannot be read, an empty state that is
    `unreadable` is returned. A write replaces it like any other."""

    def get(self, symbol: str) -> State | None:
        """Return the state, read consistently; None if there is none."""

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """Return the existing states of some symbols, read consistently, 100 per request."""

    def put(self, state: State) -> bool:
        """Write the state under the next version, if `state.version` is still the stored one;
        return whether it was written."""


class AlertStore(Protocol):
    """Stores alerts, each once."""

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put the alerts that are not stored yet; those that are not quiet are then delivered.
        After an error some may be stored."""

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put the alerts that are not stored yet. If an earlier version of Ticktape recorded an
        alert without sending it, it is delivered now. After an error some may be done."""

    def find(self, alert_id: str) -> StoredAlert | None:
        """Return the alert with this id and its deliveries; None if there is none."""

    def digests(self, wanted: Collection[Digest]) -> Mapping[Digest, StoredDigest]:
        """Return the digests among `wanted` that are stored."""

    def by_symbol(
        self,
        symbol: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        after_key: str | None = None,
    ) -> Page[StoredAlert]:
        """Return a symbol's alerts by the tick's time."""

    def by_day(
        self,
        day: str,
        start: str | None,
        end: str | None,
        *,
        limit: int,
        descending: bool = False,
        after_key: str | None = None,
    ) -> Page[StoredAlert]:
        """Return all alerts whose tick lies on a UTC day, and in `[start, end)`.

        `after_key`, a page's next_key, must lie in that range: DynamoDB refuses others.
        """


RuleKey = tuple[str, str]
"""The key of a stored rule: its symbol, or `*`, and its id."""


MAX_APPLIED = 98
"""The most rules that a set may put and delete at once: a transaction takes 100 items."""

MAX_REMOVED = 90
"""The most rules that one write may delete, for the same reason."""


class RuleTable(msgspec.Struct, frozen=True):
    """The keys of the stored rules, and whether each is enabled. Broken rules count as not enabled.

    A write names the version that it is based on, and fails if that version is outdated.
    """

    version: int
    enabled: Mapping[RuleKey, bool]

    def keys_of(self, rule_id: str) -> list[RuleKey]:
        """Return the keys with this id: none, one, or several if an older version of Ticktape
        stored it under different symbols."""
        return sorted(key for key in self.enabled if key[1] == rule_id)


class RuleStore(Protocol):
    """Stores rules by symbol and id.

    broken: the stored rules that the last `all` skipped as unreadable.
    """

    broken: tuple[BrokenRule, ...]

    def all(self) -> list[Rule]:
        """Return all rules in order of rule_id. A rule written within the last seconds may be
        missing."""

    def of(self, symbol: str) -> list[Rule]:
        """Return the current rules stored for a symbol (`*` for the rules of all symbols)."""

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """Return the rule with this id; None if there is none."""

    def table(self) -> RuleTable:
        """Return the version and the keys of the rules that are stored now."""

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """Put a rule, delete at most MAX_REMOVED others, and return True.

        Returns False and writes nothing if another write came after `table` was read.
        """

    def write_all(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        applied: Sequence[str],
    ) -> bool:
        """Put and delete at most MAX_APPLIED rules, note `applied` (the ids in a file of rules),
        and return True.

        Returns False and writes nothing if another write came after `table` was read.
        """

    def current(self, table: RuleTable) -> list[Rule | BrokenRule]:
        """Return the rules of a table, read consistently, in any order."""

    def applied(self) -> tuple[str, ...]:
        """Return the ids that `write_all` noted last."""


class QuarantinedPart(msgspec.Struct, frozen=True):
    """A part of a record that could not be processed.

    Its origin (a shard or queue), its record's sequence_number there and its number among the
    record's rejected parts identify it. line: the part's line in the record, from 0. payload: its
    bytes in base64.
    """

    reason: str
    origin: str
    sequence_number: str
    part: int
    line: int
    arrived_at: str
    payload: str


class Archive(Protocol):
    """Stores raw records and quarantine. A batch's objects are named by its origin and its records'
    numbers and lines, so that no other batch is stored under the same name."""

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """Write one object with a batch's lines."""

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """Write one object with a batch's readings: what SQL cannot read from its lines."""

    def put_sources(self, told: Sequence[Told]) -> None:
        """Write one object with the sources of series and their switches."""

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """Write one object with a batch's unprocessable parts and the reasons."""


class Stores(msgspec.Struct, frozen=True):
    """All stores of a deployment. `failures` returns the number of dead-lettered batches to be
    redriven, at most 1,000; None if unknown."""

    prices: PriceStore
    bars: BarStore
    actions: ActionStore
    state: StateStore
    alerts: AlertStore
    rules: RuleStore
    symbols: SymbolStore
    archive: Archive
    failures: Callable[[], int | None]
    producers: ProducerStore
