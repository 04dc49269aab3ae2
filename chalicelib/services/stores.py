"""The interfaces to the stores. The adapters and the tests' fakes implement them.

Ranges are half-open. Their ends are instants as text; None means an open end. Prices, bars and
alerts are read in pages. On the last page `next_key` is None; otherwise more rows may follow.
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
    """A page of rows in order. `next_key` says whether more rows may follow."""

    rows: tuple[Row, ...]
    next_key: str | None = None


MOST_COPIES = 50_000
"""The most further copies of ticks that a repair or a page may read, and the most ticks in one
minute. Several items may hold copies of a tick, but few ticks have any."""

CROWDED_STEP = 5_000
"""The most ticks that detect and rebuild take at once from a minute with very many. Each page reads
all remaining ticks of the minute, so larger pages read the minute less often."""


class PriceStore(Protocol):
    """Stores ticks by symbol and time."""

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """Write all records. Return the indexes of the records not acknowledged by the deadline
        (time.monotonic)."""

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """Return the items stored under these keys, with consistent reads."""

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
        """Return a page of at most `limit` ticks in order of time, each tick once.

        A page reads whole minutes. If a minute has more than `limit` ticks, the page may return up
        to `most`; the minute is then read less often. Raises TooManyCopies if the items read hold
        more than `most_copies` further copies of ticks. Raises it too if one minute has more ticks
        than that.
        """

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """Return when the symbol's first record after an instant arrived; None if none did. If
        `after` is None, return the arrival of its first record. Reads at most one item."""


class Close(msgspec.Struct, frozen=True):
    """The close of a bar, for evaluating rules. `date` is the session's date. `ticks` is 0 in a
    historical bar."""

    start: str
    date: str
    close: Decimal
    ticks: int
    extended: bool = False


class Refused(msgspec.Struct, frozen=True):
    """The bars that were not put because another bar made from ticks is already stored. A refused
    bar is in `same` if the stored bar has the same values. Otherwise it is in `differing`, and one
    of the two bars is outdated."""

    differing: tuple[Bar, ...] = ()
    same: tuple[Bar, ...] = ()


def refused_by(bars: Iterable[Bar], stored: Iterable[Bar | None]) -> Refused:
    """Return which bars were refused. For each bar, `stored` has the stored bar made from ticks;
    None if there is none or if the bar was put."""
    pairs = [(bar, one) for bar, one in zip(bars, stored, strict=True) if one is not None]
    return Refused(
        differing=tuple(bar for bar, one in pairs if not one.same_values(bar)),
        same=tuple(bar for bar, one in pairs if one.same_values(bar)),
    )


class BarStore(Protocol):
    """Stores finished bars of the intervals in STORED."""

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """Yield the closes of all bars whose start lies in the range, in order.

        If `newest` is given, the newest bar comes first. The bars are then read consistently,
        `newest` at a time.
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
        """Return a page of the bars whose `key` lies in the range. If `deleted`, tombstones are
        included. A regular and an extended bar may have the same start."""

    def put(self, bar: Bar, expires_from: str) -> bool:
        """Put a bar made from ticks and return True. If a historical bar is stored, or a bar of the
        same or a higher revision, do nothing and return False."""

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """Put bars made from ticks, each as `put` does. No two of them may have the same series and
        key.

        After an error, some bars may be stored and others not.
        """

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """Replace a bar made from ticks by a tombstone, even if no bar is stored. Do nothing if
        another revision is stored. Return whether a tombstone is stored now."""

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars; they replace any stored bars. Return the indexes of the bars not
        acknowledged by the deadline."""

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars that arrived late. A stored historical bar is kept if it came later
        and is not folded. Return the indexes of the bars not processed by the deadline. Each call
        makes progress."""

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars that were folded from finer ones. A stored bar is replaced only if it
        was folded from fewer bars, or from as many that came no later. Return the indexes of the
        bars not processed by the deadline. Each call makes progress."""

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """Give each symbol a new, unique mark. Data that was read under another mark is then
        invalid: stored bars have changed, although the state has not. Return the indexes of the
        symbols not acknowledged by the deadline."""

    def history_mark(self, symbol: str) -> str:
        """Return the symbol's mark, with a consistent read; empty if the symbol has none."""


class RecordedActions(msgspec.Struct, frozen=True):
    """The result of recording actions. `conflicts` has the given actions that a stored one
    contradicts: by the given action's index, both actions, the kept one first. `left` has the
    indexes of the actions that were not processed by the deadline."""

    conflicts: dict[int, tuple[Action, Action]]
    left: frozenset[int]


class ActionStore(Protocol):
    """Stores corporate actions: at most one split and one dividend for each symbol and ex-date."""

    def record(self, actions: Sequence[Action], deadline: float) -> RecordedActions:
        """Store actions. Of all actions ever given for a `place`, only the one with the lowest
        `rank` is kept. Each call makes progress."""

    def actions(self, symbol: str) -> list[Action]:
        """Return the newest 2,000 actions of a symbol, ordered by ex-date."""


class StateStore(Protocol):
    """Stores one state for each symbol. A stored state that cannot be read is returned as an empty
    state that is marked `unreadable`. Writing replaces it like any other."""

    def get(self, symbol: str) -> State | None:
        """Return the symbol's state, with a consistent read; None if there is none."""

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """Return the states of those symbols that have one, read consistently, 100 per request."""

    def put(self, state: State) -> bool:
        """Write the state with the next version number and return True. If `state.version` is no
        longer the stored version, write nothing and return False."""


class AlertStore(Protocol):
    """Stores alerts, each once."""

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put the alerts that are not stored yet. The stream then delivers those that are not
        quiet. After an error, some of the alerts may be stored."""

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put the alerts that are not stored yet. If an earlier version of Ticktape stored an alert
        without sending it, have it delivered now. After an error, some of the alerts may be
        done."""

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
        """Return a page of a symbol's alerts, ordered by the time of the tick."""

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
        """Return a page of all alerts whose tick lies on a UTC day and in `[start, end)`.

        `after_key` is the `next_key` of the previous page. It must lie in the range, or DynamoDB
        refuses it.
        """


RuleKey = tuple[str, str]
"""The key of a stored rule: its symbol (or `*`) and its id."""


MAX_APPLIED = 98
"""The most rules that one set may put and delete. A DynamoDB transaction takes 100 items."""

MAX_REMOVED = 90
"""The most rules that one write may delete. A DynamoDB transaction takes 100 items."""


class RuleTable(msgspec.Struct, frozen=True):
    """The keys of the stored rules, and whether each rule is enabled. A broken rule is not enabled.

    A write names the version of the table that it is based on, and fails if that is outdated.
    """

    version: int
    enabled: Mapping[RuleKey, bool]

    def keys_of(self, rule_id: str) -> list[RuleKey]:
        """Return the keys of the rules with this id. An older version of Ticktape may have stored
        the rule several times, under different symbols."""
        return sorted(key for key in self.enabled if key[1] == rule_id)


class RuleStore(Protocol):
    """Stores rules by symbol and id.

    `broken` has the unreadable rules that the last call of `all` skipped.
    """

    broken: tuple[BrokenRule, ...]

    def all(self) -> list[Rule]:
        """Return all rules in order of rule_id. Rules written in the last few seconds may be
        missing."""

    def of(self, symbol: str) -> list[Rule]:
        """Return the current rules for a symbol; for `*`, those that apply to all symbols."""

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """Return the rule with this id; None if there is none."""

    def table(self) -> RuleTable:
        """Return the keys of the stored rules and the version, as of now."""

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """Put a rule, delete at most MAX_REMOVED other rules, and return True.

        If another write has happened since `table` was read, write nothing and return False.
        """

    def write_all(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        applied: Sequence[str],
    ) -> bool:
        """Put and delete at most MAX_APPLIED rules and return True. `applied`, the ids of the rules
        in the applied file, is stored too.

        If another write has happened since `table` was read, write nothing and return False.
        """

    def current(self, table: RuleTable) -> list[Rule | BrokenRule]:
        """Return the rules whose keys `table` has, in any order, with consistent reads."""

    def applied(self) -> tuple[str, ...]:
        """Return the ids that the last call of `write_all` stored as `applied`."""


class QuarantinedPart(msgspec.Struct, frozen=True):
    """A part of a record that could not be processed.

    Three values identify it: its origin (a shard or queue), the `sequence_number` of its record,
    and its number among the record's rejected parts. `line` is the number of the part's line in the
    record, from 0. `payload` is the part's bytes in base64.
    """

    reason: str
    origin: str
    sequence_number: str
    part: int
    line: int
    arrived_at: str
    payload: str


class Archive(Protocol):
    """Stores raw records and quarantine. An object's name has the batch's origin and the numbers
    and lines of its records. No two batches therefore share a name."""

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """Write one object with the lines of a batch."""

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """Write one object with the readings of a batch: what SQL cannot read from the lines."""

    def put_sources(self, told: Sequence[Told]) -> None:
        """Write one object with the sources of series and the switches between sources."""

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """Write one object with the rejected parts of a batch and the reasons."""


class Stores(msgspec.Struct, frozen=True):
    """All stores of a deployment. `failures` returns how many dead-lettered batches wait to be
    redriven, at most 1,000; None if that is unknown."""

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
