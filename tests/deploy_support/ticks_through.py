"""Sends ticks to a test's stage, and reads from the API what became of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chalicelib.adapters.state import States
from chalicelib.domain.watching import RuleState
from chalicelib.services.ingest.new_symbols import UNCOUNTED
from tests.deploy_support.life import Life
from tests.deploy_support.stage_life import STAGE
from tests.deploy_support.standing import Standing


def alerts_of(standing: Standing, symbol: str, count: int) -> list[dict[str, Any]]:
    """Return the alerts of crosses that were sent, once there are `count`."""
    _, answer = standing.ask("GET", f"/alerts?symbol={symbol}&limit=100&sort=desc")
    found = [a for a in answer["alerts"] if a["condition"] in ("golden_cross", "death_cross")]
    return found if len([a for a in found if a["notified_at"]]) == count else []


def tick(symbol: str, timestamp: str, price: float, **more: Any) -> dict[str, Any]:
    """Return a replayed tick of the test's own source."""
    return {
        "symbol": symbol,
        "timestamp": timestamp,
        "price": price,
        "source": "test",
        "mode": "replay",
        **more,
    }


def bodies(symbol: str) -> list[str]:
    """Return records with three ticks (two of them packed, one in another form) and a daily bar."""
    times = ("15:00:00.000000", "15:01:00.000000", "15:02:00")
    ticks = [tick(symbol, f"2026-01-05T{at}Z", 100 + n) for n, at in enumerate(times)]
    bar = tick(
        symbol, "2026-01-02T00:00:00.000000Z", 99, open=98, high=99, low=97, volume=5, bar="1d"
    )
    first, second, third = map(json.dumps, ticks)
    return [f"{first}\n{second}", third, json.dumps({**bar, "mode": "backfill"})]


def folded(symbol: str, *days: str) -> str:
    """Return a record of daily bars that were built from minutes."""
    figures = {"open": 98, "high": 99, "low": 97, "volume": 5, "bar": "1d", "folded": 390}
    bars = [tick(symbol, f"{day}T00:00:00.000000Z", 98, mode="backfill", **figures) for day in days]
    return "\n".join(map(json.dumps, bars))


def crowd(name: str) -> str:
    """Return a record with so many new symbols that ingest counts the stage's symbols."""
    symbols = [f"{name}{number:03d}" for number in range(UNCOUNTED + 1)]
    ticks = [tick(symbol, "2026-01-05T15:00:00.000000Z", 1) for symbol in symbols]
    return "\n".join(map(json.dumps, ticks))


def put_by_kinesis(life: Life, symbol: str, *records: str) -> None:
    """Put a symbol's records into the stream."""
    entries = [{"Data": body.encode(), "PartitionKey": symbol} for body in records]
    life.client("kinesis").put_records(StreamName=f"ticktape-{STAGE}-ticks", Records=entries)


def put_by_sqs(life: Life, symbol: str, *records: str) -> None:
    """Send a symbol's records to the queue as messages."""
    url = life.outputs["environment"]["TICKS_QUEUE_URL"]
    for number, body in enumerate(records):
        life.client("sqs").send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageGroupId=symbol,
            MessageDeduplicationId=f"{symbol}-{number}",
        )


def days_of(standing: Standing, symbol: str) -> list[str]:
    """Return the dates of a symbol's daily bars."""
    status, answer = standing.ask("GET", f"/prices/{symbol}?interval=1d")
    return [row["timestamp"] for row in answer["prices"]] if status == 200 else []


def count_of(standing: Standing, symbol: str) -> int:
    """Return the number of a symbol's ticks in the API, once detection has processed the newest."""
    status, latest = standing.ask("GET", f"/prices/{symbol}/latest")
    if status != 200:
        return 0
    prices = standing.ask("GET", f"/prices/{symbol}?interval=tick")[1]["prices"]
    return len(prices) if prices[-1]["timestamp"] == latest["timestamp"] else 0


def judge_by_a_rule_that_is_gone(life: Life, symbol: str) -> None:
    """Write a rule that no container knows into the symbol's state."""
    states = States(life.client("dynamodb"), life.outputs["environment"]["STATE_TABLE"])
    state = states.get(symbol)
    assert state is not None
    rule_states = {**state.rule_states, "gone": RuleState("unknown")}
    assert states.put(msgspec.structs.replace(state, rule_states=rule_states))
