"""Puts alerts into a stage so that each takes another way through deliver and redeliver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from chalicelib.adapters.agendas import Agendas
from chalicelib.adapters.deliveries import PREFIX, deliveries_of, encoded, key_of
from chalicelib.adapters.digests import Digests
from chalicelib.adapters.retries import Retries
from chalicelib.adapters.state import States
from chalicelib.bootstrap import Services
from chalicelib.domain.agendas import timer_of
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.deliveries import Retry, claim, held
from chalicelib.domain.digests import Digest, member_of
from chalicelib.services.delivery.stores import ToHold
from chalicelib.services.delivery.tasks import first_request, request_of
from rigs.memory_aws.system import SETTINGS, Aws
from tests.deploy_support.life import Life
from tests.factories import make_alert

FAR = "2099-01-01T00:00:00.000000Z"


def put_alert(
    life: Life, rule_id: str, channels: tuple[str, ...] = (), /, **attributes: str | None
) -> Alert:
    """Store an alert as detect does, with these attributes changed. None removes an attribute."""
    alert, aws = make_alert(rule_id=rule_id, symbol="KIN", channels=channels), Aws()
    Services(SETTINGS, clients=aws).stores.alerts.record_all([alert], None)
    (recorded,) = aws.tables["alerts"].items.values()
    changed = {name: {"S": value} for name, value in attributes.items() if value is not None}
    item = {k: v for k, v in recorded.items() if attributes.get(k, "") is not None} | changed
    life.client("dynamodb").put_item(TableName=_table(life), Item=item)
    return alert


def stored(life: Life, alert: Alert | Digest) -> dict[str, Any]:
    """Return the item of an alert or of a digest's head, or an empty dict if there is none."""
    answer = life.client("dynamodb").get_item(TableName=_table(life), Key=key_of(alert))
    found: dict[str, Any] = answer.get("Item", {})
    return found


def status(life: Life, alert: Alert | Digest, channel: str = "sns") -> str:
    """Return the status of a delivery, or an empty text if there is none."""
    found = {one.channel: one.status for one in deliveries_of(stored(life, alert))}
    return found.get(channel, "")


def remove(life: Life, alert: Alert) -> None:
    """Delete the alert, so that redeliver drops requests to send it."""
    life.client("dynamodb").delete_item(TableName=_table(life), Key=key_of(alert))


def leave_pending(life: Life, alert: Alert) -> None:
    """Write the alert into its symbol's state, as an invocation leaves it that was killed."""
    states = States(life.client("dynamodb"), life.outputs["environment"]["STATE_TABLE"])
    state = states.get(alert.symbol)
    assert state is not None
    assert states.put(msgspec.structs.replace(state, pending=(alert,)))


def claimed() -> dict[str, str]:
    """Return the attribute of a delivery that an invocation has claimed until FAR."""
    delivery = claim(None, "sns", "2026-11-20T15:30:00.000000Z", FAR)
    return {f"{PREFIX}sns": encoded(delivery)}


def ask(life: Life, alert: Alert, channel: str = "sns") -> None:
    """Put a message into redeliver's queue that requests an attempt for an alert."""
    _request(life, first_request(alert, channel))


def put_digest(life: Life, until: str, rule_id: str) -> Digest:
    """Store the topic's digest of a past time with one alert, and request it from redeliver."""
    digests, digest = Digests(life.client("dynamodb"), _table(life)), Digest("sns", until)
    alert = StoredAlert(put_alert(life, rule_id, outbox="taken"))
    assert digests.open(digest)
    delivery = held(digest.channel, until, until, "daily digest")
    assert digests.hold(digest, [ToHold(alert, delivery, member_of(alert, "daily digest"))]).made
    _request(life, request_of(digest))
    return digest


def ask_by_agenda(life: Life, digest: Digest) -> None:
    """Put a due digest into its channel's agenda, and let the agenda's timer request it."""
    Agendas(life.client("dynamodb"), _table(life)).enter(digest)
    url = life.outputs["environment"]["DELIVERIES_QUEUE_URL"]
    Retries(life.client("sqs"), url, url).put(timer_of(digest.channel, digest.until), 0)


def _request(life: Life, retry: Retry) -> None:
    url = life.outputs["environment"]["DELIVERIES_QUEUE_URL"]
    life.client("sqs").send_message(QueueUrl=url, MessageBody=msgspec.json.encode(retry).decode())


def waiting(life: Life, queue: str) -> int:
    """Return the number of messages in a queue, also delayed and received ones."""
    counts = ("", "NotVisible", "Delayed")
    found = life.client("sqs").get_queue_attributes(
        QueueUrl=life.outputs["environment"][queue],
        AttributeNames=[f"ApproximateNumberOfMessages{kind}" for kind in counts],
    )
    return sum(map(int, found["Attributes"].values()))


@contextmanager
def without_topic(life: Life) -> Iterator[None]:
    """Delete the alerts topic, and create it again at the end of the context."""
    sns, arn = life.client("sns"), life.outputs["environment"]["ALERTS_TOPIC_ARN"]
    sns.delete_topic(TopicArn=arn)
    try:
        yield
    finally:
        assert sns.create_topic(Name=arn.rpartition(":")[2])["TopicArn"] == arn


def _table(life: Life) -> str:
    return str(life.outputs["environment"]["ALERTS_TABLE"])
