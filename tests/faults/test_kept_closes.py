"""Rules on bars judge by the closes that are stored, whatever a warm container has kept of them."""

from __future__ import annotations

import random
from typing import Any
from unittest import mock

import pytest

from chalicelib.domain.errors import Contended
from chalicelib.services.detect import detect
from chalicelib.services.rebuild.rebuild import Rebuild
from tests.factories import NEVER, at, make_bar, make_rule, wire
from tests.faults.test_warm_containers import REGULAR, World

RULES = [
    make_rule("golden_cross", value=None, fast=1, slow=3, interval="5m", rule_id="gold"),
    make_rule("death_cross", value=None, fast=2, slow=5, interval="5m", rule_id="death"),
    make_rule("moving_percent", value=1, window=4, interval="15m", rule_id="move"),
    make_rule("crossing", value=100, interval="30m", rule_id="level"),
]


def history(price: int, seconds: int) -> dict[str, Any]:
    """A historical minute."""
    bar = {"open": price, "high": price, "low": price, "bar": "1m", **REGULAR}
    return wire(price, seconds, **bar) | {"mode": "backfill"}


Batch = tuple[str, int, tuple[dict[str, Any], ...]]


def drawn(seed: int) -> list[Batch]:
    """Return the events of each container: ticks, late ones and corrections, historical minutes, a
    symbol that is forgotten, a rebuild."""
    dice = random.Random(seed)
    second, batches = 0, list[Batch]()
    for _ in range(40):
        by = dice.randrange(2)
        price = dice.choice([96, 98, 99, 101, 102, 104])
        match dice.choice(["tick", "tick", "tick", "tick", "late", "history", "anew", "rebuild"]):
            case "tick":
                second += dice.choice([20, 290, 310, 310, 620, 1900])
                batches.append(("go", by, (wire(price, second, **REGULAR),)))
            case "late":
                late = max(0, second - dice.choice([0, 7, 300, 1000, 2000]))
                batches.append(("go", by, (wire(price, late, **REGULAR),)))
            case "history":
                minute = 60 * (max(0, second - dice.choice([300, 700, 1000, 1900])) // 60)
                batches.append(("go", by, (history(price, minute), history(price, minute + 60))))
            case "anew" if dice.random() < 0.3:
                batches.append(("forget", by, ()))
            case _:
                batches.append(("rebuild", by, ()))
    return batches


def told(batches: list[Batch], *, warm: bool) -> list[tuple[str, str, str]]:
    """The alerts that were recorded up to each time that the symbol was forgotten."""
    world = World()
    found: list[tuple[str, str, str]] = []
    for rule in RULES:
        world.put(rule)

    def alerts() -> list[tuple[str, str, str]]:
        rows = world.stores.alerts.by_symbol("AAPL", None, None, limit=1000).rows
        return [(row.alert.rule_id, row.alert.timestamp, row.alert.message) for row in rows]

    for action, by, ticks in batches:
        if not warm:
            world.replace(0)
            world.replace(1)
        if action == "go":
            world.go(by, *ticks)
        elif action == "forget":
            found += alerts()
            world.containers[by].forget("AAPL", NEVER)
            for container in world.containers:
                container.ingest.unlearn("AAPL")
        else:
            world.containers[by].rebuild("AAPL")
    return found + alerts()


@pytest.mark.parametrize("seed", range(8))
@mock.patch.object(detect, "KEPT_SECONDS", 0.0)
def test_warm_containers_judge_bars_as_cold_ones_do(seed: int) -> None:
    batches = drawn(seed)
    alerts = told(batches, warm=False)
    assert len(alerts) > 3
    assert told(batches, warm=True) == alerts


def closing(world: World, first: int) -> None:
    """A bar of five minutes for each of three, from one on, closed by one container."""
    for second in range(first, first + 900, 300):
        world.go(0, wire(100, second, **REGULAR))


@pytest.fixture
def world() -> World:
    """A container that keeps the closes of three bars of five minutes, all 100."""
    world = World()
    world.put(make_rule("moving_percent", value=40, window=2, interval="5m", trigger="once"))
    closing(world, 0)
    world.go(0, wire(100, 900, **REGULAR))
    return world


def after_the_next_close(world: World) -> list[str]:
    """Subjects once a bar of 100 closes behind the one at 900 seconds."""
    world.go(0, wire(100, 1200, **REGULAR))
    world.go(0, wire(100, 1500, **REGULAR))
    return world.subjects()


def test_no_alert_without_a_change(world: World) -> None:
    assert after_the_next_close(world) == []


def test_historical_minutes_among_kept_ones_count_at_the_next_close(world: World) -> None:
    world.go(0, history(50, 540))
    assert after_the_next_close(world) == ["AAPL moved +100.00% within 2 bars of 5m, at 100"]


def test_a_late_tick_among_kept_minutes_that_another_container_took_counts(world: World) -> None:
    world.go(1, wire(50, 580, **REGULAR))
    assert after_the_next_close(world) == ["AAPL moved +100.00% within 2 bars of 5m, at 100"]


@mock.patch.object(detect, "KEPT_SECONDS", 0.0)
def test_closes_of_a_forgotten_series_count_no_more(world: World) -> None:
    world.containers[1].forget("AAPL", NEVER)
    for container in world.containers:
        container.ingest.unlearn("AAPL")
    for second in (1200, 1500, 1800, 2100):
        world.go(0, wire(50, second, **REGULAR))
    assert world.subjects() == []


def test_an_interrupted_rebuild_makes_detect_read_closes_again(world: World) -> None:
    """It may have put bars, and its state was not written."""

    mark = world.stores.bars.history_mark("AAPL")
    broken = mock.patch.object(Rebuild, "_put", side_effect=Contended("broken off"))
    with broken, pytest.raises(Contended, match="broken off"):
        world.containers[1].rebuild("AAPL")
    assert world.stores.bars.history_mark("AAPL") != mark


def test_a_close_reads_what_is_new_where_the_running_bar_was_corrected() -> None:
    world = World()
    world.put(make_rule("golden_cross", value=None, fast=50, slow=100, interval="30m"))
    for minute in range(1, 6_001):
        world.stores.bars.put(make_bar(-60 * minute, ticks=3), at())
    read: list[int] = []

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        answer = perform()
        if operation == "Query" and request["TableName"] == "bars":
            read.append(len(answer["Items"]))
        return answer

    world.go(0, wire(100, 0, **REGULAR))
    world.aws.around = around
    world.go(0, wire(101, 1801, **REGULAR))
    assert sum(read) >= 6_000
    for price in (102, 103):
        world.go(0, wire(price, 1801, **REGULAR))
    read.clear()
    world.go(0, wire(101, 3601, **REGULAR))
    assert sum(read) <= 200
