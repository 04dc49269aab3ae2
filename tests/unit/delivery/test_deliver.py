"""The first attempt of an alert on each channel, and the further ones."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
import pytest

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.breakers import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_SECONDS,
    SECONDS_TO_OPEN,
    SLOW_FAILURES_TO_OPEN,
    SLOW_SECONDS,
)
from chalicelib.domain.deliveries import (
    LONGEST_PAUSE_OF_QUICK_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MAX_ATTEMPTS,
    MAX_POSTPONED_SECONDS,
    Delivery,
    Lasting,
    Passing,
    Retry,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.times import to_text
from chalicelib.services.delivery import lanes
from chalicelib.services.delivery.attempts import NEVER_TRIED, NOT_TRIED, POSTPONED
from chalicelib.services.delivery.budget import RETRIES
from chalicelib.services.delivery.claims import LEASE
from chalicelib.services.delivery.deliver import Deliver
from chalicelib.services.delivery.lanes import PARALLEL_SENDS
from chalicelib.services.delivery.stores import Key
from chalicelib.services.delivery.tasks import (
    MOST_FAILURES,
    Delivered,
    first_request,
)
from chalicelib.services.delivery.time_budget import TIME
from tests.factories import at, instant, make_alert
from tests.fake_delivery import FakeChannel, FakeDeliveries, FakeDigests, FakeDirectory, FakeRetries

ALERT = make_alert()


class Rig:
    """Delivering over two channels in memory; the clock stands until it is moved."""

    def __init__(self, *channels: str) -> None:
        self.store = FakeDeliveries()
        self.retries = FakeRetries()
        self.channels: dict[str, Any] = {name: FakeChannel() for name in channels or ("sns",)}
        self.seconds = 0.0
        self.since: dict[str, datetime] = {}
        self.deliver = self.container()

    def container(self) -> Deliver:
        """Another container over the same stores."""
        channels = FakeDirectory(self.channels)
        channels.since = self.since
        clock = lambda: instant(self.seconds)  # noqa: E731
        return Deliver(self.store, channels, self.retries, "", clock, FakeDigests())

    def new(self, *alerts: Alert, deadline: float = math.inf) -> Delivered:
        """The alerts are recorded, and come to this container."""
        for alert in alerts:
            if self.store.find(alert.symbol, alert.timestamp, alert.rule_id) is None:
                self.store.put(StoredAlert(alert))
        named = [(f"record-{n}", StoredAlert(alert)) for n, alert in enumerate(alerts)]
        return self.deliver.new(named, deadline)

    def again(self, *retries: Retry) -> Delivered:
        """Requests come to this container."""
        named = [(f"message-{n}", retry) for n, retry in enumerate(retries)]
        return self.deliver.again(named, math.inf)

    def next_retry(self) -> tuple[Retry, float]:
        """The oldest request that waits, taken from the queue."""
        return self.retries.waiting.pop(0)

    def sent(self, channel: str = "sns") -> list[str]:
        return [message.attributes["alert_id"] for message in self.channels[channel].sent]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def failing(rig: Rig, error: Callable[[], Exception], channel: str = "sns") -> Callable[[], None]:
    """Have a channel fail until what is returned is called."""
    working = rig.channels[channel].send

    def send(message: Message) -> None:
        raise error()

    def mend() -> None:
        rig.channels[channel].send = working

    rig.channels[channel].send = send
    return mend


def test_a_new_alert_is_sent_and_marked(rig: Rig) -> None:
    assert rig.new(ALERT) == Delivered(1, 0, 0, 0, ())
    assert rig.sent() == [ALERT.alert_id]
    assert rig.store.of(ALERT) == Delivery(channel="sns", status="sent", attempts=1, at=at(0))
    assert rig.store.stored[ALERT.symbol, ALERT.timestamp, ALERT.rule_id].notified_at == at(0)


def test_an_alert_that_comes_again_is_sent_once(rig: Rig) -> None:
    rig.new(ALERT)
    rig.deliver = rig.container()
    assert rig.new(ALERT) == Delivered(0, 0, 0, 0, ())
    assert rig.sent() == [ALERT.alert_id]


def test_two_containers_that_have_an_alert_at_once_send_it_once(rig: Rig) -> None:
    working, meanwhile = rig.channels["sns"].send, []

    def send(message: Message) -> None:
        meanwhile.append(rig.container().new([("record", StoredAlert(ALERT))], math.inf))
        working(message)

    rig.channels["sns"].send = send
    assert rig.new(ALERT).sent == 1
    assert meanwhile == [Delivered(0, 0, 0, 1, ())]
    assert rig.sent() == [ALERT.alert_id]
    retry, seconds = rig.next_retry()
    assert seconds == LEASE.total_seconds()
    rig.seconds += seconds + 1
    assert rig.again(retry) == Delivered(0, 0, 0, 0, ())
    assert rig.sent() == [ALERT.alert_id]


def test_the_claim_of_a_dead_invocation_is_taken_over_when_it_has_ended(rig: Rig) -> None:
    class Killed(BaseException):
        pass

    mend = failing(rig, Killed)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        rig.new(ALERT)
    mend()
    assert rig.new(ALERT) == Delivered(0, 0, 0, 1, ())
    retry, seconds = rig.next_retry()
    rig.seconds += seconds + 1
    assert rig.again(retry) == Delivered(1, 0, 0, 0, ())
    found = rig.store.of(ALERT)
    assert found is not None
    assert (found.status, found.attempts) == ("sent", 2)


def test_a_passing_failure_is_tried_again_after_a_growing_pause(rig: Rig) -> None:
    mend = failing(rig, lambda: Passing("SNS answered Throttled (429)"))
    assert rig.new(ALERT) == Delivered(0, 1, 0, 0, ())
    pauses = []
    for attempts in range(1, 6):
        retry, seconds = rig.next_retry()
        pauses.append(seconds)
        assert rig.store.of(ALERT) == Delivery(
            channel="sns",
            status="waiting",
            attempts=attempts,
            at=at(rig.seconds),
            error="SNS answered Throttled (429)",
            until=at(rig.seconds + seconds),
        )
        rig.seconds = round(rig.seconds + seconds, 6)
        assert rig.again(retry).retried == 1
    assert all(5 * 2**n / 2 <= pause <= 5 * 2**n for n, pause in enumerate(pauses))
    mend()
    retry, seconds = rig.next_retry()
    rig.seconds += seconds
    assert rig.again(retry).sent == 1
    found = rig.store.of(ALERT)
    assert found is not None
    assert (found.status, found.attempts, found.error) == ("sent", 7, "")


def test_a_receiver_says_when_to_come_again(rig: Rig) -> None:
    failing(rig, lambda: Passing("429", retry_after=1200))
    rig.new(ALERT)
    retry, seconds = rig.next_retry()
    assert seconds == 1200
    rig.seconds = 900  # the queue keeps nothing back for longer
    assert rig.again(retry) == Delivered(0, 0, 0, 1, ())
    assert rig.next_retry() == (retry, 300)


def test_the_last_attempt_ends_in_a_dead_letter_with_its_reason(rig: Rig) -> None:
    failing(rig, lambda: Passing("SNS did not answer: ReadTimeoutError"))
    rig.new(ALERT)
    outcomes = []
    while rig.retries.waiting:
        retry, seconds = rig.next_retry()
        assert seconds <= LONGEST_PAUSE_SECONDS
        rig.seconds += seconds
        outcomes.append(rig.again(retry))
    assert [one.dead for one in outcomes] == [0] * (MAX_ATTEMPTS - 2) + [1]
    ((letter, reason),) = rig.retries.dead
    assert (letter.attempts, reason) == (MAX_ATTEMPTS, "SNS did not answer: ReadTimeoutError")
    found = rig.store.of(ALERT)
    assert found is not None
    assert (found.status, found.error) == ("dead", reason)


def test_a_lasting_failure_is_tried_once(rig: Rig) -> None:
    failing(rig, lambda: Lasting("SNS answered InvalidParameter (400)"))
    assert rig.new(ALERT) == Delivered(0, 0, 1, 0, ())
    assert rig.retries.waiting == []
    ((letter, reason),) = rig.retries.dead
    assert reason == "SNS answered InvalidParameter (400)"
    assert rig.again(msgspec.structs.replace(letter, dead=False)) == Delivered(0, 0, 0, 0, ())


def test_a_redriven_delivery_gets_a_round_of_attempts(rig: Rig) -> None:
    mend = failing(rig, lambda: Lasting("SNS answered NotFound (404)"))
    rig.new(ALERT)
    ((letter, _),) = rig.retries.dead
    assert rig.again(letter).failed == ("message-0",), "it stays where redrive found it"
    assert len(rig.retries.dead) == 1
    mend()
    mend = failing(rig, lambda: Passing("SNS answered Throttled (429)"))
    assert rig.again(letter) == Delivered(0, 1, 0, 0, ())
    retry, seconds = rig.next_retry()
    assert (retry.attempts, retry.since, retry.dead) == (3, 2, False)
    mend()
    rig.seconds += seconds
    assert rig.again(retry).sent == 1
    assert rig.again(letter) == Delivered(0, 0, 0, 0, ()), "a second redrive sends nothing"


def test_requests_that_are_repeated_are_followed_once(rig: Rig) -> None:
    failing(rig, lambda: Passing("429"))
    rig.new(ALERT)
    retry, seconds = rig.next_retry()
    rig.seconds += seconds
    assert rig.again(retry).retried == 1
    assert rig.again(retry) == Delivered(0, 0, 0, 0, ())
    assert rig.new(ALERT) == Delivered(0, 0, 0, 0, ())
    assert len(rig.retries.waiting) == 1


def test_a_channel_that_fails_holds_up_no_other(rig: Rig) -> None:
    rig = Rig("hook", "sns")
    failing(rig, lambda: OSError("a fault of the channel"), "hook")
    alerts = [make_alert(rule_id=f"r{n}") for n in range(30)]
    done = rig.new(*alerts)
    put_off = done.retried + done.deferred + done.held
    assert (done.sent, put_off, done.failed) == (30, 30, ())
    assert done.retried + done.deferred <= RETRIES.each + PARALLEL_SENDS, "the others are held"
    assert done.retried < MOST_FAILURES + PARALLEL_SENDS, "it is not asked on and on"
    assert sorted(rig.sent()) == sorted(alert.alert_id for alert in alerts)
    found = rig.store.of(alerts[0], "hook")
    assert found is not None
    assert found.error == "OSError", "what an unknown error says is not shown"


def test_attempts_that_could_outlast_the_invocation_are_put_off(rig: Rig) -> None:
    assert rig.new(ALERT, deadline=0.0) == Delivered(0, 0, 0, 1, ())
    assert rig.store.of(ALERT) is None
    retry, seconds = rig.next_retry()
    rig.seconds += seconds
    assert rig.again(retry).sent == 1


def test_no_attempt_begins_if_its_claim_used_up_the_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(rig.deliver, "_monotonic", lambda: seconds[0])
    working = rig.store.replace

    def slow(*claim: Any) -> bool:
        seconds[0] += 10.0
        return working(*claim)

    monkeypatch.setattr(rig.store, "replace", slow)
    assert rig.new(ALERT, deadline=15.0) == Delivered(0, 0, 0, 1, ())
    assert rig.sent() == []
    retry, pause = rig.next_retry()
    rig.seconds += pause + 1
    assert rig.again(retry).sent == 1


def test_several_alerts_are_under_way_at_once(rig: Rig) -> None:
    meeting = threading.Barrier(PARALLEL_SENDS, timeout=60)
    working = rig.channels["sns"].send

    def send(message: Message) -> None:
        meeting.wait()
        working(message)

    rig.channels["sns"].send = send
    alerts = [make_alert(rule_id=f"r{n}") for n in range(2 * PARALLEL_SENDS)]
    assert rig.new(*alerts).sent == len(alerts)


def test_a_claim_that_was_slow_is_written_again_before_sending(rig: Rig) -> None:
    replace, ends = rig.store.replace, []

    def slow(key: Key, before: Delivery | None, after: Delivery) -> bool:
        if after.status == "sending":
            ends.append(after.until)
            rig.seconds += 20 if len(ends) == 1 else 0
        return replace(key, before, after)

    rig.store.replace = slow  # type: ignore[method-assign]
    assert rig.new(ALERT).sent == 1
    lease = LEASE.total_seconds()
    assert ends == [at(lease), at(20 + lease)]
    assert rig.store.of(ALERT) == Delivery(channel="sns", status="sent", attempts=1, at=at(20))


def test_an_alert_that_cannot_be_claimed_in_time_is_put_off(rig: Rig) -> None:
    replace = rig.store.replace

    def slow(key: Key, before: Delivery | None, after: Delivery) -> bool:
        rig.seconds += 20
        return replace(key, before, after)

    rig.store.replace = slow  # type: ignore[method-assign]
    assert rig.new(ALERT) == Delivered(0, 0, 0, 1, ())
    rig.store.replace = replace  # type: ignore[method-assign]
    retry, seconds = rig.next_retry()
    rig.seconds += seconds + 1
    assert rig.again(retry).sent == 1
    assert len(rig.sent()) == 1


def test_stores_that_cannot_be_reached_have_the_record_come_again(rig: Rig) -> None:
    def broken(*_: object) -> bool:
        raise OSError("the table cannot be reached")

    replace, rig.store.replace = rig.store.replace, broken  # type: ignore[method-assign, assignment]
    assert rig.new(ALERT, make_alert(1)).failed == ("record-0", "record-1")
    rig.store.replace = replace  # type: ignore[method-assign]
    failing(rig, lambda: Passing("429"))
    rig.retries.put = broken  # type: ignore[method-assign, assignment]
    assert rig.new(ALERT).failed == ("record-0",)


def test_an_alert_that_is_gone_is_not_sent(rig: Rig) -> None:
    gone = Retry(symbol="AAPL", timestamp=at(0), rule_id="r", channel="sns")
    assert rig.again(gone) == Delivered(0, 0, 0, 0, ())
    named = [("record", StoredAlert(ALERT))]
    assert rig.deliver.new(named, math.inf) == Delivered(0, 0, 0, 0, ())
    assert rig.sent() == []


def test_an_alert_that_an_earlier_version_has_sent_is_not_sent_again(rig: Rig) -> None:
    rig.store.put(StoredAlert(ALERT, notified_at=at(1)))
    assert rig.new(ALERT) == Delivered(0, 0, 0, 0, ())
    assert rig.sent() == []


def test_a_request_for_a_channel_that_is_gone_is_dropped(rig: Rig) -> None:
    failing(rig, lambda: Passing("429"))
    rig.new(ALERT)
    retry, _ = rig.next_retry()
    assert rig.again(msgspec.structs.replace(retry, channel="gone")).failed == ()


def test_an_alert_goes_to_the_channels_that_it_names() -> None:
    rig = Rig("sns", "phone")
    rig.new(make_alert(channels=("phone",)))
    assert (len(rig.sent("sns")), len(rig.sent("phone"))) == (0, 1)


def test_a_delivery_on_a_deleted_channel_is_marked_without_an_attempt() -> None:
    rig = Rig("sns")
    alert = make_alert(channels=("gone", "sns"))
    assert rig.new(alert) == Delivered(1, 0, 0, 0, ())
    dead = rig.store.of(alert, "gone")
    assert dead is not None
    assert (dead.status, dead.attempts, dead.error) == ("dead", 0, "the channel has been deleted")
    assert (rig.retries.waiting, rig.retries.dead) == ([], [])


def test_a_channel_that_is_deleted_between_attempts_ends_them() -> None:
    rig = Rig("sns", "phone")
    failing(rig, lambda: Passing("busy"), "phone")
    alert = make_alert(channels=("phone",))
    rig.new(alert)
    retry, seconds = rig.next_retry()
    rig.seconds += seconds
    del rig.channels["phone"]
    assert rig.again(retry) == Delivered(0, 0, 0, 0, ())
    dead = rig.store.of(alert, "phone")
    assert dead is not None
    assert (dead.status, dead.attempts, dead.error) == ("dead", 1, "the channel has been deleted")


def test_channels_that_hang_hold_up_no_other_one() -> None:
    rig = Rig(*(f"hangs-{n}" for n in range(PARALLEL_SENDS + 1)), "sns")
    alerts = [make_alert(rule_id=f"r{n}") for n in range(10)]
    all_sent = threading.Event()
    working = rig.channels["sns"].send

    def hang(_: Message) -> None:
        assert all_sent.wait(60), "the working channel waits for those that hang"
        raise Passing("no answer within 9.5 s")

    def send(message: Message) -> None:
        working(message)
        if len(rig.sent()) == len(alerts):
            all_sent.set()

    for channel in rig.channels.values():
        channel.send = hang
    rig.channels["sns"].send = send
    assert rig.new(*alerts).sent == len(alerts)


def taking(rig: Rig, seconds: float, *, fails: bool) -> list[float]:
    """Have the topic take so long, and fail or not; the times of its attempts."""
    begun: list[float] = []

    def send(_: Message) -> None:
        begun.append(rig.seconds)
        rig.seconds += seconds
        if fails:
            raise Passing("no answer within 9.5 s")

    rig.channels["sns"].send = send
    return begun


def test_a_channel_that_lets_attempts_time_out_is_left_alone_for_a_while(rig: Rig) -> None:
    begun = taking(rig, 9.5, fails=True)
    for n in range(SLOW_FAILURES_TO_OPEN):
        assert rig.new(make_alert(rule_id=f"r{n}")).retried == 1
        rig.seconds += 10.0
    assert rig.new(make_alert(rule_id="next")).held == 1, "its first attempt is not made"
    retry, _ = rig.next_retry()
    rig.seconds += 10.0
    assert rig.again(retry).retried == 1
    assert len(begun) == SLOW_FAILURES_TO_OPEN
    found = rig.store.of(make_alert(rule_id="r0"))
    assert found is not None
    assert (found.status, found.attempts, found.error) == ("waiting", 2, NOT_TRIED)
    rig.seconds += FIRST_PAUSE_SECONDS
    begun = taking(rig, 0.1, fails=False)
    assert rig.new(make_alert(rule_id="probe"), make_alert(rule_id="next")).sent == 2


@pytest.mark.parametrize("refuses", [False, True])
def test_a_channel_that_answers_slowly_does_not_take_a_whole_invocation(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    monkeypatch.setattr(lanes, "PARALLEL_SENDS", 1)
    begun: list[float] = []

    def send(_: Message) -> None:
        begun.append(rig.seconds)
        rig.seconds += 0.7
        if refuses:
            raise Lasting("answered 404")

    rig.channels["sns"].send = send
    done = rig.new(*(make_alert(rule_id=f"r{n}") for n in range(100)))
    assert rig.seconds <= TIME.all_channels / (1 - TIME.share) + 0.7
    assert (done.held, done.deferred) == (100 - len(begun), 0)
    request = first_request(make_alert(rule_id="later"), "sns")
    rig.store.put(StoredAlert(make_alert(rule_id="later")))
    assert rig.again(request).deferred == 1, "a further attempt is made later"
    rig.seconds += 60.0
    assert rig.new(make_alert(rule_id="next")).held == 0


def test_a_channel_that_refuses_slowly_is_left_alone_for_a_while(rig: Rig) -> None:
    begun: list[float] = []

    def send(_: Message) -> None:
        begun.append(rig.seconds)
        rig.seconds += SLOW_SECONDS
        raise Lasting("answered 404")

    rig.channels["sns"].send = send
    for n in range(3):
        assert rig.new(make_alert(rule_id=f"r{n}")).dead == 1
    assert rig.new(make_alert(rule_id="next")).held == 1
    assert len(begun) == SECONDS_TO_OPEN / SLOW_SECONDS


def test_a_channel_that_keeps_failing_at_once_is_left_alone_for_a_while(rig: Rig) -> None:
    begun = taking(rig, 0.0, fails=True)
    for n in range(FAILURES_TO_OPEN):
        assert rig.new(make_alert(rule_id=f"r{n}")).retried == 1
    assert rig.new(make_alert(rule_id="next")).held == 1
    assert len(begun) == FAILURES_TO_OPEN


def test_an_alert_that_was_sent_is_marked_although_another_invocation_claimed_it(
    rig: Rig,
) -> None:
    """Its claim has ended by the other's clock, and the other one dies while it sends."""

    class Killed(BaseException):
        pass

    working = rig.channels["sns"].send

    def send(message: Message) -> None:
        working(message)
        rig.seconds += LEASE.total_seconds() + 1
        failing(rig, Killed)  # type: ignore[arg-type]
        with pytest.raises(Killed):
            rig.container().again([("message", first_request(ALERT, "sns"))], math.inf)

    rig.channels["sns"].send = send
    assert rig.new(ALERT).sent == 1
    found = rig.store.of(ALERT)
    assert found is not None
    assert (found.status, found.attempts) == ("sent", 2)
    assert rig.retries.waiting == []


@contextmanager
def without_time(rig: Rig) -> Iterator[None]:
    """Have the topic not answer quickly, and channels without time of their own have none."""
    budget = rig.deliver._attempts._time_budget
    with budget.attempt("sns"):
        rig.seconds += TIME.slow
    with budget.attempt("another"):
        rig.seconds += TIME.all_channels / (1 - TIME.share)
        yield
    rig.seconds += 60.0


def waiting(rig: Rig) -> Delivery:
    found = rig.store.of(ALERT)
    assert found is not None
    return found


def test_an_attempt_that_there_is_no_time_for_does_not_count(rig: Rig) -> None:
    failing(rig, lambda: Passing("busy"))
    rig.new(ALERT)
    pauses = []
    with without_time(rig):
        for _ in range(5 * MAX_ATTEMPTS):
            retry, seconds = rig.next_retry()
            pauses.append(seconds)
            rig.seconds += seconds
            assert rig.again(retry) == Delivered(0, 0, 0, 1, ())
            found = waiting(rig)
            assert (found.status, found.attempts, found.error) == ("waiting", 1, POSTPONED)
            assert found.at == at(0), "the time of the last attempt"
    assert 50 * min(pauses) < max(pauses) <= LONGEST_PAUSE_SECONDS
    rig.deliver = rig.container()
    retry, seconds = rig.next_retry()
    rig.seconds += seconds
    assert rig.again(retry).retried == 1
    assert waiting(rig).attempts == 2


def test_a_channel_that_answers_quickly_is_soon_tried_again() -> None:
    rig = Rig("sns", "quick")
    alert = make_alert(channels=("quick",))
    rig.store.put(StoredAlert(alert))
    rig.since["quick"] = instant(0)
    with without_time(rig):
        request = first_request(alert, "quick")
        for _ in range(30):
            rig.again(request)
            request, seconds = rig.next_retry()
            rig.seconds += seconds
        assert LONGEST_PAUSE_OF_QUICK_SECONDS / 2 <= seconds <= LONGEST_PAUSE_OF_QUICK_SECONDS


def test_an_attempt_is_postponed_for_a_day_at_most(rig: Rig) -> None:
    failing(rig, lambda: Passing("busy"))
    rig.new(ALERT)
    with without_time(rig):
        while rig.retries.waiting:
            retry, seconds = rig.next_retry()
            rig.seconds += seconds
            rig.again(retry)
        assert 0 <= rig.seconds - MAX_POSTPONED_SECONDS <= 2 * LONGEST_PAUSE_SECONDS
        ((dead, reason),) = rig.retries.dead
        assert (dead.attempts, dead.dead, reason) == (1, True, NEVER_TRIED)
        assert (waiting(rig).status, waiting(rig).attempts) == ("dead", 1)
        assert rig.again(dead) == Delivered(0, 0, 0, 1, ()), "a redrive begins another day"
        again, _ = rig.next_retry()
        assert (again.dead, again.since, again.attempts) == (False, 1, 1)
        assert again.postponed == to_text(instant(rig.seconds))
        assert waiting(rig).status == "waiting"


def test_an_alert_without_a_delivery_is_postponed_too(rig: Rig) -> None:
    rig.store.put(StoredAlert(ALERT))
    with without_time(rig):
        assert rig.again(first_request(ALERT, "sns")).deferred == 1
        assert (waiting(rig).status, waiting(rig).attempts) == ("waiting", 0)
    assert rig.again(rig.next_retry()[0]).sent == 1


def test_a_channel_that_is_known_as_quick_is_tried_without_time() -> None:
    rig = Rig("sns", "old", "new")
    rig.since["new"] = instant(0)
    with without_time(rig):
        assert rig.new(make_alert(channels=("sns", "old", "new"))) == Delivered(
            sent=1, retried=0, dead=0, deferred=0, failed=(), held=2
        )
    assert len(rig.sent("old")) == 1


def test_a_channel_gets_urgent_alerts_first(rig: Rig) -> None:
    alerts = [make_alert(rule_id=f"r{n}") for n in range(3)]
    urgent = make_alert(rule_id="urgent", severity="urgent")
    rig.new(*alerts, urgent)
    assert rig.sent()[0] == urgent.alert_id


def test_preparing_a_channel_takes_no_time_of_an_attempt(rig: Rig) -> None:
    loaded = []

    def prepare() -> None:
        loaded.append(rig.seconds)
        rig.seconds += 5.0
        raise OSError("no library")

    rig.channels["sns"].prepare = prepare
    assert rig.new(ALERT).sent == 1
    assert loaded == [0.0]
    assert waiting(rig).at == at(5.0), "the claim came after it"
    assert rig.deliver._attempts._time_budget.is_quick("sns")
