"""The failure destination's object, after the example of Lambda's developer guide."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from embedded_aws.event_sources.attempts import GivenUp
from embedded_aws.event_sources.failures import invocation_record, object_key
from tests.local_support.records import make_record

NOW = datetime(2026, 11, 20, 15, 30, 1, 4000, UTC)


@dataclass
class Origin:
    kind: str
    arn: str = "arn:aws:kinesis:us-east-1:123456789012:stream/ticks"


@pytest.mark.parametrize(
    ("kind", "info"), [("kinesis", "KinesisBatchInfo"), ("dynamodb", "DDBStreamBatchInfo")]
)
def test_record_carries_the_whole_payload(kind: str, info: str) -> None:
    records = (make_record(7, arrived=1795534200.5), make_record(9, arrived=1795534201.0))
    given_up = GivenUp(records, "RetryAttemptsExhausted", 3, "boom")
    made = invocation_record(given_up, Origin(kind), "shardId-000000000002", "ingest", NOW)
    assert made["requestContext"] | {"requestId": ""} == {
        "requestId": "",
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:ingest",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 3,
    }
    assert made["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert (made["version"], made["timestamp"]) == ("1.0", "2026-11-20T15:30:01.004Z")
    assert made[info] == {
        "shardId": "shardId-000000000002",
        "startSequenceNumber": "7",
        "endSequenceNumber": "9",
        "approximateArrivalOfFirstRecord": "2026-11-24T15:30:00.500Z",
        "approximateArrivalOfLastRecord": "2026-11-24T15:30:01.000Z",
        "batchSize": 2,
        "streamArn": Origin(kind).arn,
    }
    assert json.loads(made["payload"]) == {"Records": [{"n": 7}, {"n": 9}]}


def test_key_is_of_lambdas_making() -> None:
    key = object_key("0000-mapping", "shardId-000000000002", NOW)
    pattern = (
        r"aws/lambda/0000-mapping/shardId-000000000002/2026/11/20/"
        r"2026-11-20T15\.30\.01-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    )
    assert re.fullmatch(pattern, key)
