"""Two warm containers whose kept rules and states differ: alerts and bars as if there were one."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import Rule
from rigs.memory_aws.dynamodb import directly
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, instant, kinesis_event, make_rule, payload, wire
from tests.faults.outbox import send_new
from tests.stored_rules import drop_rule, store_rule

REGULAR: dict[str, Any] = {"exchange_timezone": "America/New_York", "market_state": "REGULAR"}


class World:
    """One table, two containers that live on; batches go to either of them."""

    def __init__(self, arrival: float = 10**6) -> None:
        self.aws = Aws()
        self.arrival = arrival
        self.containers = [self._new() for _ in "AB"]
        self.stores = self.containers[0].stores
        self._sent = self._seen = self._alerted = 0

    def _new(self) -> Services:
        return Services(SETTINGS, lambda: instant(self.arrival), self.aws)

    def go(self, container: int, *ticks: dict[str, Any]) -> None:
        """Ingest a batch, and have one container detect what comes of it."""
        records = [payload(tick) for tick in ticks]
        batch = events.from_kinesis(kinesis_event(records, self._sent, arrival=self.arrival))
        self.containers[0].ingest(batch, NEVER)
        self._sent += len(records)
        stream, end = self.aws.stream[self._seen :], len(self.aws.stream)
        changes = events.changed_prices({"Records": stream})
        assert self.containers[container].detect(changes).failed == ()
        self._alerted = send_new(self.containers[container], self.aws, self._alerted)
        self._seen = end

    def replace(self, container: int) -> None:
        """A cold container in the place of one; what was not finished comes again."""
        self.containers[container] = self._new()

    def put(self, rule: Rule) -> None:
        """A rule that only a container without rules of its own sees at once."""
        store_rule(self.stores.rules, rule)

    def subjects(self) -> list[str]:
        """Return the subjects of the messages sent."""
        return [message["Subject"] for message in self.aws.published]

    def minutes(self) -> list[tuple[str, str, str]]:
        """Minute, close and volume of the stored minutes."""
        page = self.stores.bars.bars("AAPL", "1m", None, None, limit=100)
        return [(bar.start[14:16], str(bar.close), str(bar.volume)) for bar in page.rows]


def test_a_new_rule_that_fires_once_fires_once_for_both() -> None:
    world = World()
    world.go(1, wire(120, 0))  # the second container has read the rules: none
    world.put(make_rule("greater_than", value=100, trigger="once", rule_id="r1", symbol="AAPL"))
    for second in range(1, 9):
        world.go((second + 1) % 2, wire(120 + second / 100, second))
    assert world.subjects() == ["AAPL is above 100, at 120.01"]


def test_a_changed_rule_restarts_once_for_both() -> None:
    world = World()
    world.put(make_rule("greater_than", value=100, trigger="once_per_session", rule_id="r1"))
    world.go(1, wire(120, 0))
    world.put(make_rule("greater_than", value=90, trigger="once_per_session", rule_id="r1"))
    for second in range(1, 9):
        world.go((second + 1) % 2, wire(120 + second / 100, second))
    assert world.subjects() == ["AAPL is above 100, at 120", "AAPL is above 90, at 120.01"]


def test_a_container_that_does_not_know_a_rule_keeps_its_window() -> None:
    world = World()
    world.go(1, wire(100, 0))
    world.put(make_rule("golden_cross", value=None, fast=50, slow=100, rule_id="r1"))
    for second in range(1, 91):
        world.go(0, wire(100, second))
    world.go(1, wire(100, 200))
    state = world.stores.state.get("AAPL")
    assert state is not None
    assert len(state.closes) >= 91
    assert "r1" in state.rule_states


def test_a_deleted_rule_is_forgotten_by_the_first_container_that_knows() -> None:
    world = World()
    rule = make_rule("greater_than", value=100, rule_id="r1")
    world.put(rule)
    world.go(0, wire(99, 0))
    drop_rule(world.stores.rules, rule)
    world.go(1, wire(101, 1))
    state = world.stores.state.get("AAPL")
    assert state is not None
    assert "r1" not in state.rule_states
    assert world.subjects() == []


@pytest.mark.parametrize("order", ["00110", "00000", "11111", "01010", "01101", "00101"])
def test_a_late_tick_corrects_for_good_whichever_container_comes_next(order: str) -> None:
    world = World()
    batches = [(100, 0, 1000), (101, 70, 1900), (100, 30, 1500), (102, 130, 2000), (103, 190, 2100)]
    for container, (price, second, volume) in zip(map(int, order), batches, strict=True):
        world.go(container, wire(price, second, volume=volume, **REGULAR))
    assert world.minutes() == [("30", "100", "500"), ("31", "101", "400"), ("32", "102", "100")]


@pytest.mark.parametrize("order", ["0110", "0000", "0101", "0011"])
def test_a_tick_that_comes_again_with_another_price_counts_for_good(order: str) -> None:
    world = World()
    for container, (price, second) in zip(
        map(int, order), [(1, 0), (5, 0), (2, 70), (3, 130)], strict=True
    ):
        world.go(container, wire(price, second, volume=1, **REGULAR))
    assert world.minutes() == [("30", "5", "0"), ("31", "2", "0")]


class Dead(BaseException):
    """The process is gone."""


def dies_before_the_state(operation: str, request: dict[str, Any], perform: Any) -> Any:
    if operation == "PutItem" and request["TableName"] == "state":
        raise Dead
    return perform()


@pytest.mark.parametrize("correcting", [0, 1], ids=["while it runs", "once it is closed"])
@pytest.mark.parametrize(("interval", "next_bar"), [("1m", 60), ("1h", 3600), ("1d", 259_200)])
def test_a_bar_that_lost_its_ticks_is_not_invented_by_a_container_that_dies(
    interval: str, next_bar: int, correcting: int
) -> None:
    """The first container still has the bar running, stores it, and dies before its state is
    refused."""
    world = World()
    corrected = wire(105, 0, **REGULAR | {"market_state": "PRE"})
    closing = wire(91, next_bar, **REGULAR)
    world.go(0, wire(105, 0, **REGULAR))
    for tick in (corrected, closing) if correcting == 0 else (closing, corrected):
        world.go(1, tick)
    world.aws.around = dies_before_the_state
    with pytest.raises(Dead):
        world.go(0, wire(92, next_bar + 1, **REGULAR))
    world.aws.around = directly
    world.replace(0)
    world.go(0, wire(93, next_bar + 400_000, **REGULAR))
    page = world.stores.bars.bars("AAPL", interval, None, None, limit=100)
    assert [str(bar.high) for bar in page.rows if not bar.extended] == ["92"]


def test_a_kind_that_changes_in_an_old_recording_leaves_no_bar_behind() -> None:
    """The container whose state is behind stores the extended bar; the state that it reads then
    has the regular one running, and ticks so old may have expired."""
    world = World(arrival=90 * 86_400)
    world.go(1, wire(94, 0, **REGULAR))
    world.go(0, wire(105, 259_200, **REGULAR))
    pre = REGULAR | {"market_state": "PRE"}
    world.go(1, wire(96, 259_200, **pre), wire(95, 263_200, **pre))
    world.go(0, wire(100, 345_600, **REGULAR))
    page = world.stores.bars.bars("AAPL", "1d", None, None, limit=100)
    assert [str(bar.close) for bar in page.rows] == ["94"]


def test_quotes_after_the_close_read_no_bars_once_the_bar_has_closed() -> None:
    world = World()
    world.put(make_rule("golden_cross", value=None, fast=50, slow=200, interval="15m"))
    world.go(0, wire(100, 19_700, **REGULAR))
    post = REGULAR | {"market_state": "POST"}
    world.go(0, wire(100, 19_870, **post))  # closes the last bar of the session
    read: list[str] = []

    def around(operation: str, request: dict[str, Any], perform: Any) -> Any:
        if operation == "Query" and request["TableName"] == "bars":
            read.append(operation)
        return perform()

    world.aws.around = around
    for second in range(10):
        world.go(second % 2, wire(100, 19_880 + second, **post))
    assert read == []


@pytest.mark.parametrize("order", ["1010", "0000", "0110", "1101"])
def test_an_hour_whose_only_tick_changed_its_kind_goes_whichever_container_knew_it(
    order: str,
) -> None:
    world = World()
    ticks = [(660, 107, "REGULAR"), (960, 107, "POST"), (660, 103, "PRE"), (20_000, 92, "REGULAR")]
    for container, (second, price, state) in zip(map(int, order), ticks, strict=True):
        world.go(container, wire(price, second, **{**REGULAR, "market_state": state}))
    page = world.stores.bars.bars("AAPL", "1h", None, None, limit=9)
    hours = [(bar.extended, bar.ticks) for bar in page.rows if bar.start < "2026-11-20T20"]
    assert hours == [(True, 2)]
