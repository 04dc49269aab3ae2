"""Alerts that are held, and their digests, while processes die at any call: each alert is sent
alone or in exactly one digest, and its receipt says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from rigs.memory_aws.dynamodb import Perform, directly
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport
from tests.factories import instant
from tests.faults.holding import (
    ONE_IN_FIVE,
    QUARTERS,
    check,
    configure,
    digests_sent,
    heads,
    many_alerts,
)
from tests.faults.killing import Calls, Killed, Moment
from tests.faults.run import SMALL_AVERAGES, Run, throttled, use_services

MOMENTS: tuple[Moment, ...] = ("before", "after")
CALLS = {"hold": 6, "join": 3, "limit": 11, "send": 7, "refused": 9, "again": 7, "orphan": 2}
"""Calls of an invocation: alerts that open a digest, join one, exceed a limit; a digest that is
sent, refused by a throttled topic, sent at its second attempt; and a message without a digest."""


@pytest.fixture(scope="module")
def transport() -> Transport:
    return Transport(Aws())


@pytest.fixture(scope="module")
def calls(transport: Transport) -> Calls:
    return Calls(transport)


class World(Run):
    """A run over a topic that holds alerts back."""

    def __init__(self, transport: Transport, use: Callable[[Services], None]) -> None:
        super().__init__(transport, use)
        self.alerts = many_alerts(0)

    @property
    def services(self) -> Services:
        return Services(SMALL_AVERAGES, lambda: instant(self.seconds), self._transport)

    def record(self, many: int) -> None:
        alerts = many_alerts(many, len(self.alerts))
        self.alerts += alerts
        self.services.stores.alerts.record_all(alerts, None)

    def wait(self) -> None:
        """Until the digest is due."""
        self.outbox.watch(self.seconds)
        self.seconds += 900


def held(run: World) -> None:
    configure(run.services, **QUARTERS)
    run.record(3)


def joined(run: World) -> None:
    held(run)
    run.deliver_new()
    run.outbox.records.clear()
    run.record(2)


def limited(run: World) -> None:
    configure(run.services, **ONE_IN_FIVE)
    run.record(3)


def due(run: World) -> None:
    held(run)
    run.deliver_new()
    run.outbox.records.clear()
    run.wait()


def refused(run: World) -> None:
    due(run)
    run.aws.around = throttled


def due_again(run: World) -> None:
    refused(run)
    run.redeliver_due()
    run.outbox.take_due(run.seconds)
    run.outbox.watch(run.seconds)
    run.aws.around = directly
    run.seconds += 60


def orphaned(run: World) -> None:
    """A process dies between the message and the digest, and its alerts come again after it."""
    held(run)
    run.aws.around = _dies_at_the_head
    with pytest.raises(Killed):
        run.deliver_new()
    run.aws.around = directly
    run.wait()


def _dies_at_the_head(operation: str, request: dict[str, Any], perform: Perform) -> dict[str, Any]:
    if operation == "PutItem":
        raise Killed
    return perform()


Step = Callable[[World], None]
CASES: dict[str, tuple[Step, Step]] = {
    "hold": (held, World.deliver_new),
    "join": (joined, World.deliver_new),
    "limit": (limited, World.deliver_new),
    "send": (due, World.redeliver_due),
    "refused": (refused, World.redeliver_due),
    "again": (due_again, World.redeliver_due),
    "orphan": (orphaned, World.redeliver_due),
}


@pytest.fixture
def start(
    transport: Transport, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], World]]:
    calls.forget()
    yield lambda: World(transport, use_services(monkeypatch))
    calls.forget()


POINTS = [
    (case, n, moment) for case, count in CALLS.items() for n in range(count) for moment in MOMENTS
]
EACH = 5
"""`make test` tries each fifth crash point, and `make test-long` all of them."""


@pytest.mark.parametrize(
    ("case", "call", "moment"),
    [
        pytest.param(*point, marks=[pytest.mark.long] if at % EACH else [])
        for at, point in enumerate(POINTS)
    ],
)
def test_a_process_that_dies_at_any_call_neither_drops_nor_doubles_an_alert(
    start: Callable[[], World], calls: Calls, case: str, call: int, moment: Moment
) -> None:
    """A message comes twice only if the crash fell between sending and marking it."""
    run = start()
    prepare, attempt = CASES[case]
    prepare(run)
    calls.forget()
    calls.kill_at(call, moment)
    with pytest.raises(Killed):
        attempt(run)
    between = len(calls.published)
    calls.kill_no_more()
    run.aws.around = directly
    run.deliver()
    check(run.aws, run.services.stores, run.alerts, most_times=1 + between)
    assert set(digests_sent(run.aws)) <= set(heads(run.aws))


@pytest.mark.parametrize("case", CALLS)
def test_every_call_is_a_crash_point_above(
    start: Callable[[], World], calls: Calls, case: str
) -> None:
    run = start()
    prepare, attempt = CASES[case]
    prepare(run)
    calls.forget()
    attempt(run)
    assert len(calls.names) == CALLS[case], calls.names
