"""Alerts that take each way through deliver and redeliver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from chalicelib.adapters.deliveries import PREFIX
from chalicelib.adapters.state import States
from chalicelib.bootstrap import Services
from chalicelib.domain.alerts import Alert
from chalicelib.domain.deliveries import Retry, claim
from rigs.memory_aws.system import SETTINGS, Aws
from tests.deploy_support.life import Life
from tests.factories import make_alert

FAR = "2099-01-01T00:00:00.000000Z"


def put_alert(life: Life, rule_id: str, **attributes: str | None) -> Alert:
    """Put an alert as detect records it, but for these attributes; None takes one away."""
    alert, aws = make_alert(rule_id=rule_id, symbol="KIN"), Aws()
    Services(SETTINGS, clients=aws).stores.alerts.record_all([alert], None)
    (recorded,) = aws.tables["alerts"].items.values()
    changed = {name: {"S": value} for name, value in attributes.items() if value is not None}
    item = {k: v for k, v in recorded.items() if attributes.get(k, "") is not None} | changed
    life.client("dynamodb").put_item(TableName=_table(life), Item=item)
    return alert


def stored(life: Life, alert: Alert) -> dict[str, Any]:
    """Return the alert's item, empty if there is none."""
    answer = life.client("dynamodb").get_item(TableName=_table(life), Key=_key(alert))
    found: dict[str, Any] = answer.get("Item", {})
    return found


def remove(life: Life, alert: Alert) -> None:
    """Delete the alert, so that requests to send it are dropped."""
    life.client("dynamodb").delete_item(TableName=_table(life), Key=_key(alert))


def leave_pending(life: Life, alert: Alert) -> None:
    """Write the alert into its symbol's state, as an invocation that died leaves it."""
    states = States(life.client("dynamodb"), life.outputs["environment"]["STATE_TABLE"])
    state = states.get(alert.symbol)
    assert state is not None
    assert states.put(msgspec.structs.replace(state, pending=(alert,)))


def held() -> dict[str, str]:
    """Return the attribute of a delivery that an invocation claims until FAR."""
    claimed = claim(None, "sns", "2026-11-20T15:30:00.000000Z", FAR)
    return {f"{PREFIX}sns": msgspec.json.encode(claimed).decode()}


def ask(life: Life, alert: Alert) -> None:
    """Ask redeliver for an attempt."""
    retry = Retry(
        symbol=alert.symbol, timestamp=alert.timestamp, rule_id=alert.rule_id, channel="sns"
    )
    url = life.outputs["environment"]["DELIVERIES_QUEUE_URL"]
    life.client("sqs").send_message(QueueUrl=url, MessageBody=msgspec.json.encode(retry).decode())


def waiting(life: Life, queue: str) -> int:
    """Return the messages of a queue, delayed or received ones too; `queue` names its variable."""
    counts = ("", "NotVisible", "Delayed")
    found = life.client("sqs").get_queue_attributes(
        QueueUrl=life.outputs["environment"][queue],
        AttributeNames=[f"ApproximateNumberOfMessages{kind}" for kind in counts],
    )
    return sum(map(int, found["Attributes"].values()))


@contextmanager
def without_topic(life: Life) -> Iterator[None]:
    """Delete the alerts topic, and make it again at the end."""
    sns, arn = life.client("sns"), life.outputs["environment"]["ALERTS_TOPIC_ARN"]
    sns.delete_topic(TopicArn=arn)
    try:
        yield
    finally:
        assert sns.create_topic(Name=arn.rpartition(":")[2])["TopicArn"] == arn


def _table(life: Life) -> str:
    return str(life.outputs["environment"]["ALERTS_TABLE"])


def _key(alert: Alert) -> dict[str, Any]:
    return {
        "symbol": {"S": alert.symbol},
        "timestamp_rule": {"S": f"{alert.timestamp}#{alert.rule_id}"},
    }
