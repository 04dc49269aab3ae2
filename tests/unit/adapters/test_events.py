from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.adapters import events
from chalicelib.services.detect.changed_prices import ChangedPrices
from tests.factories import (
    SHARD,
    at,
    instant,
    kinesis_event,
    payload,
    sqs_event,
    stream_record,
    wire,
)

IMAGE = {
    "symbol": {"S": "AAPL"},
    "timestamp": {"S": at(9)},
    "complete_from": {"S": at(2)},
    "ingested_at": {"S": at(10)},
}


def test_a_kinesis_records_origin_is_its_shard() -> None:
    (record,) = events.from_kinesis(kinesis_event([b"data"], first=7, arrival=1.5))
    assert (record.origin, record.number, record.identifier) == (SHARD, "7", "7")
    assert (record.payload, record.arrival) == (b"data", instant(1.5))


def test_sequence_numbers_of_several_shards_do_not_collide() -> None:
    first, second = (
        events.from_kinesis(kinesis_event([b""], shard=shard))[0]
        for shard in ("shard-a", "shard-b")
    )
    assert first.number == second.number
    assert first.origin != second.origin


def test_a_messages_failure_is_reported_by_its_id() -> None:
    (record,) = events.from_sqs(sqs_event([payload(wire(1))], first=3, arrival=2))
    assert record.identifier == "message-3"
    assert (record.origin, record.number) == ("ticks.fifo", "3")
    assert record.arrival == instant(2)
    assert json.loads(record.payload) == wire(1)


def test_a_message_of_a_standard_queue_is_numbered_by_its_id() -> None:
    event = sqs_event([b"{}"])
    del event["Records"][0]["attributes"]["SequenceNumber"]
    assert events.from_sqs(event)[0].number == "message-0"


@pytest.mark.parametrize("name", ["INSERT", "MODIFY"])
def test_a_complete_image_triggers_detect(name: str) -> None:
    event = {"Records": [stream_record(IMAGE, number=5, name=name)]}
    again = name == "MODIFY"
    assert events.changed_prices(event) == [
        ChangedPrices("5", "AAPL", at(9), at(2), at(10), again=again)
    ]


def incomplete() -> dict[str, Any]:
    return {name: value for name, value in IMAGE.items() if name != "complete_from"}


@pytest.mark.parametrize(
    "record",
    [
        stream_record(incomplete()),
        stream_record(IMAGE, name="REMOVE"),
        {"eventName": "REMOVE", "dynamodb": {"Keys": {}, "SequenceNumber": "1"}},
    ],
)
def test_anything_else_on_the_stream_triggers_nothing(record: dict[str, Any]) -> None:
    assert events.changed_prices({"Records": [record]}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"ingested_at": {"N": "1"}},
        {"ingested_at": {"S": "soon"}},
        {"complete_from": {"L": []}},
        {"complete_from": {"S": f"{at(2)} 1a2b {at(3)}"}},
    ],
)
def test_a_record_that_cannot_be_read_triggers_nothing_and_others_do(
    change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good = stream_record(IMAGE)
    odd = stream_record({**IMAGE, "symbol": {"S": "ODD"}, **change})
    found = events.changed_prices({"Records": [odd, good]})
    assert [one.symbol for one in found] == ["AAPL"]
    assert "ODD" in caplog.text
