"""The foundations of benchmarks: the baseline does its work, clients accept the null endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest

from bench import feeds, stored
from bench.baseline import Baseline, crossed
from bench.null_aws import NullAws, null_aws
from chalicelib.adapters.bars import _to_bar
from chalicelib.adapters.clients import Clients
from chalicelib.adapters.prices import Prices
from chalicelib.adapters.tick_items import unpack
from rigs.emulated import Emulated
from tests.factories import NEVER, make_priced, make_tick


@pytest.fixture
def baseline(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> tuple[Baseline, Any]:
    settings = emulated.provisioned()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", emulated.keys.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulated.keys.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = Baseline(
        settings.prices_table,
        settings.bars_table,
        settings.archive_bucket,
        settings.alerts_topic_arn,
        emulated.endpoint,
    )
    return made, settings


def test_the_baseline_stores_one_object_and_one_item_a_record(
    baseline: tuple[Baseline, Any],
) -> None:
    theirs, settings = baseline
    theirs.ingest(feeds.kinesis_event(6, ("AAA", "BBB")))
    objects = theirs.s3.list_objects_v2(Bucket=settings.archive_bucket)
    assert objects["KeyCount"] == 6
    rows = theirs.dynamodb.scan(TableName=settings.prices_table)["Items"]
    assert len(rows) == 6
    first = min(rows, key=lambda row: (row["symbol"], row["timestamp"]))
    assert first["price"] == Decimal("189")
    assert first["change"] == Decimal("-0.5")
    assert first["anomaly"] == "No"


def test_the_baseline_reads_the_day_and_publishes_at_a_cross(
    baseline: tuple[Baseline, Any],
) -> None:
    theirs, settings = baseline
    falling_then_high = [100 - n for n in range(21)] + [300]
    ticks = [make_tick(price, n) for n, price in enumerate(falling_then_high)]
    ours = Prices(_plain(theirs), settings.prices_table, Decimal(5), 30)
    assert ours.write([make_priced([tick]) for tick in ticks], NEVER) == set()
    images = [
        {"symbol": {"S": t.symbol}, "timestamp": {"S": t.timestamp}, "price": {"N": "1"}}
        for t in ticks
    ]
    assert theirs.detect(feeds.stream_event(images)) == 1
    assert theirs.detect(feeds.stream_event(images[:-1])) == 0


def _plain(theirs: Baseline) -> Any:
    """A client of the same endpoint without the resource's conversions."""
    return boto3.client("dynamodb", endpoint_url=theirs.dynamodb.meta.endpoint_url)


def test_crosses_need_an_average_before() -> None:
    assert crossed([Decimal(1)] * 20 + [Decimal(2)]) == "golden cross"
    assert crossed([Decimal(2)] * 20 + [Decimal(1)]) == "death cross"
    assert crossed([Decimal(1)] * 19 + [Decimal(2)]) == ""
    assert crossed([Decimal(1)] * 22) == ""


@pytest.fixture(scope="module")
def null() -> Iterator[NullAws]:
    with null_aws() as endpoint:
        yield endpoint


def test_the_null_endpoint_takes_all_writes_of_both_sides(null: NullAws) -> None:
    theirs = Baseline("prices", "bars", "archive", "arn:aws:sns:us-east-1:123456789012:alerts")
    theirs.ingest(feeds.kinesis_event(3))
    theirs.sns.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:alerts", Message="x")
    ours = Clients()
    ours.s3.put_object(Bucket="archive", Key="a", Body=b"x")
    prices = Prices(ours.dynamodb, "prices", Decimal(5), 30)
    assert prices.write([make_priced([make_tick(100, n)]) for n in range(30)], NEVER) == set()
    assert ours.dynamodb.get_item(TableName="state", Key={"symbol": {"S": "A"}}).keys() == {
        "ResponseMetadata"
    }


def test_the_null_endpoint_gives_the_answers_that_were_set(null: NullAws) -> None:
    null.answer("GetItem", "state", {"Item": {"symbol": {"S": "A"}}})
    client = Clients().dynamodb
    found = client.get_item(TableName="state", Key={"symbol": {"S": "A"}})
    assert found["Item"] == {"symbol": {"S": "A"}}


@pytest.mark.parametrize("rows", [5_000, 1_000_000])
def test_a_table_of_any_length_answers_queries_as_dynamodb_does(null: NullAws, rows: int) -> None:
    null.store("prices", rows)
    prices = Prices(Clients().dynamodb, "prices", Decimal(5), 30)
    newest = stored.stamp(stored.NEWEST)
    page = prices.ticks("A", None, None, limit=3, descending=True)
    assert [row.tick.timestamp[17:19] for row in page.rows] == ["30", "29", "28"]
    assert page.rows[0].tick.timestamp == newest
    whole = prices.ticks("A", stored.ticks(rows).when(rows - 4_000), None, limit=5_000)
    stamps = [row.tick.timestamp for row in whole.rows]
    assert len(stamps) == 4_000
    assert stamps == sorted(set(stamps))
    assert prices.ticks("A", newest, None, limit=9).rows[0].tick.timestamp == newest


def test_stored_rows_are_what_the_app_writes() -> None:
    (tick,) = unpack(stored.tick_item("A", 7, stored.stamp(stored.NEWEST)))
    assert tick.tick.price == Decimal(stored.price(7))
    bar = _to_bar(stored.bar_item("A#1m", 7, stored.stamp(stored.NEWEST)))
    assert (bar.symbol, bar.interval, bar.ticks) == ("A", "1m", 60)
