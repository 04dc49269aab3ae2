"""Whatever a key holder's receivers do, others' alerts, further attempts and digests are late by a
bounded time, and nothing is lost (docs/delivery.md, docs/decisions/0306)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from chalicelib.domain.times import from_text
from chalicelib.services.delivery import deliver as deliver_module
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.time_budget import TIME, TimeBudget
from tests.factories import instant, make_alert
from tests.fake_delivery import FakeDeliveries
from tests.simulated_delivery import Arrival, Receiver, Simulation

WAITING_SECONDS = (TIME.all_channels + TIME.reserve_of_urgent + MAX_SEND_SECONDS) / (1 - TIME.share)
LATEST_SECONDS = WAITING_SECONDS + 10.0
"""With time for the calls of AWS."""

UNTIL_DIGEST_SECONDS = 300.0
MINUTES = 3
TASKS_A_MINUTE = 1800
"""Alerts of the flood, once for each channel: more than the bounds of a minute let through."""

SPEEDS = [0.05, 0.3, 0.7, 0.95, 2.0, 2.9, 9.9]
"""Seconds that an attempt takes, on both sides of what any bound regards as slow."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("ticktape.deliver"), "disabled", True)


def flood(names: Sequence[str]) -> list[Arrival]:
    """One rule that fires as often as detect lets it, on channels of a key holder."""
    rate = max(60, min(600, TASKS_A_MINUTE // len(names)))
    return [
        Arrival(n * 60 / rate, make_alert(rule_id="flood", seconds=n / 1000, channels=tuple(names)))
        for n in range(rate * MINUTES)
    ]


def others() -> list[Arrival]:
    """Alerts on channels that answer at once, of which one fails every other time."""
    return [
        Arrival(n * 10.0, make_alert(rule_id=rule, seconds=n, channels=(rule,)))
        for n in range(MINUTES * 6)
        for rule in ("quick", "flaky")
    ]


def run(simulation: Simulation, arrivals: list[Arrival]) -> None:
    """Run, and check what holds for whatever receivers do."""
    arrivals.sort(key=lambda each: each.at)
    simulation.run(arrivals, MINUTES * 60 + 120.0)
    for at, alert in arrivals:
        for channel in {"quick", "flaky"} & set(alert.channels or ()):
            sent = simulation.sent.get((alert.alert_id, channel))
            delivery = FakeDeliveries.of(simulation.store, alert, channel)
            if delivery is not None and delivery.status == "held":
                latest = instant(at + LATEST_SECONDS + UNTIL_DIGEST_SECONDS)
                assert from_text(delivery.until) <= latest
            elif channel == "quick":
                assert sent is not None
                assert sent - at <= LATEST_SECONDS
    assert max(late for _, late in simulation.handled) <= LATEST_SECONDS
    assert simulation.overdue() <= LATEST_SECONDS
    assert simulation.lost(arrivals) == []


@pytest.mark.parametrize(
    ("seconds", "takes", "channels"),
    [
        (0.7, 1, 3),
        (9.9, 1, 20),
        (2.5, 0, 3),
        (2.0, 15, 10),
        *[
            pytest.param(seconds, takes, channels, marks=pytest.mark.long)
            for seconds in SPEEDS
            for takes in (0, 1, 2, 15)
            for channels in (1, 2, 3, 10, 50)
        ],
    ],
)
def test_others_are_late_by_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, takes: int, channels: int
) -> None:
    receivers = {f"flooded-{n}": Receiver(seconds, takes) for n in range(channels)}
    known = {"quick": Receiver(0.05), "flaky": Receiver(0.05, takes=2)}
    simulation = Simulation(monkeypatch, {**receivers, **known})
    run(simulation, flood(list(receivers)) + others())
    quick = [alert for _, alert in others() if alert.rule_id == "quick"]
    assert all((alert.alert_id, "quick") in simulation.sent for alert in quick), "none is held"


def test_channels_that_turn_slow_one_after_another_delay_others_by_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has shown that it is quick, and has time of its own left; a batch has one of them."""
    names = [f"turning-{n}" for n in range(20)]
    receivers = {name: Receiver(9.9, slow_from=60.0) for name in names}
    known = {"quick": Receiver(0.05), "flaky": Receiver(0.05, takes=2)}
    simulation = Simulation(monkeypatch, {**receivers, **known})
    at_first = [
        Arrival(1.0 + n, make_alert(rule_id=name, channels=(name,))) for n, name in enumerate(names)
    ]
    then = [
        Arrival(60 + n, make_alert(rule_id=name, seconds=60 + n, channels=(name,)))
        for n, name in enumerate(names * 8)
    ]
    between = [
        Arrival(
            60 + n / 20, make_alert(rule_id=f"filler-{n % 9}", seconds=n / 100, channels=("quick",))
        )
        for n in range(2000)
    ]
    run(simulation, at_first + then + between + others())
    quickly = {(alert.alert_id, name) for (_, alert), name in zip(at_first, names, strict=True)}
    assert quickly <= simulation.sent.keys(), "each has shown that it is quick"


def test_an_honest_burst_on_three_channels_of_ordinary_speed_is_sent_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("one", "two", "three")
    simulation = Simulation(monkeypatch, {name: Receiver(0.3) for name in names})
    burst = [Arrival(1.0, make_alert(rule_id=f"r{n}", channels=names)) for n in range(100)]
    simulation.run(burst, 60.0)
    assert len(simulation.sent) == 300


def test_the_queue_of_retries_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty channels fail, and take a message now and then."""
    receivers = {f"flooded-{n}": Receiver(0.05, takes=15) for n in range(20)}
    simulation = Simulation(monkeypatch, {**receivers})
    arrivals = flood(list(receivers))
    simulation.run(arrivals, MINUTES * 60.0)
    assert simulation.most_waiting <= 100 * MINUTES
    assert simulation.lost(arrivals) == []


def test_without_the_budget_of_time_others_come_later_and_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The simulation shows what the budget prevents."""
    unbounded = TIME._replace(all_channels=1e9)
    monkeypatch.setattr(deliver_module, "TimeBudget", lambda now: TimeBudget(now, unbounded))
    receivers = {f"flooded-{n}": Receiver(0.7) for n in range(3)}
    known = {"quick": Receiver(0.05), "flaky": Receiver(0.05, takes=2)}
    simulation = Simulation(monkeypatch, {**receivers, **known})
    with pytest.raises(AssertionError, match=f"<= {LATEST_SECONDS}"):
        run(simulation, flood(list(receivers)) + others())
