"""The chain's driver sends the run's requests, and growth reports per tick."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.chain import _moved, put, ticks_of
from bench.growth import figures
from bench.recorded_local import Request, _request
from tests.unit.bench.test_cost import PER_MILLION, counted

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/2026-11-20T15:30:00.000"


def asked(body: bytes) -> Request:
    return Request(1.0, "POST", "/", {}, body)


def test_a_request_for_the_tables_stream_names_the_new_one() -> None:
    new = ARN.replace("15:30", "16:45")
    body = f'{{"ShardIterator":"{ARN}|1|abc"}}'.encode()
    assert _moved(asked(body), new).body == f'{{"ShardIterator":"{new}|1|abc"}}'.encode()


def test_other_requests_are_sent_as_they_were() -> None:
    request = asked(b'{"TableName":"prices"}')
    assert _moved(request, ARN) is request


def test_a_request_is_recorded_with_its_operation_and_body() -> None:
    headers = {"X-Amz-Target": b"DynamoDB_20120810.Query", "User-Agent": "x"}
    made = _request(
        SimpleNamespace(
            method="POST", url="http://127.0.0.1:1/a/b?c=1", headers=headers, body=b"{}"
        )
    )
    assert (made.method, made.path, made.body) == ("POST", "/a/b?c=1", b"{}")
    assert made.headers == {"x-amz-target": "DynamoDB_20120810.Query"}


def test_records_are_put_as_the_producer_does() -> None:
    requests: list[list[dict[str, Any]]] = []
    client = SimpleNamespace(put_records=lambda StreamName, Records: requests.append(Records))  # noqa: N803
    put(client, "ticks", ticks_of(600, 1200))
    assert [len(records) for records in requests] == [500, 100, 500, 100]
    assert len({record["PartitionKey"] for record in requests[0]}) == 500


def test_growth_is_by_the_tick() -> None:
    found = figures(counted())
    assert found["CPU, µs"] == pytest.approx(220)
    assert found["calls"] == pytest.approx(0.3)
    assert found["USD a million"] == pytest.approx(sum(PER_MILLION.values()))
