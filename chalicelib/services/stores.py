"""What the services need of the stores; adapters and the tests' fakes both provide it.

Ranges are half-open texts of instants, None an open end. Reads of prices, bars and alerts come
in pages; `next_key` is None at the end, otherwise more may follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.readings import Reading
from chalicelib.domain.rules import BrokenRule, Rule
from chalicelib.domain.splits import Split
from chalicelib.services.priced import PricedRecord, StoredTick

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """Some rows in order, and whether more may follow."""

    rows: tuple[Row, ...]
    next_key: str | None = None


class SymbolEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of one of the lists of symbols: "seen" or "tracked".

    packed: "yes" once a record came with several ticks of the symbol; packed_at: when that was
    noted, if the symbol had been seen before.
    split_date, split_ratio: the last split that detect saw, as `2026-11-20` and `4:1`. History
    from before it is to be fetched anew.
    problem, problem_at: why and when (its arrival) the last item of the symbol was quarantined.
    """

    symbol: str
    added_at: str
    source: str | None = None
    name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    packed: str | None = None
    packed_at: str | None = None
    split_date: str | None = None
    split_ratio: str | None = None
    problem: str | None = None
    problem_at: str | None = None


MOST_COPIES = 50_000
"""Further copies of the ticks of a range that a repair or a page may meet: items may hold copies of
each other's, but hardly any do."""


class PriceStore(Protocol):
    """Ticks by symbol and time."""

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """Put all; returns the indexes of those not acknowledged by the deadline (monotonic s)."""

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """What is stored under these keys, read consistently."""

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
    ) -> Page[StoredTick]:
        """Each tick once, in order of time. Raises TooManyCopies where the items that are read hold
        more than so many further copies of these ticks."""

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """When the stream took the symbol's first record after an instant (of all for None);
        None where there is none. Reads one item at most."""


class Close(msgspec.Struct, frozen=True):
    """What rules need of a bar. `date` is its session's."""

    start: str
    date: str
    close: Decimal
    ticks: int
    extended: bool = False


class Refused(msgspec.Struct, frozen=True):
    """Bars that were not put because one made from ticks is stored: of other values, so that one of
    both is out of date, or of the same."""

    differing: tuple[Bar, ...] = ()
    same: tuple[Bar, ...] = ()


def refused_by(bars: Iterable[Bar], stored: Iterable[Bar | None]) -> Refused:
    """Bars by what is stored in the place of each; None where it was put."""
    pairs = [(bar, one) for bar, one in zip(bars, stored, strict=True) if one is not None]
    return Refused(
        differing=tuple(bar for bar, one in pairs if not one.same_values(bar)),
        same=tuple(bar for bar, one in pairs if one.same_values(bar)),
    )


class BarStore(Protocol):
    """Finished bars of the stored intervals."""

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """The closes of all bars whose start lies in the range, in order.

        Where `newest` is given they come from the newest back, read consistently, so many at once.
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
        """Bars whose `key` lies in the range: of a start one, or a regular and an extended one.
        Tombstones are among them if `deleted`."""

    def put(self, bar: Bar, expires_from: str) -> bool:
        """Put a bar made from ticks, unless one is stored that came as history, or whose revision
        is not lower. Returns whether it was put."""

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """Put bars made from ticks, each as `put` does; no two of the same series and key.

        Where it raises, some may be stored and others not.
        """

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """Put a tombstone in the place of a bar made from ticks, whether or not it is stored,
        unless another revision of it is. Returns whether a tombstone lies there now."""

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars; returns the indexes of those not acknowledged by the deadline."""

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put historical bars but where one is stored that came later, as it is; returns the
        indexes of those that were not judged by the deadline. Each call gets further."""

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """Put folded historical bars where no bar is stored, or one folded from fewer bars, or from
        as many that came no later; returns what write_late_history does."""

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """Give each symbol a mark that it never had: its stored minutes have been changed and its
        state has not, so what was read of them under another mark holds no more. Returns the
        indexes of those that were not acknowledged by the deadline."""

    def history_mark(self, symbol: str) -> str:
        """The symbol's mark, read consistently; empty where it has none."""


class StateStore(Protocol):
    """One state a symbol."""

    def get(self, symbol: str) -> State | None:
        """The state, read consistently."""

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """The states there are, of at most 100 symbols, read consistently."""

    def put(self, state: State) -> bool:
        """Write with a version one above `state.version`, if that is still the stored one."""


class AlertStore(Protocol):
    """Alerts, each once."""

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put alerts, each unless it is there; those that are not quiet are then delivered. Where
        this raises, some may be put."""

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """Put those that are not there, and have those delivered that an earlier version has
        recorded without sending them. Where this raises, some may be done."""

    def find(self, alert_id: str) -> StoredAlert | None:
        """The alert with this id, with its deliveries; None where there is none."""

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
        """A symbol's alerts by the tick's time."""

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
        """All alerts whose tick lies on a UTC day, and in `[start, end)`.

        `after_key`, a page's next_key, has to lie in that range: DynamoDB refuses others.
        """


RuleKey = tuple[str, str]
"""Of a stored rule: its symbol, or `*`, and its id."""


MAX_REMOVED = 90
"""Rules that one write may forget: a transaction takes 100 items."""


class RuleTable(msgspec.Struct, frozen=True):
    """Which rules are stored, and whether each is enabled; a broken one counts as not enabled.

    A write names the version on which it was decided, and fails where that has passed.
    """

    version: int
    enabled: Mapping[RuleKey, bool]

    def keys_of(self, rule_id: str) -> list[RuleKey]:
        """The rules of this id: one, or several that an older version stored under different
        symbols."""
        return sorted(key for key in self.enabled if key[1] == rule_id)


class RuleStore(Protocol):
    """Rules by symbol and id.

    broken: the stored rules that the last `all` passed over, because they cannot be read.
    """

    broken: tuple[BrokenRule, ...]

    def all(self) -> list[Rule]:
        """Every rule, by rule_id; one that was written within the last seconds may be missing."""

    def of(self, symbol: str) -> list[Rule]:
        """The rules stored for a symbol (`*` for those of all), as they are at this moment."""

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """One rule."""

    def table(self) -> RuleTable:
        """What is stored at this moment."""

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """Store or replace a rule and forget at most MAX_REMOVED others, all or nothing.

        False, and nothing is written, where another write came after `table` was read.
        """


class SymbolStore(Protocol):
    """The lists of symbols, "seen" and "tracked"."""

    def listed(self, name: str) -> list[SymbolEntry]:
        """A whole list, by symbol."""

    def page(self, name: str, after: str, limit: int) -> list[SymbolEntry]:
        """The first lines of a list whose symbols come after one, by symbol."""

    def count(self, name: str) -> int:
        """How many symbols a list has."""

    def find(self, symbol: str) -> SymbolEntry | None:
        """The symbol's line in "seen", else in "tracked"."""

    def find_many(self, name: str, symbols: Iterable[str]) -> dict[str, SymbolEntry]:
        """The lines there are, read consistently."""

    def put(self, name: str, entry: SymbolEntry) -> SymbolEntry:
        """Add unless it is there; returns the line that is now there."""

    def note_split(self, symbol: str, split: Split) -> None:
        """Write a split into the symbol's line in "seen", if there is one."""

    def note_problem(self, symbol: str, problem: str, at: str) -> None:
        """Write into the symbol's line in "seen", if there is one, why an item was quarantined."""

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        """Add to "seen", or fill in what the line lacks; returns the line that is now there. A line
        that is new has no `packed_at`."""

    def remove(self, name: str, symbol: str) -> None:
        """Take off a list; nothing happens if it is not there."""


class ProducerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a producer wrote about itself at `time`.

    `progress` is the share of its history that was sent, from 0 to 1, None where there is no end
    to measure against. `dropped` counts by reason the ticks that it did not send.
    """

    command: str
    source: str
    state: str
    time: str
    progress: Decimal | None = None
    problem: str | None = None
    dropped: Mapping[str, int] = {}


class ProducerStore(Protocol):
    """What the producers wrote about themselves."""

    def statuses(self) -> list[ProducerStatus]:
        """The last status of each command that ever ran."""


class QuarantinedPart(msgspec.Struct, frozen=True):
    """A part of a record that could not be processed.

    origin, sequence_number and part name it: a shard or queue, the record, and the place among the
    record's rejected parts; line: of the record, from 0; payload: its bytes in base64.
    """

    reason: str
    origin: str
    sequence_number: str
    part: int
    line: int
    arrived_at: str
    payload: str


class Archive(Protocol):
    """Raw records and quarantine. A batch is named by its origin and its records' numbers and
    lines: nothing else lies under its name."""

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """One object with a batch's lines."""

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """One object beside a batch's lines: what SQL cannot read off them."""

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """One object with what could not be processed of a batch, and why."""


SeriesKind = Literal["prices", "bars", "alerts"]


class Erased(msgspec.Struct, frozen=True):
    """How many items were deleted, and whether none is left."""

    count: int
    complete: bool


class SeriesEraser(Protocol):
    """Deletes what is stored of one symbol."""

    def erase(self, kind: SeriesKind, symbol: str, deadline: float) -> Erased:
        """Delete all items of a kind until the deadline (time.monotonic)."""


class FailureStore(Protocol):
    """What was given up on."""

    def count(self) -> int | None:
        """Batches that wait to be redriven, 1,000 for more; None where it cannot be told."""


QueryValue = str | int | Decimal | date
"""What may be bound to a statement's `?`."""

QueryState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class QueryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a statement is.

    `reason` says why it failed or was cancelled; `reused` that an earlier result stands for its
    own, which scans nothing; `location` where its result is, as `s3://bucket/key`; `parameters`
    what was bound, as SQL literals.
    """

    query_id: str
    state: QueryState
    reason: str | None
    sql: str
    bytes_scanned: int
    milliseconds: int
    reused: bool
    location: str | None
    submitted_at: datetime
    parameters: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ("queued", "running")


class QueryRows(msgspec.Struct, frozen=True):
    """A page of a result: names and SQL types of the columns, values as text, None for null."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    next_token: str | None = None


class QueryEngine(Protocol):
    """SQL over the lake, without waiting."""

    def start(
        self,
        sql: str,
        parameters: Sequence[QueryValue] = (),
        *,
        token: str | None = None,
        reuse_minutes: int = 0,
    ) -> str:
        """Start a statement; returns its id. One with the same `token` is started only once.

        A result of the same statement and parameters that is no older than `reuse_minutes` may
        stand for a new one. Raises StatementRefused.
        """

    def status(self, query_id: str) -> QueryStatus | None:
        """How far it is; None for an id that is not known here."""

    def rows(self, query_id: str, *, limit: int = 1000, page_token: str | None = None) -> QueryRows:
        """A page of at most 1,000 rows of a statement that succeeded. Raises BadPosition."""

    def stop(self, query_id: str) -> None:
        """Cancel; nothing happens to one that has ended."""


class Stores(msgspec.Struct, frozen=True):
    """All stores of a deployment."""

    prices: PriceStore
    bars: BarStore
    state: StateStore
    alerts: AlertStore
    rules: RuleStore
    symbols: SymbolStore
    archive: Archive
    failures: FailureStore
    producers: ProducerStore
