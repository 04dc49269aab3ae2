"""The emulator: moto as repaired, and what a kill leaves of it."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.errors import EmulatorError
from embedded_aws.process import EmulatorProcess
from embedded_aws.signing import signed
from infra import resources
from infra.provision import provision
from tests.local_support.aws import Emulator, emulator
from tests.patience import PATIENCE_SECONDS

STREAM = "ticktape-local-ticks"
PRICES = "ticktape-local-prices"
ALERTS = "ticktape-local-alerts"
ARCHIVE = "ticktape-local-archive"


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with emulator() as running:
        provision(running.clients, resources.load(), ingest="kinesis")
        yield running


def price(symbol: str, number: int, **attributes: Any) -> dict[str, Any]:
    return {
        "symbol": {"S": symbol},
        "timestamp": {"S": f"{number:06}"},
        "price": {"N": "1.5"},
        **attributes,
    }


def put_prices(aws: Emulator, symbol: str, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 25):
        chunk = range(start, min(start + 25, numbers.stop))
        requests = [{"PutRequest": {"Item": price(symbol, n)}} for n in chunk]
        aws("dynamodb").batch_write_item(RequestItems={PRICES: requests})


def changes(aws: Emulator, symbol: str) -> list[tuple[str, str]]:
    """Return a symbol's events and range keys in the prices table's stream."""
    arn = aws("dynamodb").describe_table(TableName=PRICES)["Table"]["LatestStreamArn"]
    streams = aws("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[tuple[str, str]] = []
    while True:
        page = streams.get_records(ShardIterator=iterator)
        if not page["Records"]:
            return found
        iterator = page["NextShardIterator"]
        for record in page["Records"]:
            keys = record["dynamodb"]["Keys"]
            if keys["symbol"]["S"] == symbol:
                found.append((record["eventName"], keys["timestamp"]["S"]))


def query(aws: Emulator, table: str, **request: Any) -> list[dict[str, Any]]:
    """All pages of a query."""
    items: list[dict[str, Any]] = []
    while True:
        page = aws("dynamodb").query(TableName=table, **request)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("symbol = :s", {}, range(1, 41)),
        ("symbol = :s AND #t BETWEEN :a AND :b", {":a": 3, ":b": 12}, range(3, 13)),
        ("symbol = :s AND #t > :a", {":a": 30}, range(31, 41)),
        ("symbol = :s AND #t >= :a", {":a": 30}, range(30, 41)),
        ("symbol = :s AND #t < :a", {":a": 3}, range(1, 3)),
        ("symbol = :s AND #t <= :a", {":a": 3}, range(1, 4)),
        ("symbol = :s AND #t = :a", {":a": 7}, range(7, 8)),
    ],
)
def test_queries_give_every_item_once_in_order_over_pages(
    aws: Emulator, condition: str, values: dict[str, int], expected: range, forward: bool
) -> None:
    put_prices(aws, "QUERIED", range(1, 41))
    put_prices(aws, "QUERIES", range(1, 5))
    bound = {name: {"S": f"{number:06}"} for name, number in values.items()}
    items = query(
        aws,
        PRICES,
        KeyConditionExpression=condition,
        ExpressionAttributeValues={":s": {"S": "QUERIED"}, **bound},
        ScanIndexForward=forward,
        Limit=7,
        **({"ExpressionAttributeNames": {"#t": "timestamp"}} if "#t" in condition else {}),
    )
    found = [int(item["timestamp"]["S"]) for item in items]
    assert found == sorted(expected, reverse=not forward)


def alert(number: int, day: str) -> dict[str, Any]:
    return {
        "symbol": {"S": f"S{number % 3}"},
        "timestamp_rule": {"S": f"{number:03}#r"},
        "day": {"S": day},
        "timestamp_symbol_rule": {"S": f"{number // 2:03}"},
    }


@pytest.mark.parametrize("forward", [True, False])
def test_an_index_gives_every_item_once_ties_among_them(aws: Emulator, forward: bool) -> None:
    for number in range(20):
        aws("dynamodb").put_item(TableName=ALERTS, Item=alert(number, "2026-11-20"))
    aws("dynamodb").put_item(TableName=ALERTS, Item=alert(3, "2026-11-21"))
    items = query(
        aws,
        ALERTS,
        IndexName="by_day",
        KeyConditionExpression="#d = :d",
        ExpressionAttributeNames={"#d": "day"},
        ExpressionAttributeValues={":d": {"S": "2026-11-20"}},
        ScanIndexForward=forward,
        Limit=3,
    )
    found = sorted(int(item["timestamp_rule"]["S"][:3]) for item in items)
    assert found == [number for number in range(20) if number != 3]
    order = [item["timestamp_symbol_rule"]["S"] for item in items]
    assert order == sorted(order, reverse=not forward)


def test_a_page_ends_at_a_megabyte(aws: Emulator) -> None:
    for number in range(4):
        item = price("BIG", number, text={"S": "x" * 300_000})
        aws("dynamodb").put_item(TableName=PRICES, Item=item)
    request = {
        "TableName": PRICES,
        "KeyConditionExpression": "symbol = :s",
        "ExpressionAttributeValues": {":s": {"S": "BIG"}},
    }
    page = aws("dynamodb").query(**request)
    assert len(page["Items"]) == 3
    request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert len(aws("dynamodb").query(**request)["Items"]) == 1


def test_an_identical_put_leaves_no_record_on_the_stream(aws: Emulator) -> None:
    for value in ("1.5", "1.5", "1.50", "1.6"):
        aws("dynamodb").put_item(TableName=PRICES, Item=price("SAME", 1, price={"N": value}))
    assert changes(aws, "SAME") == [("INSERT", "000001"), ("MODIFY", "000001")]


def test_an_update_is_one_change(aws: Emulator) -> None:
    for value in ("1", "1", "2"):
        aws("dynamodb").update_item(
            TableName=PRICES,
            Key={"symbol": {"S": "UPDATED"}, "timestamp": {"S": "1"}},
            UpdateExpression="SET price = :p",
            ExpressionAttributeValues={":p": {"N": value}},
        )
    assert changes(aws, "UPDATED") == [("INSERT", "1"), ("MODIFY", "1")]


def test_a_failed_condition_changes_nothing(aws: Emulator) -> None:
    aws("dynamodb").put_item(TableName=PRICES, Item=price("HELD", 1))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws("dynamodb").put_item(
            TableName=PRICES,
            Item=price("HELD", 1, price={"N": "9"}),
            ConditionExpression="attribute_not_exists(symbol)",
        )
    key = {"symbol": {"S": "HELD"}, "timestamp": {"S": "000001"}}
    found = aws("dynamodb").get_item(TableName=PRICES, Key=key)["Item"]
    assert found["price"] == {"N": "1.5"}
    assert changes(aws, "HELD") == [("INSERT", "000001")]


def test_a_transaction_that_fails_leaves_nothing(aws: Emulator) -> None:
    aws("dynamodb").put_item(TableName=PRICES, Item=price("TX", 1))
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws("dynamodb").transact_write_items(
            TransactItems=[
                {"Put": {"TableName": PRICES, "Item": price("TX", 2)}},
                {
                    "Put": {
                        "TableName": PRICES,
                        "Item": price("TX", 1),
                        "ConditionExpression": "attribute_not_exists(symbol)",
                    }
                },
            ]
        )
    assert changes(aws, "TX") == [("INSERT", "000001")]


def test_items_keep_their_types(aws: Emulator) -> None:
    attributes = {
        "m": {"M": {"l": {"L": [{"N": "1"}, {"BOOL": True}, {"NULL": True}]}}},
        "b": {"B": b"\x00\xff"},
        "s": {"SS": ["a", "b"]},
    }
    aws("dynamodb").put_item(TableName=PRICES, Item=price("TYPED", 1, **attributes))
    key = {"symbol": {"S": "TYPED"}, "timestamp": {"S": "000001"}}
    found = aws("dynamodb").get_item(TableName=PRICES, Key=key)["Item"]
    assert found == price("TYPED", 1, **attributes)


def test_a_closed_shard_keeps_its_records_and_ends(aws: Emulator) -> None:
    kinesis = aws("kinesis")
    kinesis.create_stream(StreamName="split", ShardCount=1)
    parent = "shardId-000000000000"
    kinesis.put_record(StreamName="split", Data=b"old", PartitionKey="A")
    kinesis.split_shard(StreamName="split", ShardToSplit=parent, NewStartingHashKey=str(2**127))
    kinesis.put_record(StreamName="split", Data=b"new", PartitionKey="A")
    shards = kinesis.list_shards(StreamName="split")["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, parent, parent]
    found = {}
    for shard in shards:
        iterator = kinesis.get_shard_iterator(
            StreamName="split", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        page = kinesis.get_records(ShardIterator=iterator)
        found[shard["ShardId"]] = [record["Data"] for record in page["Records"]]
        assert (page.get("NextShardIterator") is None) == (shard["ShardId"] == parent)
    assert found[parent] == [b"old"]
    assert sorted(found.values()) == [[], [b"new"], [b"old"]]


def test_objects_are_listed_by_prefix_over_pages(aws: Emulator) -> None:
    s3 = aws("s3")
    names = [f"listed/{number:02}" for number in range(12)]
    for name in [*names, "listee"]:
        s3.put_object(Bucket=ARCHIVE, Key=name, Body=name.encode(), Metadata={"n": name})
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=ARCHIVE, Prefix="listed/", PaginationConfig={"PageSize": 5}
    )
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == names
    found = s3.get_object(Bucket=ARCHIVE, Key=names[3])
    assert (found["Body"].read(), found["Metadata"]) == (names[3].encode(), {"n": names[3]})
    s3.delete_object(Bucket=ARCHIVE, Key=names[3])
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=ARCHIVE, Key=names[3])


def test_provisioning_again_changes_nothing(aws: Emulator) -> None:
    first = provision(aws.clients, resources.load(), ingest="kinesis")
    assert provision(aws.clients, resources.load(), ingest="kinesis") == first
    ttl = aws("dynamodb").describe_time_to_live(TableName=PRICES)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_waiting_ends_with_a_change(aws: Emulator) -> None:
    seen = aws.control.wait_for_changes(-1, 0)
    began = time.monotonic()
    assert aws.control.wait_for_changes(seen, 0.2) == seen
    assert time.monotonic() - began >= 0.2
    aws("kinesis").put_record(StreamName=STREAM, Data=b"x", PartitionKey="A")
    assert aws.control.wait_for_changes(seen, PATIENCE_SECONDS) != seen


def test_finished_records_are_trimmed(aws: Emulator) -> None:
    kinesis = aws("kinesis")
    kinesis.create_stream(StreamName="trimmed", ShardCount=1)
    put = [kinesis.put_record(StreamName="trimmed", Data=b"x", PartitionKey="A") for _ in range(3)]
    shard, second = put[1]["ShardId"], put[1]["SequenceNumber"]
    assert aws.control.trim("kinesis", "trimmed", shard, second, 60) == 0
    assert aws.control.trim("kinesis", "trimmed", shard, second, -1) == 2
    iterator = kinesis.get_shard_iterator(
        StreamName="trimmed", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert record["SequenceNumber"] == put[2]["SequenceNumber"]


LISTED = ["a", "b/1", "b/2", "b/c/3", "b/d/4", "b/d/5", "b0", "c/6"]


@pytest.mark.parametrize("most", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("request_", "keys", "folders"),
    [
        ({}, LISTED, []),
        ({"Prefix": "b/"}, LISTED[1:6], []),
        ({"Prefix": "b/", "Delimiter": "/"}, ["b/1", "b/2"], ["b/c/", "b/d/"]),
        ({"Delimiter": "/"}, ["a", "b0"], ["b/", "c/"]),
        ({"StartAfter": "b/2"}, LISTED[3:], []),
        ({"Prefix": "b", "StartAfter": "b/c/"}, LISTED[3:7], []),
        ({"Prefix": "none"}, [], []),
    ],
)
def test_a_listing_has_every_key_and_folder_once_over_pages(
    aws: Emulator, request_: dict[str, Any], keys: list[str], folders: list[str], most: int
) -> None:
    s3 = aws("s3")
    if not s3.list_buckets(Prefix="listed")["Buckets"]:
        s3.create_bucket(Bucket="listed")
        for key in LISTED:
            s3.put_object(Bucket="listed", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="listed", PaginationConfig={"PageSize": most}, **request_
    )
    pages = list(pages)
    assert [e["Key"] for page in pages for e in page.get("Contents", ())] == keys
    assert [e["Prefix"] for page in pages for e in page.get("CommonPrefixes", ())] == folders
    assert all(page["KeyCount"] <= most for page in pages)


def state_of(aws: Emulator) -> dict[str, Any]:
    """Everything that a restart must keep, as clients see it."""
    kinesis = aws("kinesis")
    records = {}
    for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        page = kinesis.get_records(ShardIterator=iterator)
        records[shard["ShardId"]] = [(r["SequenceNumber"], r["Data"]) for r in page["Records"]]
    listed = aws("s3").list_objects_v2(Bucket=ARCHIVE).get("Contents", [])
    return {
        "items": aws("dynamodb").scan(TableName=PRICES)["Items"],
        "changes": changes(aws, "AAPL"),
        "arn": aws("dynamodb").describe_table(TableName=PRICES)["Table"]["LatestStreamArn"],
        "records": records,
        "objects": [(entry["Key"], entry["ETag"]) for entry in listed],
    }


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with emulator(tmp_path / "aws.sqlite") as first:
        provision(first.clients, resources.load(), ingest="kinesis")
        put_prices(first, "AAPL", range(30))
        first("kinesis").put_record(StreamName=STREAM, Data=b"one", PartitionKey="AAPL")
        first("kinesis").split_shard(
            StreamName=STREAM,
            ShardToSplit="shardId-000000000000",
            NewStartingHashKey=str(2**127),
        )
        last = first("kinesis").put_record(StreamName=STREAM, Data=b"two", PartitionKey="AAPL")
        first("s3").put_object(Bucket=ARCHIVE, Key="raw/a", Body=b"body")
        before = state_of(first)
        os.kill(first.process.pid, signal.SIGKILL)
    with emulator(tmp_path / "aws.sqlite") as second:
        provision(second.clients, resources.load(), ingest="kinesis")
        assert state_of(second) == before
        more = second("kinesis").put_record(StreamName=STREAM, Data=b"three", PartitionKey="AAPL")
        assert more["ShardId"] == last["ShardId"]
        assert int(more["SequenceNumber"]) == int(last["SequenceNumber"]) + 1


def test_numbers_go_on_after_everything_was_trimmed(tmp_path: Path) -> None:
    with emulator(tmp_path / "aws.sqlite") as first:
        provision(first.clients, resources.load(), ingest="kinesis")
        put = first("kinesis").put_record(StreamName=STREAM, Data=b"x", PartitionKey="A")
        number = put["SequenceNumber"]
        assert first.control.trim("kinesis", STREAM, put["ShardId"], number, -1) == 1
    with emulator(tmp_path / "aws.sqlite") as second:
        provision(second.clients, resources.load(), ingest="kinesis")
        more = second("kinesis").put_record(StreamName=STREAM, Data=b"y", PartitionKey="A")
        assert int(more["SequenceNumber"]) == int(number) + 1


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    path.write_bytes(b"this is not a database, and is long enough to be seen as none" * 20)
    process = EmulatorProcess(0, path)
    with pytest.raises(EmulatorError, match="not a Ticktape database"):
        process.wait_until_ready()
    assert not process.alive()


def test_the_emulator_ends_with_its_parent() -> None:
    running = Emulator()
    stdin = running.process._process.stdin
    assert stdin is not None
    stdin.close()  # as the kernel does for a parent that was killed
    assert running.process._process.wait(PATIENCE_SECONDS) is not None
    running.process.stop()


def test_filters_and_projections_apply_to_what_the_keys_find(aws: Emulator) -> None:
    put_prices(aws, "FILTERED", range(1, 31))
    for number in range(3, 31, 9):
        item = price("FILTERED", number, kept={"S": "yes"})
        aws("dynamodb").put_item(TableName=PRICES, Item=item)
    items = query(
        aws,
        PRICES,
        KeyConditionExpression="symbol = :s AND #t > :a",
        FilterExpression="kept = :k",
        ProjectionExpression="#t, kept",
        ExpressionAttributeNames={"#t": "timestamp"},
        ExpressionAttributeValues={
            ":s": {"S": "FILTERED"},
            ":a": {"S": "000003"},
            ":k": {"S": "yes"},
        },
        Limit=4,
    )
    assert items == [
        {"timestamp": {"S": f"{number:06}"}, "kept": {"S": "yes"}} for number in (12, 21, 30)
    ]


def test_counts_need_no_items(aws: Emulator) -> None:
    put_prices(aws, "COUNTED", range(1, 31))
    page = aws("dynamodb").query(
        TableName=PRICES,
        KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": "COUNTED"}},
        Select="COUNT",
    )
    assert (page["Count"], "Items" in page) == (30, False)


def insert(name: str, item: dict[str, Any]) -> dict[str, Any]:
    attributes = ", ".join(f"'{attribute}': ?" for attribute in item)
    return {
        "Statement": f'INSERT INTO "{name}" VALUE {{{attributes}}}',
        "Parameters": list(item.values()),
    }


def test_inserts_are_judged_each_by_itself(aws: Emulator) -> None:
    stored = price("INSERTED", 1, volume={"N": "5"})
    aws("dynamodb").put_item(TableName=PRICES, Item=stored)
    new = [price("INSERTED", n, note={"S": 'it\'s "new"'}) for n in range(3)]
    statements = [insert(PRICES, item) for item in new] + [insert("none", new[0])]
    answer = aws("dynamodb").batch_execute_statement(Statements=statements)["Responses"]
    codes = [response.get("Error", {}).get("Code") for response in answer]
    assert codes == [None, "DuplicateItem", None, "ResourceNotFound"]
    found = query(
        aws, PRICES, KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": "INSERTED"}},
    )  # fmt: skip
    assert found == [new[0], stored, new[2]]
    assert changes(aws, "INSERTED") == [
        ("INSERT", "000001"), ("INSERT", "000000"), ("INSERT", "000002")
    ]  # fmt: skip


def test_a_batch_takes_25_statements(aws: Emulator) -> None:
    statements = [insert(PRICES, price("MANY", n)) for n in range(26)]
    with pytest.raises(ClientError, match="ValidationException"):
        aws("dynamodb").batch_execute_statement(Statements=statements)
    assert changes(aws, "MANY") == []


def test_a_connection_serves_one_request_after_another(aws: Emulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.process.port, timeout=60)
    connection.connect()
    socket = connection.sock
    target = {"X-Amz-Target": "DynamoDB_20120810.DescribeTable"}
    url = f"{aws.process.endpoint}/"
    for table, status in ((PRICES, 200), ("none", 400), (PRICES, 200)):
        body = f'{{"TableName": "{table}"}}'.encode()
        headers = signed(aws.process.keys, "dynamodb", "POST", url, body, target)
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
        assert connection.sock is socket
    connection.request("POST", "/", body, {**headers, "Connection": "close"})
    answer = connection.getresponse()
    assert (answer.headers["Connection"], bool(answer.read())) == ("close", True)
    assert connection.sock is None
