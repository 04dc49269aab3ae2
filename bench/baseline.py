"""The old designs, implemented as well as possible: the baseline for our handlers.

For each record of the stream they parse it with exact numbers, put one object and put one item. For
each stored item they query the symbol's day, compute both averages and publish at a cross. For the
API they query the rows and call `json.dumps`. They use boto3 as its tutorials do, with reused
clients, persistent connections, a usable key, and only the needed attributes in the day's query.
They have none of Ticktape's additions: checks, quarantine, bars, repair, claims, ETags, pages.

`bench.cost` prices the calls of the same functions. `count` counts them for the most expensive of
the old designs (000): a stream on demand, one record per invocation, and one object, one item and
one mail per tick. Its second function publishes each item that it receives.
"""

from __future__ import annotations

import base64
import json
import os
from decimal import Decimal
from functools import partial
from typing import Any
from unittest import mock

import boto3
from boto3.dynamodb.conditions import Key

from bench import feeds
from bench.counting import Meter, TimedTransport
from costs.counted import Counted
from costs.settings import Settings
from rigs.memory_aws.system import Aws

ANOMALY_PERCENT = 5
FAST, SLOW = 5, 20

Event = dict[str, Any]


class Baseline:
    """The baseline's handlers in one container. Clients are created here, once. If `endpoint` is
    None, clients use boto3's default."""

    def __init__(
        self, prices: str, bars: str, bucket: str, topic: str, endpoint: str | None = None
    ) -> None:
        session = boto3.session.Session()
        self.s3 = session.client("s3", endpoint_url=endpoint)
        self.sns = session.client("sns", endpoint_url=endpoint)
        dynamodb = session.resource("dynamodb", endpoint_url=endpoint)
        self.dynamodb = dynamodb.meta.client
        self._prices = dynamodb.Table(prices)
        self._bars = dynamodb.Table(bars)
        self._bucket = bucket
        self._topic = topic

    @property
    def clients(self) -> tuple[Any, Any, Any]:
        """Return all clients, whose calls a benchmark counts."""
        return self.dynamodb, self.s3, self.sns

    def ingest(self, event: Event, context: Any = None) -> None:  # noqa: ARG002 - Lambda's signature
        """Process a batch of the stream: put one object and one item for each record."""
        for record in event["Records"]:
            raw = base64.b64decode(record["kinesis"]["data"])
            tick = json.loads(raw, parse_float=Decimal)
            name = f"raw-data/{tick['symbol']}/{tick['timestamp']}.json"
            self.s3.put_object(
                Bucket=self._bucket, Key=name, Body=raw, ContentType="application/json"
            )
            self._prices.put_item(Item=enriched(tick))

    def detect(self, event: Event, context: Any = None) -> int:  # noqa: ARG002 - Lambda's signature
        """Process stored items: query the day so far, compute its averages, and publish at a cross.
        Return the number of published messages."""
        published = 0
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            symbol, timestamp = image["symbol"]["S"], image["timestamp"]["S"]
            cross = crossed(self._day(symbol, timestamp))
            if cross:
                self.sns.publish(
                    TopicArn=self._topic,
                    Subject=f"{symbol}: {cross}",
                    Message=f"{symbol}: {cross} at {image['price']['N']}, {timestamp}",
                )
                published += 1
        return published

    def _day(self, symbol: str, until: str) -> list[Decimal]:
        """Return the day's prices up to a tick, the oldest first. All pages are read."""
        condition = Key("symbol").eq(symbol) & Key("timestamp").between(until[:10], until)
        request: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ProjectionExpression": "price",
        }
        prices: list[Decimal] = []
        while True:
            answer = self._prices.query(**request)
            prices += [item["price"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return prices
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def bars(self, event: Event, context: Any = None) -> Event:  # noqa: ARG002 - Lambda's signature
        """Answer a GET request for a symbol's newest bars."""
        series = f"{event['pathParameters']['symbol']}#{_parameter(event, 'interval')}"
        return self._newest(self._bars, Key("series").eq(series), event)

    def ticks(self, event: Event, context: Any = None) -> Event:  # noqa: ARG002 - Lambda's signature
        """Answer a GET request for a symbol's newest ticks."""
        symbol = Key("symbol").eq(event["pathParameters"]["symbol"])
        return self._newest(self._prices, symbol, event)

    @staticmethod
    def _newest(table: Any, condition: Any, event: Event) -> Event:
        answer = table.query(
            KeyConditionExpression=condition,
            ScanIndexForward=False,
            Limit=int(_parameter(event, "limit")),
        )
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"prices": answer["Items"]}, default=float),
        }


def _parameter(event: Event, name: str) -> str:
    value: str = event["multiValueQueryStringParameters"][name][0]
    return value


def enriched(tick: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a tick: the tick's fields, and fields computed from them."""
    change = tick["price"] - tick["previous_close"]
    percent = change * 100 / tick["previous_close"]
    return {
        **tick,
        "change": change,
        "change_percent": round(percent, 4),
        "moving_average": (tick["open"] + tick["high"] + tick["low"] + tick["price"]) / 4,
        "anomaly": "Yes" if abs(percent) > ANOMALY_PERCENT else "No",
    }


def crossed(prices: list[Decimal]) -> str:
    """Return which cross of the averages the last price caused: its name, or "" without a cross."""
    if len(prices) <= SLOW:
        return ""
    before, now = _fast_minus_slow(prices[:-1]), _fast_minus_slow(prices)
    if before <= 0 < now:
        return "golden cross"
    return "death cross" if before >= 0 > now else ""


def _fast_minus_slow(prices: list[Decimal]) -> Decimal:
    return _mean(prices[-FAST:]) - _mean(prices[-SLOW:])


def _mean(prices: list[Decimal]) -> Decimal:
    return sum(prices, Decimal(0)) / len(prices)


TICKS = 100
SETTINGS = Settings(stream="on-demand", memory_mb=128, mails=1)
PUT_UNIT_BYTES = 1024
_KEYS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def count() -> Counted:
    """Return what the most expensive old design uses for TICKS ticks."""
    aws = Aws()
    memory = TimedTransport(aws)
    with mock.patch.dict(os.environ, _KEYS):
        design = Baseline("prices", "bars", "archive", "topic")
    for client in design.clients:
        name = client.meta.service_model.service_name
        client.meta.events.register("before-send", memory.answers[name])
    meter = Meter(memory, design.clients)
    for record in feeds.kinesis_event(TICKS)["Records"]:
        meter.invoke("ingest", partial(design.ingest, {"Records": [record]}))
        meter.invoke("alert", partial(_publish, design, aws.stream[-1]))
    counted = meter.counted
    counted.ticks = counted.records = counted.alerts = TICKS
    counted.rounded_gb = TICKS * PUT_UNIT_BYTES / 1e9
    return counted


def _publish(design: Baseline, change: dict[str, Any]) -> None:
    image = change["dynamodb"]["NewImage"]
    symbol, price = image["symbol"]["S"], image["price"]["N"]
    design.sns.publish(TopicArn="topic", Subject=f"{symbol}: {price}", Message=str(image))
