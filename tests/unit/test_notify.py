from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Contended
from chalicelib.domain.messages import Message
from chalicelib.services.notify import LEASE, Notifier
from tests.factories import at, instant, make_alert
from tests.fakes import FakeAlerts, FakePublisher

ALERT = make_alert()


class System:
    """A notifier on fakes whose clock stands until it is moved."""

    def __init__(self) -> None:
        self.alerts = FakeAlerts()
        self.publisher: Any = FakePublisher()
        self.seconds = 0.0
        clock = lambda: instant(self.seconds)  # noqa: E731
        self.notifier = Notifier(self.alerts, self.publisher, "", clock)

    def deliver(self, owner: str = "me", **fields: Any) -> int:
        return self.notifier.deliver([make_alert(**fields)], owner, None)

    def stored(self) -> Any:
        return self.alerts.stored[ALERT.symbol, f"{ALERT.timestamp}#{ALERT.rule_id}"]


@pytest.fixture
def system() -> System:
    return System()


def test_an_alert_is_recorded_sent_and_marked(system: System) -> None:
    assert system.deliver() == 1
    assert system.stored().notified_at == at(0)
    assert [message.attributes["alert_id"] for message in system.publisher.sent] == [ALERT.alert_id]


def test_an_alert_that_has_been_sent_is_not_sent_again(system: System) -> None:
    system.deliver()
    assert system.deliver("another") == 0
    assert len(system.publisher.sent) == 1


def test_a_quiet_alert_is_recorded_only(system: System) -> None:
    assert system.deliver(quiet="old") == 0
    assert system.publisher.sent == []
    assert system.stored().notified_at is None


def test_while_another_sends_it_one_has_to_ask_again(system: System) -> None:
    system.alerts.claim(ALERT, "another", at(0), at(20))
    with pytest.raises(Contended):
        system.deliver()
    assert system.publisher.sent == []


def test_a_claim_that_has_run_out_is_taken_over(system: System) -> None:
    system.alerts.claim(ALERT, "the dead", at(0), at(LEASE.total_seconds()))
    system.seconds = LEASE.total_seconds() + 1
    assert system.deliver() == 1


def test_ones_own_claim_is_no_hindrance(system: System) -> None:
    system.alerts.claim(ALERT, "me", at(0), at(20))
    assert system.deliver("me") == 1


def test_a_failed_publish_gives_the_claim_back(system: System) -> None:
    working = system.publisher.publish

    def broken(message: Message) -> None:
        raise OSError("no topic")

    system.publisher.publish = broken
    with pytest.raises(OSError, match="no topic"):
        system.deliver("me")
    system.publisher.publish = working
    assert system.deliver("another") == 1
