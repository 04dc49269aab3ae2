"""Senders whose clocks are ahead: for how long they can have true ticks count as late."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.wire import MAX_AHEAD
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import (
    NEVER,
    START,
    instant,
    kinesis_event,
    make_rule,
    payload,
    sqs_event,
    wire,
)
from tests.faults.outbox import send_new
from tests.stored_rules import store_rule

AHEAD = MAX_AHEAD.total_seconds()


class System:
    """A stage with a rule, whose clock goes with what arrives."""

    def __init__(self) -> None:
        self.aws = Aws()
        self.now = 0.0
        self.services = Services(SETTINGS, lambda: instant(self.now), self.aws)
        store_rule(self.services.stores.rules, make_rule("greater_than", value=100))
        self._seen = self._sent = self._alerted = 0

    def by_stream(self, arrival: float, *ticks: dict[str, Any]) -> Any:
        self.now, self._sent = arrival, self._sent + 1
        event = kinesis_event([payload(tick) for tick in ticks], self._sent, arrival=arrival)
        return self._taken(events.from_kinesis(event))

    def by_queue(self, arrival: float, dated: float, *ticks: dict[str, Any]) -> Any:
        """Deliver a message that its sender dates ahead of the queue."""
        self.now, self._sent = arrival, self._sent + 1
        event = sqs_event([payload(tick) for tick in ticks], self._sent, arrival)
        sent = round((START.timestamp() + arrival + dated) * 1000)
        for record in event["Records"]:
            record["messageAttributes"] = {"ticktape.sent": {"stringValue": f"{sent}-0"}}
        return self._taken(events.from_sqs(event))

    def _taken(self, records: Any) -> Any:
        done = self.services.ingest(records, NEVER)
        stream, self._seen = self.aws.stream[self._seen :], len(self.aws.stream)
        self.services.detect(events.changed_prices({"Records": stream}))
        self._alerted = send_new(self.services, self.aws, self._alerted)
        return done

    def prices(self) -> list[tuple[str, str]]:
        rows = self.services.stores.prices.ticks("AAPL", None, None, limit=99).rows
        return [(row.tick.timestamp, str(row.tick.price)) for row in rows]


@pytest.fixture
def system() -> System:
    return System()


def test_a_tick_from_the_future_goes_to_quarantine_and_silences_nothing(system: System) -> None:
    assert system.by_stream(0, wire(99, AHEAD + 1)).quarantined == 1
    assert system.by_queue(1, AHEAD, wire(99, AHEAD + 2)).quarantined == 1
    (first, *_) = [body for (_, key), body in system.aws.objects.items() if "quarantine/" in key]
    assert b"timestamp: " in first
    assert b"at most 300 s ahead of the stream's clock" in first
    system.by_stream(2, wire(99, 2))
    system.by_stream(3, wire(101, 3))
    assert [message["Subject"] for message in system.aws.published] == ["AAPL is above 100, at 101"]


def test_a_tick_that_is_ahead_hides_the_true_ones_for_five_minutes_and_no_longer(
    system: System,
) -> None:
    system.by_stream(0, wire(99, AHEAD))
    system.by_stream(1, wire(101, 1))
    assert system.aws.published == []
    system.by_stream(AHEAD + 1, wire(102, AHEAD + 1))
    assert [message["Subject"] for message in system.aws.published] == ["AAPL is above 100, at 102"]
