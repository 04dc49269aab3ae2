"""Lambda's events, as the services take them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.times import from_epoch_seconds
from chalicelib.services.detect import Trigger
from chalicelib.services.ingest_plan import Incoming


def from_kinesis(event: dict[str, Any]) -> list[Incoming]:
    """The records of a Kinesis event; a record's origin is its shard."""
    return [_kinesis_record(record) for record in event["Records"]]


def _kinesis_record(record: dict[str, Any]) -> Incoming:
    kinesis = record["kinesis"]
    shard, _, _ = record["eventID"].partition(":")
    return Incoming(
        identifier=kinesis["sequenceNumber"],
        origin=shard,
        number=kinesis["sequenceNumber"],
        arrival=from_epoch_seconds(float(kinesis["approximateArrivalTimestamp"])),
        payload=base64.b64decode(kinesis["data"]),
    )


def from_sqs(event: dict[str, Any]) -> list[Incoming]:
    """The messages of an SQS event; a message's origin is its queue."""
    return [_sqs_message(record) for record in event["Records"]]


def _sqs_message(record: dict[str, Any]) -> Incoming:
    attributes = record["attributes"]
    milliseconds = int(attributes["SentTimestamp"])
    sent = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return Incoming(
        identifier=record["messageId"],
        origin=record["eventSourceARN"].rpartition(":")[2],
        number=attributes.get("SequenceNumber") or record["messageId"],
        arrival=sent,
        payload=record["body"].encode(),
    )


def triggers(event: dict[str, Any]) -> list[Trigger]:
    """The records of a DynamoDB stream event that say that a symbol is complete up to them.

    The mapping's filter lets only these through; between a first deployment and the setting of
    the filter others come too.
    """
    return list(_triggers(event["Records"]))


def _triggers(records: Iterable[dict[str, Any]]) -> Iterable[Trigger]:
    for record in records:
        image = record["dynamodb"].get("NewImage", {})
        if record["eventName"] in ("INSERT", "MODIFY") and "complete_from" in image:
            yield Trigger(
                identifier=record["dynamodb"]["SequenceNumber"],
                symbol=image["symbol"]["S"],
                newest=image["timestamp"]["S"],
                complete_from=image["complete_from"]["S"],
                ingested_at=image["ingested_at"]["S"],
            )
