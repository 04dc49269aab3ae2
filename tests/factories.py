"""Makes objects for tests. Every argument has a default, so that a test names only what matters.

`at(90)` is the instant 90 seconds after START, which is 15:30 UTC on a trading Friday in New York.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick
from chalicelib.services.detect.changed_prices import ChangedPrices
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.priced import PricedRecord
from rigs.invocations import NEVER as NEVER
from rigs.invocations import SHARD as SHARD
from rigs.invocations import START as START
from rigs.invocations import LambdaContext as LambdaContext
from rigs.invocations import at as at
from rigs.invocations import instant as instant
from rigs.invocations import kinesis_event as kinesis_event
from rigs.invocations import sqs_event as sqs_event


def decimal(value: object) -> Decimal:
    """Return the exact number that a value shows when it is printed."""
    return Decimal(str(value))


_NUMBERS = ("price", "open", "high", "low", "close", "previous_close", "volume", "value")


def _exact(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: decimal(value) if name in _NUMBERS and value is not None else value
        for name, value in fields.items()
    }


def make_tick(price: object = 100, seconds: float = 0, **fields: Any) -> Tick:
    """Return a replayed tick of AAPL. Replayed ticks can raise loud alerts whatever their age."""
    given = {
        "symbol": "AAPL",
        "timestamp": at(seconds),
        "source": "replay",
        "mode": "replay",
        "exchange_timezone": "America/New_York",
        **fields,
    }
    return Tick(price=decimal(price), **_exact(given))


def make_ticks(prices: Iterable[object], step: float = 1, start: float = 0, **f: Any) -> list[Tick]:
    """Return ticks at these prices, `step` seconds apart."""
    return [make_tick(price, start + n * step, **f) for n, price in enumerate(prices)]


def make_bar(start: float = 0, close: object = 100, **fields: Any) -> Bar:
    """Return a finished minute of one tick. Open, high and low are the close unless given."""
    given = {
        "symbol": "AAPL",
        "interval": "1m",
        "start": at(start),
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "ticks": 1,
        "session_date": "2026-11-20",
        "source": "replay",
        **fields,
    }
    return Bar(**_exact(given))


def make_rule(condition: str = "crossing_up", **fields: Any) -> Rule:
    """Return a rule of AAPL on ticks: a cross of averages of 2 and 4, or one with the value 100."""
    crosses = condition in ("golden_cross", "death_cross")
    judged: dict[str, Any] = {"fast": 2, "slow": 4} if crosses else {"value": 100}
    given = {"rule_id": "r1", "symbol": "AAPL", "condition": condition, **judged, **fields}
    return Rule(**_exact(given))


def make_alert(seconds: float = 0, rule_id: str = "r1", **fields: Any) -> Alert:
    """Return a loud alert at a tick of AAPL."""
    given = {
        "symbol": "AAPL",
        "timestamp": at(seconds),
        "rule_id": rule_id,
        "condition": "crossing_up",
        "interval": "tick",
        "price": 101,
        "values": {"value": Decimal(100)},
        "message": "AAPL crossed above 100, at 101",
        "source": "replay",
        **fields,
    }
    return Alert(**_exact(given))


def make_priced(
    ticks: Sequence[Tick], complete_from: str | None = None, arrival: str | None = None
) -> PricedRecord:
    """Return an item of the prices table with these ticks."""
    return PricedRecord(tuple(ticks), arrival or at(), complete_from)


def wire(price: object = 100, seconds: float | None = 0, **fields: Any) -> dict[str, Any]:
    """Return a tick as JSON carries it. `seconds=None` leaves out its timestamp."""
    given: dict[str, Any] = {"symbol": "AAPL", "price": price}
    if seconds is not None:
        given["timestamp"] = at(seconds)
    return {**given, "mode": "replay", "source": "replay", **fields}


def payload(*ticks: dict[str, Any]) -> bytes:
    """Return the data of a record with these ticks, one on each line."""
    return b"\n".join(json.dumps(tick).encode() for tick in ticks)


def make_incoming(
    data: bytes | dict[str, Any], number: int = 0, arrival: float = 0, origin: str = SHARD
) -> Incoming:
    """Return a record of a stream. A dict as `data` is a single tick."""
    raw = data if isinstance(data, bytes) else payload(data)
    return Incoming(f"seq-{number}", origin, str(number), instant(arrival), raw)


def make_trigger(
    newest: float = 0, complete_from: float | None = None, symbol: str = "AAPL", number: int = 0
) -> ChangedPrices:
    """Return a stream record: all ticks from complete_from to newest are stored."""
    first = newest if complete_from is None else complete_from
    return ChangedPrices(f"change-{number}", symbol, at(newest), at(first), at(newest))


def dated(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the sending times that the producer notes in its messages."""
    for record in event["Records"]:
        attributes = record["attributes"]
        text = f"{attributes['SentTimestamp']}-{attributes['SequenceNumber']}"
        value = {"stringValue": text, "stringListValues": [], "binaryListValues": []}
        record["messageAttributes"] = {"ticktape.sent": {**value, "dataType": "String"}}
    return event


def redriven(event: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the event with messages to which a dead-letter queue gave another time and number."""
    found = copy.deepcopy(event)
    for record in found["Records"]:
        attributes = record["attributes"]
        attributes["SentTimestamp"] = str(round(instant(seconds).timestamp() * 1000))
        attributes["SequenceNumber"] = str(int(attributes["SequenceNumber"]) + 1_000_000)
    return found


def stream_record(
    image: dict[str, Any], number: int = 0, name: str = "INSERT", **change: Any
) -> dict[str, Any]:
    """Return a record of the prices table's stream."""
    return {
        "eventID": str(number),
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {key: image[key] for key in ("symbol", "timestamp")},
            "NewImage": image,
            "SequenceNumber": str(number),
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
            **change,
        },
    }


def gunzipped(body: bytes) -> list[bytes]:
    """Return the lines of a raw object."""
    return gzip.decompress(body).splitlines()
