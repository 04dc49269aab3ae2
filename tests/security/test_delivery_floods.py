"""A key that may write rules and channels delays nobody else's alerts: what is beyond a minute's
messages and retries waits for a digest, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chalicelib.domain.alerts import Alert
from chalicelib.domain.deliveries import Passing
from chalicelib.domain.digests import Digest, digest_of
from chalicelib.domain.messages import Message
from chalicelib.domain.mutes import Mute, held_by, in_force
from chalicelib.services.delivery.budget import MESSAGES, RETRIES
from chalicelib.services.delivery.deliver import Deliver
from chalicelib.services.delivery.holder import TOO_MANY, UNSENT
from chalicelib.services.delivery.lanes import PARALLEL_SENDS
from tests.factories import at, instant, make_alert
from tests.fake_delivery import FakeDigests
from tests.unit.delivery.test_deliver import Rig

CHANNELS = tuple(f"channel-{n}" for n in range(10))


class Flooded(Rig):
    """A rig that keeps what is held."""

    def __init__(self, *channels: str) -> None:
        self.digests = FakeDigests()
        super().__init__(*channels)

    def container(self) -> Deliver:
        made = super().container()
        made._holder._digests = self.digests
        return made

    @property
    def held(self) -> list[tuple[str, str, str]]:
        """The alert, the channel and the reason of each that is held."""
        return [
            (one.stored.alert.alert_id, digest.channel, one.delivery.reason)
            for digest, one in self.digests.held
        ]


@pytest.fixture
def rig() -> Flooded:
    return Flooded(*CHANNELS)


def refuse(_: Message) -> None:
    raise Passing("answered 500")


def test_alerts_on_many_channels_count_once_for_each(rig: Flooded) -> None:
    flood = [make_alert(rule_id="flood", seconds=n / 10) for n in range(100)]
    done = rig.new(*flood)
    assert (done.sent, done.held) == (MESSAGES.rule + len(CHANNELS), 1000 - done.sent)
    sent = Counter({name: len(rig.sent(name)) for name in CHANNELS})
    assert max(sent.values()) - min(sent.values()) <= 1, "the channels share evenly"
    alone = {(alert, name) for name in CHANNELS for alert in rig.sent(name)}
    held = {(alert, name) for alert, name, _ in rig.held}
    assert alone | held == {(alert.alert_id, name) for alert in flood for name in CHANNELS}
    assert not alone & held
    assert {reason for _, _, reason in rig.held} == {TOO_MANY}
    assert {digest for digest, _ in rig.digests.held} == {Digest(n, at(300.0)) for n in CHANNELS}
    other = rig.new(make_alert(rule_id="other"))
    assert other.sent == len(CHANNELS), "another rule's alert is sent at once"


def test_urgent_alerts_of_a_batch_take_first(rig: Flooded) -> None:
    flood = [make_alert(rule_id=f"flood-{n % 2}", seconds=n / 10) for n in range(200)]
    urgent = [make_alert(rule_id="u", severity="urgent", seconds=30 + n) for n in range(5)]
    rig.new(*flood, *urgent)
    for name in CHANNELS:
        assert {alert.alert_id for alert in urgent} <= set(rig.sent(name))


@pytest.mark.parametrize("failing", [1, len(CHANNELS)])
def test_channels_that_fail_at_once_do_not_fill_the_queue_of_retries(
    rig: Flooded, failing: int
) -> None:
    for name in CHANNELS[:failing]:
        rig.channels[name].send = refuse
    total = Counter[str]()
    for batch in range(9):
        alerts = [make_alert(rule_id=f"r{n}", seconds=batch + n / 100) for n in range(10)]
        done = rig.new(*alerts)
        total.update(held=done.held, queued=done.retried + done.deferred, sent=done.sent)
        assert done.failed == ()
    most = RETRIES.each if failing == 1 else RETRIES.shared + failing * RETRIES.own
    assert total["queued"] <= most + failing * PARALLEL_SENDS
    queued = [retry for retry, _ in rig.retries.waiting if digest_of(retry.symbol) is None]
    assert len(queued) == total["queued"]
    assert total["sent"] == 90 * (len(CHANNELS) - failing)
    assert sum(total.values()) == 900
    assert {reason for _, _, reason in rig.held} <= {UNSENT, TOO_MANY}


def test_a_channel_that_recovers_gets_its_alerts_alone_again(rig: Flooded) -> None:
    working: Any = rig.channels["channel-0"].send
    rig.channels["channel-0"].send = refuse
    for batch in range(9):
        rig.new(*[make_alert(rule_id=f"r{n}", seconds=batch + n / 100) for n in range(10)])
    rig.channels["channel-0"].send = working
    rig.seconds += 60.0
    assert rig.new(make_alert(rule_id="next", seconds=60.0)).sent == len(CHANNELS)


def test_mutes_that_end_within_a_minute_make_one_digest_on_a_channel() -> None:
    now = instant(0)
    mutes = [Mute(mute_id=f"m{n}", rule_id=f"r{n}", until=at(60 + n / 2)) for n in range(1, 101)]
    held = [held_by(in_force(mutes, now), alert_of(n)) for n in range(1, 101)]
    found = {each.until for each in held if each}
    assert found == {instant(120)}


def alert_of(number: int) -> Alert:
    return make_alert(rule_id=f"r{number}")
