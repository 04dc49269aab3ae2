"""Ticks that share records are stored, answered, folded and alerted of as if each came alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.api_support import Client
from tests.factories import make_rule, payload
from tests.faults.system import SYMBOL, System, walk
from tests.stored_rules import store_rule

TICKS = walk(600, 0.5)
RULES = [
    make_rule("greater_than", rule_id="above", value="101.5", trigger="every_time"),
    make_rule("crossing", rule_id="through", value="100", trigger="once_per_bar"),
    make_rule("crossing_down", rule_id="down", value="99", trigger="once"),
    make_rule("change_percent", rule_id="change", value="2", trigger="every_time"),
    make_rule("less_than", rule_id="bar", value="100", interval="1m", trigger="every_time"),
    make_rule("moving_percent", rule_id="move", value="0.5", interval="1m", window=2),
]


def run(to_a_record: int) -> System:
    """All ticks through ingest and detect, forty to a batch."""
    system = System()
    for rule in RULES:
        store_rule(system.services.stores.rules, msgspec.structs.replace(rule, symbol=SYMBOL))
    records = [payload(*TICKS[at : at + to_a_record]) for at in range(0, len(TICKS), to_a_record)]
    system.deliver(records, 40 // to_a_record)
    return system


@pytest.fixture(scope="module")
def alone() -> System:
    return run(1)


@pytest.fixture(scope="module", params=[2, 10, 40])
def packed(request: pytest.FixtureRequest) -> System:
    return run(request.param)


def answered(system: System, path: str) -> Any:
    """Return the API's answer, without the parts that depend on the items of ticks."""
    return Client(system.services).get(path).json  # type: ignore[arg-type]


def test_the_api_lists_the_same_ticks(alone: System, packed: System) -> None:
    path = f"/prices/{SYMBOL}?interval=tick&limit=5000"
    found = answered(packed, path)["prices"]
    assert len(found) == len(TICKS)
    assert found == answered(alone, path)["prices"]


def test_the_api_pages_through_them(alone: System, packed: System) -> None:
    path = f"/prices/{SYMBOL}?interval=tick&limit=7&sort=desc"
    assert answered(packed, path)["prices"] == answered(alone, path)["prices"]


def test_every_rule_fires_at_the_same_ticks(alone: System, packed: System) -> None:
    fired = alone.alerts()
    assert {condition for _, condition in fired} >= {rule.condition for rule in RULES}
    assert {"golden_cross", "death_cross"} <= {condition for _, condition in fired}
    assert packed.alerts() == fired
    assert sorted(packed.sent()) == sorted(alone.sent())


def test_alerts_fire_between_the_ticks_of_a_record(packed: System) -> None:
    keys = {key for _, key in packed.aws.tables["prices"].items}
    assert any(timestamp not in keys for timestamp, _ in packed.alerts())


def test_bars_and_state_are_the_same(alone: System, packed: System) -> None:
    assert packed.aws.tables["bars"].items == alone.aws.tables["bars"].items
    state, other = (system.services.stores.state.get(SYMBOL) for system in (packed, alone))
    assert state == other


def test_a_record_is_one_item(packed: System, alone: System) -> None:
    items = {
        name: len(system.aws.tables["prices"].items)
        for name, system in (("packed", packed), ("alone", alone))
    }
    assert items["alone"] == len(TICKS)
    assert items["packed"] <= items["alone"] / 2
