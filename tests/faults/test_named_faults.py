"""Faults that the designs before this one had, and counter-examples that were found in this one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.services.delivery.budget import MessageBudget
from rigs.memory_aws import inserts
from rigs.memory_aws.dynamodb import directly
from tests.factories import instant, payload, wire
from tests.faults.killing import Killed
from tests.faults.run import SMALL_AVERAGES, contents_of
from tests.faults.stores import without_ttl
from tests.faults.system import SYMBOL, System, walk
from tests.oracles.crosses import crosses


@pytest.fixture(autouse=True)
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send all alerts by themselves: the clock stands, so all come within one minute."""
    monkeypatch.setattr(MessageBudget, "take", lambda *_: True)


def expected_crosses(ticks: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    found = crosses([str(tick["price"]) for tick in ticks], 2, 4)
    return [(ticks[cross.position]["timestamp"], cross.kind) for cross in found]


def test_ticks_a_tenth_of_a_second_apart_are_all_kept() -> None:
    system = System()
    given = walk(600, 0.1)
    system.deliver([payload(tick) for tick in given], 100)
    assert [tick.timestamp for tick in system.ticks()] == [tick["timestamp"] for tick in given]


def test_a_cross_in_the_middle_of_a_batch_is_found() -> None:
    system = System()
    given = walk(40, 1)
    expected = expected_crosses(given)
    assert len(expected) > 3
    system.deliver([payload(tick) for tick in given], 40)
    assert system.alerts() == expected


def test_alerts_are_still_right_after_ten_thousand_ticks_in_a_day() -> None:
    system = System()
    given = walk(10_000, 1)
    system.deliver([payload(*given[n : n + 10]) for n in range(0, 10_000, 10)], 100)
    expected = expected_crosses(given)
    assert len(expected) > 1000
    assert system.alerts() == expected
    assert len(system.sent()) == len(set(system.sent())) == len(expected)


def test_a_poison_record_beside_good_ones_touches_none_of_them() -> None:
    system = System()
    given = walk(9, 1)
    records = [payload(tick) for tick in given]
    system.deliver([*records[:4], b"\x00\xff", *records[4:]], 10)
    assert len(system.ticks()) == 9
    assert len([key for _, key in system.aws.objects if key.startswith("quarantine/")]) == 1


def test_a_redelivery_adds_nothing_and_sends_nothing() -> None:
    system = System()
    records = [payload(tick) for tick in walk(200, 20)]
    system.deliver(records, 50)
    before, sent = contents_of(system.aws), system.sent()
    system.again()
    system.deliver(records, 50)
    assert contents_of(system.aws) == before
    assert system.sent() == sent


def ten_hours(ticks: int) -> list[bytes]:
    """Records of a tick each, over ten hours."""
    return [payload(tick) for tick in walk(ticks, 36_500 / ticks, seed=5)]


@cache
def delivered_whole(ticks: int) -> System:
    system = System()
    system.deliver(ten_hours(ticks), ticks)
    return system


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("ticks", [2000, pytest.param(5000, marks=pytest.mark.long)])
def test_how_ticks_are_split_into_batches_changes_nothing(ticks: int, size: int) -> None:
    system, whole = System(), delivered_whole(ticks)
    system.deliver(ten_hours(ticks), size)
    mine, theirs = contents_of(system.aws), contents_of(whole.aws)
    assert without_ttl(mine) == without_ttl(theirs)
    assert len(mine["alerts"]) > ticks / 10
    assert sorted(system.sent()) == sorted(whole.sent())


def test_part_of_a_packed_record_sent_again_does_not_lose_the_rest() -> None:
    """Found by test_random_faults: the item of the part overwrote the item of the whole."""
    system = System()
    ticks = walk(4, 1)
    system.ingest(payload(*ticks))
    system.ingest(payload(ticks[-1]))
    system.detect()
    assert len(system.ticks()) == 4


def test_an_hour_that_ends_while_one_of_its_minutes_is_repaired_has_the_late_tick() -> None:
    """The hour was folded from the old minute, and its repair saw it as still running.

    After the close there is no running day, whose change would have been written to the state.
    """
    system = System()
    after: dict[str, Any] = {"symbol": SYMBOL, "market_state": "POST"}
    system.ingest(payload(wire(1, 0, **after), wire(2, 70, **after)))
    system.detect()
    system.ingest(payload(wire(9, 30, **after)))
    rival = Services(SMALL_AVERAGES, lambda: instant(10**7), system.aws)
    late = events.changed_prices({"Records": system.aws.stream[-1:]})
    next_hour = wire(3, 3700, **after)
    raced: list[bool] = []

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        corrected = operation == "PutItem" and request["TableName"] == "bars"
        if corrected and not raced:
            raced.append(True)
            system.ingest(payload(next_hour))
            done = rival.detect(events.changed_prices({"Records": system.aws.stream[-1:]}))
            assert done.failed == ()
        return perform()

    system.aws.around = around
    assert system.services.detect(late).failed == ()
    assert raced
    page = system.services.stores.bars.bars(SYMBOL, "1h", None, None, limit=10)
    assert [(bar.high, bar.ticks) for bar in page.rows] == [(9, 3)]


def test_the_value_of_a_tick_that_is_sent_again_is_the_last_one() -> None:
    system = System()
    system.ingest(payload(wire(1, 0, symbol=SYMBOL)), payload(wire(2, 70, symbol=SYMBOL)))
    system.detect()
    system.ingest(payload(wire(5, 0, symbol=SYMBOL)))
    system.detect()
    page = system.services.stores.bars.bars(SYMBOL, "1m", None, None, limit=10)
    assert [(bar.close, bar.ticks, bar.revision) for bar in page.rows] == [(5, 1, 1)]


def test_a_late_tick_between_two_that_come_again_is_in_its_bar() -> None:
    system = System()
    first, late, last = (wire(100, at, symbol=SYMBOL, volume=0) for at in (0.1, 0.2, 0.3))
    system.deliver([payload(first), payload(last)], 2)
    system.deliver([payload(first), payload(late), payload(last)], 3)
    state = system.services.stores.state.get(SYMBOL)
    assert state is not None
    assert [bar.ticks for bar in state.minutes] == [3]


@pytest.mark.parametrize("batch", range(3))
def test_a_process_that_dies_with_half_of_its_bars_put_leaves_no_trace(batch: int) -> None:
    ticks = [wire(100 + n, 60 * n, symbol=SYMBOL, volume=n) for n in range(70)]
    undisturbed, system = System(), System()
    for each in (undisturbed, system):
        each.ingest(payload(*ticks))
    undisturbed.detect()
    lock, batches = threading.Lock(), count()

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        if operation != "BatchExecuteStatement":
            return perform()
        with lock:
            if next(batches) != batch:
                return perform()
            for statement in request["Statements"][::2]:
                inserts.inserted(system.aws.tables, statement)
            raise Killed

    system.aws.around = around
    with pytest.raises(Killed):
        system.detect()
    assert not system.aws.tables["state"].items
    system.aws.around = directly
    system.restart()
    system.detect()
    assert contents_of(system.aws) == contents_of(undisturbed.aws)
