"""Ticks that replace the last ticks of full items must not have all of these read at once."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.services.ingest import stored_items
from chalicelib.services.ingest.ingest import Ingest, Ingested
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.priced import PricedRecord
from tests.factories import NEVER, at, instant, make_incoming, payload, wire
from tests.fakes import fake_stores

OVER = 0.0
ITEMS = 8
TICKS = 5


class System:
    """Ingest on fakes with ITEMS full items, of which two are read and merged at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stores: Any = fake_stores()
        self.ingest = Ingest(self.stores, lambda: instant(9_999))
        self.ingest([self.record(*full(item)) for item in range(ITEMS)], NEVER)
        monkeypatch.setattr(stored_items, "MOST_STORED", 2 * TICKS)
        monkeypatch.setattr(stored_items, "ITEMS_A_READ", 1)
        self.most_read = self._read = 0
        self._find = self.stores.prices.find_many
        self._write = self.stores.prices.write
        monkeypatch.setattr(self.stores.prices, "find_many", self._counted)
        monkeypatch.setattr(self.stores.prices, "write", self._written)

    def record(self, *ticks: dict[str, Any], number: int = 0) -> Incoming:
        """Return a record of ticks."""
        return make_incoming(payload(*ticks), number)

    def send(self, records: list[Incoming], deadline: float = NEVER) -> Ingested:
        """Process a batch."""
        self._read = 0
        return self.ingest(records, deadline)

    def prices(self) -> list[int]:
        """Return the prices of each item's last tick."""
        page = self.stores.prices.ticks("AAPL", None, None, limit=999)
        stamps = {at(last(item)) for item in range(ITEMS)}
        return [int(row.tick.price) for row in page.rows if row.tick.timestamp in stamps]

    def _counted(self, keys: Any) -> list[PricedRecord]:
        found: list[PricedRecord] = self._find(keys)
        self._read += sum(len(record.ticks) for record in found)
        self.most_read = max(self.most_read, self._read)
        return found

    def _written(self, records: Sequence[PricedRecord], deadline: float) -> set[int]:
        self._read = 0
        left: set[int] = self._write(records, deadline)
        return left


def last(item: int) -> int:
    """Return the second of an item's last tick."""
    return 120 * (item - ITEMS) + TICKS - 1


def full(item: int) -> list[dict[str, Any]]:
    """Return the ticks of an item."""
    return [wire(1, 120 * (item - ITEMS) + second) for second in range(TICKS)]


def correction(item: int) -> dict[str, Any]:
    """Return a tick that replaces an item's last one."""
    return wire(9, last(item))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


def corrections(system: System) -> list[Incoming]:
    return [system.record(correction(item), number=100 + item) for item in range(ITEMS)]


def test_records_are_merged_with_a_bounded_number_of_stored_ticks_at_a_time(
    system: System,
) -> None:
    done = system.send(corrections(system))
    assert (done.failed, done.quarantined) == (frozenset(), 0)
    assert system.prices() == [9] * ITEMS
    assert system.most_read <= 4 * TICKS, "a portion's own two items, and two to find its end"


def test_each_delivery_gets_further_though_its_time_is_over(system: System) -> None:
    left = corrections(system)
    deliveries = 0
    while left:
        done = system.send(left, OVER)
        assert min(done.failed, default=len(left)) > 0
        left = left[min(done.failed) :] if done.failed else []
        deliveries += 1
    assert deliveries == ITEMS // 2
    assert system.prices() == [9] * ITEMS


def test_a_record_beyond_the_bound_has_its_newest_ticks_stored_and_the_others_kept_aside(
    system: System,
) -> None:
    record = system.record(*map(correction, range(ITEMS)), number=100)
    for _ in range(2):
        done = system.send([record], OVER)
        assert (done.failed, done.quarantined) == (frozenset(), ITEMS - 2)
        assert system.prices() == [9] + [1] * (ITEMS - 2) + [9]
        assert system.most_read <= 4 * TICKS
    parts = [part for parts in system.stores.archive.quarantine.values() for part in parts]
    kept = [json.loads(base64.b64decode(part.payload))["timestamp"] for part in parts]
    assert kept == [at(last(item)) for item in range(1, ITEMS - 1)]


def test_a_record_that_repeats_full_items_is_stored_as_a_whole(system: System) -> None:
    """A bound below what a record itself can bring would refuse repeated deliveries."""
    record = system.record(*full(0), *full(1), number=100)
    assert system.send([record]).quarantined == 0
    assert 6_000_000 * 3 // 4 // len(payload(wire(1, 0))) < 100_000
