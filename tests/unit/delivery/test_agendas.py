"""Agendas of channels, over AWS in memory: digests that wait for days, and the messages that they
take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.adapters.agendas import Agendas
from chalicelib.adapters.retries import LONGEST_DELAY_SECONDS
from chalicelib.domain.agendas import MARGIN_SECONDS, STEP_SECONDS
from chalicelib.domain.digests import Digest
from chalicelib.services.delivery import attempts
from chalicelib.services.delivery.deliver import GONE
from chalicelib.services.delivery.tasks import Delivered, Turn
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import at, make_alert
from tests.faults.holding import check, digests_sent, heads, many_alerts
from tests.faults.run import throttled
from tests.unit.delivery.test_held_alerts import World, mute

QUARTER, HOUR, DAY = 900.0, 3600.0, 86_400.0


def store_of(world: World) -> Agendas:
    return Agendas(world.aws.dynamodb, SETTINGS.alerts_table)


def waiting(world: World, channel: str = "sns") -> list[str]:
    """When the digests of a channel's agenda are due."""
    return [digest.until for digest in store_of(world).waiting(channel)]


def bodies(world: World) -> list[dict[str, Any]]:
    """The messages that wait in the queue."""
    return [json.loads(one.record["body"]) for one in world.outbox.messages]


def timers(world: World) -> int:
    """How many of them are the timers of agendas."""
    return sum("agenda" in body for body in bodies(world))


def test_the_timer_of_an_agenda_waits_as_long_as_the_queue_keeps_a_message() -> None:
    assert STEP_SECONDS == LONGEST_DELAY_SECONDS


def test_a_digest_of_days_ahead_waits_in_its_agenda_and_is_sent_at_its_time() -> None:
    world = World()
    mute(world, DAY)
    alerts = many_alerts(3)
    world.new(world.records(*alerts))
    assert waiting(world) == [at(DAY)]
    assert bodies(world) == [{"agenda": "sns", "at": at(QUARTER)}]
    world.until(DAY - 60)
    assert world.aws.published == []
    world.until(DAY)
    check(world.aws, world.services.stores, alerts)
    assert (waiting(world), world.outbox.is_empty) == ([], True)


def far_digests(many: int, channel: str = "sns") -> list[Digest]:
    """Digests that are due an hour ahead and later, each at a minute of its own."""
    return [Digest(channel, at(HOUR + 60 * number)) for number in range(many)]


def test_digests_that_wait_take_one_message_a_channel_in_a_quarter_of_an_hour() -> None:
    """Thousands wait on three channels for a day and more; those that are due later than these
    hours stay."""
    world = World()
    channels = [
        world.services.channels.create(
            {"name": name, "kind": "webhook", "address": "https://hooks.example/"}
            | {"secret": "s" * 20}
        ).channel_id
        for name in "abc"
    ]
    agendas = world.services.deliver._agendas
    for channel in channels:
        for digest in far_digests(1500, channel):
            agendas.put_timer(digest)
    world.outbox.watch(world.seconds)
    assert len(world.outbox.messages) == len(channels)
    most_soon = 30  # of a channel, at a minute each
    for quarter in range(1, 13):
        before = len(world.aws.messages["deliveries"])
        world.until(quarter * QUARTER)
        put = len(world.aws.messages["deliveries"]) - before
        assert timers(world) == len(channels)
        assert put <= len(channels) * (1 + 2 * most_soon)
    left = 1500 - (12 * 15 - 60 + 30) - 1
    assert [len(waiting(world, channel)) for channel in channels] == [left] * 3


def test_alerts_of_many_mutes_take_one_timer_and_come_once() -> None:
    world = World()
    for number in range(40):
        mute(world, HOUR + 300 * number, symbol=f"S{number}")
    alerts = [make_alert(number, symbol=f"S{number}") for number in range(40)]
    world.new(world.records(*alerts))
    assert len(bodies(world)) == 1
    world.until(HOUR + 300 * 40)
    check(world.aws, world.services.stores, alerts)
    assert set(digests_sent(world.aws)) == set(heads(world.aws))
    assert world.outbox.is_empty


def test_a_timer_of_a_version_without_agendas_moves_its_digest_into_the_agenda() -> None:
    world = World()
    mute(world, DAY)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    plain_world(world, Digest("sns", at(DAY)))
    assert waiting(world) == []
    world.seconds = QUARTER
    world.again()
    assert waiting(world) == [at(DAY)]
    assert timers(world) == len(world.outbox.messages) == 1
    world.until(DAY)
    check(world.aws, world.services.stores, alerts)


def plain_world(world: World, digest: Digest) -> None:
    """Have the digest's timer be what an earlier version put: a message of its own."""
    store_of(world).leave(digest)
    world.aws.dynamodb.delete_item(
        TableName="alerts",
        Key={"symbol": {"S": "agenda:sns"}, "timestamp_rule": {"S": "#timer"}},
    )
    (message,) = world.outbox.messages
    body = {"symbol": digest.symbol, "timestamp": "", "rule_id": "head", "channel": "sns", "hop": 7}
    message.record["body"] = json.dumps(body)


def test_a_version_without_agendas_reports_their_timers_as_unreadable() -> None:
    """While a stage is updated, the message comes again until the new version gets it."""
    world = World()
    mute(world, DAY)
    world.new(world.records(make_alert()))
    (body,) = bodies(world)
    assert not {"symbol", "timestamp", "rule_id", "channel"} & set(body)


def test_a_digest_that_waits_long_for_its_next_attempt_keeps_its_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A receiver may ask for an hour. The agenda would ask for the first attempt again."""
    world = World(digest="every_15_minutes")
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    monkeypatch.setattr(attempts, "pause", lambda *_: HOUR)
    world.aws.around = throttled
    world.seconds = QUARTER
    assert world.again().retried == 1
    world.aws.around = Aws().around
    world.until(QUARTER + HOUR - 60)
    assert (timers(world), world.aws.published) == (0, [])
    world.until(QUARTER + HOUR)
    check(world.aws, world.services.stores, alerts)


def requests_of(world: World) -> list[Any]:
    world.outbox.watch(world.seconds)
    due = world.outbox.take_due(world.seconds)
    found, _ = events.retries({"Records": [one.record for one in due]})
    return found


@pytest.mark.parametrize("has_head", [True, False])
def test_the_agenda_of_a_deleted_channel_ends_and_leaves_its_alerts_dead(has_head: bool) -> None:
    """Otherwise channels that are made and deleted all the time would leave a timer each."""
    world = World()
    made = world.services.channels.create(
        {"name": "hook", "kind": "webhook", "address": "https://hooks.example/"}
        | {"secret": "s" * 20}
    )
    if has_head:
        mute(world, DAY)
        alert = make_alert(channels=(made.channel_id,))
        assert world.new(world.records(alert), world.container()).held == 1
    else:
        world.services.deliver._agendas.put_timer(Digest(made.channel_id, at(DAY)))
        world.outbox.watch(world.seconds)
    world.services.channels.remove(made.channel_id)
    world.services = world.container()
    world.until(QUARTER + 60)
    assert (waiting(world, made.channel_id), world.outbox.is_empty) == ([], True)
    if has_head:
        found = world.receipt(alert).delivery
        assert (found.status, found.error) == ("dead", GONE)


def test_two_containers_that_open_digests_put_one_timer() -> None:
    world = World()
    other = world.container()
    for number in range(20):
        mute(world, HOUR * (2 + number), symbol=f"S{number}")
    alerts = [make_alert(number, symbol=f"S{number}") for number in range(20)]
    records = world.records(*alerts)
    for number, record in enumerate(records):
        world.new([record], (world.services, other)[number % 2])
    assert len(bodies(world)) == 1
    world.until(22 * HOUR)
    check(world.aws, world.services.stores, alerts)


@pytest.mark.parametrize("seconds", [-30.0, 0.0, MARGIN_SECONDS])
def test_a_timer_that_is_about_to_come_is_not_relied_on(seconds: float) -> None:
    """It may be at work, and have read the agenda already."""
    world = World()
    agendas = world.services.deliver._agendas
    agendas.put_timer(Digest("sns", at(DAY)))
    world.seconds = QUARTER - seconds
    agendas.put_timer(Digest("sns", at(DAY + 60)))
    world.outbox.watch(world.seconds)
    assert timers(world) == 2
    world.seconds = QUARTER + 1
    world.again()
    world.until(2 * QUARTER + 60)
    assert timers(world) == 1, "they have merged"


@pytest.mark.parametrize("noted", ["z", at(DAY), ""])
def test_a_noted_time_that_no_timer_has_is_not_relied_on(noted: str) -> None:
    """A clock was wrong, or somebody has planted it."""
    world = World()
    key = {"symbol": {"S": "agenda:sns"}, "timestamp_rule": {"S": "#timer"}}
    item = key | {"timer_at": {"S": noted}}
    world.aws.dynamodb.put_item(TableName="alerts", Item=item)
    mute(world, 2 * HOUR)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    assert timers(world) == 1
    world.until(2 * HOUR)
    check(world.aws, world.services.stores, alerts)


def test_a_digest_of_an_agenda_that_cannot_be_read_holds_up_no_other() -> None:
    world = World()
    mute(world, 2 * HOUR)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    key = {"symbol": {"S": "agenda:sns"}, "timestamp_rule": {"S": "2"}}
    world.aws.dynamodb.put_item(TableName="alerts", Item=key)
    world.until(2 * HOUR)
    check(world.aws, world.services.stores, alerts)


def test_an_agenda_whose_timer_comes_hours_late_loses_nothing() -> None:
    world = World()
    for number in range(3):
        mute(world, HOUR * (2 + number), symbol=f"S{number}")
    alerts = [make_alert(number, symbol=f"S{number}") for number in range(3)]
    world.new(world.records(*alerts))
    world.seconds = 12 * HOUR
    world.until(12 * HOUR + 120)
    world.again()
    check(world.aws, world.services.stores, alerts)


def test_an_invocation_without_time_leaves_the_rest_of_an_agenda_to_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    agendas = world.services.deliver._agendas
    for digest in far_digests(10):
        agendas.put_timer(digest)
    world.outbox.watch(world.seconds)
    world.seconds = HOUR
    times = iter([True] * 4)
    with monkeypatch.context() as patched:
        patched.setattr(Turn, "has_time", property(lambda _: next(times, False)))
        assert world.again().deferred == 1
    assert len(waiting(world)) == 6
    world.seconds += 10
    world.again()
    assert waiting(world) == []


@contextmanager
def dying_at(world: World, call: int, *, after: bool) -> Iterator[list[str]]:
    """Have the container's calls fail from the one with this number on."""
    made: list[str] = []

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        made.append(operation)
        if len(made) - 1 > call or (len(made) - 1 == call and not after):
            raise TimeoutError
        answer = perform()
        if len(made) - 1 == call:
            raise TimeoutError
        return answer

    world.aws.around = around
    yield made
    world.aws.around = Aws().around


CALLS = {"hold": 21, "hop": 4, "start": 8}
"""Calls of an invocation: alerts that open three far digests, a timer that only goes on, and one
that puts the timers of two digests."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("case", "call"), [(case, call) for case, many in CALLS.items() for call in range(many)]
)
def test_a_process_that_dies_at_any_call_neither_drops_nor_doubles_a_digest(
    case: str, call: int, after: bool
) -> None:
    world, alerts, act = prepared(case)
    with dying_at(world, call, after=after) as made, suppress(TimeoutError):
        act()
    assert len(made) > call
    for _ in range(3):
        act()
        world.outbox.watch(world.seconds)
    assert timers(world) <= 2
    world.until(4 * HOUR)
    check(world.aws, world.services.stores, alerts)
    assert world.outbox.is_empty


@pytest.mark.parametrize("case", CALLS)
def test_every_call_is_one_at_which_a_process_dies_above(case: str) -> None:
    world, _, act = prepared(case)
    with dying_at(world, 1000, after=False) as made:
        act()
    assert len(made) == CALLS[case], made


def prepared(case: str) -> tuple[World, list[Any], Any]:
    """Return a world, its alerts and an invocation, which has the same records each time."""
    world = World()
    for number, seconds in enumerate((0.0, 300.0, HOUR)):
        mute(world, 2 * HOUR + seconds, symbol=f"S{number}")
    alerts = [make_alert(number, symbol=f"S{number}") for number in range(3)]
    found = events.new_alerts({"Records": world.records(*alerts)})
    if case == "hold":
        return world, alerts, lambda: world.services.deliver.new(found, math.inf)
    world.services.deliver.new(found, math.inf)
    world.outbox.watch(world.seconds)
    if case == "hop":
        world.seconds = QUARTER
    else:
        world.until(2 * HOUR - 2 * QUARTER - 60)
        world.seconds += 600
    requests = requests_of(world)

    def act() -> Delivered:
        return world.services.deliver.again(requests, math.inf)

    return world, alerts, act


@pytest.mark.parametrize("call", range(CALLS["hop"] + 1))
@pytest.mark.parametrize("others_wait", [True, False])
@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_a_digest_that_is_opened_between_the_calls_of_a_timer_is_sent(
    call: int, others_wait: bool, seconds: float
) -> None:
    """Another container opens it while the timer goes on, or ends since nothing else waits."""
    world = World()
    other = world.container()
    agendas = world.services.deliver._agendas
    agendas.put_timer(Digest("sns", at(DAY if others_wait else QUARTER + 2 * QUARTER)))
    mute(world, 2 * HOUR)
    alerts = many_alerts(2)
    records = world.records(*alerts)
    world.outbox.watch(world.seconds)
    world.seconds = QUARTER + seconds
    requests = requests_of(world)
    made: list[str] = []

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        made.append(operation)
        if len(made) - 1 == call:
            world.aws.around = Aws().around
            other.deliver.new(events.new_alerts({"Records": records}), math.inf)
        return perform()

    world.aws.around = around
    world.services.deliver.again(requests, math.inf)
    world.aws.around = Aws().around
    if len(made) <= call:
        other.deliver.new(events.new_alerts({"Records": records}), math.inf)
    world.until(2 * HOUR)
    check(world.aws, world.services.stores, alerts)


@pytest.mark.parametrize("call", range(9))
@pytest.mark.parametrize("seconds", [QUARTER - 61, QUARTER - 1, QUARTER, QUARTER + 1])
def test_a_timer_that_comes_between_the_calls_of_an_opening_loses_no_digest(
    call: int, seconds: float
) -> None:
    world = World()
    other = world.container()
    world.services.deliver._agendas.put_timer(Digest("sns", at(HOUR)))
    world.outbox.watch(world.seconds)
    mute(world, 2 * HOUR)
    alerts = many_alerts(2)
    records = world.records(*alerts)
    world.seconds = seconds
    made: list[str] = []

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        made.append(operation)
        if len(made) - 1 == call:
            world.aws.around = Aws().around
            world.seconds = max(world.seconds, QUARTER)
            world.again(other)
        return perform()

    world.aws.around = around
    world.new(records)
    world.aws.around = Aws().around
    world.until(2 * HOUR)
    check(world.aws, world.services.stores, alerts)
