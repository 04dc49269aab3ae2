"""Makes the events that Lambda passes to handlers in benchmarks, from the producer's own ticks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bench import stored
from producer.wire import WireTick, encode

SYMBOLS = tuple(f"S{number:03}" for number in range(25))
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/ticks"

_PRICES = [Decimal(18_900 + number) / 100 for number in range(97)]


def wire_tick(symbol: str, number: int, stamp: str) -> WireTick:
    """Return a tick with all of Yahoo's fields."""
    return WireTick(
        symbol=symbol,
        timestamp=stamp,
        price=_PRICES[(number * 31) % 97],
        open=_PRICES[0],
        high=_PRICES[96],
        low=_PRICES[0],
        previous_close=_PRICES[50],
        volume=Decimal(1_000 + number),
        currency="USD",
        exchange_timezone="America/New_York",
        market_state="REGULAR",
        source="yfinance",
        mode="live",
        sent_at=stamp,
    )


def kinesis_event(count: int, symbols: Sequence[str] = SYMBOLS) -> dict[str, Any]:
    """Return a Kinesis event of `count` records with one tick each. Symbols take turns; polls are a
    second apart."""
    return {
        "Records": [
            _record(
                n, symbols[n % len(symbols)], stored.NEWEST + timedelta(seconds=n // len(symbols))
            )
            for n in range(count)
        ]
    }


def _record(number: int, symbol: str, when: datetime) -> dict[str, Any]:
    sequence = f"496{number:053}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": symbol,
            "sequenceNumber": sequence,
            "data": base64.b64encode(
                encode(wire_tick(symbol, number, stored.stamp(when)))
            ).decode(),
            "approximateArrivalTimestamp": when.timestamp() + 0.5,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/ticktape",
        "awsRegion": "us-east-1",
        "eventSourceARN": STREAM,
    }


def api_event(path: str, resource: str, symbol: str, **query: str) -> dict[str, Any]:
    """Return the event of a GET request, as API Gateway's REST proxy passes it."""
    return {
        "resource": resource,
        "path": path,
        "httpMethod": "GET",
        "headers": {"accept": "application/json", "host": "api.example.com"},
        "multiValueHeaders": {"accept": ["application/json"], "host": ["api.example.com"]},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "pathParameters": {"symbol": symbol},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "path": path,
            "httpMethod": "GET",
            "requestId": "request-1",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def stream_event(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return an event of the prices table's stream after these items were put."""
    return {
        "Records": [
            {
                "eventID": f"event-{number}",
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/1",
                "dynamodb": {
                    "Keys": {name: item[name] for name in ("symbol", "timestamp")},
                    "NewImage": item,
                    "SequenceNumber": f"{number:021}",
                    "SizeBytes": 400,
                    "StreamViewType": "NEW_IMAGE",
                },
            }
            for number, item in enumerate(items)
        ]
    }
