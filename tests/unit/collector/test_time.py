"""The collector's time: late starts, frozen containers, clocks that are off, hours of exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.domain.exchange_delays import exchange_delay
from chalicelib.domain.times import to_text
from producer.collector import engine, tenure
from producer.collector.items import Items
from producer.collector.lease import Lease, Taken
from producer.errors import StoreError
from producer.hours import AFTER_CLOSE
from producer.passing import Passing
from producer.sources import yahoo
from producer.wire import WireTick
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import Aws
from tests.patience import eventually
from tests.producer_support.collecting import (
    CLOSED,
    OPEN,
    Container,
    Context,
    World,
    container,
    next_minute,
    world_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.mark.parametrize("late", [55.5, 57, 59, 300])
def test_a_start_that_comes_too_late_says_so_and_is_counted(world: World, late: float) -> None:
    event = {"time": to_text(world.now)}
    world.advance(late)
    made = container(world)
    assert made.run(event)["late"]
    assert made.metrics == {"CollectorLateRuns": 1}
    (told,) = made.said("note")
    assert told.startswith("started too late: its minute leaves ")
    assert (world.asked, world.item("lease")) == ({}, {})


def test_a_start_that_waits_for_a_lease_too_long_is_busy(world: World) -> None:
    lease = Lease(Items(world.aws.dynamodb, "symbols"))
    lease.take("earlier", world.now, world.now + timedelta(seconds=60))
    event = {"time": to_text(world.now - timedelta(seconds=2))}
    world.advance(44)
    made = container(world)
    assert made.run(event)["busy"]
    assert made.metrics == {"CollectorBusyRuns": 1}
    assert not world.asked


def await_sending(made: Container) -> None:
    """Until the sink has what a container has polled."""
    eventually(lambda: not made._collector.status.pending())


@pytest.mark.parametrize("is_monotonic_frozen", [True, False])
@pytest.mark.parametrize("polls", [0, 2])
def test_a_container_that_was_frozen_until_another_had_its_lease_sends_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch, polls: int, is_monotonic_frozen: bool
) -> None:
    monkeypatch.setattr(tenure, "DRAIN_SECONDS", 2.0)
    frozen, other = container(world), container(world)
    world.on_poll = lambda: await_sending(frozen)
    frozen_before = iter([False] * polls + [True])
    sent: list[int] = []
    of = Passing.of

    def passing(self: Passing, batch: Sequence[WireTick]) -> list[WireTick]:
        ticks = of(self, batch)
        is_live = ticks and ticks[0].bar is None
        if is_live and not sent and next(frozen_before):
            freeze()
        return ticks

    def freeze() -> None:
        stood, timers = world.seconds, list(world.timers)
        world.timers.clear()
        world.on_poll = lambda: await_sending(other)
        sent.append(len(world.ticks))
        next_minute(world)
        next_minute(world)
        assert other.run()["ticks"] > 0
        sent.append(len(world.ticks))
        world.timers.extend(timers)
        world.on_poll = lambda: None
        if is_monotonic_frozen:
            world.seconds = stood

    monkeypatch.setattr(Passing, "of", passing)
    frozen.run()
    assert (sent[0] > 0) is (polls > 0)
    assert sent[0] < sent[1] == len(world.ticks)
    for symbol in ("AAPL", "MSFT"):
        assert world.times(symbol) == sorted(set(world.times(symbol)))
    assert "the lease of this run is over: it sends nothing more" in frozen.said("problem")


def test_a_request_that_begins_last_ends_within_the_lease() -> None:
    connecting_and_reading = 3 + 10  # the timeouts of the sinks' clients
    assert tenure.DRAIN_SECONDS + connecting_and_reading < tenure.LINGER_SECONDS
    assert connecting_and_reading < engine.SETTLING_SECONDS


def test_a_run_that_learns_late_that_its_lease_is_over_begins_no_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenure, "DRAIN_SECONDS", 2.0)
    slow = container(world)

    def quote(symbol: str) -> WireTick:
        world.advance(31)  # each symbol's request takes longer than the run has
        return world.trade(symbol)

    monkeypatch.setattr(yahoo, "quote", quote)
    monkeypatch.setattr(yahoo, "bars", lambda *_args, **_named: [])
    slow.run()
    assert world.sink.requests == []
    assert "the lease of this run is over: it sends nothing more" in slow.said("problem")


@pytest.mark.parametrize("seconds", [-120, 120])
def test_a_container_whose_clock_is_two_minutes_off_neither_sends_beside_another_nor_bars_it(
    world: World, seconds: int
) -> None:
    off, right = container(world), container(world)
    answers: list[dict[str, Any]] = []

    def start() -> None:
        world.on_poll = lambda: None
        world.clock_is_off = timedelta()
        answers.append(right.run())
        world.clock_is_off = timedelta(seconds=seconds)

    world.on_poll = start
    world.clock_is_off = timedelta(seconds=seconds)
    off.run({})
    assert answers[0]["busy"]
    world.clock_is_off = timedelta()
    next_minute(world)
    assert right.run()["ticks"] > 0
    assert world.times("AAPL") == sorted(set(world.times("AAPL")))


def test_without_the_time_of_the_table_a_clock_ahead_does_not_bar_others_for_long(
    world: World,
) -> None:
    world.tells_time = False
    world.clock_is_off = timedelta(minutes=2)
    container(world).run({})
    world.clock_is_off = timedelta()
    next_minute(world)
    assert not container(world).run()["busy"]


def test_one_of_two_deliveries_with_the_same_request_id_sends(world: World) -> None:
    first, second = container(world), container(world)
    event = {"time": to_text(world.now)}
    context = Context(world, world.seconds + 90)
    answers: list[dict[str, Any]] = []

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "PutItem" and request["Item"]["symbol"] == {"S": "lease"}:
            world.aws.around = lambda _operation, _request, go: go()
            answers.append(second._collector.run(event, context))
            lease = world.item("lease")  # as while the second one still runs
            until = {"S": to_text(world.now + timedelta(seconds=60))}
            held = lease | {"owner": {"S": held_by[0]}, "until": until}
            world.aws.tables["symbols"].items[("collector", "lease")] = held
        return perform()

    held_by: list[str] = []
    taking = Lease.take

    def take(self: Lease, owner: str, now: datetime, until: datetime) -> Any:
        held_by[:] = [owner]
        return taking(self, owner, now, until)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lease, "take", take)
        world.aws.around = around
        answers.append(first._collector.run(event, context))
    assert [answer["busy"] for answer in answers] == [False, True]


def test_a_lease_whose_answers_were_all_lost_is_known_by_its_owner() -> None:
    aws = Aws()

    def around(operation: str, _request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        answer = perform()
        if operation == "PutItem":
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return answer

    aws.around = around
    lease = Lease(Items(aws.dynamodb, "symbols"))
    taken = lease.take("mine", OPEN, OPEN + timedelta(seconds=60))
    assert isinstance(taken, Taken)


def test_a_lease_that_was_not_written_fails_the_run(world: World) -> None:
    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "PutItem" and request["Item"]["symbol"] == {"S": "lease"}:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return perform()

    world.aws.around = around
    with pytest.raises(StoreError, match="the collector's lease"):
        container(world).run()
    assert not world.asked


def minutes(world: World, start: datetime, count: int) -> list[bool]:
    """Return whether each of the minutes after `start` requested live prices, in a warm
    container."""
    world.now = start
    warm = container(world)
    warm.run()  # first prices
    asked = []
    for _ in range(count):
        next_minute(world)
        before = world.asked.total()
        warm.run()
        asked.append(world.asked.total() > before)
    return asked


@pytest.mark.parametrize(
    ("opens", "closes", "symbol"),
    [
        (datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, tzinfo=UTC), "A"),
        (datetime(2026, 3, 6, 14, 30, tzinfo=UTC), datetime(2026, 3, 6, 21, tzinfo=UTC), "A"),
        (datetime(2026, 3, 9, 13, 30, tzinfo=UTC), datetime(2026, 3, 9, 20, tzinfo=UTC), "A"),
        (datetime(2026, 10, 30, 13, 30, tzinfo=UTC), datetime(2026, 10, 30, 20, tzinfo=UTC), "A"),
        (datetime(2026, 11, 2, 14, 30, tzinfo=UTC), datetime(2026, 11, 2, 21, tzinfo=UTC), "A"),
        (datetime(2026, 3, 27, 8, tzinfo=UTC), datetime(2026, 3, 27, 16, 30, tzinfo=UTC), "A.L"),
        (datetime(2026, 3, 30, 7, tzinfo=UTC), datetime(2026, 3, 30, 15, 30, tzinfo=UTC), "A.L"),
        (datetime(2026, 12, 24, 8, tzinfo=UTC), datetime(2026, 12, 24, 12, 30, tzinfo=UTC), "A.L"),
    ],
    ids=[
        "New York's half day",
        "New York in winter",
        "New York in summer",
        "New York's last day of summer",
        "New York's first day of winter",
        "London in winter",
        "London in summer",
        "London's half day",
    ],
)
def test_a_run_polls_in_the_exchanges_hours_of_that_day(
    monkeypatch: pytest.MonkeyPatch, opens: datetime, closes: datetime, symbol: str
) -> None:
    with world_of(monkeypatch) as world:
        world.track(symbol)
        before = opens - timedelta(minutes=2)
        assert minutes(world, before, 3) == [False, True, True]
        world.asked.clear()
        late = AFTER_CLOSE + exchange_delay(symbol)
        begun = closes + late - timedelta(minutes=2)
        assert minutes(world, begun, 3) == [True, False, False]


def test_in_tokyos_lunch_break_a_run_without_prices_is_not_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with world_of(monkeypatch) as world:
        world.track("7203.T")
        last = world.trade("7203.T")
        world.answers["7203.T"] = lambda _: last
        world.now = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # noon
        warm = container(world)
        warm.run()
        next_minute(world)
        answer = warm.run()
        assert (answer["ticks"], warm.metrics) == (0, {"CollectorRuns": 1})
        assert answer["state"] == "live"


def test_only_the_open_exchange_is_polled(world: World) -> None:
    world.track("7203.T")
    warm = container(world)
    warm.run()
    assert world.asked == {"AAPL": 4, "MSFT": 4, "7203.T": 1}
    world.now = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # a holiday of Tokyo's
    world.asked.clear()
    assert warm.run({})["state"] == "market closed until 2026-11-23T14:30:00.000000Z"
    world.now = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    warm.run({})
    assert world.asked == {"7203.T": 4}


def test_an_emptied_list_ends_runs_at_once_and_forgets(world: World) -> None:
    warm = container(world)
    warm.run()
    for symbol in ("AAPL", "MSFT"):
        key = {"list": {"S": "tracked"}, "symbol": {"S": symbol}}
        world.aws.dynamodb.delete_item(TableName="symbols", Key=key)
    next_minute(world)
    begun = world.now
    answer = warm.run()
    assert (answer["state"], answer["symbols"]) == ("no symbols are tracked", 0)
    assert world.now == begun
    assert warm.metrics == {"CollectorRuns": 1}
    assert world.memory["latest"] == {}


def test_five_hundred_symbols_are_polled_in_turn_and_remembered(world: World) -> None:
    names = [f"S{number:03}" for number in range(498)]
    world.track(*names)
    warm = container(world)
    for _ in range(3):
        warm.run()
        next_minute(world)
    assert set(world.asked) == {*names, "AAPL", "MSFT"}
    assert max(world.asked.values()) - min(world.asked.values()) <= 1
    assert len(world.item("memory")["memory"]["S"]) < 100_000
    asked = world.asked.copy()
    container(world).run()
    assert set(world.histories.values()) == {2}
    assert world.asked > asked


def test_a_refusal_that_stands_while_all_is_closed_is_not_counted(world: World) -> None:
    def refuse(_symbol: str) -> WireTick:
        raise yahoo.Throttled("Yahoo answers 429: too many requests")

    world.now = CLOSED.replace(day=20, hour=21, minute=9)  # New York closes at 21:00
    world.answers = {"AAPL": refuse, "MSFT": refuse}
    warm = container(world)
    warm.run()
    assert warm.metrics["CollectorThrottledRuns"] == 1
    world.now = CLOSED
    warm.run({})
    assert warm.metrics == {"CollectorRuns": 1}


@pytest.mark.parametrize("is_monotonic_frozen", [True, False])
def test_a_container_that_was_frozen_until_another_had_its_lease_asks_nothing_more(
    world: World, is_monotonic_frozen: bool
) -> None:
    frozen, other = container(world), container(world)
    polls, asked = iter(range(10)), list[int]()

    def freeze() -> None:
        if next(polls) != 1:
            return
        stood, timers = world.seconds, list(world.timers)
        world.timers.clear()
        world.on_poll = lambda: None
        for _ in range(2):
            next_minute(world)
        other.run()
        asked.append(world.asked.total())
        world.timers.extend(timers)
        if is_monotonic_frozen:
            world.seconds = stood

    world.on_poll = freeze
    frozen.run()
    assert asked == [world.asked.total()]
