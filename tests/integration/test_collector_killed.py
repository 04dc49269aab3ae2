"""Two concurrent processes of the collector, of which the sending one is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS, eventually
from tests.producer_support import aws
from tests.producer_support.doubles import ROOT, environment
from tests.producer_support.yahoo import Answer, StandIn, chart, meta

SYMBOLS = ("BTC-USD", "ETH-USD")
"""They trade round the clock."""


def one_price_a_second(symbol: str, _query: dict[str, str]) -> Answer:
    """Requests within the same second get the same trade."""
    now = int(time.time())
    return chart(meta(symbol, 100 + now % 7, now), [now // 60 * 60], [100.0])


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with aws.moto_server() as endpoint:
        aws.make_stream(endpoint, "ticks", 1)
        aws.client("dynamodb", endpoint).create_table(
            TableName="symbols",
            KeySchema=[
                {"AttributeName": "list", "KeyType": "HASH"},
                {"AttributeName": "symbol", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("list", "symbol")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield endpoint


def start(name: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.producer_support.collector_driver", name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(**variables),
    )


def holder(endpoint: str) -> str:
    """The name of the process whose run has the lease; empty before the first."""
    answer = aws.client("dynamodb", endpoint).get_item(
        TableName="symbols", Key={"list": {"S": "collector"}, "symbol": {"S": "lease"}}
    )
    return str(answer["Item"]["owner"]["S"]).partition("-")[0] if "Item" in answer else ""


def live(endpoint: str) -> dict[str, list[dict[str, Any]]]:
    """Live ticks by symbol, in the order of the stream."""
    found = aws.ticks_by_symbol(endpoint, "ticks")
    return {
        symbol: [tick for tick in ticks if "bar" not in tick] for symbol, ticks in found.items()
    }


def least(endpoint: str) -> int:
    """Return the number of ticks of the symbol with the fewest."""
    ticks = live(endpoint)
    return min(len(ticks.get(symbol, [])) for symbol in SYMBOLS)


def unsent(tick: dict[str, Any]) -> dict[str, Any]:
    """A tick without the instant at which it was sent."""
    return {**tick, "sent_at": ""}


def test_one_of_two_sends_and_after_a_kill_the_other_goes_on_in_order(
    moto: str, tmp_path: Path
) -> None:
    with StandIn(tmp_path) as yahoo, ExitStack() as ending:
        yahoo.chart_of = one_price_a_second
        variables = {
            **yahoo.variables,
            **aws.variables(moto),
            "NO_PROXY": "127.0.0.1",
            "SYMBOLS_TABLE": "symbols",
            "TICKS_STREAM": "ticks",
            "COLLECTOR_SYMBOLS": ",".join(SYMBOLS),
            "COLLECTOR_INTERVAL": "0.3",
        }
        running = {name: start(name, variables) for name in ("first", "second")}
        for process in running.values():
            ending.callback(process.wait, PATIENCE_SECONDS)
            ending.callback(process.kill)
        eventually(lambda: least(moto) >= 8)
        killed = running.pop(holder(moto))
        killed.kill()
        killed.wait(PATIENCE_SECONDS)
        sent = least(moto)
        eventually(lambda: least(moto) >= sent + 4)
    for ticks in live(moto).values():
        repeats = [pair for pair in pairwise(ticks) if unsent(pair[0]) == unsent(pair[1])]
        assert len(repeats) <= 1  # of the poll in which it was killed
        times = [tick["timestamp"] for tick in ticks]
        assert times == sorted(times)
        assert len(set(times)) == len(times) - len(repeats)
