"""Stores in memory: what the services see is what DynamoDB would show them.

Pages are short on purpose (PAGE rows), so that whoever reads has to read on.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.bars import STORED, Bar
from chalicelib.domain.deliveries import Delivery
from chalicelib.domain.detection import State
from chalicelib.domain.digests import Digest, StoredDigest
from chalicelib.domain.keys import Key
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.readings import Reading
from chalicelib.domain.rules import ANY_SYMBOL, BrokenRule, Rule
from chalicelib.domain.splits import Split
from chalicelib.domain.times import just_after, later
from chalicelib.services.access.key_ring import MAX_KEYS
from chalicelib.services.market_data.queries import Range
from chalicelib.services.priced import Copy, PricedRecord, StoredTick, supersedes
from chalicelib.services.stores import (
    Close,
    Page,
    QuarantinedPart,
    Refused,
    RuleKey,
    RuleTable,
    Stores,
    refused_by,
)
from chalicelib.services.symbol_stores import Erased, ProducerStatus, SeriesKind, SymbolEntry

SPAN_SECONDS = 60
PAGE = 1000


class Sorted:
    """Values under text keys, read by ranges of keys."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._values: dict[str, object] = {}

    def put(self, key: str, value: object) -> None:
        """Add or replace."""
        if key not in self._values:
            bisect.insort(self._keys, key)
        self._values[key] = value

    def get(self, key: str) -> object | None:
        """One value."""
        return self._values.get(key)

    def remove(self, key: str) -> None:
        """Take away a key that is there, if it is."""
        if self._values.pop(key, None) is not None:
            self._keys.remove(key)

    def between(self, start: str | None, end: str | None, descending: bool) -> list[str]:
        """The keys of `[start, end)`."""
        low = bisect.bisect_left(self._keys, start) if start is not None else 0
        high = bisect.bisect_left(self._keys, end) if end is not None else len(self._keys)
        keys = self._keys[low:high]
        return keys[::-1] if descending else keys


def _is_deleted(bar: object) -> bool:
    return isinstance(bar, Bar) and bar.deleted


def _page(series: Sorted, keys: list[str], limit: int) -> Page[object]:
    kept = keys[: min(limit, PAGE)]
    more = len(keys) > len(kept)
    return Page(tuple(series._values[key] for key in kept), kept[-1] if more and kept else None)


class FakePrices:
    """PriceStore: records under the keys of their last ticks."""

    def __init__(self) -> None:
        self.series: dict[str, Sorted] = {}
        self.records: list[PricedRecord] = []

    def write(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        """See PriceStore."""
        for record in records:
            self.records.append(record)
            self.series.setdefault(record.key[0], Sorted()).put(record.key[1], record)
        return set()

    def find_many(self, keys: Sequence[tuple[str, str]]) -> list[PricedRecord]:
        """See PriceStore."""
        found = (self.series.get(symbol, Sorted()).get(stamp) for symbol, stamp in keys)
        return [record for record in found if isinstance(record, PricedRecord)]

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
        """See PriceStore. Fills up to `limit`."""
        found = self._unpacked(symbol, start, end)
        stamps = sorted(found, reverse=descending)
        rows = tuple(found[stamp] for stamp in stamps[:limit])
        return Page(rows, stamps[limit - 1] if len(stamps) > limit else None)

    def arrival_after(self, symbol: str, after: str | None) -> str | None:
        """See PriceStore."""
        series = self.series.get(symbol, Sorted())
        start = just_after(after) if after is not None else None
        key = next(iter(series.between(start, None, descending=False)), None)
        record: Any = None if key is None else series.get(key)
        return None if record is None else str(record.ingested_at)

    def _unpacked(self, symbol: str, start: str | None, end: str | None) -> dict[str, StoredTick]:
        """Return ticks by timestamp; of several copies the last to arrive."""
        series = self.series.get(symbol, Sorted())
        through = later(end, seconds=SPAN_SECONDS) if end is not None else None
        found: dict[str, Copy] = {}
        for key in series.between(start, through, descending=False):
            record: Any = series.get(key)
            for stored in record.stored:
                stamp = stored.tick.timestamp
                inside = (start is None or stamp >= start) and (end is None or stamp < end)
                if inside and (stamp not in found or supersedes((key, stored), found[stamp])):
                    found[stamp] = (key, stored)
        return {stamp: stored for stamp, (_, stored) in found.items()}


class FakeBars:
    """BarStore."""

    def __init__(self) -> None:
        self.series: dict[str, Sorted] = {}
        self.arrived: dict[tuple[str, str], str] = {}
        self.marks: Counter[str] = Counter()

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
        """See BarStore."""
        series = self.series.get(f"{symbol}#{interval}", Sorted())
        keys = series.between(start, end, descending)
        page = _page(series, [k for k in keys if deleted or not _is_deleted(series.get(k))], limit)
        return Page(tuple(bar for bar in page.rows if isinstance(bar, Bar)), page.next_key)

    def closes(
        self,
        symbol: str,
        interval: str,
        start: str | None,
        end: str | None,
        *,
        newest: int | None = None,
    ) -> Iterator[Close]:
        """See BarStore."""
        series = self.series.get(f"{symbol}#{interval}", Sorted())
        for key in series.between(start, end, newest is not None):
            bar = series.get(key)
            if isinstance(bar, Bar) and not bar.deleted:
                date = bar.session_date or bar.start[:10]
                yield Close(bar.start, date, bar.close, bar.ticks, bar.extended)

    def put(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore."""
        series = self.series.setdefault(bar.series, Sorted())
        stored = series.get(bar.key)
        if isinstance(stored, Bar) and (stored.ticks == 0 or stored.revision >= bar.revision):
            return False
        series.put(bar.key, bar)
        return True

    def discard(self, bar: Bar, expires_from: str) -> bool:
        """See BarStore."""
        series = self.series.setdefault(bar.series, Sorted())
        stored = series.get(bar.key)
        if isinstance(stored, Bar) and (stored.ticks == 0 or stored.revision != bar.revision):
            return stored.deleted
        gone = msgspec.structs.replace(bar, deleted=True, revision=bar.revision + 1)
        series.put(bar.key, gone)
        return True

    def put_all(self, bars: Sequence[Bar], expires_from: str) -> Refused:
        """See BarStore."""
        stored = [None if self.put(bar, expires_from) else self._made(bar) for bar in bars]
        return refused_by(bars, stored)

    def _made(self, bar: Bar) -> Bar | None:
        stored = self.series[bar.series].get(bar.key)
        return stored if isinstance(stored, Bar) and stored.ticks > 0 else None

    def write_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore."""
        for bar in bars:
            self.series.setdefault(bar.series, Sorted()).put(bar.start, bar)
            self.arrived[bar.series, bar.start] = arrival
        return set()

    def write_late_history(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore."""
        for bar in bars:
            stored = self.series.setdefault(bar.series, Sorted()).get(bar.start)
            whole = isinstance(stored, Bar) and not stored.ticks and not stored.folded
            if not whole or self.arrived[bar.series, bar.start] <= arrival:
                self.write_history([bar], arrival, 0)
        return set()

    def fill(self, bars: Sequence[Bar], arrival: str, deadline: float) -> set[int]:
        """See BarStore."""
        for bar in bars:
            series = self.series.setdefault(bar.series, Sorted())
            stored = series.get(bar.start)
            came = self.arrived.get((bar.series, bar.start), "")
            known = stored if isinstance(stored, Bar) and not stored.deleted else None
            if known is None or 0 < known.folded < bar.folded + (came <= arrival):
                series.put(bar.start, bar)
                self.arrived[bar.series, bar.start] = arrival
        return set()

    def mark_history(self, symbols: Sequence[str], deadline: float) -> set[int]:
        """See BarStore."""
        self.marks.update(symbols)
        return set()

    def history_mark(self, symbol: str) -> str:
        """See BarStore."""
        return str(self.marks[symbol] or "")


class FakeStates:
    """StateStore."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    def get(self, symbol: str) -> State | None:
        """See StateStore."""
        return self.states.get(symbol)

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """See StateStore."""
        return {symbol: self.states[symbol] for symbol in symbols if symbol in self.states}

    def put(self, state: State) -> bool:
        """See StateStore."""
        stored = self.states.get(state.symbol)
        if (stored.version if stored else 0) != state.version:
            return False
        self.states[state.symbol] = msgspec.structs.replace(state, version=state.version + 1)
        return True


class FakeAlerts:
    """AlertStore."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], StoredAlert] = {}
        self.heads: dict[Digest, StoredDigest] = {}

    def digests(self, wanted: Collection[Digest]) -> dict[Digest, StoredDigest]:
        """See AlertStore."""
        return {each: self.heads[each] for each in wanted if each in self.heads}

    def record_all(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore."""
        for alert in alerts:
            stored = StoredAlert(alert, exchange_timezone=exchange_timezone)
            self.stored.setdefault(_alert_key(alert), stored)

    def record_pending(self, alerts: Sequence[Alert], exchange_timezone: str | None) -> None:
        """See AlertStore."""
        self.record_all(alerts, exchange_timezone)

    def mark_sent(self, alert: Alert, now: str, *deliveries: Delivery) -> None:
        """Note that an alert has been sent, and its deliveries."""
        found = self.stored[_alert_key(alert)]
        changed = msgspec.structs.replace(found, notified_at=now, deliveries=deliveries)
        self.stored[_alert_key(alert)] = changed

    def find(self, alert_id: str) -> StoredAlert | None:
        """See AlertStore."""
        found = (one for one in self.stored.values() if one.alert.alert_id == alert_id)
        return next(found, None)

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
        """See AlertStore."""
        rows = {
            key[1]: alert
            for key, alert in self.stored.items()
            if key[0] == symbol
            and (start is None or key[1] >= start)
            and (end is None or key[1] < end)
        }
        return _alert_page(rows, limit, descending, after_key)

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
        """See AlertStore."""
        reach = Range(start, end)
        if after_key is not None and not reach.holds(after_key.partition("#")[0]):
            raise ValueError("ExclusiveStartKey is outside query boundaries")
        rows = {
            f"{one.alert.timestamp}#{one.alert.symbol}#{one.alert.rule_id}": one
            for one in self.stored.values()
            if one.alert.timestamp.startswith(day) and reach.holds(one.alert.timestamp)
        }
        return _alert_page(rows, limit, descending, after_key)


def _alert_key(alert: Alert) -> tuple[str, str]:
    return alert.symbol, f"{alert.timestamp}#{alert.rule_id}"


def _alert_page(
    rows: dict[str, StoredAlert], limit: int, descending: bool, after: str | None
) -> Page[StoredAlert]:
    keys = sorted(rows, reverse=descending)
    if after is not None:
        keys = [key for key in keys if (key < after if descending else key > after)]
    kept = keys[:limit]
    more = len(keys) > limit
    return Page(tuple(rows[key] for key in kept), kept[-1] if more and kept else None)


class FakeRules:
    """RuleStore; the symbol is part of the key."""

    def __init__(self) -> None:
        self.rules: dict[RuleKey, Rule] = {}
        self.broken: tuple[BrokenRule, ...] = ()
        self.version = 0
        self._lock = Lock()

    def all(self) -> list[Rule]:
        """See RuleStore."""
        return sorted(self.rules.values(), key=lambda rule: rule.rule_id)

    def of(self, symbol: str) -> list[Rule]:
        """See RuleStore."""
        return [rule for rule in self.all() if rule.symbol == symbol]

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """See RuleStore."""
        found: list[Rule | BrokenRule] = [*self.all(), *self.broken]
        return next((rule for rule in found if rule.rule_id == rule_id), None)

    def table(self) -> RuleTable:
        """See RuleStore."""
        with self._lock:
            enabled = {key: rule.enabled for key, rule in self.rules.items()}
            enabled |= {(one.symbol, one.rule_id): False for one in self.broken}
            return RuleTable(self.version, enabled)

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """See RuleStore."""
        with self._lock:
            if table.version != self.version:
                return False
            self.version += 1
            written = [*remove, *([(put.symbol, put.rule_id)] if put else [])]
            for key in remove:
                self.rules.pop(key, None)
            if put is not None:
                self.rules[put.symbol, put.rule_id] = put
            left = (one for one in self.broken if (one.symbol, one.rule_id) not in written)
            self.broken = tuple(left)
        return True


class FakeRulesInForce:
    """RulesInForce, never out of date."""

    def __init__(self, rules: Callable[[], Sequence[Rule]]) -> None:
        self._rules = rules

    def __call__(self) -> Sequence[Rule]:
        """See RulesInForce."""
        return self._rules()

    def now(self, symbol: str) -> Sequence[Rule]:
        """See RulesInForce."""
        return [rule for rule in self._rules() if rule.symbol in (symbol, ANY_SYMBOL)]


class FakeSymbols:
    """SymbolStore."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, SymbolEntry]] = {"seen": {}, "tracked": {}}

    def listed(self, name: str) -> list[SymbolEntry]:
        """See SymbolStore."""
        return [entry for _, entry in sorted(self.lists[name].items())]

    def page(self, name: str, after: str, limit: int) -> list[SymbolEntry]:
        """See SymbolStore."""
        return [entry for entry in self.listed(name) if entry.symbol > after][:limit]

    def count(self, name: str) -> int:
        """See SymbolStore."""
        return len(self.lists[name])

    def find(self, symbol: str) -> SymbolEntry | None:
        """See SymbolStore."""
        return self.lists["seen"].get(symbol) or self.lists["tracked"].get(symbol)

    def find_many(self, name: str, symbols: Iterable[str]) -> dict[str, SymbolEntry]:
        """See SymbolStore."""
        wanted = self.lists[name]
        return {symbol: wanted[symbol] for symbol in symbols if symbol in wanted}

    def put(self, name: str, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore."""
        return self.lists[name].setdefault(entry.symbol, entry)

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore."""
        given = msgspec.structs.asdict(entry)
        stored = self.lists["seen"].get(entry.symbol)
        known = msgspec.structs.asdict(stored) if stored else {}
        kept = given | {name: value for name, value in known.items() if value is not None}
        if stored is None:
            kept["packed_at"] = None
        self.lists["seen"][entry.symbol] = SymbolEntry(**kept)
        return self.lists["seen"][entry.symbol]

    def note_split(self, symbol: str, split: Split) -> None:
        """See SymbolStore."""
        ratio = f"{split.numerator}:{split.denominator}"
        self._note(symbol, split_date=split.date, split_ratio=ratio)

    def note_problem(self, symbol: str, problem: str, at: str) -> None:
        """See SymbolStore."""
        self._note(symbol, problem=problem, problem_at=at)

    def _note(self, symbol: str, **noted: str) -> None:
        stored = self.lists["seen"].get(symbol)
        if stored is not None:
            self.lists["seen"][symbol] = msgspec.structs.replace(stored, **noted)

    def remove(self, name: str, symbol: str) -> None:
        """See SymbolStore."""
        self.lists[name].pop(symbol, None)


class FakeArchive:
    """Archive: objects in dictionaries."""

    def __init__(self) -> None:
        self.raw: dict[tuple[str, ...], tuple[bytes, ...]] = {}
        self.readings: dict[tuple[str, ...], tuple[Reading, ...]] = {}
        self.quarantine: dict[tuple[str, ...], tuple[QuarantinedPart, ...]] = {}

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """See Archive."""
        self.readings[(origin, *numbers)] = tuple(readings)

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive."""
        self.raw[(origin, *numbers)] = tuple(line.line for line in lines)

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """See Archive."""
        self.quarantine[(date, origin, *numbers)] = tuple(parts)


class FakeFailures:
    """FailureStore: as many as a test says."""

    def __init__(self) -> None:
        self.batches: int | None = 0

    def count(self) -> int | None:
        """See FailureStore."""
        return self.batches


class FakeEraser:
    """SeriesEraser over the fakes of `stores`."""

    def __init__(self, stores: Any) -> None:
        self._stores = stores

    def erase(self, kind: SeriesKind, symbol: str, deadline: float) -> Erased:
        """See SeriesEraser."""
        if kind == "alerts":
            stored = self._stores.alerts.stored
            mine = [key for key in stored if key[0] == symbol]
            for key in mine:
                del stored[key]
            return Erased(len(mine), complete=True)
        names = [symbol] if kind == "prices" else [f"{symbol}#{one}" for one in STORED]
        series = getattr(self._stores, kind).series
        gone = [series.pop(name, Sorted()).between(None, None, False) for name in names]
        return Erased(sum(map(len, gone)), complete=True)


class FakeKeys:
    """KeyStore."""

    def __init__(self) -> None:
        self.items: dict[str, Key] = {}
        self.counted: dict[tuple[str, str], int] = {}
        self.finds = 0
        self._lock = Lock()

    def find(self, token_sha256: str) -> Key | None:
        """See KeyStore."""
        self.finds += 1
        return self.items.get(token_sha256)

    def all(self) -> list[Key]:
        """See KeyStore."""
        return sorted(self.items.values(), key=lambda key: key.created_at or "")

    def put(self, token_sha256: str, key: Key, most: int = MAX_KEYS) -> bool:
        """See KeyStore."""
        with self._lock:
            if len(self.items) >= most:
                return False
            self.items[token_sha256] = key
        return True

    def remove(self, key_id: str) -> bool:
        """See KeyStore."""
        found = [place for place, key in self.items.items() if key.key_id == key_id]
        for place in found:
            del self.items[place]
        return bool(found)

    def count(self, key_id: str, minute: str, limit: int, weight: int = 1) -> bool:
        """See KeyStore."""
        counted = self.counted.get((key_id, minute), 0) + weight
        if counted > limit:
            return False
        self.counted[key_id, minute] = counted
        return True


class FakeProducers:
    """ProducerStore: what a test puts into it."""

    def __init__(self) -> None:
        self.written: list[ProducerStatus] = []

    def statuses(self) -> list[ProducerStatus]:
        """See ProducerStore."""
        return list(self.written)


def fake_stores() -> Stores:
    """A fresh set."""
    return Stores(
        FakePrices(),
        FakeBars(),
        FakeStates(),
        FakeAlerts(),
        FakeRules(),
        FakeSymbols(),
        FakeArchive(),
        FakeFailures(),
        FakeProducers(),
    )
