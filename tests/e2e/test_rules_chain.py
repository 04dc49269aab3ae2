"""Every condition and trigger through the whole local chain: from a rule that a client posts to the
message that the topic sends; and an alert that its channel holds, to its digest."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from chalicelib.domain.holding import Window
from chalicelib.domain.times import to_text
from rigs.running_system import System, running_system
from tests.e2e.test_main_job import client, eventually, messages, subscribe_queue
from tests.patience import PATIENCE_SECONDS

START = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)


class Case(NamedTuple):
    """A rule, the prices that come (every `step` seconds), and those at which it is to fire."""

    rule: dict[str, Any]
    prices: list[float]
    fires: list[float]
    step: int = 1
    sent: bool = True


CASES = {
    "GREATER": Case({"condition": "greater_than", "value": 10}, [9, 11, 11, 9, 12], [11, 12]),
    "LESS-ONCE": Case(
        {"condition": "less_than", "value": 10, "trigger": "once"}, [11, 9, 11, 8], [9]
    ),
    "CROSSING": Case({"condition": "crossing", "value": 10}, [9, 10, 11, 10, 9], [11, 9]),
    "UP-BARS": Case(
        {"condition": "crossing_up", "value": 10, "interval": "1m"}, [9, 11, 11], [11], step=60
    ),
    "DOWN": Case({"condition": "crossing_down", "value": 10}, [11, 10, 9, 9, 11], [9]),
    "CHANGE": Case(
        {"condition": "change_percent", "value": 4, "trigger": "once_per_session"},
        [103, 104.5, 103, 104.9],
        [104.5],
    ),
    "MOVING": Case(
        {"condition": "moving_percent", "value": 10, "window": 2}, [100, 105, 111, 112], [111]
    ),
    "GOLDEN": Case({"condition": "golden_cross", "fast": 2, "slow": 3}, [5, 4, 3, 9, 9], [9]),
    "DEATH": Case({"condition": "death_cross", "fast": 2, "slow": 3}, [3, 4, 5, 1, 1], [1]),
    "EVERY": Case(
        {"condition": "every_record", "cooldown_seconds": 5}, [1, 2, 3, 4], [1, 4], step=2
    ),
    "ONCE-A-BAR": Case(
        {"condition": "greater_than", "value": 10, "trigger": "once_per_bar"},
        [9, 11, 9, 12],
        [11],
    ),
    "SILENT": Case(
        {"condition": "greater_than", "value": 10, "notify": False}, [9, 11], [11], sent=False
    ),
    "OFF": Case({"condition": "greater_than", "value": 10, "enabled": False}, [9, 11], []),
    "EXPIRED": Case(
        {"condition": "greater_than", "value": 10, "expires_at": "2026-11-18T00:00:00Z"},
        [9, 11],
        [],
    ),
}
LIMIT = {"messages": 1, "minutes": 2}
TOLD = sum(len(case.fires) for case in CASES.values())


def write(system: System, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a write."""
    request = urllib.request.Request(
        f"{system.api}{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {system.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def post_rule(system: System, symbol: str, rule: dict[str, Any]) -> str:
    """Store a rule; its id."""
    return str(write(system, "POST", "/rules", {"symbol": symbol, **rule})["rule_id"])


def send_ticks(system: System, cases: Mapping[str, Case] = CASES) -> None:
    """All prices of all cases, a record a tick, each symbol's in order."""
    kinesis = client(system, "kinesis")
    stream = kinesis.list_streams()["StreamNames"][0]
    records = []
    for symbol, case in cases.items():
        for number, price in enumerate(case.prices):
            tick = {
                "symbol": symbol,
                "price": price,
                "timestamp": to_text(START + timedelta(seconds=number * case.step)),
                "source": "test",
                "mode": "replay",
                "exchange_timezone": "America/New_York",
            }
            if symbol == "CHANGE":
                tick["previous_close"] = 100
            records.append({"Data": json.dumps(tick).encode(), "PartitionKey": symbol})
    assert kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0


class Run(NamedTuple):
    """The results by symbol: alerts of its rule, and the messages sent for them."""

    alerts: dict[str, list[dict[str, Any]]]
    sent: dict[str, list[str]]
    held: dict[str, Any]
    digest: dict[str, Any]


def hold_an_alert(system: System, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have the topic hold an alert beyond its limit; the alert once its digest was sent, and what
    the queue got.

    The window of the limit is nearly over, so that its digest comes soon. The alert's rule names a
    channel that `deliver` does not know: it reads all of them again.
    """
    write(system, "PUT", "/channels/sns", {"name": "topic", "limit": LIMIT})
    begun = to_text(datetime.now(UTC) - timedelta(minutes=LIMIT["minutes"], seconds=-4))
    dynamodb = client(system, "dynamodb")
    (table,) = (name for name in dynamodb.list_tables()["TableNames"] if name.endswith("-alerts"))
    full = msgspec.json.encode(Window(begun, ("another alert",), over=True)).decode()
    key = {"symbol": {"S": "limit:sns"}, "timestamp_rule": {"S": "#window"}}
    dynamodb.put_item(TableName=table, Item={**key, "limit_window": {"S": full}})
    off = {"name": "off", "kind": "apprise", "address": "ntfy://none", "enabled": False}
    other = write(system, "POST", "/channels", off)["channel_id"]
    rule = {"condition": "greater_than", "value": 10, "channels": ["sns", other]}
    rule_id = post_rule(system, "HELD", rule)
    send_ticks(system, {"HELD": Case(rule, [9, 11], [11])})
    got: list[dict[str, Any]] = []

    def digests() -> list[dict[str, Any]]:
        got.extend(messages(system, url))
        return [message for message in got if "digest_id" in message]

    (digest,) = eventually(digests, bool)
    assert [message for message in got if message.get("rule_id") == rule_id] == []
    rows = system.get("/alerts?symbol=HELD&start=2026-11-01&end=2026-11-30")["alerts"]
    (alert_id,) = (row["alert_id"] for row in rows if row["rule_id"] == rule_id)

    def one() -> dict[str, Any]:
        return dict(system.get(f"/alerts/{alert_id}"))

    return eventually(one, lambda row: row["deliveries"][0]["status"] == "sent"), digest


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """All cases at once, over one running system."""
    with running_system("--source", "none", "--no-page") as system:
        url = subscribe_queue(system)
        ids = {symbol: post_rule(system, symbol, case.rule) for symbol, case in CASES.items()}
        send_ticks(system)

        def alerts() -> dict[str, list[dict[str, Any]]]:
            found = {}
            for symbol in CASES:
                path = f"/alerts?symbol={symbol}&start=2026-11-01&end=2026-11-30"
                rows = system.get(path)["alerts"]
                found[symbol] = [row for row in rows if row["rule_id"] == ids[symbol]]
            return found

        def settled(found: dict[str, list[dict[str, Any]]]) -> bool:
            rows = [row for case in found.values() for row in case]
            waiting = [r for r in rows if not r["notified_at"] and r["rule_id"] != ids["SILENT"]]
            return len(rows) >= TOLD and not waiting

        found = eventually(alerts, settled)
        sent: dict[str, list[str]] = {symbol: [] for symbol in CASES}
        for message in messages(system, url):
            if message["rule_id"] in ids.values():
                sent[message["symbol"]].append(message["alert_id"])
        yield Run(found, sent, *hold_an_alert(system, url))


@pytest.mark.parametrize("symbol", CASES)
def test_rule_fires_where_it_should_and_its_message_is_sent_once(run: Run, symbol: str) -> None:
    case, alerts = CASES[symbol], run.alerts[symbol]
    assert [alert["price"] for alert in alerts] == case.fires
    expected = sorted(alert["alert_id"] for alert in alerts) if case.sent else []
    assert sorted(run.sent[symbol]) == expected


def test_an_alert_beyond_the_limit_comes_in_a_digest_and_says_why(run: Run) -> None:
    (delivery,) = run.held["deliveries"]
    assert (delivery["channel"], delivery["status"]) == ("sns", "sent")
    assert delivery["held_reason"] == "limit of 1 message in 2 minutes"
    assert delivery["held_until"] == run.digest["until"]
    group = next(group for group in run.digest["groups"] if group["symbol"] == "HELD")
    assert (group["condition"], group["alerts"], group["price"]) == ("greater_than", 1, "11")
    assert run.digest["reasons"] == [delivery["held_reason"]]
