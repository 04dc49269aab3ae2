"""Broken items of the symbols table: the collector continues."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.times import from_text, to_text
from producer.collector.lease import MOST_HELD
from producer.collector.remembering import Memory, Reading, reading_of
from tests.producer_support.collecting import (
    OPEN,
    World,
    container,
    next_minute,
)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
SOUND = {
    "source": "yfinance",
    "latest": {"AAPL": "2026-11-20T15:29:50.000000Z"},
    "with_history": ["AAPL", "MSFT"],
    "answered": ["AAPL", "MSFT"],
    "is_silent": False,
    "refusals": 0,
    "throttled_until": "",
}


def put(world: World, name: str, **fields: Any) -> None:
    """An item of the collector, or of the tracked list."""
    of = "tracked" if name not in ("lease", "memory") else "collector"
    key = {"list": {"S": of}, "symbol": {"S": name}}
    world.aws.dynamodb.put_item(TableName="symbols", Item=key | fields)


def remember(world: World, **values: Any) -> None:
    """Have a memory in the table with some values exchanged."""
    put(world, "memory", run={"N": "1"}, memory={"S": json.dumps(SOUND | values)})


def test_invalid_tracked_items_are_skipped_and_reported(world: World) -> None:
    for name in ("not a symbol", "$", "X" * 300):
        put(world, name)
    cold = container(world)
    answer = cold.run()
    assert (answer["symbols"], answer["ticks"]) == (2, 8)
    assert cold.metrics["CollectorInvalidSymbols"] == 3
    told = cold.said("problem")[0]
    assert told.startswith("skipping tracked items that are not symbols: '$'")
    assert len(told) < 250
    assert "problem" in world.item("collector", "producers")
    cold.run({})
    assert cold.metrics["CollectorInvalidSymbols"] == 3


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"latest": 1}, {"latest": {}}),
        (
            {"latest": {"AAPL": "2026-11-20T15:29:50.000000Z", "MSFT": "soon", "$": 1}},
            {"latest": {"AAPL": "2026-11-20T15:29:50.000000Z"}},
        ),
        ({"latest": {"AAPL": "9999-12-31T23:59:59.000000Z"}}, {"latest": {}}),
        ({"with_history": "AAPL"}, {"with_history": ()}),
        ({"answered": ["AAPL", 5, None, "a b"]}, {"answered": ("AAPL",)}),
        ({"source": 7}, {"source": ""}),
        ({"source": "elsewhere"}, {"source": ""}),
        ({"is_silent": "no"}, {"is_silent": False}),
        ({"suspects": {"AAPL": {"symbol": "MSFT", "price": "1"}, "MSFT": 5}}, {"suspects": {}}),
        ({"refusals": "2"}, {"refusals": 1}),
        ({"refusals": -1}, {"refusals": 1}),
        ({"refusals": 1e300}, {"refusals": 1}),
        (
            {"throttled_until": 5},
            {"refusals": 1, "throttled_until": to_text(OPEN + timedelta(seconds=75))},
        ),
        (
            {"throttled_until": "tomorrow", "refusals": 3},
            {"refusals": 3, "throttled_until": to_text(OPEN + timedelta(seconds=300))},
        ),
        (
            {"history_until": None},
            {"history_refusals": 1, "history_until": to_text(OPEN + timedelta(seconds=75))},
        ),
    ],
)
def test_a_field_of_the_memory_that_cannot_be_read_leaves_the_others(
    values: dict[str, Any], kept: dict[str, Any]
) -> None:
    sound = reading_of({"memory": {"S": json.dumps(SOUND)}}, OPEN)
    assert sound.broken == ()
    read = reading_of({"memory": {"S": json.dumps(SOUND | values)}}, OPEN)
    assert set(read.broken) <= set(values)
    assert read.broken
    for name in Memory.__struct_fields__:
        assert getattr(read.memory, name) == kept.get(name, getattr(sound.memory, name))


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"memory": {"N": "1"}},
        *({"memory": {"S": text}} for text in ("", "{", "[]", "[" * 9999)),
    ],
)
def test_a_memory_that_cannot_be_read_at_all_counts_as_refused(item: dict[str, Any]) -> None:
    until = to_text(OPEN + timedelta(seconds=75))
    memory = Memory(refusals=1, throttled_until=until)
    assert reading_of(item, OPEN) == Reading(memory, ("memory",))


@pytest.mark.parametrize("throttled_until", [5, "soon", None, ["x"]])
def test_a_back_off_that_cannot_be_read_is_waited_for_at_its_longest(
    world: World, throttled_until: object
) -> None:
    remember(world, refusals=2, throttled_until=throttled_until)
    for minute in range(2):
        cold = container(world)
        cold.run()
        told = "the collector's memory cannot be read: throttled_until"
        assert (told in cold.said("problem")) is (minute == 0)
        assert cold.metrics.get("CollectorBrokenFields", 0) == (minute == 0)
        assert not world.asked
        next_minute(world)
    assert world.memory["refusals"] == 2
    assert from_text(world.memory["throttled_until"]) == OPEN + timedelta(seconds=150)
    container(world).run()
    assert world.asked


@pytest.mark.parametrize(
    "item",
    [
        {"run": {"S": "seven"}, "memory": {"S": "{"}},
        {"run": {"N": "9e30"}, "memory": {"S": "{"}},
        {"memory": {"N": "5"}},
        {"run": {"N": "1"}},
    ],
)
def test_a_broken_memory_is_overwritten_by_the_next_run(world: World, item: dict[str, Any]) -> None:
    put(world, "memory", **item)
    for _ in range(4):
        container(world).run()
        next_minute(world)
    assert world.memory["latest"].keys() == {"AAPL", "MSFT"}
    assert world.memory["refusals"] == 0
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_a_timestamp_of_the_far_future_does_not_hold_back_prices(world: World) -> None:
    remember(world, latest={"AAPL": "9999-12-31T23:59:59.000000Z"})
    container(world).run()
    assert len(world.times("AAPL")) == 4


def lease_of(world: World, **fields: Any) -> dict[str, Any]:
    """A lease that another run holds for a minute, with some fields exchanged or, by None, gone."""
    sound = {
        "owner": {"S": "another"},
        "run": {"N": str(int(world.now.timestamp()) - 5)},
        "until": {"S": to_text(world.now + timedelta(seconds=60))},
        "collected": {"S": to_text(world.now)},
    }
    return {name: value for name, value in (sound | fields).items() if value is not None}


@pytest.mark.parametrize(
    "fields",
    [
        {"until": None},
        {"until": {"N": "5"}},
        {"until": {"S": "soon"}},
        {"until": {"S": "9999-12-31T23:59:59.000000Z"}},
        {"until": None, "run": None},
        {"until": {"S": ""}, "run": {"S": "seven"}, "owner": None, "collected": {"N": "0"}},
    ],
)
def test_a_lease_that_does_not_say_when_it_ends_is_taken_over_when_any_would_have_ended(
    world: World, fields: dict[str, Any]
) -> None:
    put(world, "lease", **lease_of(world, **fields))
    begun = world.now
    first = container(world)
    assert first.run()["busy"]
    assert "until" in first.said("problem")[0]
    assert first.metrics["CollectorBusyRuns"] == 1
    assert first.metrics["CollectorBrokenFields"] >= 1
    next_minute(world)
    assert container(world).run()["ticks"] > 0
    assert from_text(world.ticks[0]["sent_at"]) >= begun + MOST_HELD
    next_minute(world)
    assert not container(world).run()["busy"]


@pytest.mark.parametrize(
    "fields",
    [
        {"run": {"S": "seven"}},
        {"run": {"N": "9e30"}},
        {"run": {"N": "-3.5"}},
        {"run": None},
        {"owner": {"N": "1"}},
        {"owner": None},
        {"collected": {"S": "soon"}},
        {"collected": None},
    ],
)
def test_a_broken_field_of_the_lease_leaves_its_end(world: World, fields: dict[str, Any]) -> None:
    put(world, "lease", **lease_of(world, **fields))
    first = container(world)
    assert first.run()["busy"]
    assert f"the collector's lease cannot be read: {next(iter(fields))}" in first.said("problem")
    next_minute(world)
    taken = container(world)
    assert taken.run()["ticks"] > 0
    assert taken.metrics["CollectorBrokenFields"] == 1
    next_minute(world)
    sound = container(world)
    assert sound.run()["ticks"] > 0
    assert "CollectorBrokenFields" not in sound.metrics
    assert world.histories == {"AAPL": 2, "MSFT": 2}


def test_the_holder_of_a_lease_that_was_broken_meanwhile_ends_alone(world: World) -> None:
    first, second = container(world), container(world)
    answers: list[dict[str, Any]] = []

    def break_it() -> None:
        world.on_poll = lambda: None
        item = world.item("lease")
        world.aws.dynamodb.put_item(TableName="symbols", Item=item | {"until": {"S": "rubbish"}})
        answers.append(second.run())

    world.on_poll = break_it
    sent = first.run()["ticks"]
    assert answers[0]["busy"]
    assert len(world.ticks) == sent
    next_minute(world)
    assert not second.run()["busy"]
