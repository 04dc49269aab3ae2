"""Channels that hold alerts back, over AWS in memory: floods, settings that change, and digests."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import Any

import msgspec
import pytest

from chalicelib.adapters import events
from chalicelib.adapters.agendas import Agendas
from chalicelib.adapters.deliveries import encoded, key_of
from chalicelib.adapters.digests import Digests
from chalicelib.bootstrap import Services
from chalicelib.domain import mutes, quiet_hours
from chalicelib.domain.alerts import Alert
from chalicelib.domain.deliveries import MAX_ATTEMPTS
from chalicelib.domain.digests import EXPIRED, Digest, Member, Receipt, opened
from chalicelib.domain.quiet_hours import DAYS
from chalicelib.domain.times import from_text
from chalicelib.services.delivery import attempts, deliver, holder
from chalicelib.services.delivery.deliver import UNREAD
from chalicelib.services.delivery.receipts import receipts
from chalicelib.services.delivery.tasks import Delivered, Turn
from rigs.memory_aws.dynamodb import Perform
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.tables import error
from tests.factories import at, instant, make_alert
from tests.faults.holding import (
    ONE_IN_FIVE,
    QUARTERS,
    check,
    configure,
    data_of,
    digests_sent,
    heads,
    is_digest,
    many_alerts,
    sent_alone,
)
from tests.faults.outbox import Outbox

QUARTER = 900.0


class World:
    """AWS in memory with containers that live on; the clock stands until it is moved."""

    def __init__(self, **fields: Any) -> None:
        self.aws = Aws()
        self.outbox = Outbox(self.aws)
        self.seconds = 0.0
        self.calls: Counter[str] = Counter()
        self.services = self.container()
        configure(self.services, **fields)

    def clock(self) -> datetime:
        return instant(self.seconds)

    def container(self) -> Services:
        return Services(SETTINGS, self.clock, self.aws)

    def count_calls(self) -> None:
        self.aws.around = self._counted

    def _counted(self, operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        self.calls[operation] += 1
        return perform()

    def records(self, *alerts: Alert) -> list[dict[str, Any]]:
        """What the alerts table's stream brings of new alerts."""
        self.services.stores.alerts.record_all(alerts, "America/New_York")
        self.outbox.watch(self.seconds)
        records, self.outbox.records = self.outbox.records, []
        return records

    def new(self, records: list[dict[str, Any]], container: Services | None = None) -> Delivered:
        found = events.new_alerts({"Records": records})
        done = (container or self.services).deliver.new(found, math.inf)
        self.outbox.watch(self.seconds)
        return done

    def again(self, container: Services | None = None) -> Delivered:
        """The messages that are due."""
        self.outbox.watch(self.seconds)
        due = self.outbox.take_due(self.seconds)
        found, _ = events.retries({"Records": [one.record for one in due]})
        done = (container or self.services).deliver.again(found, math.inf)
        self.outbox.watch(self.seconds)
        return done

    def until(self, seconds: float) -> list[Delivered]:
        """Let time pass, and make the attempts that become due."""
        done = []
        while self.seconds < seconds:
            self.seconds = min(seconds, self.seconds + 60)
            done.append(self.again())
        return done

    def receipt(self, alert: Alert) -> Receipt:
        stored = self.services.stores.alerts.find(alert.alert_id)
        assert stored is not None
        ((found,),) = receipts(self.services.stores.alerts.digests, [stored])
        return found


def test_held_alerts_come_in_one_digest_and_their_receipts_follow_it() -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(5)
    assert world.new(world.records(*alerts)) == Delivered(0, 0, 0, 0, (), held=5)
    before = world.receipt(alerts[0])
    assert (before.delivery.status, before.delivery.attempts) == ("held", 0)
    assert (before.held_until, before.reason) == (at(QUARTER), "digest every 15 minutes")
    assert world.aws.published == []
    world.until(QUARTER + 60)
    (message,) = world.aws.published
    assert data_of(message)["alerts"] == 5
    after = world.receipt(alerts[0])
    assert (after.delivery.status, after.delivery.attempts) == ("sent", 1)
    assert (after.held_until, after.reason) == (before.held_until, before.reason)
    check(world.aws, world.services.stores, alerts)


def plant_head(world: World, seconds: float, members: Any = None, **changes: Any) -> None:
    """Put an open head into the table, as another maker of it could: no message leads to it."""
    digest = Digest("sns", at(seconds))
    delivery = msgspec.structs.replace(opened(digest), **changes)
    item = key_of(digest) | {"outbox": {"S": "open"}, "delivery_sns": {"S": encoded(delivery)}}
    item |= {"members": members} if members else {}
    world.aws.dynamodb.put_item(TableName=SETTINGS.alerts_table, Item=item)


@pytest.mark.parametrize("seconds", [QUARTER, 86_400.0], ids=["by digest", "by mute"])
def test_a_digest_with_a_planted_open_head_is_sent(seconds: float) -> None:
    world = World(**(QUARTERS if seconds == QUARTER else {}))
    plant_head(world, seconds)
    if seconds != QUARTER:
        mute(world, seconds)
    alerts = many_alerts(5)
    world.new(world.records(*alerts[:3]))
    world.new(world.records(*alerts[3:]))
    assert len(world.outbox.messages) == 1, "a container puts one message for a digest"
    world.until(seconds + 60)
    (message,) = world.aws.published
    assert data_of(message)["alerts"] == 5


@pytest.mark.parametrize("members", [{"N": "1.5"}, {"N": "1E+30"}])
def test_a_planted_head_whose_count_is_no_whole_number_is_sent(members: dict[str, str]) -> None:
    world = World(**QUARTERS)
    plant_head(world, QUARTER, members)
    alerts = many_alerts(3)
    assert world.new(world.records(*alerts)).held == 3
    world.until(QUARTER + 60)
    (message,) = world.aws.published
    assert data_of(message)["alerts"] == 3
    assert [world.receipt(alert).delivery.status for alert in alerts] == ["sent"] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "sent"},
        {"status": "dead"},
        {"attempts": 9},
        {"members": {"S": "x"}},
        {"members": {"N": "-7"}},
    ],
)
def test_no_alert_joins_an_open_head_whose_delivery_is_not_new(changes: dict[str, Any]) -> None:
    world = World(**QUARTERS)
    plant_head(world, QUARTER, **changes)
    alerts = many_alerts(3)
    assert world.new(world.records(*alerts)).held == 3
    assert {world.receipt(alert).held_until for alert in alerts} == {at(2 * QUARTER)}
    world.until(2 * QUARTER + 60)
    assert [data_of(one)["alerts"] for one in world.aws.published if is_digest(one)][-1] == 3


def test_urgent_alerts_are_sent_at_once_and_take_no_place_of_the_limit() -> None:
    world = World(**ONE_IN_FIVE)
    urgent = many_alerts(3, severity="urgent")
    normal = many_alerts(3, first=10)
    done = world.new(world.records(*urgent, *normal))
    assert (done.sent, done.held) == (4, 2)
    assert {each.alert_id for each in urgent} <= set(sent_alone(world.aws))


def test_a_channel_that_holds_nothing_makes_the_calls_that_it_made() -> None:
    world = World()
    world.count_calls()
    records = world.records(*many_alerts(10))
    world.calls.clear()
    assert world.new(records).sent == 10
    assert world.calls == {"BatchGetItem": 1, "UpdateItem": 20, "Publish": 10}


@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_flood_of_alerts_in_a_minute_is_sent_or_in_the_digest(many: int) -> None:
    most_calls_a_batch = 4
    world = World(limit={"messages": 5, "minutes": 10})
    alerts = many_alerts(many)
    records = world.records(*alerts)
    world.count_calls()
    batches = [records[start : start + 100] for start in range(0, len(records), 100)]
    for number, batch in enumerate(batches):
        world.seconds = 60 * number / len(batches)
        assert world.new(batch).failed == ()
    assert sum(world.calls.values()) <= most_calls_a_batch * len(batches) + 25
    assert len(sent_alone(world.aws)) == 5
    world.aws.around = Aws().around
    world.until(1300)
    assert sum(digests_sent(world.aws).values()) == 1
    check(world.aws, world.services.stores, alerts)


def test_at_most_as_many_messages_come_in_each_window_as_the_limit_says() -> None:
    world = World(limit={"messages": 2, "minutes": 5})
    alerts: list[Alert] = []
    for minute in range(12):
        fresh = many_alerts(2, first=2 * minute)
        alerts += fresh
        world.until(60.0 * minute)
        world.new(world.records(*fresh))
    world.until(2000)
    check(world.aws, world.services.stores, alerts)
    assert len(sent_alone(world.aws)) == 2 + 1 + 1, "later windows begin with a digest"
    assert len(digests_sent(world.aws)) == 3


def test_two_containers_share_a_digest_and_a_limit() -> None:
    world = World(**ONE_IN_FIVE)
    other = world.container()
    first, second = many_alerts(3), many_alerts(3, first=3)
    world.new(world.records(*first))
    world.new(world.records(*second), other)
    assert len(sent_alone(world.aws)) == 1
    assert len(heads(world.aws)) == 1
    world.until(400)
    check(world.aws, world.services.stores, [*first, *second])


def test_containers_with_settings_of_different_age_lose_nothing() -> None:
    """One still holds for the quarter when the other holds for the limit, and sends."""
    world = World(**QUARTERS)
    stale = world.container()
    stale.deliver._channels.holding("sns")  # it keeps the settings for 30 s
    configure(world.container(), digest=None, **ONE_IN_FIVE)
    fresh = world.container()
    alerts = many_alerts(9)
    records = world.records(*alerts)
    world.new(records[:3], fresh)
    world.new(records[3:6], stale)
    world.new(records[6:], fresh)
    world.new(records[6:], stale)
    assert len(heads(world.aws)) == 2
    world.until(QUARTER + 60)
    check(world.aws, world.services.stores, alerts)


def test_an_alert_that_comes_too_late_for_a_digest_is_in_the_next_one() -> None:
    """The digest was sent by a container whose clock is ahead."""
    world = World(**QUARTERS)
    first, second = many_alerts(2), many_alerts(2, first=2)
    world.new(world.records(*first))
    world.seconds = QUARTER
    world.again()
    world.seconds = QUARTER - 1
    assert world.new(world.records(*second)).held == 2
    assert world.receipt(second[0]).held_until == at(2 * QUARTER)
    world.until(2 * QUARTER + 60)
    check(world.aws, world.services.stores, [*first, *second])


def test_an_alert_that_comes_too_late_for_the_end_of_quiet_hours_is_sent() -> None:
    hours = {"days": ["fri"], "start": "10:00", "end": "10:45", "time_zone": "America/New_York"}
    world = World(quiet_hours=[hours])
    first, second = make_alert(), make_alert(1)
    world.new(world.records(first))
    world.seconds = QUARTER
    world.again()
    world.seconds = QUARTER - 1
    assert world.new(world.records(second)).sent == 1
    check(world.aws, world.services.stores, [first, second])


@pytest.mark.parametrize("status", ["held", "sent"])
def test_a_batch_that_comes_again_changes_nothing(status: str) -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(4)
    records = world.records(*alerts)
    world.new(records)
    if status == "sent":
        world.until(QUARTER + 60)
    assert world.new(records) == Delivered(0, 0, 0, 0, ())
    assert world.new(records, world.container()) == Delivered(0, 0, 0, 0, ())
    world.until(3 * QUARTER)
    check(world.aws, world.services.stores, alerts)


def test_alerts_that_were_held_before_stay_out_of_a_later_batch() -> None:
    """A batch is split anew: some of its alerts are held already."""
    world = World(**QUARTERS)
    alerts = many_alerts(120)
    records = world.records(*alerts)
    world.new(records[40:60])
    assert world.new(records).held == 100
    world.until(QUARTER + 60)
    check(world.aws, world.services.stores, alerts)


def test_a_deleted_channel_leaves_its_held_alerts_dead_with_the_reason() -> None:
    world = World()
    made = world.services.channels.create(
        {"name": "hook", "kind": "webhook", "address": "https://hooks.example/", **QUARTERS}
        | {"secret": "s" * 20, "default": True}
    )
    configure(world.services, default=False)
    alert = make_alert()
    assert world.new(world.records(alert), world.container()).held == 1
    world.services.channels.remove(made.channel_id)
    world.services = world.container()
    world.until(QUARTER + 60)
    found = world.receipt(alert)
    assert (found.delivery.status, found.delivery.error) == (
        "dead",
        "the channel has been deleted",
    )
    assert found.held_until == at(QUARTER)


def test_a_digest_of_a_channel_that_was_switched_off_is_still_sent() -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    configure(world.services, enabled=False)
    world.services = world.container()
    assert world.new(world.records(make_alert(5))) == Delivered(0, 0, 0, 0, ())
    world.until(QUARTER + 60)
    check(world.aws, world.services.stores, alerts)


def failing(code: str) -> Callable[[str, dict[str, Any], Perform], dict[str, Any]]:
    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "Publish":
            raise error(operation, code, 429 if code == "Throttled" else 400)
        return perform()

    return around


def test_a_digest_that_is_throttled_is_tried_again() -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    world.aws.around = failing("Throttled")
    world.seconds = QUARTER
    assert world.again().retried == 1
    found = world.receipt(alerts[0]).delivery
    assert (found.status, found.error) == ("waiting", "SNS answered Throttled (429)")
    world.aws.around = Aws().around
    world.until(QUARTER + 120)
    check(world.aws, world.services.stores, alerts)


def test_a_digest_that_is_refused_is_dead_and_can_be_redriven() -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    world.aws.around = failing("NotFound")
    world.seconds = QUARTER
    assert world.again().dead == 1
    assert world.receipt(alerts[0]).delivery.status == "dead"
    world.aws.around = Aws().around
    letters, _ = events.retries({"Records": world.outbox.dead()})
    assert world.services.deliver.again(letters, math.inf).sent == 1
    check(world.aws, world.services.stores, alerts)


def conflicts(many: int) -> Callable[[str, dict[str, Any], Perform], dict[str, Any]]:
    """Have transactions meet other writers."""
    left = [many]

    def around(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
        if operation == "TransactWriteItems" and left[0]:
            left[0] -= 1
            refused = error(operation, "TransactionCanceledException", 400)
            reasons = [{"Code": "None"} for _ in request["TransactItems"]]
            reasons[0] = {"Code": "TransactionConflict"}
            refused.response["CancellationReasons"] = reasons
            raise refused
        return perform()

    return around


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "_FIRST_PAUSE_SECONDS", 0.0)


@pytest.mark.usefixtures("without_pauses")
def test_a_digest_that_others_write_is_tried_again() -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(2)
    records = world.records(*alerts)
    world.aws.around = conflicts(3)
    assert world.new(records).held == 2
    world.aws.around = conflicts(1000)
    late = many_alerts(2, first=2)
    records = world.records(*late)
    assert len(world.new(records).failed) == 2, "they come again"
    world.aws.around = Aws().around
    assert world.new(records).held == 2
    world.until(QUARTER + 60)
    check(world.aws, world.services.stores, [*alerts, *late])


def test_alerts_for_which_there_is_no_time_come_again() -> None:
    world = World(**QUARTERS)
    records = world.records(*many_alerts(2))
    found = events.new_alerts({"Records": records})
    assert len(world.services.deliver.new(found, 0.0).failed) == 2
    assert heads(world.aws) == []


SETTINGS_OF_DAYS: list[dict[str, Any]] = [
    {"digest": "every_15_minutes"},
    {"digest": "at_close"},
    {"digest": "until_open"},
    {"digest": {"daily_at": "02:30", "time_zone": "Europe/Berlin"}},
    {"limit": {"messages": 2, "minutes": 45}},
    {"limit": {"messages": 1, "minutes": 1440}, "digest": "as_it_happens"},
    {
        "quiet_hours": [
            {"days": list(DAYS), "start": "22:00", "end": "02:30", "time_zone": "Europe/Berlin"},
            {"days": ["sat"], "start": "00:00", "end": "00:00", "time_zone": "America/New_York"},
        ]
    },
    {},
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("start", ["2026-03-27T12:00:00Z", "2026-10-23T12:00:00Z"])
def test_each_alert_of_days_comes_once_while_settings_and_clocks_change(
    start: str, seed: int
) -> None:
    """Two containers, whose settings differ in age; clocks in Berlin change on the second night."""
    dice = Random(seed)
    world = World()
    world.seconds = (from_text(start) - instant(0)).total_seconds()
    end = world.seconds + 60 * 3600
    containers = [world.services, world.container()]
    alerts: list[Alert] = []
    while world.seconds < end:
        if dice.random() < 0.05:
            off = {"limit": None, "digest": None, "quiet_hours": None}
            configure(world.services, **off | dice.choice(SETTINGS_OF_DAYS))
            containers[dice.randrange(2)] = world.container()
        container = dice.choice(containers)
        if dice.random() < 0.5:
            fresh = many_alerts(dice.randint(1, 4), first=len(alerts))
            alerts += fresh
            records = world.records(*fresh)
            world.new(records, container)
            if dice.random() < 0.2:
                world.new(records, dice.choice(containers))
        world.again(container)
        world.seconds += dice.choice((30, 600, 1800))
    for _ in range(4 * 7):
        world.seconds += 6 * 3600
        world.again()
    assert world.outbox.is_empty
    assert digests_sent(world.aws)
    check(world.aws, world.services.stores, alerts)


def test_heads_members_and_limits_are_not_among_the_alerts() -> None:
    world = World(**ONE_IN_FIVE)
    alerts = many_alerts(4)
    world.new(world.records(*alerts))
    world.until(400)
    day = world.services.stores.alerts.by_day(at(0)[:10], None, None, limit=100)
    assert len(day.rows) == 4
    items = world.aws.tables["alerts"].items
    own = {symbol for symbol, _ in items if ":" in symbol}
    assert own == {f"digest:sns:{at(300)}", "limit:sns"}
    for (symbol, place), item in items.items():
        if symbol in own:
            assert not {"day", "alert_id"} & set(item)
            assert ("expires_at" in item) == (symbol != "limit:sns" and place != "#head")
    assert not any(is_digest(one) for one in world.aws.published[:1])


def mute(world: World, seconds: float = 600, **fields: Any) -> str:
    return world.services.mutes.create({"until": at(seconds), **fields}).mute_id


def test_muted_alerts_come_in_a_digest_when_the_mute_ends() -> None:
    world = World()
    mute(world, symbol="S0")
    muted, other = make_alert(symbol="S0"), make_alert(symbol="S1")
    done = world.new(world.records(muted, other))
    assert (done.sent, done.held) == (1, 1)
    assert list(sent_alone(world.aws)) == [other.alert_id]
    told = world.receipt(muted)
    assert (told.held_until, told.reason) == (at(600), f"muted until {at(600)}: S0")
    world.until(600)
    assert world.receipt(muted).delivery.status == "sent"
    assert world.new(world.records(make_alert(601, symbol="S0"))).sent == 1
    check(world.aws, world.services.stores, [muted, other])


def test_a_removed_mute_releases_nothing_and_holds_no_more() -> None:
    world = World()
    mute_id = mute(world)
    held, sent = make_alert(1), make_alert(2)
    assert world.new(world.records(held)).held == 1
    world.services.mutes.remove(mute_id)
    assert world.new(world.records(sent), world.container()).sent == 1
    world.until(599)
    assert world.receipt(held).delivery.status == "held"
    world.until(600)
    check(world.aws, world.services.stores, [held, sent])


def test_an_urgent_alert_is_held_by_a_mute_of_its_rule_alone() -> None:
    world = World(**QUARTERS)
    mute(world, symbol="AAPL")
    mute(world)
    mute(world, seconds=300, rule_id="r2")
    urgent = [make_alert(rule_id=rule_id, severity="urgent") for rule_id in ("r1", "r2")]
    done = world.new(world.records(*urgent))
    assert (done.sent, done.held) == (1, 1)
    assert world.receipt(urgent[1]).reason == f"muted until {at(300)}: the rule r2"
    world.until(300)
    check(world.aws, world.services.stores, urgent)


def test_a_muted_alert_waits_for_the_channels_digest_if_that_is_later() -> None:
    world = World(**QUARTERS)
    mute(world)
    alert = make_alert()
    world.new(world.records(alert))
    assert world.receipt(alert).held_until == at(QUARTER)
    world.until(QUARTER)
    check(world.aws, world.services.stores, [alert])


@pytest.mark.usefixtures("without_pauses")
def test_an_alert_that_comes_twice_in_a_batch_is_held_once_and_told_of_for_each_record() -> None:
    """A record comes twice, or the alert was deleted with its symbol and is raised again."""
    world = World(**QUARTERS)
    alerts = many_alerts(3)
    records = world.records(*alerts)
    again = {**records[0], "dynamodb": {**records[0]["dynamodb"], "SequenceNumber": "again"}}
    world.aws.around = conflicts(1000)
    names = [one["dynamodb"]["SequenceNumber"] for one in records]
    assert set(world.new([*records, again]).failed) == {*names, "again"}
    world.aws.around = Aws().around
    assert world.new([*records, again]) == Delivered(0, 0, 0, 0, (), held=3)
    world.until(QUARTER + 60)
    check(world.aws, world.services.stores, alerts)


def test_recurring_mutes_are_computed_once_a_batch_and_not_for_each_alert_and_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    hours = {"days": list(DAYS[:6]), "start": "00:00", "end": "00:01", "time_zone": "UTC"}
    for _ in range(5):
        world.services.mutes.create({"recurring": hours})
    records = world.records(*many_alerts(20))
    computed = []

    def quiet_end(*given: Any) -> Any:
        computed.append(given)
        return quiet_hours.quiet_end(*given)

    monkeypatch.setattr(mutes, "quiet_end", quiet_end)
    assert world.new(records).sent == 20
    assert len(computed) == 5


def test_nothing_is_decided_once_the_time_is_over() -> None:
    world = World()
    mute(world, symbol="AAPL")
    records = world.records(*many_alerts(3))
    found = events.new_alerts({"Records": records})
    assert len(world.services.deliver.new(found, -math.inf).failed) == 3
    world.until(60)
    assert world.new(records).sent == 3


def test_a_very_large_digest_has_its_latest_alerts_and_counts_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deliver, "MOST_MEMBERS", 10)
    world = World(**QUARTERS)
    world.aws.dynamodb.page_items = 10
    alerts = many_alerts(25)
    world.new(world.records(*alerts))
    world.seconds = QUARTER
    world.count_calls()
    world.again()
    (message,) = world.aws.published
    data = data_of(message)
    assert (data["alerts"], data["complete"]) == (25, False)
    assert sum(group["alerts"] for group in data["groups"]) == 10
    assert max(group["last"] for group in data["groups"]) == alerts[-1].timestamp
    assert message["Subject"] == "25 alerts, the latest 10 on 7 symbols"
    assert "Before: 15 more" in json.loads(message["Message"])["default"]
    symbols = {group["symbol"] for group in data["groups"]}
    assert set(json.loads(message["MessageAttributes"]["symbol"]["StringValue"])) == symbols
    assert world.calls["Query"] == 1


def test_a_digest_that_cannot_be_read_in_time_is_dead_after_the_last_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(2)
    world.new(world.records(*alerts))
    reads: list[Digest] = []
    begun: list[bool] = []
    members = Digests.members

    def slow(store: Digests, digest: Digest) -> Iterator[Member]:
        reads.append(digest)
        begun.append(True)
        return members(store, digest)

    with monkeypatch.context() as patched:
        patched.setattr(Turn, "has_time", property(lambda _: not begun))
        patched.setattr(Digests, "members", slow)
        for _ in range(20):
            world.seconds += QUARTER
            begun.clear()
            world.again()
    found = world.receipt(alerts[0]).delivery
    assert (found.status, found.attempts, found.error) == ("dead", MAX_ATTEMPTS, UNREAD)
    assert (len(reads), world.aws.published) == (MAX_ATTEMPTS, [])
    letters, _ = events.retries({"Records": world.outbox.dead()})
    assert world.services.deliver.again(letters, math.inf).sent == 1
    check(world.aws, world.services.stores, alerts)


def test_one_digest_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(**QUARTERS)
    alerts = many_alerts(4)
    world.new(world.records(*alerts[:2]))
    world.seconds = QUARTER
    world.new(world.records(*alerts[2:]))
    together = threading.Barrier(2)
    met: list[bool] = []
    members = Digests.members

    def noted(store: Digests, digest: Digest) -> Iterator[Member]:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.1)
            met.append(True)
        return members(store, digest)

    monkeypatch.setattr(Digests, "members", noted)
    world.seconds = 2 * QUARTER
    assert world.again().sent == 2
    assert met == []
    monkeypatch.undo()
    check(world.aws, world.services.stores, alerts)


def test_copies_of_a_digests_timer_merge() -> None:
    """Each message of the queue comes twice, as SQS may deliver it. The last quarter of an hour is
    that of the digest's own timer."""
    world = World()
    mute(world, 4 * 3600)
    alerts = many_alerts(3)
    world.new(world.records(*alerts))
    waiting = []
    while world.seconds < 4 * 3600:
        world.seconds += QUARTER
        due = [one.record for one in world.outbox.take_due(world.seconds)]
        found, _ = events.retries({"Records": [*due, *due]})
        world.services.deliver.again(found, math.inf)
        world.outbox.watch(world.seconds)
        waiting.append(len(world.outbox.messages))
    assert waiting == [1] * 14 + [2, 0]
    check(world.aws, world.services.stores, alerts)


def test_a_timer_goes_on_if_a_process_dies_before_it_notes_that_it_put_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    mute(world, 3600)
    alerts = many_alerts(3)
    world.new(world.records(*alerts))
    world.seconds = QUARTER
    due = [one.record for one in world.outbox.take_due(world.seconds)]
    found, _ = events.retries({"Records": due})

    def dies(*_: Any) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(Agendas, "note_timer", dies)
        assert len(world.services.deliver.again(found, math.inf).failed) == 1
    world.services.deliver.again(found, math.inf)  # the message comes again
    world.outbox.watch(world.seconds)
    assert len(world.outbox.messages) == 2
    world.seconds += QUARTER
    world.again()
    assert len(world.outbox.messages) == 1, "the two have merged"
    world.until(3700)
    check(world.aws, world.services.stores, alerts)


def refused_digest(monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[Alert], list[Any]]:
    """Return a world with a dead digest of three alerts, these, and its dead letters."""
    world = World(**QUARTERS)
    alerts = many_alerts(3)
    world.new(world.records(*alerts))
    with monkeypatch.context() as patched:
        patched.setattr(attempts, "MAX_ATTEMPTS", 1)
        world.aws.around = fail_publish
        world.seconds = QUARTER
        assert world.again().dead == 1
    world.count_calls()  # the topic takes messages again
    letters, _ = events.retries({"Records": world.outbox.dead()})
    return world, alerts, list(letters)


def fail_publish(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
    if operation == "Publish":
        raise error("Publish", "Throttled", 429)
    return perform()


def expire(world: World, many: int) -> None:
    """Delete members of digests, as DynamoDB does after their time."""
    members = sorted(key for key in world.aws.tables["alerts"].items if is_member(*key))
    for symbol, place in members[:many]:
        key = {"symbol": {"S": symbol}, "timestamp_rule": {"S": place}}
        world.aws.dynamodb.delete_item(TableName="alerts", Key=key)


def is_member(symbol: str, place: str) -> bool:
    return symbol.startswith("digest:") and not place.startswith("#")


def test_a_digest_without_its_members_does_not_count_as_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, alerts, letters = refused_digest(monkeypatch)
    expire(world, 3)
    assert world.services.deliver.again(letters, math.inf).failed == (), "the letter is used up"
    assert world.aws.published == []
    found = world.receipt(alerts[0]).delivery
    assert (found.status, found.error) == ("dead", EXPIRED)


def test_a_digest_that_lost_members_says_that_it_is_not_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, _, letters = refused_digest(monkeypatch)
    expire(world, 1)
    assert world.services.deliver.again(letters, math.inf).sent == 1
    data = data_of(world.aws.published[0])
    assert (data["alerts"], data["complete"]) == (3, False)
    assert sum(group["alerts"] for group in data["groups"]) == 2
