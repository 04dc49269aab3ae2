"""Corporate actions in ingest: stored once with the earliest time, or in quarantine."""

from __future__ import annotations

import base64
import random
from itertools import permutations
from typing import Any

import msgspec
import pytest

from chalicelib.domain.actions import Action
from chalicelib.domain.wire import Decoded
from chalicelib.services.ingest.ingest import Ingest, Ingested
from chalicelib.services.stores import RecordedActions
from chalicelib.services.symbol_stores import SymbolEntry
from tests.factories import NEVER, at, instant, make_incoming, payload, wire
from tests.fakes import fake_stores

SPLIT: dict[str, Any] = {
    "symbol": "AAPL", "action": "split", "ex_date": "2020-08-31", "split": "4:1",
    "source": "replay",
}  # fmt: skip
DIVIDEND: dict[str, Any] = {
    "symbol": "AAPL", "action": "dividend", "ex_date": "2020-08-07", "amount": 0.82,
    "previous_close": 455.61, "source": "replay",
}  # fmt: skip


def told(fields_of: dict[str, Any], seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """An action's line, known at `seconds` after START."""
    return {**fields_of, "timestamp": at(seconds), **fields}


class System:
    """Ingest on fakes, at 100 seconds after START."""

    def __init__(self, *, seen: bool = True) -> None:
        self.stores: Any = fake_stores()
        self.ingest = Ingest(self.stores, lambda: instant(100))
        if seen:
            entry = SymbolEntry(symbol="AAPL", added_at=at(), source="replay")
            self.stores.symbols.put("seen", entry)
        self._number = 0

    def __call__(self, *lines: dict[str, Any]) -> Ingested:
        self._number += 1
        return self.ingest([make_incoming(payload(*lines), self._number)], NEVER)

    @property
    def stored(self) -> list[Action]:
        found: list[Action] = self.stores.actions.actions("AAPL")
        return found

    @property
    def reasons(self) -> list[str]:
        parts = self.stores.archive.quarantine.values()
        return [part.reason for some in parts for part in some]


@pytest.fixture
def system() -> System:
    return System()


def test_actions_are_stored_with_the_time_at_which_they_became_known(system: System) -> None:
    done = system(told(SPLIT, 5), told(DIVIDEND, 6))
    assert (done.failed, done.quarantined, done.taken) == (frozenset(), 0, 0)
    dividend, split = system.stored
    assert (split.ratio, split.known_at, split.source) == ("4:1", at(5), "replay")
    assert (str(dividend.amount), str(dividend.previous_close)) == ("0.82", "455.61")
    assert dividend.known_at == at(6)


def test_an_action_is_archived_as_it_came_and_makes_no_price(system: System) -> None:
    system(told(SPLIT))
    (lines,) = system.stores.archive.raw.values()
    assert list(lines) == [payload(told(SPLIT))]
    assert not system.stores.prices.records
    assert not system.stores.archive.readings


def test_actions_share_a_record_with_ticks_and_an_array(system: System) -> None:
    done = system(wire(1, 0), told(SPLIT), wire(2, 1))
    assert (done.stored, len(system.stored)) == (2, 1)
    array = msgspec.json.encode([told(DIVIDEND), wire(3, 2)])
    done = system.ingest([make_incoming(array, 99)], NEVER)
    assert (done.stored, len(system.stored)) == (1, 2)


def test_a_repeated_action_keeps_the_earliest_time_in_any_order() -> None:
    lines = [told(SPLIT, n) for n in (30, 10, 20)] + [told(DIVIDEND, n) for n in (25, 40, 15)]
    for seed in range(10):
        system = System()
        random.Random(seed).shuffle(lines)
        for line in [*lines, *lines[:2]]:
            system(line)
        assert [(one.kind, one.known_at) for one in system.stored] == [
            ("dividend", at(15)),
            ("split", at(10)),
        ]
        assert system.reasons == []


def test_a_dividend_that_yahoo_has_rounded_is_the_same(system: System) -> None:
    system(told(DIVIDEND), told(DIVIDEND, amount=0.82004))
    assert (len(system.stored), system.reasons) == (1, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"split": "7:1"}, "split of 2020-08-31: 7:1 contradicts 4:1, which is known since"),
        ({"split": None}, "split"),
        ({"split": "0:1"}, "split"),
        ({"split": "-4:1"}, "split"),
        ({"split": "1:1"}, "split"),
        ({"split": "10001:1"}, "split"),
        ({"split": "1:999999"}, "split"),
        ({"ex_date": "2026-12-24"}, "ex_date"),
        ({"ex_date": "1899-12-31"}, "ex_date"),
        ({"ex_date": "20200831"}, "ex_date"),
        ({"ex_date": "2020-02-30"}, "ex_date"),
        ({"ex_date": None}, "Expected `str`"),
        ({"symbol": "UNSEEN"}, "symbol: 'UNSEEN' has no prices"),
        ({"symbol": "#"}, "symbol"),
        ({"source": "alpaca"}, "source: 'alpaca' is not allowed"),
        ({"source": "\u0000"}, "source"),
        ({"action": "merger"}, "action: 'merger' is not allowed; allowed: split, dividend"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": at(9_999)}, "timestamp"),
    ],
)
def test_a_bad_split_goes_to_quarantine(
    system: System, change: dict[str, Any], reason: str
) -> None:
    system(told(SPLIT))
    line = told(SPLIT, 1, **change)
    done = system(line, wire(1, 2))
    assert (done.quarantined, done.stored, done.failed) == (1, 1, frozenset())
    assert system.reasons[0].startswith(reason), system.reasons
    assert [one.ratio for one in system.stored] == ["4:1"]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": None}, {"amount": 0}, {"amount": -0.82}, {"amount": 455.61}, {"amount": 1e11},
        {"amount": 0.000000001}, {"amount": "x"}, {"amount": 0.83},
        {"previous_close": None}, {"previous_close": 0}, {"previous_close": -1},
        {"previous_close": 1e12},
    ],
)  # fmt: skip
def test_a_bad_dividend_goes_to_quarantine(system: System, change: dict[str, Any]) -> None:
    system(told(DIVIDEND))
    assert system(told(DIVIDEND, 1, **change)).quarantined == 1
    assert [str(one.amount) for one in system.stored] == ["0.82"]


def test_contradictions_are_quarantined_once_however_often_they_come(system: System) -> None:
    record = [make_incoming(payload(told(SPLIT), told(SPLIT, 1, split="7:1")), 1)]
    for _ in range(3):
        system.ingest(record, NEVER)
    ((part,),) = system.stores.archive.quarantine.values()
    assert msgspec.json.decode(base64.b64decode(part.payload))["ratio"] == "7:1"


def test_the_ratio_known_first_counts_in_any_order() -> None:
    lines = [told(SPLIT, 9), told(SPLIT, 5, split="7:1"), told(SPLIT, 7, split="3:1")]
    for order in permutations(lines):
        system = System()
        for line in order:
            system(line)
        assert [(one.ratio, one.known_at) for one in system.stored] == [("7:1", at(5))]
        assert len(system.reasons) == 2


def test_a_symbol_whose_first_price_is_in_the_batch_is_known() -> None:
    system = System(seen=False)
    assert system(told(SPLIT), wire(1, 0)).quarantined == 0
    assert len(system.stored) == 1


def test_an_action_alone_registers_no_symbol() -> None:
    system = System(seen=False)
    assert system(told(SPLIT)).quarantined == 1
    assert system.stores.symbols.find("AAPL") is None


def test_a_line_with_a_price_is_a_tick_whatever_else_it_has(system: System) -> None:
    done = system({**told(SPLIT), "price": 5}, wire(1, 1, action="buy"))
    assert (done.stored, system.stored) == (2, [])


def test_records_with_actions_that_could_not_be_stored_are_delivered_again(system: System) -> None:
    record = system.stores.actions.record
    system.stores.actions.record = lambda actions, deadline: RecordedActions({}, frozenset({0}))
    assert system(told(SPLIT)).failed == {0}
    system.stores.actions.record = record
    assert system(told(SPLIT)).failed == frozenset()


def test_a_record_of_many_refused_actions_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    system, made = System(seen=False), []
    replace = msgspec.structs.replace

    def counted(one: Any, **fields: Any) -> Any:
        made.extend([one] if isinstance(one, Decoded) else [])
        return replace(one, **fields)

    monkeypatch.setattr(msgspec.structs, "replace", counted)
    days = [f"2020-0{month}-{day:02}" for month in (7, 8) for day in range(1, 29)]
    done = system(*(told(SPLIT, ex_date=date) for date in days))
    assert (done.quarantined, len(made)) == (len(days), 1)
