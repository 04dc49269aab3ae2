"""Channels that are made again and again, change their addresses, or answer slowly in turns delay
others by a bounded time, and no alert ends because there was no time for it (docs/delivery.md)."""

from __future__ import annotations

import itertools
import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pytest

from chalicelib.domain.alerts import Alert
from chalicelib.domain.digests import Digest
from chalicelib.domain.times import from_text
from chalicelib.services.delivery.channel import MAX_SEND_SECONDS
from chalicelib.services.delivery.time_budget import TIME
from tests.factories import instant, make_alert
from tests.fake_delivery import FakeDeliveries, FakeDirectory
from tests.simulated_delivery import Arrival, Receiver, Simulation

LATEST_SECONDS = (TIME.all_channels + TIME.reserve_of_urgent + MAX_SEND_SECONDS) / (
    1 - TIME.share
) + 10.0
"""As in test_delivery_lateness."""

LATEST_DIGEST_SECONDS = LATEST_SECONDS + 60.0
"""If channels that have been there for long turn slow with digests that are due at the same
time."""

MOST_CHANNELS = 20
MOST_HELD_SECONDS = 400.0
"""In hours, the time for which alerts on quick channels wait for a digest: until all channels that
have been there for long have turned slow, one after the other."""

TAIL_SECONDS = 1800.0

QUICK = {
    "quick": Receiver(0.05),
    "flaky": Receiver(0.05, fails=1 / 3),
    "ordinary": Receiver(0.4),
}
"""Channels that have been there for long."""

OTHERS = {"fresh": Receiver(0.05, made=0.0), "slow": Receiver(3.0)}
"""Channels that wait longer, and get everything."""

SECONDS_BETWEEN = {"quick": 10.0, "flaky": 20.0, "ordinary": 60.0, "fresh": 20.0, "slow": 20.0}


class Attack(NamedTuple):
    """What a key holder's channels do for `minutes`: receivers, and their alerts. `joins` are the
    names of the channels that get others' alerts, too, at a time."""

    minutes: int
    receivers: Mapping[str, Receiver]
    alerts: Sequence[Arrival]
    joins: Callable[[float], tuple[str, ...]] = lambda _: ()


def replaced(
    rate: float, minutes: int, *, takes: int, seconds: float = 9.9, default: bool = False
) -> Attack:
    """Channels that are made at a rate in a minute, at most MOST_CHANNELS at a time, and answer
    slowly. As `default` ones they get everybody's alerts."""
    alive = 60 * MOST_CHANNELS / rate
    receivers = {
        f"new-{n}": Receiver(seconds, takes, made=n * 60 / rate, deleted=n * 60 / rate + alive)
        for n in range(int(rate * minutes))
    }
    born = {name: each.made or 0.0 for name, each in receivers.items()}
    if default:
        return Attack(
            minutes,
            receivers,
            [],
            lambda at: tuple(name for name in born if born[name] <= at < born[name] + alive),
        )
    return Attack(minutes, receivers, [fired(born[n] + k, n) for n in born for k in range(4)])


def standing(minutes: int, every: float, receiver: Receiver, count: int = MOST_CHANNELS) -> Attack:
    """Channels that stay, each of which has an alert in its turn, one every so many seconds."""
    receivers = {f"old-{n}": receiver for n in range(count)}
    turns = itertools.islice(itertools.cycle(receivers), int(60 * minutes / every))
    return Attack(minutes, receivers, [fired(n * every, name) for n, name in enumerate(turns)])


def fired(at: float, channel: str) -> Arrival:
    return Arrival(at, make_alert(rule_id="attack", seconds=at, channels=(channel,)))


def renamed(minutes: int) -> Attack:
    """Channels that have been there for long and get new addresses now and then."""
    attack = standing(minutes, 2.0, Receiver(9.9, takes=0, slow_each=2))
    receivers = {
        name: each._replace(made=60.0 * n)
        for n, (name, each) in enumerate(attack.receivers.items())
    }
    return attack._replace(receivers=receivers)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("ticktape.deliver"), "disabled", True)


def honest(attack: Attack) -> list[Arrival]:
    """Alerts on everybody else's channels."""
    return [
        Arrival(
            n * every,
            make_alert(rule_id=name, seconds=n, channels=(name, *attack.joins(n * every))),
        )
        for name, every in SECONDS_BETWEEN.items()
        for n in range(int(attack.minutes * 60 / every))
    ]


def simulated(monkeypatch: pytest.MonkeyPatch, attack: Attack) -> Simulation:
    # Receivers fail or not in an order that depends on their names alone, and pauses on this one.
    draws = itertools.cycle([0.1, 0.9, 0.4, 0.6, 0.2, 0.8, 0.5])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    simulation = Simulation(monkeypatch, {**QUICK, **OTHERS, **attack.receivers})
    arrivals = sorted([*attack.alerts, *honest(attack)], key=lambda each: each.at)
    simulation.run(arrivals, attack.minutes * 60 + TAIL_SECONDS)
    return simulation


def check(simulation: Simulation, alerts: Sequence[Arrival]) -> None:
    """Check what is promised for channels that are not the attacker's."""
    held = dict.fromkeys(SECONDS_BETWEEN, 0)
    for at, alert in alerts:
        (name,) = SECONDS_BETWEEN.keys() & set(alert.channels)
        is_held, late = lateness(simulation, alert, name, at)
        held[name] += is_held
        if name == "flaky":
            assert late < math.inf
        elif name in QUICK:
            latest = LATEST_DIGEST_SECONDS if is_held else LATEST_SECONDS
            assert late <= latest, (name, at, late)
    for name in QUICK:
        assert held[name] * SECONDS_BETWEEN[name] <= MOST_HELD_SECONDS, (name, held)
    assert not {one.channel for one in simulation.dead} & SECONDS_BETWEEN.keys()
    lost = simulation.lost(alerts)
    assert not [channel for _, channel in lost if channel in SECONDS_BETWEEN]
    assert max(late for _, late in simulation.handled) <= LATEST_SECONDS


def lateness(simulation: Simulation, alert: Alert, name: str, at: float) -> tuple[bool, float]:
    """Return whether an alert was held, and how late it or its digest was sent; infinity if it was
    not."""
    delivery = FakeDeliveries.of(simulation.store, alert, name)
    if delivery is None or delivery.status != "held":
        return False, simulation.sent.get((alert.alert_id, name), math.inf) - at
    head = simulation.store.heads[Digest(name, delivery.until).symbol].on(name)
    if head is None or head.status != "sent":
        return True, math.inf
    until = from_text(delivery.until)
    assert until <= instant(at + LATEST_SECONDS + 300.0)
    return True, (from_text(head.at) - until).total_seconds()


ATTACKS: dict[str, Callable[[], Attack]] = {
    "made and deleted": partial(replaced, 3, 15, takes=0),
    "made and deleted fast": partial(replaced, 30, 5, takes=0),
    "made and deleted, and take": partial(replaced, 12, 10, takes=1),
    "default ones, made and deleted": partial(replaced, 3, 5, takes=0, default=True),
    "slow all the time": partial(standing, 10, 2.0, Receiver(9.9)),
    "slow all the time, and fail": partial(standing, 10, 2.0, Receiver(9.9, takes=0)),
    "new and slow": partial(standing, 10, 2.0, Receiver(9.9, takes=0, made=0.0)),
    "as slow as is quick": partial(standing, 10, 1.0, Receiver(0.95)),
    "quick and slow in turns": partial(standing, 10, 2.0, Receiver(9.9, takes=0, slow_each=2)),
    "slow each tenth time": partial(standing, 10, 1.0, Receiver(9.9, slow_each=10)),
    "slow after minutes, one by one": partial(standing, 15, 10.0, Receiver(9.9, slow_from=300.0)),
    "new addresses": partial(renamed, 10),
    "digests": partial(standing, 31, 6.0, Receiver(9.9, takes=0, digests=True)),
}

LONG: Mapping[str, Callable[[], Attack]] = {
    f"made and deleted, {rate} a minute, {seconds} s, takes {takes}, default {default}": partial(
        replaced, rate, 60, takes=takes, seconds=seconds, default=default
    )
    for rate in (0.34, 1, 2, 3, 6, 12)
    for seconds in (2.0, 9.9)
    for takes in (0, 1)
    for default in (False, True)
} | {
    f"every {every} s, {seconds} s, takes {takes}, each {each}, from {since}": partial(
        standing, 60, every, Receiver(seconds, takes=takes, slow_each=each, slow_from=since)
    )
    for every in (0.5, 2.0, 5.0, 30.0)
    for seconds in (0.7, 3.0, 9.9)
    for takes in (0, 1)
    for each in (1, 3)
    for since in (0.0, 900.0)
}


@pytest.mark.parametrize(
    "make",
    [
        *[pytest.param(make, id=name) for name, make in ATTACKS.items()],
        *[pytest.param(make, id=name, marks=pytest.mark.long) for name, make in LONG.items()],
    ],
)
def test_others_get_everything_in_time(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Attack]
) -> None:
    attack = make()
    check(simulated(monkeypatch, attack), honest(attack))


def test_if_new_channels_had_time_of_their_own_others_would_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The simulation shows what is prevented by channels having to be established."""
    monkeypatch.setattr(FakeDirectory, "is_established", lambda *_: True)
    attack = replaced(12, 15, takes=0)
    with pytest.raises(AssertionError, match="'quick'"):
        check(simulated(monkeypatch, attack), honest(attack))
