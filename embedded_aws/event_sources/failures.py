"""Stores dead-lettered batches as S3 objects, like Lambda's on-failure destination.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any, Protocol

from embedded_aws.event_sources.attempts import GivenUp
from embedded_aws.event_sources.lambda_events import ACCOUNT, event

_BATCH_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


class Origin(Protocol):
    """The stream from which dead-lettered records came."""

    kind: str
    arn: str


def invocation_record(
    given_up: GivenUp, origin: Origin, shard_id: str, function: str, now: datetime
) -> dict[str, Any]:
    """Return the content of a dead-lettered batch's object. `payload` is the event as JSON text."""
    first, last = given_up.records[0], given_up.records[-1]
    region = origin.arn.split(":")[3]
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function}",
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled" if given_up.error else None,
        },
        "version": "1.0",
        "timestamp": _text(now),
        _BATCH_INFO[origin.kind]: {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _text(datetime.fromtimestamp(first.arrived, UTC)),
            "approximateArrivalOfLastRecord": _text(datetime.fromtimestamp(last.arrived, UTC)),
            "batchSize": len(given_up.records),
            "streamArn": origin.arn,
        },
        "payload": json.dumps(event([record.event for record in given_up.records])),
    }


def object_key(mapping_id: str, shard_id: str, now: datetime) -> str:
    """Return an object's key
    `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`."""
    day, second = now.strftime("%Y/%m/%d"), now.strftime("%Y-%m-%dT%H.%M.%S")
    return f"aws/lambda/{mapping_id}/{shard_id}/{day}/{second}-{uuid.uuid4()}"


class FailureDestination:
    """Writes dead-lettered batches into an S3 bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put(
        self, given_up: GivenUp, origin: Origin, shard_id: str, function: str, mapping_id: str
    ) -> str:
        """Store a dead-lettered batch and the reason. Return the key of the object."""
        now = datetime.now(UTC)
        key = object_key(mapping_id, shard_id, now)
        body = invocation_record(given_up, origin, shard_id, function, now)
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=json.dumps(body).encode())
        return key


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"
