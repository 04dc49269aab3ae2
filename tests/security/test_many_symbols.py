"""Records with more symbols than anybody follows: bounded, in quarantine, and no stall."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chalicelib.adapters import events
from chalicelib.services.ingest import new_symbols
from chalicelib.services.ingest.ingest import Ingest
from chalicelib.services.ingest.new_symbols import MAX_SYMBOLS_A_RECORD
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import Client, FakeServices
from tests.factories import NEVER, at, instant, kinesis_event, payload, wire
from tests.fakes import FakeArchive, FakeSymbols, fake_stores


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_symbols, "UNCOUNTED", 0)


def crowd(count: int, name: str = "Z") -> bytes:
    """Return the attack's record: `count` new symbols, one tick each."""
    ticks = [{"symbol": f"{name}{number:X}", "price": 1} for number in range(count)]
    return json.dumps(ticks).encode()


def taken(stores: Stores, *payloads: bytes, most: int = 20_000, deadline: float = NEVER) -> Any:
    ingest = Ingest(stores, lambda: instant(100), most)
    return ingest(events.from_kinesis(kinesis_event(list(payloads))), deadline)


def seen(stores: Stores) -> list[str]:
    return [entry.symbol for entry in stores.symbols.listed("seen")]


def quarantined(stores: Stores) -> list[str]:
    archive = stores.archive
    assert isinstance(archive, FakeArchive)
    return [part.reason for parts in archive.quarantine.values() for part in parts]


def test_a_record_of_thirty_thousand_symbols_is_cut_and_nothing_of_it_is_lost() -> None:
    stores = fake_stores()
    done = taken(stores, crowd(30_000), payload(wire(1, 0)))
    assert (done.failed, done.quarantined) == (frozenset(), 28_000)
    assert len(seen(stores)) == MAX_SYMBOLS_A_RECORD + 1
    assert set(quarantined(stores)) == {"symbol: a record brings at most 2,000 symbols"}
    assert "AAPL" in seen(stores)
    again = taken(stores, crowd(30_000), payload(wire(1, 0)))
    assert (again.quarantined, len(seen(stores))) == (28_000, MAX_SYMBOLS_A_RECORD + 1)


@pytest.mark.usefixtures("counting")
def test_a_stage_takes_no_more_symbols_than_its_bound_and_knows_those_it_has() -> None:
    stores = fake_stores()
    done = taken(stores, crowd(30), most=20)
    assert (done.failed, done.quarantined, len(seen(stores))) == (frozenset(), 10, 20)
    reason = "symbol: this stage takes at most 20 symbols (MAX_SYMBOLS)"
    assert quarantined(stores) == [reason] * 10
    done = taken(stores, crowd(20), crowd(3, "Y"), most=20)
    assert (done.quarantined, done.stored, len(seen(stores))) == (3, 20, 20)


@pytest.mark.usefixtures("counting")
def test_no_symbol_is_refused_by_a_count_of_what_was_let_in_and_never_pinned() -> None:
    stores = fake_stores()
    ingest = Ingest(stores, lambda: instant(100), 20)
    records = events.from_kinesis(kinesis_event([crowd(15)]))
    assert ingest(records, time.monotonic() - 1).failed == {0}
    assert seen(stores) == []
    assert ingest(records, NEVER).quarantined == 0
    assert len(seen(stores)) == 15


@pytest.mark.usefixtures("counting")
def test_a_full_stage_is_counted_again_after_a_while_and_has_room_for_what_was_forgotten() -> None:
    stores, now = fake_stores(), [100.0]
    ingest = Ingest(stores, lambda: instant(now[0]), 5)

    def refused(name: str) -> int:
        records = events.from_kinesis(kinesis_event([crowd(1, name)]))
        return int(ingest(records, NEVER).quarantined)

    taken(stores, crowd(5), most=5)
    assert refused("A") == 1
    stores.symbols.remove("seen", "Z0")
    assert refused("B") == 1
    now[0] += 10
    assert [refused("C"), refused("D")] == [0, 1]


@pytest.mark.usefixtures("counting")
def test_a_full_stage_takes_tracked_symbols_and_no_others() -> None:
    stores = fake_stores()
    taken(stores, crowd(30), most=30)
    stores.symbols.put("tracked", SymbolEntry(symbol="MSFT", added_at=at()))
    done = taken(stores, payload(wire(1, 0), wire(1, 0, symbol="MSFT")), crowd(5, "Y"), most=30)
    assert (done.stored, done.quarantined) == (1, 6)
    assert "MSFT" in seen(stores)
    assert "AAPL" not in seen(stores)
    stores.symbols.remove("tracked", "MSFT")
    again = taken(stores, payload(wire(1, 1, symbol="MSFT")), most=30)
    assert again.quarantined == 0


def test_few_new_symbols_are_not_counted_and_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = fake_stores()
    counts: list[str] = []

    def count(name: str) -> int:
        counts.append(name)
        return 10

    monkeypatch.setattr(stores.symbols, "count", count)
    ingest = Ingest(stores, lambda: instant(100), 1_000)
    for name in "ABCDE":
        ingest(events.from_kinesis(kinesis_event([crowd(50, name)])), NEVER)
    assert counts == ["seen"]


class SlowSymbols(FakeSymbols):
    """Each pin waits until others have begun, or until time is over."""

    def __init__(self, stop_after: int) -> None:
        super().__init__()
        self.stop_after, self.pins = stop_after, 0
        self.together = threading.Barrier(4)
        self._counting = threading.Lock()

    def pin(self, entry: SymbolEntry) -> SymbolEntry:
        with self._counting:
            self.pins += 1
            mine = self.pins
        if mine <= 4:
            self.together.wait(timeout=60)
        return super().pin(entry)


def test_new_symbols_are_learnt_several_at_a_time() -> None:
    """It would end in the barrier's timeout otherwise."""
    stores = fake_stores()
    symbols = SlowSymbols(0)
    slow = msgspec.structs.replace(stores, symbols=symbols)
    assert taken(slow, crowd(40)).failed == frozenset()
    assert symbols.pins == 40


def test_symbols_not_learnt_in_time_are_retried_from_their_first_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock stands behind the deadline once 25 lines are pinned."""
    stores = fake_stores()
    symbols = stores.symbols
    assert isinstance(symbols, FakeSymbols)
    monkeypatch.setattr(new_symbols, "PARALLEL_PINS", 1)
    monkeypatch.setattr(
        "chalicelib.services.ingest.new_symbols.time",
        SimpleNamespace(monotonic=lambda: 0.0 if len(symbols.lists["seen"]) < 25 else 1e9),
    )
    batch = [crowd(10, "A"), crowd(10, "B"), crowd(10, "C"), crowd(10, "A")]
    ingest = Ingest(stores, lambda: instant(100))
    monkeypatch.setattr("chalicelib.services.ingest.ingest.half_way", lambda deadline: 1.0)
    records = events.from_kinesis(kinesis_event(batch))
    done = ingest(records, NEVER)
    assert (done.failed, done.stored, done.taken) == ({2}, 20, 20)
    assert done.identifiers(records, all_later=True) == [one.identifier for one in records[2:]]
    monkeypatch.undo()
    assert ingest(records[2:], NEVER).failed == frozenset()
    assert len(seen(stores)) == 30


def listed_services(count: int) -> FakeServices:
    services = FakeServices()
    for number in range(count):
        entry = SymbolEntry(symbol=f"S{number:05d}", added_at=at(), source="x" * 64)
        services.stores.symbols.put("seen", entry)
    return services


def test_the_list_of_symbols_comes_by_pages_and_is_never_too_large() -> None:
    services = listed_services(12_000)
    services.stores.symbols.put("tracked", SymbolEntry(symbol="S00001A", added_at=at()))
    client = Client(services)
    found, path, sizes = [], "/symbols", []
    while path:
        answer = client.get(path)
        assert answer.status == 200
        found += [row["symbol"] for row in answer.json["symbols"]]
        sizes.append(len(answer.json["symbols"]))
        token = answer.json["next_page_token"]
        path = f"/symbols?page_token={token}" if token else ""
    assert sizes == [5_000, 5_000, 2_001]
    assert found == sorted({*found})
    assert found[1:3] == ["S00001", "S00001A"]


def test_a_page_of_symbols_has_as_many_as_limit_says_and_links_to_the_next() -> None:
    client = Client(listed_services(3))
    first = client.get("/symbols?limit=2")
    assert [row["symbol"] for row in first.json["symbols"]] == ["S00000", "S00001"]
    assert 'rel="next"' in first.headers["link"]
    last = client.get(f"/symbols?limit=2&page_token={first.json['next_page_token']}")
    assert ([row["symbol"] for row in last.json["symbols"]], last.json["next_page_token"]) == (
        ["S00002"], None
    )  # fmt: skip
    assert client.get("/symbols?limit=5001").status == 400
    assert client.get("/symbols?page_token=x").status == 400
