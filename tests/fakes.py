"""Stores in memory, which show the services what DynamoDB would show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

import msgspec

from chalicelib.domain.archive_layout import Told, sources_key
from chalicelib.domain.bars import STORED
from chalicelib.domain.detection import State
from chalicelib.domain.keys import Key
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.readings import Reading
from chalicelib.domain.rules import ANY_SYMBOL, BrokenRule, Rule
from chalicelib.domain.sources import Sources
from chalicelib.domain.splits import Split
from chalicelib.services.access.key_ring import MAX_KEYS
from chalicelib.services.stores import QuarantinedPart, RuleKey, RuleTable, Stores
from chalicelib.services.symbol_stores import Erased, ProducerStatus, SeriesKind, SymbolEntry
from tests.fake_actions import FakeActions
from tests.fake_alerts import FakeAlerts
from tests.fake_series import FakeBars, FakePrices, Sorted


class FakeStates:
    """A StateStore in memory."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    def get(self, symbol: str) -> State | None:
        """See StateStore.get."""
        return self.states.get(symbol)

    def get_many(self, symbols: Iterable[str]) -> dict[str, State]:
        """See StateStore.get_many."""
        return {symbol: self.states[symbol] for symbol in symbols if symbol in self.states}

    def put(self, state: State) -> bool:
        """See StateStore.put."""
        stored = self.states.get(state.symbol)
        if (stored.version if stored else 0) != state.version:
            return False
        self.states[state.symbol] = msgspec.structs.replace(state, version=state.version + 1)
        return True


class FakeRules:
    """A RuleStore in memory. The symbol is part of the key."""

    def __init__(self) -> None:
        self.rules: dict[RuleKey, Rule] = {}
        self.broken: tuple[BrokenRule, ...] = ()
        self.version = 0
        self._applied: tuple[str, ...] = ()
        self._lock = Lock()

    def all(self) -> list[Rule]:
        """See RuleStore.all."""
        return sorted(self.rules.values(), key=lambda rule: rule.rule_id)

    def of(self, symbol: str) -> list[Rule]:
        """See RuleStore.of."""
        return [rule for rule in self.all() if rule.symbol == symbol]

    def find(self, rule_id: str) -> Rule | BrokenRule | None:
        """See RuleStore.find."""
        found: list[Rule | BrokenRule] = [*self.all(), *self.broken]
        return next((rule for rule in found if rule.rule_id == rule_id), None)

    def table(self) -> RuleTable:
        """See RuleStore.table."""
        with self._lock:
            enabled = {key: rule.enabled for key, rule in self.rules.items()}
            enabled |= {(one.symbol, one.rule_id): False for one in self.broken}
            return RuleTable(self.version, enabled)

    def write(
        self, table: RuleTable, put: Rule | None = None, remove: Sequence[RuleKey] = ()
    ) -> bool:
        """See RuleStore.write."""
        return self._write(table, [] if put is None else [put], remove)

    def write_all(
        self,
        table: RuleTable,
        put: Sequence[Rule],
        remove: Sequence[RuleKey],
        applied: Sequence[str],
    ) -> bool:
        """See RuleStore.write_all."""
        written = self._write(table, put, remove)
        self._applied = tuple(applied) if written else self._applied
        return written

    def current(self, table: RuleTable) -> list[Rule | BrokenRule]:
        """See RuleStore.current."""
        broken = [one for one in self.broken if (one.symbol, one.rule_id) in table.enabled]
        return [*(self.rules[key] for key in table.enabled if key in self.rules), *broken]

    def applied(self) -> tuple[str, ...]:
        """See RuleStore.applied."""
        return self._applied

    def _write(self, table: RuleTable, put: Sequence[Rule], remove: Sequence[RuleKey]) -> bool:
        with self._lock:
            if table.version != self.version:
                return False
            self.version += 1
            written = [*remove, *((rule.symbol, rule.rule_id) for rule in put)]
            for key in remove:
                self.rules.pop(key, None)
            for rule in put:
                self.rules[rule.symbol, rule.rule_id] = rule
            left = (one for one in self.broken if (one.symbol, one.rule_id) not in written)
            self.broken = tuple(left)
        return True


class FakeRulesInForce:
    """RulesInForce that are never out of date."""

    def __init__(self, rules: Callable[[], Sequence[Rule]]) -> None:
        self._rules = rules

    def __call__(self) -> Sequence[Rule]:
        """See RulesInForce."""
        return self._rules()

    def now(self, symbol: str) -> Sequence[Rule]:
        """See RulesInForce.now."""
        return [rule for rule in self._rules() if rule.symbol in (symbol, ANY_SYMBOL)]


class FakeSymbols:
    """A SymbolStore in memory."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, SymbolEntry]] = {"seen": {}, "tracked": {}, "forgotten": {}}

    def listed(self, name: str) -> list[SymbolEntry]:
        """See SymbolStore.listed."""
        return [entry for _, entry in sorted(self.lists[name].items())]

    def page(self, name: str, after: str, limit: int) -> list[SymbolEntry]:
        """See SymbolStore.page."""
        return [entry for entry in self.listed(name) if entry.symbol > after][:limit]

    def count(self, name: str) -> int:
        """See SymbolStore.count."""
        return len(self.lists[name])

    def find(self, symbol: str) -> SymbolEntry | None:
        """See SymbolStore.find."""
        return self.lists["seen"].get(symbol) or self.lists["tracked"].get(symbol)

    def find_many(self, name: str, symbols: Iterable[str]) -> dict[str, SymbolEntry]:
        """See SymbolStore.find_many."""
        wanted = self.lists[name]
        return {symbol: wanted[symbol] for symbol in symbols if symbol in wanted}

    def put(self, name: str, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore.put."""
        return self.lists[name].setdefault(entry.symbol, entry)

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        """See SymbolStore.pin."""
        given = msgspec.structs.asdict(entry)
        stored = self.lists["seen"].get(entry.symbol)
        known = msgspec.structs.asdict(stored) if stored else {}
        kept = given | {name: value for name, value in known.items() if value is not None}
        if stored is None:
            kept["packed_at"] = None
        self.lists["seen"][entry.symbol] = SymbolEntry(**kept)
        return self.lists["seen"][entry.symbol]

    def note_split(self, symbol: str, split: Split) -> None:
        """See SymbolStore.note_split."""
        ratio = f"{split.numerator}:{split.denominator}"
        self._note(symbol, split_date=split.date, split_ratio=ratio)

    def note_problem(self, symbol: str, problem: str, at: str) -> None:
        """See SymbolStore.note_problem."""
        self._note(symbol, problem=problem, problem_at=at)

    def _note(self, symbol: str, **noted: str) -> None:
        stored = self.lists["seen"].get(symbol)
        if stored is not None:
            self.lists["seen"][symbol] = msgspec.structs.replace(stored, **noted)

    def set_sources(self, name: str, entry: SymbolEntry, sources: Sources) -> bool:
        """See SymbolStore.set_sources."""
        stored = self.lists[name].get(entry.symbol)
        if stored is None or (stored.source, stored.switches) != (entry.source, entry.switches):
            return False
        first, switches = sources.parts()
        new = msgspec.structs.replace(stored, source=first, switches=switches)
        self.lists[name][entry.symbol] = new
        return True

    def note_standby(self, symbol: str, standby: str | None) -> None:
        """See SymbolStore.note_standby."""
        stored = self.lists["tracked"].get(symbol)
        if stored is not None:
            new = msgspec.structs.replace(stored, standby=standby)
            self.lists["tracked"][symbol] = new

    def note_forgotten(self, symbol: str, at: str) -> None:
        """See SymbolStore.note_forgotten."""
        self.lists["forgotten"][symbol] = SymbolEntry(symbol=symbol, added_at=at)

    def remove(self, name: str, symbol: str) -> None:
        """See SymbolStore.remove."""
        self.lists[name].pop(symbol, None)


class FakeArchive:
    """An Archive that keeps objects in dictionaries."""

    def __init__(self) -> None:
        self.raw: dict[tuple[str, ...], tuple[bytes, ...]] = {}
        self.readings: dict[tuple[str, ...], tuple[Reading, ...]] = {}
        self.sources: dict[str, tuple[Told, ...]] = {}
        self.quarantine: dict[tuple[str, ...], tuple[QuarantinedPart, ...]] = {}

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """See Archive.put_readings."""
        self.readings[(origin, *numbers)] = tuple(readings)

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive.put_raw."""
        self.raw[(origin, *numbers)] = tuple(line.line for line in lines)

    def put_sources(self, told: Sequence[Told]) -> None:
        """See Archive.put_sources."""
        self.sources[sources_key(told)] = tuple(told)

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """See Archive.put_quarantine."""
        self.quarantine[(date, origin, *numbers)] = tuple(parts)


class FakeFailures:
    """The number of dead-lettered batches that a test sets."""

    def __init__(self) -> None:
        self.batches: int | None = 0

    def __call__(self) -> int | None:
        """See Stores."""
        return self.batches


class FakeEraser:
    """A SeriesEraser over the fake stores in `stores`."""

    def __init__(self, stores: Any) -> None:
        self._stores = stores

    def erase(self, kind: SeriesKind, symbol: str, deadline: float) -> Erased:
        """See SeriesEraser.erase."""
        if kind == "alerts":
            stored = self._stores.alerts.stored
            mine = [key for key in stored if key[0] == symbol]
            for key in mine:
                del stored[key]
            return Erased(len(mine), complete=True)
        if kind == "bars":
            self._stores.actions.stored = {
                key: one for key, one in self._stores.actions.stored.items() if key[0] != symbol
            }
        names = [symbol] if kind == "prices" else [f"{symbol}#{one}" for one in STORED]
        series = getattr(self._stores, kind).series
        gone = [series.pop(name, Sorted()).between(None, None, False) for name in names]
        return Erased(sum(map(len, gone)), complete=True)


class FakeKeys:
    """A KeyStore in memory."""

    def __init__(self) -> None:
        self.items: dict[str, Key] = {}
        self.counted: dict[tuple[str, str], int] = {}
        self.finds = 0
        self._lock = Lock()

    def find(self, token_sha256: str) -> Key | None:
        """See KeyStore.find."""
        self.finds += 1
        return self.items.get(token_sha256)

    def all(self) -> list[Key]:
        """See KeyStore.all."""
        return sorted(self.items.values(), key=lambda key: key.created_at or "")

    def put(self, token_sha256: str, key: Key, most: int = MAX_KEYS) -> bool:
        """See KeyStore.put."""
        with self._lock:
            if len(self.items) >= most:
                return False
            self.items[token_sha256] = key
        return True

    def remove(self, key_id: str) -> bool:
        """See KeyStore.remove."""
        found = [place for place, key in self.items.items() if key.key_id == key_id]
        for place in found:
            del self.items[place]
        return bool(found)

    def count(self, key_id: str, minute: str, limit: int, weight: int = 1) -> bool:
        """See KeyStore.count."""
        counted = self.counted.get((key_id, minute), 0) + weight
        if counted > limit:
            return False
        self.counted[key_id, minute] = counted
        return True


class FakeProducers:
    """A ProducerStore with the statuses that a test puts into it."""

    def __init__(self) -> None:
        self.written: list[ProducerStatus] = []

    def statuses(self) -> list[ProducerStatus]:
        """See ProducerStore.statuses."""
        return list(self.written)


def fake_stores() -> Stores:
    """Return empty stores in memory."""
    return Stores(
        FakePrices(),
        FakeBars(),
        FakeActions(),
        FakeStates(),
        FakeAlerts(),
        FakeRules(),
        FakeSymbols(),
        FakeArchive(),
        FakeFailures(),
        FakeProducers(),
    )
