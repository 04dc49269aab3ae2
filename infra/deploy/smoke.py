"""The smoke test: sends one tick through the whole deployment, reads it back, and deletes it.

The tick belongs to a symbol of its own and is marked `backfill`, so that nobody is alerted. If the
stage has a collector, the test also waits for one of its prices, unless all markets are closed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import requests

from infra.deploy import collected, mappings
from infra.deploy.errors import DeployError
from infra.deploy.stage import Stage
from infra.deploy.waiting import CLOCK, Clock, until_well

SYMBOL = "TICKTAPE.SMOKE"
USUAL_SECONDS = 120.0
NEW_MAPPING_SECONDS = 600.0
"""Lambda may take minutes until it polls for a new mapping, and 90 s for a changed one:
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"""

_OPEN_PATH = "/health"


def run(
    stage: Stage, token: str | None, api_url: str | None = None, clock: Clock = CLOCK
) -> list[str]:
    """Send a tick, wait until ingest and detect have stored it, query the API, and clean up.

    With a token, or if everyone may read, the API has to return the tick. Otherwise the API has to
    be healthy and refuse readers without a token. Returns lines to print. Raises DeployError.
    """
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    base = api_url or stage.api_url
    began, seconds = clock.now(), patience(stage)
    collecting = collected.watch(stage)
    try:
        _send(stage, timestamp)
        _await("ingest has stored no price", lambda: _is_stored(stage, timestamp), seconds, clock)
        _await("detect has stored no state", lambda: _state(stage) == timestamp, seconds, clock)
        took = clock.now() - began
        told = [f"a tick was stored and evaluated in {took:.1f} s", _ask(stage, base, token)]
        return told + collecting.wait(clock)
    finally:
        _clean(stage, timestamp)


def patience(stage: Stage, now: datetime | None = None) -> float:
    """Return the seconds that ingest and detect may take each. They may take longer after a mapping
    was created or changed."""
    is_young = mappings.youngest_seconds(stage, now) < NEW_MAPPING_SECONDS
    return NEW_MAPPING_SECONDS if is_young else USUAL_SECONDS


def _send(stage: Stage, timestamp: str) -> None:
    tick = {"symbol": SYMBOL, "timestamp": timestamp, "price": 1, "source": "smoke"}
    body = json.dumps({**tick, "mode": "backfill", "exchange_timezone": "UTC"})
    if stream := stage.environment.get("TICKS_STREAM"):
        stage.client("kinesis").put_record(
            StreamName=stream, Data=body.encode(), PartitionKey=SYMBOL
        )
    else:
        stage.client("sqs").send_message(
            QueueUrl=stage.environment["TICKS_QUEUE_URL"],
            MessageBody=body,
            MessageGroupId=SYMBOL,
            MessageDeduplicationId=uuid.uuid4().hex,
        )


def _await(otherwise: str, happened: Callable[[], bool], seconds: float, clock: Clock) -> None:
    said = f"{otherwise}; see the functions' logs (docs/operating.md)"
    until_well(lambda: "" if happened() else said, seconds, clock, every=0.5)


def _is_stored(stage: Stage, timestamp: str) -> bool:
    return bool(stage.item("PRICES_TABLE", symbol=SYMBOL, timestamp=timestamp))


def _state(stage: Stage) -> str:
    return str(stage.item("STATE_TABLE", symbol=SYMBOL).get("timestamp", {}).get("S", ""))


def _ask(stage: Stage, base: str, token: str | None) -> str:
    health = _fetch(f"{base}{_OPEN_PATH}", None)
    if health.status_code != 200:
        raise DeployError(f"{base}{_OPEN_PATH} answers {health.status_code}: {health.text[:200]}")
    path = f"/prices/{SYMBOL}/latest"
    answer = _fetch(base + path, token)
    if token is None and stage.environment["READ_ACCESS"] == "closed":
        if answer.status_code != 401:
            raise DeployError(f"{path} without a token answers {answer.status_code}, not 401")
        return (
            "the API is healthy and refuses requests without a token "
            "(set TICKTAPE_TOKEN to test reading)"
        )
    if answer.status_code != 200 or answer.json().get("symbol") != SYMBOL:
        raise DeployError(f"{path} answers {answer.status_code}: {answer.text[:200]}")
    return "the API returns it"


def _fetch(url: str, token: str | None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:  # without auth, requests would send a password from .netrc, not the token
        return requests.get(url, headers=headers, auth=lambda asked: asked, timeout=30)
    except requests.RequestException as error:
        raise DeployError(f"{url}: {error}") from error


def _clean(stage: Stage, timestamp: str) -> None:
    """Delete the smoke test's tick. The archive keeps its line."""
    keys: dict[str, dict[str, str]] = {
        "PRICES_TABLE": {"symbol": SYMBOL, "timestamp": timestamp},
        "STATE_TABLE": {"symbol": SYMBOL},
        "SYMBOLS_TABLE": {"list": "seen", "symbol": SYMBOL},
    }
    for table, key in keys.items():
        stage.client("dynamodb").delete_item(
            TableName=stage.environment[table],
            Key={name: {"S": value} for name, value in key.items()},
        )
