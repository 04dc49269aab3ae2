"""Builds the events and the context that Lambda passes to a function.

Keys and types are those of the examples in AWS's documentation, which `tests/events/` keeps.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ticktape-local"


def kinesis_record(
    record: Mapping[str, Any], shard_id: str, stream_arn: str, region: str
) -> dict[str, Any]:
    """Convert a record of boto3's GetRecords (Kinesis) to a record of Lambda's event."""
    number = record["SequenceNumber"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": number,
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }


def as_on_the_wire(record: dict[str, Any]) -> dict[str, Any]:
    """Convert a record of boto3's GetRecords (DynamoDB Streams) to the form on the wire.

    Times become epoch seconds again, and bytes base64, which boto3 has parsed.
    """
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    if not isinstance(created, datetime):
        return record
    change = {**record["dynamodb"], "ApproximateCreationDateTime": created.timestamp()}
    found: dict[str, Any] = msgspec.to_builtins({**record, "dynamodb": change})
    return found


def dynamodb_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """Convert a record that `as_on_the_wire` returned to a record of Lambda's event."""
    change = record["dynamodb"]
    moment = int(change["ApproximateCreationDateTime"])
    made = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record["awsRegion"],
        "dynamodb": {**change, "ApproximateCreationDateTime": moment},
        "eventSourceARN": stream_arn,
    }
    if "userIdentity" in record:
        identity = record["userIdentity"]
        made["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return made


def sqs_record(message: Mapping[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    """Convert a message of boto3's ReceiveMessage to a record of Lambda's event. The message was
    requested with all attributes."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _message_attribute(value)
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if "StringValue" in value:
        made["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        made["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return made


def event(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return Lambda's event for these records."""
    return {"Records": list(records)}


class Context:
    """The context that Lambda passes to a handler with an event."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, function: str, *, timeout_seconds: float, region: str) -> None:
        self._ends = time.monotonic() + timeout_seconds
        self.function_name = function
        self.invoked_function_arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function}"
        self.memory_limit_in_mb = "512"
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function}"
        self.log_stream_name = "local"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds after which Lambda would stop the function, at least 0."""
        return max(0, int((self._ends - time.monotonic()) * 1000))
