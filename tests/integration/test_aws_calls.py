"""The number of the pipeline's calls to AWS, counted at botocore's clients."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from bench.aws_calls import AwsCalls, item_bytes
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from rigs.emulated import Emulated
from rigs.memory_aws.system import SETTINGS, Aws
from rigs.memory_aws.transport import Transport
from tests.factories import NEVER, at, instant, kinesis_event, payload, wire

SYMBOLS = [f"SYM{n:02}" for n in range(25)]
FULL = {
    "previous_close": 100,
    "open": 100.5,
    "high": 102.25,
    "low": 99.75,
    "currency": "USD",
    "exchange_timezone": "America/New_York",
    "market_state": "REGULAR",
}


class Counted:
    """The pipeline over AWS in memory, and its calls."""

    def __init__(self) -> None:
        self.aws = Aws()
        transport = Transport(self.aws)
        self.services = Services(SETTINGS, lambda: instant(130), transport)
        self.calls = AwsCalls((transport.dynamodb, transport.s3, transport.sns), {"alerts": 1})
        self._seen = 0
        self._number = 0

    def batch(self, payloads: list[bytes], arrival: float) -> None:
        """One batch of the stream through ingest, and its changes through detect."""
        records = events.from_kinesis(kinesis_event(payloads, self._number, arrival))
        self._number += len(payloads)
        assert self.services.ingest(records, NEVER).failed == frozenset()
        changes = self.aws.stream[self._seen :]
        self._seen = len(self.aws.stream)
        done = self.services.detect(events.changed_prices({"Records": changes}))
        assert done.failed == ()


def a_thousand(start: float, to_a_record: int) -> list[bytes]:
    """40 ticks of each of 25 symbols within 20 seconds."""
    ticks = {
        symbol: [
            wire(100 + (start + n / 2) / 100, start + n / 2, symbol=symbol, volume=n, **FULL)
            for n in range(40)
        ]
        for symbol in SYMBOLS
    }
    return [
        payload(*mine[n : n + to_a_record])
        for n in range(0, 40, to_a_record)
        for mine in ticks.values()
    ]


@pytest.fixture(scope="module")
def counted() -> dict[int, Counted]:
    """A thousand ticks in one batch, by how many of them a record holds; no alert among them."""
    found = {}
    for to_a_record in (1, 4, 40):
        found[to_a_record] = Counted()
        found[to_a_record].batch(a_thousand(0, to_a_record), 60)
        found[to_a_record].calls.forget()
        # Packed records leave room for 25 bars, of the minute before, to be closed as well.
        start = 60 if to_a_record > 1 else 20
        found[to_a_record].batch(a_thousand(start, to_a_record), 120)
    return found


SIZES = [1, 4, 40]


@pytest.mark.parametrize("to_a_record", SIZES)
def test_a_thousand_ticks_of_25_symbols_take_at_most_a_hundred_calls(
    counted: dict[int, Counted], to_a_record: int
) -> None:
    calls = counted[to_a_record].calls
    assert not counted[to_a_record].aws.tables["alerts"].items
    assert 50 < calls.calls <= 100, calls.by_operation


@pytest.mark.parametrize("to_a_record", SIZES)
def test_a_batch_is_one_object_in_s3(counted: dict[int, Counted], to_a_record: int) -> None:
    assert counted[to_a_record].calls.count("PutObject") == 1


@pytest.mark.parametrize("to_a_record", SIZES)
def test_state_items_take_at_most_1024_bytes(counted: dict[int, Counted], to_a_record: int) -> None:
    states = counted[to_a_record].aws.tables["state"].items.values()
    assert len(states) == 25
    assert 500 < max(map(item_bytes, states)) <= 1024


def midnight(days: int) -> str:
    """Return the start of the day `days` after that of the ticks."""
    return f"{at(86_400 * days)[:10]}T00:00:00.000000Z"


def test_closes_that_default_rules_judge_are_read_in_few_requests() -> None:
    symbol = "SYM00"
    system = Counted()
    bar: dict[str, Any] = {
        "symbol": symbol,
        "open": 100,
        "high": 120,
        "low": 90,
        "mode": "backfill",
    }
    days = [wire(100 + n % 7, bar="1d", timestamp=midnight(n - 400), **bar) for n in range(400)]
    minutes = [wire(100 + n % 7, 60 * (n - 300), bar="1m", **bar) for n in range(300)]
    system.batch([payload(*days), payload(*minutes)], 0)
    system.batch([payload(wire(100, 1, symbol=symbol, **FULL))], 10)
    found = []
    for seconds in (301, 601, 901, 86_400 * 3):  # 5-minute bars, the first read whole; the day
        system.calls.forget()
        system.batch([payload(wire(100, seconds, symbol=symbol, **FULL))], seconds + 10)
        query = system.calls.by_operation["Query"]
        found.append((query.calls, query.read_units))
    first, *others, day = found  # one Query of each is for the tick
    assert first[0] <= 5
    assert first[1] <= 10
    assert max(others) <= (4, 4.0)
    assert day[0] <= 5
    assert day[1] <= 15


def test_capacity_is_that_of_what_is_written(counted: dict[int, Counted]) -> None:
    single, packed = (counted[size].calls.by_operation for size in (1, 40))
    assert single["BatchWriteItem"].write_units == 1000
    assert packed["BatchWriteItem"].write_units < 100
    assert single["Query"].read_units >= 25
    assert single["PutObject"].request_bytes > 1000


def test_a_refused_write_costs_as_much_as_one_that_is_done() -> None:
    aws = Transport(Aws())
    calls = AwsCalls([aws.dynamodb])
    item = {"symbol": {"S": "A"}, "data": {"S": "x" * 1500}}
    for _ in range(2):
        with contextlib.suppress(aws.dynamodb.exceptions.ConditionalCheckFailedException):
            aws.dynamodb.put_item(
                TableName="state", Item=item, ConditionExpression="attribute_not_exists(symbol)"
            )
    tally = calls.by_operation["PutItem"]
    assert (tally.calls, tally.errors, tally.write_units) == (2, 1, 4)
    assert tally.request_bytes > 3000


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "Ünï"}, 5),
        ({"N": "100"}, 2),
        ({"N": "-123.45"}, 5),
        ({"BOOL": True}, 1),
        ({"M": {"a": {"S": "b"}}}, 6),
        ({"L": [{"S": "b"}]}, 5),
    ],
)
def test_sizes_are_counted_as_dynamodb_does(value: Any, size: int) -> None:
    assert item_bytes({"n": value}) == 1 + size


def test_the_emulators_calls_are_counted_too(emulated: Emulated) -> None:
    services = Services(emulated.provisioned(), lambda: instant(20), emulated.clients)
    calls = AwsCalls([emulated.clients.dynamodb, emulated.clients.s3])
    records = events.from_kinesis(kinesis_event([payload(wire(1, 0))], arrival=10))
    services.ingest(records, NEVER)
    counts = {name: tally.calls for name, tally in calls.by_operation.items()}
    assert counts == {"BatchGetItem": 3, "UpdateItem": 1, "PutObject": 1, "BatchWriteItem": 1}


def test_counting_leaves_a_streamed_body_to_its_reader(emulated: Emulated) -> None:
    s3 = emulated.clients.s3
    bucket = emulated.provisioned().archive_bucket
    s3.put_object(Bucket=bucket, Key="a", Body=b"twelve bytes")
    calls = AwsCalls([s3])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"twelve bytes"
    assert calls.by_operation["GetObject"].response_bytes == len("twelve bytes")
