"""Events of the local poller against those that AWS documents."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.event_sources.lambda_events import (
    ROLE,
    Context,
    as_on_the_wire,
    dynamodb_record,
    event,
    kinesis_record,
    sqs_record,
)

EVENTS = Path(__file__).resolve().parents[2] / "events"


def recorded(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return made


def test_kinesis_event_equals_the_recorded_one() -> None:
    expected = recorded("kinesis.json")
    for record in expected["Records"]:
        record["invokeIdentityArn"] = ROLE
    stream_arn = expected["Records"][0]["eventSourceARN"]
    records = [
        {
            "SequenceNumber": record["kinesis"]["sequenceNumber"],
            "PartitionKey": record["kinesis"]["partitionKey"],
            "Data": base64.b64decode(record["kinesis"]["data"]),
            "ApproximateArrivalTimestamp": datetime.fromtimestamp(
                record["kinesis"]["approximateArrivalTimestamp"], UTC
            ),
        }
        for record in expected["Records"]
    ]
    made = event(
        [kinesis_record(r, "shardId-000000000006", stream_arn, "us-east-2") for r in records]
    )
    assert json.loads(json.dumps(made)) == expected


def from_stream(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as GetRecords of DynamoDB Streams sends it, where a time may have a
    fraction."""
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] += 0.25
    given = {**record, "dynamodb": change}
    del given["eventSourceARN"]
    if identity := given.pop("userIdentity", None):
        given["userIdentity"] = {
            "Type": identity["type"],
            "PrincipalId": identity["principalId"],
        }
    return given


def test_dynamodb_event_equals_the_recorded_one() -> None:
    expected = recorded("dynamodb.json")
    made = event(
        [dynamodb_record(from_stream(r), r["eventSourceARN"]) for r in expected["Records"]]
    )
    assert json.loads(json.dumps(made)) == expected
    moment = made["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
    assert type(moment) is int


def test_sqs_event_equals_the_recorded_one() -> None:
    expected = recorded("sqs_fifo.json")
    (record,) = expected["Records"]
    message = {
        "MessageId": record["messageId"],
        "ReceiptHandle": record["receiptHandle"],
        "Body": record["body"],
        "MD5OfBody": record["md5OfBody"],
        "Attributes": record["attributes"],
        "MessageAttributes": {
            "Attribute3": {"DataType": "Binary", "BinaryValue": b"1100"},
            "Attribute1": {"DataType": "String", "StringValue": "AttributeValue1"},
        },
    }
    made = event([sqs_record(message, record["eventSourceARN"], "us-east-2")])
    assert json.loads(json.dumps(made)) == expected


def test_context_counts_down_to_its_timeout() -> None:
    context = Context("detect", timeout_seconds=60, region="us-east-1")
    assert 59_000 < context.get_remaining_time_in_millis() <= 60_000
    assert context.invoked_function_arn == "arn:aws:lambda:us-east-1:123456789012:function:detect"
    assert Context("detect", timeout_seconds=0, region="r").get_remaining_time_in_millis() == 0


def test_each_context_has_its_own_request() -> None:
    made = {Context("f", timeout_seconds=1, region="r").aws_request_id for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize("name", ["kinesis.json", "dynamodb.json", "sqs_fifo.json"])
def test_recorded_events_are_json_of_records(name: str) -> None:
    assert recorded(name)["Records"]


def test_change_is_the_same_whether_boto3_has_parsed_it_or_not() -> None:
    item = {"id": {"S": "a"}, "what": {"B": "dGVh"}, "all": {"L": [{"BS": ["dGVh"]}, {"N": "1"}]}}
    change = {"ApproximateCreationDateTime": 1764000000.25, "NewImage": item}
    wire = {"eventName": "INSERT", "dynamodb": change}
    parsed_item = {**item, "what": {"B": b"tea"}, "all": {"L": [{"BS": [b"tea"]}, {"N": "1"}]}}
    created = datetime.fromtimestamp(1764000000.25, UTC)
    parsed = {"ApproximateCreationDateTime": created, "NewImage": parsed_item}
    assert as_on_the_wire(wire) is wire
    assert as_on_the_wire({"eventName": "INSERT", "dynamodb": parsed}) == wire
