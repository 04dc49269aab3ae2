"""Ticks without a timestamp: each has a time of its own, the same in whatever batches it comes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from chalicelib.domain.raw_lines import unpack
from chalicelib.domain.stamps import slot_of
from chalicelib.domain.wire import decode
from chalicelib.services.ingest.plan import read_all
from rigs.memory_aws.system import SETTINGS, Aws
from tests.factories import NEVER, at, instant, kinesis_event, payload, sqs_event, wire

KINESIS = 49590338271490256608559692538361571095921575989136588898
"""AWS's own example, https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"""

FIFO = 18849496460467696128
"""Likewise, of a message of a FIFO queue."""

Events = Callable[..., dict[str, Any]]


def system() -> tuple[Aws, Services]:
    aws = Aws()
    return aws, Services(SETTINGS, lambda: instant(100), aws)


def stored(services: Services) -> list[tuple[str, str]]:
    rows = services.stores.prices.ticks("AAPL", None, None, limit=5_000).rows
    return [(row.tick.timestamp, str(row.tick.price)) for row in rows]


def records(count: int, packed: int) -> list[bytes]:
    return [payload(*(wire(1 + n * packed + k, None) for k in range(packed))) for n in range(count)]


@pytest.mark.parametrize(("count", "packed"), [(50, 1), (500, 1), (1_000, 1), (142, 4), (20, 40)])
def test_all_ticks_of_records_that_the_stream_took_in_one_millisecond_are_stored(
    count: int, packed: int
) -> None:
    _, services = system()
    done = services.ingest(events.from_kinesis(kinesis_event(records(count, packed))), NEVER)
    assert done.taken == done.stored == count * packed
    assert len(stored(services)) == count * packed


@pytest.mark.parametrize("packed", [1, 3])
def test_records_of_one_millisecond_keep_the_order_of_the_stream(packed: int) -> None:
    _, services = system()
    services.ingest(events.from_kinesis(kinesis_event(records(40, packed))), NEVER)
    assert [price for _, price in stored(services)] == [str(1 + n) for n in range(40 * packed)]


@pytest.mark.parametrize("event", [kinesis_event, sqs_event])
def test_the_times_are_the_same_in_whatever_batches_and_however_often_they_come(
    event: Events,
) -> None:
    given = events.from_kinesis if event is kinesis_event else events.from_sqs
    sent, draw = records(30, 2), random.Random(13)
    _, whole = system()
    whole.ingest(given(event(sent)), NEVER)
    _, cut = system()
    for _ in range(40):
        first = draw.randrange(30)
        cut.ingest(given(event(sent[first : first + draw.randint(1, 9)], first)), NEVER)
    for first in range(30):
        cut.ingest(given(event(sent[first : first + 1], first)), NEVER)
    assert stored(cut) == stored(whole)
    assert len(stored(cut)) == 60


@pytest.mark.parametrize(("number", "step"), [(KINESIS, 1 << 80), (FIFO, 256), (0, 1)])
def test_a_thousand_numbers_of_a_millisecond_have_a_thousand_slots(number: int, step: int) -> None:
    assert len({slot_of(str(number + n * step)) for n in range(1_000)}) == 1_000


def test_a_message_without_a_sequence_number_has_a_slot_of_its_id() -> None:
    assert slot_of("message-1") != slot_of("message-2")
    assert 0 <= slot_of("\u0661") < 1_000


def test_the_archive_keeps_the_time_that_each_tick_got_and_the_arrival_of_all_others() -> None:
    aws, services = system()
    sent = [payload(wire(1, None), wire(2, None), wire(3, 30)), payload(wire(4, None))]
    services.ingest(events.from_kinesis(kinesis_event(sent, 5)), NEVER)
    (body,) = [body for (_, key), body in aws.objects.items() if key.startswith("raw/")]
    lines = unpack(body)
    assert [arrival for _, arrival in lines] == [
        instant(0.000035),
        instant(0.000036),
        instant(0),
        instant(0.000042),
    ]
    again = [tick for line, arrival in lines for tick in decode(line, arrival or instant()).ticks]
    assert sorted((tick.timestamp, str(tick.price)) for tick in again) == stored(services)


def test_readings_have_the_time_that_each_tick_got() -> None:
    event = kinesis_event([payload(wire(1, None)), payload(wire(2, None))], 5)
    misread = [read.decoded.misread for read in read_all(events.from_kinesis(event))]
    assert misread == [(("AAPL", at(0.000035)),), (("AAPL", at(0.000042)),)]


def test_the_eighth_tick_of_a_record_is_in_the_next_millisecond() -> None:
    ticks = decode(payload(*(wire(1, None) for _ in range(9))), instant(), "0").ticks
    assert [tick.timestamp for tick in ticks[6:]] == [at(0.000006), at(0.001), at(0.001001)]
