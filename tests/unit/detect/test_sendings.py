"""A message keeps its sender's time and number, whatever SQS gives it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.sendings import Sending, Sendings, sending_of
from chalicelib.domain.stamps import sequence_of, slot_of
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, START, at, dated, instant, payload, redriven, sqs_event, wire

MILLISECOND = round(START.timestamp() * 1000)
DAY = 86_400.0


def system(now: float) -> Services:
    return Services(SETTINGS, lambda: instant(now), Aws())


def stored(services: Services, symbol: str = "AAPL") -> list[tuple[str, str]]:
    rows = services.stores.prices.ticks(symbol, None, None, limit=99).rows
    return [(row.tick.timestamp, str(row.tick.price)) for row in rows]


def ingest(services: Services, event: dict[str, Any]) -> None:
    assert not services.ingest(events.from_sqs(event), NEVER).failed


@pytest.mark.parametrize("packed", [False, True])
def test_a_redriven_message_does_not_undo_a_correction_that_came_meanwhile(packed: bool) -> None:
    more = [wire(99, -1)] if packed else []
    failed = dated(sqs_event([payload(*more, wire(100, 0))], 0, 0))
    services = system(DAY)
    ingest(services, dated(sqs_event([payload(wire(105, 0))], 1, 10)))
    ingest(services, redriven(failed, DAY))
    assert stored(services)[-1] == (at(0), "105")


def test_a_tick_without_a_timestamp_has_the_same_time_after_a_redrive() -> None:
    event = dated(sqs_event([payload(wire(7, None), wire(8, None))] * 2, 5, 1))
    services, undisturbed = system(DAY), system(DAY)
    for one in (event, redriven(event, 1810), redriven(event, DAY)):
        ingest(services, one)
    ingest(undisturbed, event)
    assert stored(services) == stored(undisturbed)
    assert len(stored(services)) == 4


def test_the_archive_ranks_a_redriven_message_as_it_was_sent() -> None:
    event = dated(sqs_event([b"{}"], 5, 1))
    (first,), (again,) = events.from_sqs(event), events.from_sqs(redriven(event, DAY))
    assert (again.number, again.arrival) == (first.number, first.arrival)
    assert first.arrival == instant(1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        f"{MILLISECOND}",
        f"{MILLISECOND}-",
        f"{MILLISECOND}--1",
        f"{MILLISECOND + 300_001}-0",
        f"{MILLISECOND - 21 * 86_400_000}-0",
        "\u0661763652600123-0",
    ],
)
def test_a_time_that_cannot_be_is_not_believed(text: str) -> None:
    event = dated(sqs_event([b"{}"], 5))
    event["Records"][0]["messageAttributes"]["ticktape.sent"]["stringValue"] = text
    (record,) = events.from_sqs(event)
    assert (record.arrival, record.number) == (instant(0), "5")


def test_an_attribute_that_is_not_text_is_ignored() -> None:
    event = dated(sqs_event([b"{}"], 5))
    event["Records"][0]["messageAttributes"]["ticktape.sent"] = {"binaryValue": "AA=="}
    assert events.from_sqs(event)[0].number == "5"


def test_numbers_grow_with_the_clock_and_while_it_stands_or_goes_back() -> None:
    clock = iter([5, 5, 5, 7, 6, 6, 8])
    sendings = Sendings(lambda: MILLISECOND + next(clock))
    made = [sendings.next() for _ in range(7)]
    assert [(one.milliseconds - MILLISECOND, one.place) for one in made] == [
        (5, 0), (5, 1), (5, 2), (7, 0), (7, 1), (7, 2), (8, 0),
    ]  # fmt: skip
    numbers = [one.number for one in made]
    assert all(sequence_of(a) < sequence_of(b) for a, b in pairwise(numbers))
    assert len({len(number) for number in numbers}) == 1, "SQL compares numbers as text"
    assert sequence_of(numbers[0]) > sequence_of("18849496460467696128")
    assert len(numbers[0]) > len("18849496460467696128")


def test_messages_of_a_millisecond_have_slots_of_their_own() -> None:
    slots = {slot_of(Sending(MILLISECOND, place).number) for place in range(1_000)}
    assert len(slots) == 1_000


def test_the_attribute_reads_back_up_to_the_last_place_of_a_millisecond() -> None:
    last = Sending(MILLISECOND, 999_999)
    assert sending_of(str(last), MILLISECOND) == last
    full = Sending(MILLISECOND, 999_999).after(MILLISECOND)
    assert full == Sending(MILLISECOND + 1)
