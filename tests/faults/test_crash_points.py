"""Every crash point: each handler is killed at each of its calls to AWS, then delivered again.

All stores must equal those of a run without a crash, and each alert's message must have been
sent once, or twice where the crash fell between sending and marking. The clients and their
events are botocore's, what answers them is rigs/memory_aws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import handlers
from chalicelib.bootstrap import Services
from chalicelib.domain.rules import parse_rule
from rigs.memory_aws.dynamodb import directly
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.transport import Transport
from tests.factories import instant, kinesis_event, payload, sqs_event, wire
from tests.faults.killing import Calls, Killed, Moment
from tests.faults.run import INGEST, Run, throttled, use_services
from tests.faults.stores import Contents
from tests.stored_rules import store_rule

EVENTS: dict[str, Callable[..., dict[str, Any]]] = {"kinesis": kinesis_event, "sqs": sqs_event}
MOMENTS: tuple[Moment, ...] = ("before", "after")

ARRIVAL = 4200
INGEST_CALLS = 13
DETECT_CALLS = 18
REPAIR_CALLS = 31
RUN_CALLS = 12
WHEN_CALLS = 12
DELIVER_CALLS = {"new": 10, "refused": 14, "again": 13}
"""Calls of an invocation with three alerts: their first attempts, first attempts that the topic
throttles, and second attempts."""


def tick(price: float, seconds: float, symbol: str = "AAPL", **fields: Any) -> dict[str, Any]:
    return wire(price, seconds, symbol=symbol, previous_close=100, volume=10 * seconds, **fields)


HISTORY = {"bar": "1m", "open": 1, "high": 3, "low": 1}
FIRST = [
    payload(tick(100, 0), tick(101, 0.1), tick(100, 0.2)),
    payload(tick(100, 1), tick(100, 1, "MSFT")),
    b"\x00 poison",
    payload(tick(94, 70)),
    payload(tick(107, 3700), tick(108, 3701)),
    payload(tick(50, 4000, "MSFT")),
    payload(wire(2, 60, symbol="OLD", **HISTORY)),
]
A_RUN = [payload(*(tick(100 + n / 10, 60 * n) for n in range(63)))]
WAVES = [payload(*(tick(100 + n % 7, 60 * n) for n in range(20)))]
WHENS = {
    "on-bars": ("close crosses above sma(3)", "1m"),
    "on-ticks": ("close crosses below sma(3, 1m)", "tick"),
}
LATE = [payload(tick(120, 30)), payload(tick(109, 3700.5)), payload(tick(60, 3702))]


@pytest.fixture(scope="module")
def transport() -> Transport:
    return Transport(Aws())


@pytest.fixture(scope="module")
def calls(transport: Transport) -> Calls:
    return Calls(transport)


@pytest.fixture
def start(
    transport: Transport, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Run]]:
    """Makes a fresh system."""
    calls.forget()
    yield lambda: Run(transport, use_services(monkeypatch))
    calls.forget()


_clean: dict[str, Contents] = {}


def clean(name: str, start: Callable[[], Run], steps: Callable[[Run], None]) -> Contents:
    """The stores of a run without a crash, made once."""
    if name not in _clean:
        run = start()
        steps(run)
        _clean[name] = run.contents()
    return _clean[name]


def killed(calls: Calls, call: int, moment: Moment, deliver: Callable[[], object]) -> None:
    """Deliver to a process that dies, and replace it."""
    calls.kill_at(call, moment)
    with pytest.raises(Killed):
        deliver()
    calls.kill_no_more()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("call", range(INGEST_CALLS))
@pytest.mark.parametrize("kind", EVENTS)
def test_ingest_killed_at_any_call_leaves_no_trace_once_delivered_again(
    start: Callable[[], Run], calls: Calls, kind: str, call: int, moment: Moment
) -> None:
    event = EVENTS[kind](FIRST, arrival=ARRIVAL)
    expected = clean(kind, start, lambda run: run.ingest(kind, event))
    run = start()
    killed(calls, call, moment, lambda: run.once(INGEST[kind], event))
    run.ingest(kind, event)
    assert run.contents() == expected


def ingested(run: Run) -> None:
    run.ingest("kinesis", kinesis_event(FIRST, arrival=ARRIVAL))


def detected(run: Run) -> None:
    ingested(run)
    run.detect()


def late(run: Run) -> None:
    detected(run)
    run.ingest("kinesis", kinesis_event(LATE, first=100, arrival=ARRIVAL))


def repaired(run: Run) -> None:
    late(run)
    run.detect()


def ran(run: Run) -> None:
    """Many bars are to be put, in several requests at a time."""
    run.ingest("kinesis", kinesis_event(A_RUN, arrival=ARRIVAL))


def folded(run: Run) -> None:
    ran(run)
    run.detect()


def ruled(run: Run) -> None:
    """Conditions `when` on ticks and on bars, which fire several times."""
    store = Services(SETTINGS, lambda: instant(0), run.aws).stores.rules
    for rule_id, (when, interval) in WHENS.items():
        given = {"symbol": "AAPL", "when": when, "interval": interval}
        store_rule(store, parse_rule(given, rule_id))
    run.ingest("kinesis", kinesis_event(WAVES, arrival=ARRIVAL))


def judged(run: Run) -> None:
    ruled(run)
    run.detect()


CASES = {
    "when": (ruled, judged, WHEN_CALLS),
    "detect": (ingested, detected, DETECT_CALLS),
    "repair": (late, repaired, REPAIR_CALLS),
    "run": (ran, folded, RUN_CALLS),
}


INSERTS = {"when": 2, "detect": 2, "repair": 0, "run": 3}
"""Requests that put several bars, or alerts."""


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("case", "call"), [(case, n) for case, (_, _, count) in CASES.items() for n in range(count)]
)
def test_detect_killed_at_any_call_leaves_no_trace_once_delivered_again(
    start: Callable[[], Run], calls: Calls, case: str, call: int, moment: Moment
) -> None:
    prepare, steps, _ = CASES[case]
    expected = clean(case, start, steps)
    run = start()
    calls.forget()
    prepare(run)
    before = list(calls.published)
    calls.forget()
    killed(calls, call, moment, lambda: run.once(handlers.detect, run.changes()))
    assert calls.published == []
    run.detect()
    assert run.contents() == expected
    assert Counter([*before, *calls.published]) == Counter(run.marked())


def alerted(run: Run) -> None:
    ingested(run)
    run.until_done(handlers.detect, run.changes())


def refused(run: Run) -> None:
    """The topic is throttled at the first attempts."""
    alerted(run)
    run.aws.around = throttled
    run.deliver_new()
    run.aws.around = directly
    run.outbox.records.clear()
    run.outbox.watch(run.seconds)
    run.seconds += 10


def deliver_throttled(run: Run) -> None:
    run.aws.around = throttled
    run.deliver_new()


ATTEMPTS: dict[str, tuple[Callable[[Run], None], Callable[[Run], None]]] = {
    "new": (alerted, Run.deliver_new),
    "refused": (alerted, deliver_throttled),
    "again": (refused, Run.redeliver_due),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("case", "call"), [(case, n) for case, count in DELIVER_CALLS.items() for n in range(count)]
)
def test_deliver_killed_at_any_call_sends_each_alert_at_least_once(
    start: Callable[[], Run], calls: Calls, case: str, call: int, moment: Moment
) -> None:
    """Once, or twice where the crash fell between sending and marking."""
    expected = clean("detect", start, detected)
    run = start()
    prepare, attempt = ATTEMPTS[case]
    prepare(run)
    calls.forget()
    killed(calls, call, moment, lambda: attempt(run))
    run.aws.around = directly
    between_send_and_mark = set(calls.published) - run.marked()
    run.deliver()
    assert run.contents() == expected
    times = Counter(calls.published)
    assert set(times) == run.marked()
    assert {alert for alert in times if times[alert] > 1} == between_send_and_mark
    assert max(times.values()) <= 2


@pytest.mark.parametrize("case", DELIVER_CALLS)
def test_every_call_of_deliver_is_a_crash_point_above(
    start: Callable[[], Run], calls: Calls, case: str
) -> None:
    run = start()
    prepare, attempt = ATTEMPTS[case]
    prepare(run)
    calls.forget()
    attempt(run)
    assert len(calls.names) == DELIVER_CALLS[case], calls.names


@pytest.mark.parametrize("kind", EVENTS)
def test_every_call_of_ingest_is_a_crash_point_above(
    start: Callable[[], Run], calls: Calls, kind: str
) -> None:
    start().once(INGEST[kind], EVENTS[kind](FIRST, arrival=ARRIVAL))
    assert len(calls.names) == INGEST_CALLS, calls.names


@pytest.mark.parametrize("case", CASES)
def test_every_call_of_detect_is_a_crash_point_above(
    start: Callable[[], Run], calls: Calls, case: str
) -> None:
    prepare, _, count = CASES[case]
    run = start()
    prepare(run)
    calls.forget()
    run.once(handlers.detect, run.changes())
    assert len(calls.names) == count, calls.names
    assert {"Query", "PutItem"} <= set(calls.names)
    assert "Publish" not in calls.names
    assert calls.names.count("BatchExecuteStatement") == INSERTS[case]
