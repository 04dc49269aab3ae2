"""The contract of ActionStore."""

from __future__ import annotations

import random

import pytest

from chalicelib.adapters import actions as adapter
from chalicelib.services.stores import ActionStore, Stores
from tests.action_support import make_dividend, make_split
from tests.factories import NEVER, at


@pytest.fixture
def actions(stores: Stores) -> ActionStore:
    return stores.actions


def test_actions_come_back_as_they_were_put_by_ex_date(actions: ActionStore, symbol: str) -> None:
    given = [
        make_split("2020-08-31", "4:1", symbol=symbol),
        make_dividend("2014-05-08", "3.29", "592.33", symbol=symbol),
        make_split("2014-06-09", "7:1", symbol=symbol),
        make_dividend("2020-08-31", "0.00000001", "999999999999.99999999", symbol=symbol),
    ]
    assert actions.record(given, NEVER).left == frozenset()
    assert actions.actions(symbol) == [given[1], given[2], given[3], given[0]]
    assert actions.actions(f"{symbol}.X") == []


def test_the_earliest_time_stays_in_any_order(actions: ActionStore, symbol: str) -> None:
    given = [make_split("2020-08-31", "4:1", symbol=symbol, known_at=at(n)) for n in range(6)]
    random.Random(1).shuffle(given)
    for some in (given[:3], given[3:], given):
        found = actions.record(some, NEVER)
        assert (found.conflicts, found.left) == ({}, frozenset())
    assert [one.known_at for one in actions.actions(symbol)] == [at(0)]


def test_the_contradictory_action_known_first_counts(actions: ActionStore, symbol: str) -> None:
    first = make_split("2020-08-31", "4:1", symbol=symbol, known_at=at(5))
    late = make_split("2020-08-31", "7:1", symbol=symbol, known_at=at(9))
    same = make_split("2020-08-31", "8:2", symbol=symbol, known_at=at(9))
    found = actions.record([late, first, same], NEVER)
    assert (found.conflicts, actions.actions(symbol)) == ({1: (first, late)}, [first])
    found = actions.record([late], NEVER)
    assert (found.conflicts, actions.actions(symbol)) == ({0: (first, late)}, [first])


def test_after_the_deadline_a_few_actions_are_stored(actions: ActionStore, symbol: str) -> None:
    given = [make_split(f"2020-08-{day}", "4:1", symbol=symbol) for day in range(10, 30)]
    left = actions.record(given, float("-inf")).left
    assert left in (frozenset(), frozenset(range(adapter.PARALLEL_PUTS, 20)))
    assert len(actions.actions(symbol)) == 20 - len(left)


def test_the_newest_actions_are_read_if_there_are_too_many(
    actions: ActionStore, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_READ", 3)
    given = [make_split(f"2020-08-{day}", "4:1", symbol=symbol) for day in range(10, 15)]
    actions.record(given, NEVER)
    assert actions.actions(symbol) in (given, given[2:])  # the fakes are not bounded


def test_more_actions_than_a_read_holds_are_stored(actions: ActionStore, symbol: str) -> None:
    given = [
        make_dividend(f"{year}-{month:02}-01", 1, 9, symbol=symbol)
        for year in range(2000, 2012)
        for month in range(1, 13)
    ]
    actions.record(given, NEVER)
    assert actions.actions(symbol) == given
