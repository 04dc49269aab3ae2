"""Rebuild where prices have expired, in whatever order: what was made of them stays."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from rigs.memory_aws.system import SETTINGS
from tests.factories import at, make_rule
from tests.stored_rules import store_rule
from tests.unit.bars.test_repair_faults import CLOSE, NEXT, OPEN, Containers, tick

DAY = 86_400.0
LATER = OPEN + (SETTINGS.prices_ttl_days + 10) * DAY


def bars(system: Containers) -> list[list[Bar]]:
    """All that are stored or running."""
    return [system.bars(interval) for interval in ("1m", "1h", "1d")]


def state(system: Containers) -> State:
    """The state without its counts."""
    found = system.all[0].stores.state.get("AAPL")
    assert found is not None
    return msgspec.structs.replace(found, version=0, repairs=0, pending=())


def expire(system: Containers, *numbers: int) -> None:
    """Remove some of the prices, counted in order of time."""
    table = system.aws.tables["prices"]
    keys = sorted(table.items)
    for number in numbers:
        table.remove(keys[number])


def rebuilt(system: Containers) -> int:
    """Return the number of bars that differed."""
    return system.all[0].rebuild("AAPL").bars


def alerts(system: Containers) -> list[str]:
    """Their instants, of the rule r."""
    rows = system.all[0].stores.alerts.by_symbol("AAPL", None, None, limit=99).rows
    return [row.alert.timestamp for row in rows if row.alert.rule_id == "r"]


def test_rebuild_keeps_a_running_minute_and_day_that_have_lost_ticks() -> None:
    system = Containers()
    system.send(tick(OPEN + 5, 100), tick(OPEN + 50, 90, volume=5), tick(OPEN + 55, 120))
    system.clock = LATER
    before = bars(system), state(system)
    expire(system, 0, 1)
    rebuilt(system)
    assert (bars(system), state(system)) == before


@pytest.mark.parametrize("gone", [range(3, 7), range(1, 7)], ids=["some", "all regular"])
def test_rebuild_keeps_a_day_that_has_lost_ticks_in_its_midst(gone: range) -> None:
    system = Containers()
    system.send(tick(OPEN - DAY + 60, 99))
    system.send(*(tick(OPEN + 60 * minute, 100 + minute) for minute in range(0, 60, 10)))
    system.send(*(tick(CLOSE + 60 * minute + 60, 50, "POST") for minute in range(8)))
    system.send(tick(NEXT, 70))
    system.clock = LATER
    before = bars(system)
    expire(system, *gone)
    assert rebuilt(system) == 0
    assert bars(system) == before


def test_rebuild_goes_back_to_no_older_price_where_the_newest_has_expired() -> None:
    system = Containers()
    system.send(tick(OPEN + 60, 100), tick(OPEN + 600, 120), tick(OPEN + 4000, 110))
    system.send(tick(OPEN + 300, 105))
    system.clock = LATER
    before = bars(system), state(system)
    expire(system, 0, 2, 3)
    rebuilt(system)
    assert (bars(system), state(system)) == before


def test_rebuild_keeps_windows_and_sides_that_fewer_prices_do_not_make() -> None:
    system = Containers()
    system.put_rule(condition="golden_cross", value=None, fast=2, slow=8)
    system.send(*(tick(OPEN + (n - 40) * DAY, 200 - n) for n in range(12)))
    system.send(*(tick(OPEN + (n - 5) * DAY, 150 - n) for n in range(3)))
    system.clock = OPEN - DAY
    before = state(system)
    expire(system, *range(12))
    rebuilt(system)
    assert state(system) == before
    system.send(*(tick(OPEN + 60 * n, 300 + n) for n in range(10)))
    assert alerts(system) == [at(OPEN)]


def test_rebuild_keeps_a_split_before_which_prices_have_expired() -> None:
    system = Containers()
    system.put_rule(condition="moving_percent", value=20, window=3, interval="1d")
    system.send(*(tick(OPEN + day * DAY, 200) for day in range(-39, -34)))
    system.send(tick(OPEN - 32 * DAY, 100, split="2:1"), tick(OPEN - 3 * DAY, 100))
    system.clock = OPEN - 2 * DAY
    before = state(system)
    assert before.split is not None
    expire(system, *range(5))
    rebuilt(system)
    assert state(system) == before
    system.send(*(tick(OPEN + day * DAY, 103 + day) for day in (-2, -1, 0)))
    assert alerts(system) == []


def some_ticks(chance: random.Random) -> list[dict[str, Any]]:
    """Ticks of some sessions, of all kinds, with and without volumes."""
    second, volume, found = OPEN, 100, []
    for _ in range(chance.randint(10, 40)):
        second += chance.choice([5, 20, 61, 61, 700, 3600, 20_000, DAY])
        volume += 10
        more: dict[str, Any] = {"volume": volume} if chance.random() < 0.7 else {}
        kind = chance.choice(["REGULAR", "REGULAR", "REGULAR", "POST", "PRE"])
        found.append(tick(second, chance.randint(97, 103), kind, **more))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_rebuild_changes_nothing_whichever_prices_have_expired(seed: int) -> None:
    chance = random.Random(seed)
    system = Containers()
    rule = make_rule("golden_cross", rule_id="r", value=None, fast=2, slow=4)
    store_rule(system.all[0].stores.rules, rule)
    ticks = some_ticks(chance)
    system.send(*ticks)
    system.clock = LATER + 100 * DAY
    before = bars(system), state(system)
    expire(system, *sorted(chance.sample(range(len(ticks)), chance.randint(1, len(ticks) - 1))))
    assert rebuilt(system) == 0
    assert (bars(system), state(system)) == before
