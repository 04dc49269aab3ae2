"""Random streams under random faults: see scenarios.py, world.py and verdict.py.

All examples run the services and the adapters over AWS in memory (rigs/memory_aws), which is
held to the adapters' contract beside the emulator.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from chalicelib.adapters import dynamodb
from rigs.memory_aws.system import SETTINGS
from tests.faults.delivering import Deliverer, Shard
from tests.faults.outbox import even_pauses
from tests.faults.scenarios import Scenario, scenarios
from tests.faults.verdict import FAST, SLOW, assert_consequences, stored, valid
from tests.faults.world import World
from tests.sequential import one_call_at_a_time

ARRIVAL = 10**7
SMALL = msgspec.structs.replace(SETTINGS, sma_fast=FAST, sma_slow=SLOW, alerts="every-tick")
ANY: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module", autouse=True)
def one_thing_at_a_time() -> Iterator[None]:
    """One call of an invocation at a time and no pauses: the world's dice say who comes next."""
    with (
        one_call_at_a_time(),
        mock.patch.object(dynamodb, "FIRST_PAUSE_SECONDS", 0.0),
        mock.patch.object(logging.getLogger("ticktape"), "disabled", new=True),
        mock.patch.object(logging.getLogger("ticktape.ingest"), "disabled", new=True),
        mock.patch.object(logging.getLogger("ticktape.detect"), "disabled", new=True),
        mock.patch.object(logging.getLogger("ticktape.deliver"), "disabled", new=True),
        even_pauses(),
    ):
        yield


def shards_of(scenario: Scenario) -> list[list[Shard]]:
    """The records in shards by symbol; after a split in other ones."""
    half = len(scenario.records) // 2 if scenario.splits else len(scenario.records)
    generations = [scenario.records[:half], scenario.records[half:]]
    return [
        [
            Shard(
                f"shardId-{generation}{number}",
                [
                    data
                    for symbol, data in records
                    if _place(symbol, generation, scenario) == number
                ],
                ARRIVAL,
                first=10_000 * (2 * generation + number),
            )
            for number in range(scenario.shards + generation)
        ]
        for generation, records in enumerate(generations)
    ]


def _place(symbol: str, generation: int, scenario: Scenario) -> int:
    return sum(symbol.encode()) % (scenario.shards + generation)


def delivered(scenario: Scenario) -> World:
    """The stores after a scenario came to its end."""
    world = World(SMALL, scenario.seed, scenario.faults, scenario.page_items, scenario.warm)
    Deliverer(world, shards_of(scenario), scenario.kind).drain()
    return world


@settings(max_examples=100, **ANY)
@given(scenarios())
def test_everything_is_stored_once_and_alerted_rightly_under_any_faults(scenario: Scenario) -> None:
    world = delivered(scenario)
    assert stored(world) == valid(scenario.payloads)
    assert_consequences(world, scenario.payloads)


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(max_examples=5000, **ANY)
@given(scenarios())
def test_the_same_at_length(scenario: Scenario) -> None:
    world = delivered(scenario)
    assert stored(world) == valid(scenario.payloads)
    assert_consequences(world, scenario.payloads)
