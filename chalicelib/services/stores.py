"""The interfaces to the stores; adapters and the tests' fakes implement them.

Ranges are half-open texts of instants; None is an open end. Reads of prices, bars and alerts return
pages; `next_key` is None at the end, otherwise more may follow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
"""The most further copies of ticks, or ticks within one minute, that a repair or a page may read:
items may hold copies of each other's ticks, but hardly any do."""

CROWDED_STEP = 5_000
"""The ticks taken at once of a minute with very many: each page reads all that are left of it."""


class PriceStore(Protocol):
    """Stores ticks by symbol and time."""

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """Put all records; return the indexes of those not acknowledged by the deadline (monotonic
        s)."""

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
        """Return each tick once, in order of time. Raises TooManyCopies if the items read hold more
        than `most_copies` further copies of these ticks, or more ticks within one minute.

        Every page reads all ticks of a minute: one with more than `limit` ticks may return up to
        `most` of them at once, so that they are read less often.
        """

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """Return when the stream accepted the symbol's first record after an instant (of all for
        None); None if there is none. Reads at most one item."""


class Close(msgspec.Struct, frozen=True):
    """What rules need of a bar. `date` is its session's."""

    start: str
    date: str
    close: Decimal
    ticks: int
    extended: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Bars not put because one made from ticks is stored: either with different values, so that one
    of them is outdated, or with the same."""

    differing: tuple[Bar, ...] = ()
    same: tuple[Bar, ...] = ()


def refused_by(bars: Iterable[Bar], stored: Iterable[Bar | None]) -> Refused:
    """Sort bars by the bar stored in place of each; None if the bar was put."""
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

        With `newest` they are returned newest first, read consistently, `newest` at a time.
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
        """Return bars whose `key` lies in the range: one start may have a regular and an extended
        one. Tombstones are included if `deleted`."""

    def put(self, bar: Bar, expires_from: str) -> bool:
        """Put a bar made from ticks, unless a historical one or one with at least its revision is
        stored. Returns whether it was put."""

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """Put bars made from ticks, each as in `put`; no two may have the same series and key.

        After an error some may be stored and others not.
        """

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """Put a tombstone in place of a bar made from ticks, stored or not, unless another revision
        is stored. Returns whether a tombstone is stored now."""

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars; return the indexes of those not acknowledged by the deadline."""

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars, except where an original one that came later is stored; return the
        indexes of those not processed by the deadline. Each call makes progress."""

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put folded historical bars where no bar is stored, or one folded from fewer bars, or from
        as many that came no later; return what write_late_history does."""

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """Give each symbol a new, unique mark: its stored bars have changed but its state has
        not, so data read under another mark is invalid. Returns the indexes of those not
        acknowledged by the deadline."""

    def history_mark(self, symbol: str) -> str:
        """Return the symbol's mark, read consistently; empty if it has none."""


class RecordedActions(msgspec.Struct, frozen=True):
    """What became of actions. `conflicts`: by index, of an action and a stored one that say
    different things, the one that counts and the other; `left`: the indexes of those that were not
    settled by the deadline."""

    conflicts: dict[int, tuple[Action, Action]]
    left: frozenset[int]


class ActionStore(Protocol):
    """Stores corporate actions: of each symbol and ex-date at most one split and one dividend."""

    def record(self, actions: Sequence[Action], deadline: float) -> RecordedActions:
        """Store actions, of each place the one with the lowest rank of all that ever came. Each
        call makes progress."""

    def actions(self, symbol: str) -> list[Action]:
        """Return the actions of a symbol by ex-date, the newest 2,000 of them."""


class StateStore(Protocol):
    """Stores one state per symbol. A stored one that cannot be read is returned as an empty one
    that is `unreadable`; it is replaced like others."""

    def get(self, symbol: str) -> State | None:
        """Return the state, read consistently."""

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """Return the existing states of at most 100 symbols, read consistently."""

    def put(self, state: State) -> bool:
        """Write with the next version after `state.version`, if that is still the stored one."""


class AlertStore(Protocol):
    """Stores alerts, each once."""

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put alerts, each unless it is stored; those that are not quiet are then delivered. After
        an error some may be stored."""

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put alerts that are not stored, and have those delivered that an earlier version recorded
        without sending them. After an error some may be done."""

    def find(self, alert_id: str) -> StoredAlert | None:
        """Return the alert with this id and its deliveries; None if there is none."""

    def digests(self, wanted: Collection[Digest]) -> Mapping[Digest, StoredDigest]:
        """Return the stored ones of some digests."""

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
"""The most rules that a set may put and delete at once, for the same reason."""

MAX_REMOVED = 90
"""The most rules that one write may delete: a transaction takes 100 items."""


class RuleTable(msgspec.Struct, frozen=True):
    """The stored rules, and whether each is enabled; a broken one counts as not enabled.

    A write names the version that it was decided on, and fails if that is outdated.
    """

    version: int
    enabled: Mapping[RuleKey, bool]

    def keys_of(self, rule_id: str) -> list[RuleKey]:
        """Return the keys of this id: one, or several that an older version stored under different
        symbols."""
        return sorted(key for key in self.enabled if key[1] == rule_id)


class RuleStore(Protocol):
    """Stores rules by symbol and id.

    broken: the stored rules that the last `all` skipped as unreadable.
    """

    broken: tuple[BrokenRule, ...]

    def all(self) -> list[Rule]:
        """Return all rules by rule_id; one written within the last seconds may be missing."""

    def of(self, symbol: str) -> list[Rule]:
        """Return the current rules stored for a symbol (`*` for those of all)."""

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """Return one rule."""

    def table(self) -> RuleTable:
        """Return what is stored now."""

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """Put a rule and delete at most MAX_REMOVED others, all or nothing.

        Returns False and writes nothing if another write came after `table` was read.
        """

    def write_all(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        applied: Sequence[str],
    ) -> bool:
        """Put and delete rules, and note the ids that a file of rules has, all or nothing.

        At most MAX_APPLIED rules change. Returns what `write` returns.
        """

    def current(self, table: RuleTable) -> list[Rule | BrokenRule]:
        """Return the rules of a table, read consistently, in any order."""

    def applied(self) -> tuple[str, ...]:
        """Return the ids that `write_all` noted last."""


class QuarantinedPart(msgspec.Struct, frozen=True):
    """A part of a record that could not be processed.

    origin, sequence_number and part identify it: a shard or queue, the record, and the number among
    the record's rejected parts; line: of the record, from 0; payload: its bytes in base64.
    """

    reason: str
    origin: str
    sequence_number: str
    part: int
    line: int
    arrived_at: str
    payload: str


class Archive(Protocol):
    """Stores raw records and quarantine. A batch is named by its origin and its records' numbers
    and lines: nothing else is stored under its name."""

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
        """Write one object with the sources of series, and their first switches."""

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """Write one object with a batch's unprocessable parts, and why."""


class FailureStore(Protocol):
    """Stores dead-lettered batches."""

    def count(self) -> int | None:
        """Return the number of batches to be redriven, 1,000 for more; None if unknown."""


class Stores(msgspec.Struct, frozen=True):
    """All stores of a deployment."""

    prices: PriceStore
    bars: BarStore
    actions: ActionStore
    state: StateStore
    alerts: AlertStore
    rules: RuleStore
    symbols: SymbolStore
    archive: Archive
    failures: FailureStore
    producers: ProducerStore
