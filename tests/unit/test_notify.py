from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.alerts import Alert
from chalicelib.domain.errors import Contended
from chalicelib.domain.messages import Message
from chalicelib.services.notify import LEASE, PARALLEL_SENDS, Notifier, Sender
from tests.factories import at, instant, make_alert
from tests.fakes import FakeAlerts, FakeChannel

ALERT = make_alert()


class System:
    """A notifier on fakes whose clock stands until it is moved."""

    def __init__(self) -> None:
        self.alerts = FakeAlerts()
        self.publisher: Any = FakeChannel()
        self.seconds = 0.0
        clock = lambda: instant(self.seconds)  # noqa: E731
        self.notifier = Notifier(self.alerts, self.publisher, "", clock)

    def deliver(self, owner: str = "me", **fields: Any) -> int:
        """Return the messages sent for one alert; raise its error."""
        sent, left, error = self.notifier.deliver([make_alert(**fields)], Sender(owner), None)
        assert len(left) == (error is not None)
        if error is not None:
            raise error
        return sent

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


def test_quiet_alerts_are_recorded_together_and_hold_up_no_others(system: System) -> None:
    quiet = [make_alert(rule_id=f"q{number}", quiet="too many") for number in range(9)]
    loud = [make_alert(rule_id=f"r{number}") for number in range(3)]
    recorded = system.alerts.record_all
    given: list[int] = []

    def refused(alerts: Sequence[Alert]) -> None:
        given.append(len(alerts))
        raise OSError("the table cannot be reached")

    system.alerts.record_all = refused  # type: ignore[method-assign]
    mixed = [*loud[:1], *quiet, *loud[1:]]
    sent, left, error = system.notifier.deliver(mixed, Sender("me"), None)
    assert (sent, left, type(error), given) == (3, tuple(quiet), OSError, [9])
    system.alerts.record_all = recorded  # type: ignore[method-assign]
    assert system.notifier.deliver(left, Sender("me"), None) == (0, (), None)
    assert len(system.alerts.stored) == 12
    assert len(system.publisher.sent) == 3


def test_while_another_sends_it_one_has_to_ask_again(system: System) -> None:
    system.alerts.claim(ALERT, "another", at(0), at(20))
    with pytest.raises(Contended):
        system.deliver()
    assert system.publisher.sent == []


def test_a_failing_alert_does_not_delay_others(system: System) -> None:
    alerts = [make_alert(rule_id=f"r{number}") for number in range(20)]
    system.alerts.claim(alerts[7], "another", at(0), at(LEASE.total_seconds()))
    sent, left, error = system.notifier.deliver(alerts, Sender("me"), None)
    assert (sent, left, type(error)) == (19, (alerts[7],), Contended)
    system.seconds = LEASE.total_seconds() + 1
    assert system.notifier.deliver(alerts, Sender("me"), None) == (1, (), None)
    assert len({sent.attributes["alert_id"] for sent in system.publisher.sent}) == 20


def test_several_alerts_are_under_way_at_once(system: System) -> None:
    meeting = threading.Barrier(PARALLEL_SENDS, timeout=60)
    working = system.publisher.send

    def publish(message: Message) -> None:
        meeting.wait()
        working(message)

    system.publisher.send = publish
    alerts = [make_alert(rule_id=f"r{number}") for number in range(2 * PARALLEL_SENDS)]
    assert system.notifier.deliver(alerts, Sender("me"), None) == (len(alerts), (), None)


def test_a_single_alert_is_delivered_in_the_callers_thread(system: System) -> None:
    threads: list[threading.Thread] = []
    system.publisher.send = lambda _message: threads.append(threading.current_thread())
    assert system.deliver() == 1
    assert threads == [threading.current_thread()]


def test_a_claim_that_was_slow_is_renewed_before_publishing(system: System) -> None:
    claim, ends = system.alerts.claim, []

    def slow(alert: Alert, owner: str, now: str, until: str) -> bool:
        ends.append(until)
        system.seconds += 20 if len(ends) == 1 else 0
        return claim(alert, owner, now, until)

    system.alerts.claim = slow  # type: ignore[method-assign]
    assert system.deliver() == 1
    lease = LEASE.total_seconds()
    assert ends == [at(lease), at(20 + lease)]


def test_an_alert_that_cannot_be_claimed_in_time_is_left_to_the_next_delivery(
    system: System,
) -> None:
    claim = system.alerts.claim

    def slow(alert: Alert, owner: str, now: str, until: str) -> bool:
        system.seconds += 20
        return claim(alert, owner, now, until)

    system.alerts.claim = slow  # type: ignore[method-assign]
    with pytest.raises(Contended, match="in time"):
        system.deliver()
    system.alerts.claim = claim  # type: ignore[method-assign]
    assert system.deliver("another") == 1
    assert len(system.publisher.sent) == 1


def test_a_claim_that_has_run_out_is_taken_over(system: System) -> None:
    system.alerts.claim(ALERT, "the dead", at(0), at(LEASE.total_seconds()))
    system.seconds = LEASE.total_seconds() + 1
    assert system.deliver() == 1


def test_an_own_claim_does_not_block(system: System) -> None:
    system.alerts.claim(ALERT, "me", at(0), at(20))
    assert system.deliver("me") == 1


def test_a_failed_publish_gives_the_claim_back(system: System) -> None:
    working = system.publisher.send

    def broken(message: Message) -> None:
        raise OSError("no topic")

    system.publisher.send = broken
    with pytest.raises(OSError, match="no topic"):
        system.deliver("me")
    system.publisher.send = working
    assert system.deliver("another") == 1
