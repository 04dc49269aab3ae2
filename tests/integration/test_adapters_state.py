"""The contract of StateStore."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from chalicelib.adapters.state import from_item, to_item
from chalicelib.domain.detection import State, Watch, advance
from chalicelib.domain.rules import Rule, default_rules
from chalicelib.domain.splits import Split
from chalicelib.domain.ticks import Tick
from chalicelib.domain.watching import RuleState
from chalicelib.services.stores import StateStore, Stores
from tests.factories import make_tick

WATCH = Watch(default_rules(5, 20, Decimal(5)))
FULL = {
    "open": "188188.01",
    "high": "190190.02",
    "low": "187187.03",
    "previous_close": "187187.04",
    "volume": "123456789012",
    "currency": "USD",
    "market_state": "REGULAR",
}


@pytest.fixture
def states(stores: Stores) -> StateStore:
    return stores.state


def state_after(ticks: Sequence[Tick]) -> State:
    state = State(symbol=ticks[0].symbol)
    return advance(state, ticks, WATCH, lambda tick: "").state


def grown(symbol: str, count: int = 30) -> State:
    """A state with all that the default rules remember."""
    prices = [Decimal(188188) + Decimal((n * 37) % 23) / 100 for n in range(count)]
    return state_after([make_tick(p, 7 * n, symbol=symbol, **FULL) for n, p in enumerate(prices)])


def test_there_is_none_at_first(states: StateStore, symbol: str) -> None:
    assert states.get(symbol) is None
    assert states.get_many([symbol]) == {}


def test_a_state_comes_back_as_it_was_put_one_version_on(states: StateStore, symbol: str) -> None:
    state = msgspec.structs.replace(grown(symbol), repairs=3)
    assert states.put(state)
    assert states.get(symbol) == msgspec.structs.replace(state, version=1)


def test_splits_come_back_in_order(states: StateStore, symbol: str) -> None:
    days = [0, 86_400 * 3, 86_400 * 4, 86_400 * 5]
    told = [None, "2:1", None, "1:3"]
    ticks = [make_tick(6, d, symbol=symbol, split=s) for d, s in zip(days, told, strict=True)]
    state = state_after(ticks)
    assert [split.date for split in state.splits] == ["2026-11-23", "2026-11-25"]
    assert states.put(state)
    found = states.get(symbol)
    assert found is not None
    assert (found.splits, found.opening) == (state.splits, state.opening)


def test_a_state_of_an_older_version_has_its_split(symbol: str) -> None:
    item = to_item(grown(symbol))
    data = msgspec.json.decode(item["data"]["S"])
    del data["o"]
    data["s"] = ["2026-11-20", 4, 1, "400"]
    item["data"]["S"] = msgspec.json.encode(data).decode()
    state = from_item(item)
    assert state.splits == (Split("2026-11-20", 4, 1, Decimal(400)),)
    assert state.opening is None


def test_pending_alerts_come_back(states: StateStore, symbol: str) -> None:
    state = state_after([make_tick(106, symbol=symbol, previous_close=100)])
    assert len(state.pending) == 1
    states.put(state)
    found = states.get(symbol)
    assert found is not None
    assert found.pending == state.pending


def test_only_the_stored_version_may_be_replaced(states: StateStore, symbol: str) -> None:
    first = grown(symbol, 10)
    assert states.put(first)
    assert not states.put(first)
    second = msgspec.structs.replace(grown(symbol, 20), version=1)
    assert states.put(second)
    assert not states.put(second)
    assert not states.put(msgspec.structs.replace(second, version=7))
    found = states.get(symbol)
    assert found is not None
    assert (found.version, found.last_timestamp) == (2, second.last_timestamp)


def test_a_hundred_states_come_at_once(states: StateStore, symbol: str) -> None:
    symbols = [f"{symbol}.{n}" for n in range(100)]
    for name in symbols[::3]:
        states.put(grown(name, 2))
    assert sorted(states.get_many(symbols)) == sorted(symbols[::3])


def size_bytes(state: State) -> int:
    """Return an item's size as DynamoDB counts it: names and texts by their bytes, a number by its
    digits."""
    total = 0
    for name, value in to_item(state).items():
        ((kind, held),) = value.items()
        total += len(name) + (len(held) // 2 + 2 if kind == "N" else len(held.encode()))
    return total


def fired(rule: Rule) -> RuleState:
    """Return the largest state of a default rule."""
    instant, session = "2026-11-20T16:04:00.123456Z", "2026-11-20"
    if rule.condition == "change_percent":
        return RuleState(rule.fingerprint, 0, True, session, instant, session)
    bar = "" if rule.interval == "tick" else "2026-11-20T16:00:00.000000Z"
    return RuleState(rule.fingerprint, -1, fired_at=instant, bar=bar)


def test_a_state_with_the_default_rules_takes_at_most_1024_bytes() -> None:
    rule_states = {rule.rule_id: fired(rule) for rule in WATCH.rules}
    state = grown("BRK-B.LONGEST=SYMBOL^OF24"[:24], 300)
    state = msgspec.structs.replace(state, rule_states=rule_states, pending=(), version=10**9)
    assert len(state.closes) == 20
    assert len(state.rule_states) == 5
    assert state.minute is not None
    assert state.day is not None
    assert size_bytes(state) <= 1024
    assert from_item(to_item(state)).rule_states == rule_states


def test_a_state_of_an_older_version_has_what_its_rules_remember(symbol: str) -> None:
    item = to_item(grown(symbol))
    data = msgspec.json.decode(item["data"]["S"])
    rule_states = from_item(item).rule_states
    del data["k"]
    data["l"] = rule_states
    item["data"]["S"] = msgspec.json.encode(data).decode()
    assert len(rule_states) == 3
    assert from_item(item).rule_states == rule_states
