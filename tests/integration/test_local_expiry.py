"""The emulator's deletion of expired data, at times that the tests set."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.event_sources.filters import passes
from embedded_aws.event_sources.lambda_events import dynamodb_record
from infra import lifecycle_rules, resources
from infra.provision import provision
from tests.local_support.aws import Emulator, emulator

STREAM = "ticktape-local-ticks"
PRICES = "ticktape-local-prices"
BARS = "ticktape-local-bars"
ARCHIVE = "ticktape-local-archive"
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with emulator() as running:
        provision(running.clients, resources.load(), ingest="sqs")
        lifecycle_rules.put_rules(running("s3"), resources.load())
        yield running


def put_price(aws: Emulator, symbol: str, number: int, expires_at: float | None) -> None:
    item: dict[str, Any] = {"symbol": {"S": symbol}, "timestamp": {"S": f"{number:06}"}}
    if expires_at is not None:
        item["expires_at"] = {"N": str(int(expires_at))}
    aws("dynamodb").put_item(TableName=PRICES, Item=item)


def numbers(aws: Emulator, symbol: str) -> list[int]:
    found = aws("dynamodb").query(
        TableName=PRICES,
        KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": symbol}},
    )
    return [int(item["timestamp"]["S"]) for item in found["Items"]]


def _as_sent(record: dict[str, Any]) -> dict[str, Any]:
    """A stream record with its time as it is on the wire, in epoch seconds."""
    change = record["dynamodb"]
    stamp = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**change, "ApproximateCreationDateTime": stamp}}


def changes(aws: Emulator, symbol: str) -> list[dict[str, Any]]:
    """The table's stream, as Lambda would be handed it, of one symbol."""
    arn = aws("dynamodb").describe_table(TableName=PRICES)["Table"]["LatestStreamArn"]
    streams = aws("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[dict[str, Any]] = []
    while page := streams.get_records(ShardIterator=iterator):
        if not page["Records"]:
            return [r for r in found if r["dynamodb"]["Keys"]["symbol"]["S"] == symbol]
        found += [dynamodb_record(_as_sent(record), arn) for record in page["Records"]]
        iterator = page["NextShardIterator"]
    return found


def test_items_go_when_their_time_has_passed(aws: Emulator) -> None:
    now = time.time()
    put_price(aws, "TTL", 1, now + HOUR)
    put_price(aws, "TTL", 2, now + 3 * HOUR)
    put_price(aws, "TTL", 3, None)
    put_price(aws, "TTL", 4, now - 6 * 365 * DAY)  # DynamoDB leaves what is older than five years
    aws.control.sweep(now + HOUR - 60)
    assert numbers(aws, "TTL") == [1, 2, 3, 4]
    assert aws.control.sweep(now + HOUR + 60)["items"] == 1
    assert numbers(aws, "TTL") == [2, 3, 4]


def test_an_item_that_is_put_again_has_its_new_time(aws: Emulator) -> None:
    now = time.time()
    put_price(aws, "AGAIN", 1, now + HOUR)
    put_price(aws, "AGAIN", 1, now + 9 * HOUR)
    put_price(aws, "AGAIN", 2, now + HOUR)
    put_price(aws, "AGAIN", 2, None)
    aws("dynamodb").update_item(
        TableName=PRICES,
        Key={"symbol": {"S": "AGAIN"}, "timestamp": {"S": "000003"}},
        UpdateExpression="SET expires_at = :e",
        ExpressionAttributeValues={":e": {"N": str(int(now + HOUR))}},
    )
    aws.control.sweep(now + 2 * HOUR)
    assert numbers(aws, "AGAIN") == [1, 2]


def test_the_stream_says_that_the_service_deleted_and_detect_does_not_hear_of_it(
    aws: Emulator,
) -> None:
    from chalicelib.event_sources import EVENT_SOURCES

    now = time.time()
    put_price(aws, "HEARD", 1, now + HOUR)
    aws.control.sweep(now + 2 * HOUR)
    put, removed = changes(aws, "HEARD")
    assert (put["eventName"], "userIdentity" in put) == ("INSERT", False)
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }
    assert not passes(EVENT_SOURCES["detect"].filters, removed)


def test_more_items_than_a_step_takes_all_go(aws: Emulator) -> None:
    now = time.time()
    for start in range(0, 450, 25):
        items = [
            {"symbol": {"S": "MANY"}, "timestamp": {"S": f"{n:06}"}, "expires_at": {"N": "1"}}
            for n in range(start, start + 25)
        ]
        for item in items:
            item["expires_at"] = {"N": str(int(now + HOUR))}
        requests = [{"PutRequest": {"Item": item}} for item in items]
        aws("dynamodb").batch_write_item(RequestItems={PRICES: requests})
    assert aws.control.sweep(now + 2 * HOUR)["items"] >= 450
    assert numbers(aws, "MANY") == []


def records(aws: Emulator) -> int:
    (shard,) = aws("kinesis").list_shards(StreamName="kept")["Shards"]
    iterator = aws("kinesis").get_shard_iterator(
        StreamName="kept", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return len(aws("kinesis").get_records(ShardIterator=iterator)["Records"])


def test_unread_records_stay_for_the_streams_retention(aws: Emulator) -> None:
    kinesis, now = aws("kinesis"), time.time()
    kinesis.create_stream(StreamName="kept", ShardCount=1)
    entries = [{"Data": b"x", "PartitionKey": str(n)} for n in range(400)]
    kinesis.put_records(StreamName="kept", Records=entries)
    kinesis.put_records(StreamName="kept", Records=entries)
    put_price(aws, "STREAMED", 1, None)
    aws.control.sweep(now + 23 * HOUR)
    assert records(aws) == 800
    assert len(changes(aws, "STREAMED")) == 1
    kinesis.increase_stream_retention_period(StreamName="kept", RetentionPeriodHours=48)
    aws.control.sweep(now + 25 * HOUR)
    assert records(aws) == 800
    assert changes(aws, "STREAMED") == []
    aws.control.sweep(now + 49 * HOUR)
    assert records(aws) == 0


def test_time_in_which_nothing_ran_does_not_age_a_stream(tmp_path: Path) -> None:
    """Someone who starts the system again after a weekend finds what was not read yet."""
    with emulator(tmp_path / "aws.sqlite") as first:
        first("kinesis").create_stream(StreamName="kept", ShardCount=1)
        first("kinesis").put_record(StreamName="kept", Data=b"x", PartitionKey="A")
    with sqlite3.connect(tmp_path / "aws.sqlite") as file:
        file.execute("UPDATE records SET created = created - 200000")
    with emulator(tmp_path / "aws.sqlite") as second:
        second("kinesis").create_stream(StreamName="kept", ShardCount=1)
        second.control.sweep(time.time() + 23 * HOUR)
        assert records(second) == 1
        second.control.sweep(time.time() + 25 * HOUR)
        assert records(second) == 0


def test_messages_go_after_their_queues_retention(aws: Emulator) -> None:
    sqs, now = aws("sqs"), time.time()
    url = sqs.create_queue(QueueName="short", Attributes={"MessageRetentionPeriod": "600"})[
        "QueueUrl"
    ]
    sqs.send_message(QueueUrl=url, MessageBody="old")
    aws.control.sweep(now + 500)
    assert waiting(sqs, url) == 1
    assert aws.control.sweep(now + 700)["messages"] == 1
    assert waiting(sqs, url) == 0


def waiting(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_objects_go_by_their_buckets_rules(aws: Emulator) -> None:
    s3, now = aws("s3"), time.time()
    for key in ("results/a.csv", "raw/a", "elsewhere"):
        s3.put_object(Bucket=ARCHIVE, Key=key, Body=b"x")
    aws.control.sweep(now + 6 * DAY)
    assert keys(s3) == ["elsewhere", "raw/a", "results/a.csv"]
    aws.control.sweep(now + 8 * DAY)
    assert keys(s3) == ["elsewhere", "raw/a"]
    aws.control.sweep(now + 366 * DAY)
    assert keys(s3) == ["elsewhere"]


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=ARCHIVE).get("Contents", [])]


def test_queries_are_forgotten_after_45_days(aws: Emulator) -> None:
    athena = aws("athena")
    workgroup = resources.load().prefix
    number = athena.start_query_execution(QueryString="SELECT 1", WorkGroup=workgroup)[
        "QueryExecutionId"
    ]
    aws.control.sweep(time.time() + 44 * DAY)
    assert number in athena.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"]
    aws.control.sweep(time.time() + 46 * DAY)
    assert athena.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"] == []


def test_the_file_shrinks_when_much_was_deleted_and_its_log_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    with emulator(path) as running:
        provision(running.clients, resources.load(), ingest="sqs")
        lifecycle_rules.put_rules(running("s3"), resources.load())
        for number in range(30):
            body = bytes([number]) * 1_000_000
            running("s3").put_object(Bucket=ARCHIVE, Key=f"results/{number}", Body=body)
        running("s3").put_object(Bucket=ARCHIVE, Key="results/last", Body=b"x")
        grown = path.stat().st_size
        assert grown > 25_000_000
        running.control.sweep(time.time() + 8 * DAY)
        running("s3").put_object(Bucket=ARCHIVE, Key="raw/x", Body=b"x" * 5_000_000)
        assert path.stat().st_size < grown / 2
        assert path.with_name("aws.sqlite-wal").stat().st_size < 24_000_000


def test_after_its_retention_the_file_is_flat(tmp_path: Path) -> None:
    """Twelve rounds of the same writes, a day between them, of which each expires after two."""
    path = tmp_path / "aws.sqlite"
    sizes = []
    with emulator(path) as running:
        provision(running.clients, resources.load(), ingest="sqs")
        rules = [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2}}]
        running("s3").put_bucket_lifecycle_configuration(
            Bucket=ARCHIVE, LifecycleConfiguration={"Rules": rules}
        )
        running("kinesis").create_stream(StreamName="kept", ShardCount=1)
        for number in range(12):
            now = time.time() + number * DAY
            write_a_round(running, number, now)
            running.control.sweep(now)
            sizes.append(path.stat().st_size)
    assert max(sizes[6:]) <= 1.05 * max(sizes[:6]), sizes


def write_a_round(aws: Emulator, number: int, now: float) -> None:
    text = {"S": "x" * 5_000}
    for start in range(0, 100, 25):
        items = [
            {"symbol": {"S": "FLAT"}, "timestamp": {"S": f"{number:03}-{n:03}"}, "text": text,
             "expires_at": {"N": str(int(now + 2 * DAY))}}
            for n in range(start, start + 25)
        ]  # fmt: skip
        requests = [{"PutRequest": {"Item": item}} for item in items]
        aws("dynamodb").batch_write_item(RequestItems={PRICES: requests})
    records = [{"Data": b"x" * 20_000, "PartitionKey": "A"} for _ in range(50)]
    aws("kinesis").put_records(StreamName="kept", Records=records)
    aws("s3").put_object(Bucket=ARCHIVE, Key=f"any/{number}", Body=b"x" * 500_000)


def test_a_file_of_before_expires_as_well(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    now = time.time()
    with emulator(path) as first:
        provision(first.clients, resources.load(), ingest="sqs")
        put_price(first, "OLD", 1, now + HOUR)
        put_price(first, "OLD", 2, now + 9 * HOUR)
        first("s3").put_object(Bucket=ARCHIVE, Key="results/a", Body=b"x")
    with sqlite3.connect(path) as file:
        file.executescript(
            "DROP INDEX items_by_expiry; ALTER TABLE items DROP COLUMN expires;"
            "DROP INDEX objects_by_age; ALTER TABLE objects DROP COLUMN written;"
            "DELETE FROM meta WHERE name LIKE 'ttl:%'"
        )
    with emulator(path) as second:
        provision(second.clients, resources.load(), ingest="sqs")
        lifecycle_rules.put_rules(second("s3"), resources.load())
        second.control.sweep(now + 2 * HOUR)
        assert numbers(second, "OLD") == [2]
        second.control.sweep(now + 8 * DAY)
        assert keys(second("s3")) == []
