"""Converts Lambda's events into the arguments of services."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from chalicelib.domain.sendings import ATTRIBUTE, sending_of
from chalicelib.domain.times import from_epoch_seconds, from_text

if TYPE_CHECKING:  # each function imports only what it uses
    from chalicelib.adapters.prices import CompleteFrom
    from chalicelib.domain.alerts import StoredAlert
    from chalicelib.domain.deliveries import Retry
    from chalicelib.domain.detection import State
    from chalicelib.services.detect.changed_prices import ChangedPrices
    from chalicelib.services.ingest.plan import Incoming

log = logging.getLogger("ticktape.events")


def from_kinesis(event: dict[str, Any]) -> list[Incoming]:
    """Return the records of a Kinesis event. A record's origin is its shard."""
    from chalicelib.services.ingest.plan import Incoming

    return [Incoming(**_kinesis_fields(record)) for record in event["Records"]]


def _kinesis_fields(record: dict[str, Any]) -> dict[str, Any]:
    kinesis = record["kinesis"]
    shard, _, _ = record["eventID"].partition(":")
    return dict(  # noqa: C408 - the names are those of Incoming
        identifier=kinesis["sequenceNumber"],
        origin=shard,
        number=kinesis["sequenceNumber"],
        arrival=from_epoch_seconds(float(kinesis["approximateArrivalTimestamp"])),
        payload=base64.b64decode(kinesis["data"]),
    )


def from_sqs(event: dict[str, Any]) -> list[Incoming]:
    """Return the messages of an SQS event. A message's origin is its queue.

    If the sender gave a time and a number, they replace those of SQS, which change when a message
    is redriven.
    """
    from chalicelib.services.ingest.plan import Incoming

    return [Incoming(**_sqs_fields(record)) for record in event["Records"]]


def _sqs_fields(record: dict[str, Any]) -> dict[str, Any]:
    attributes = record["attributes"]
    taken = milliseconds = int(attributes["SentTimestamp"])
    number = attributes.get("SequenceNumber") or record["messageId"]
    told = record.get("messageAttributes", {}).get(ATTRIBUTE, {}).get("stringValue")
    if (sending := sending_of(told, milliseconds)) is not None:
        milliseconds, number = sending.milliseconds, sending.number
    return dict(  # noqa: C408 - the names are those of Incoming
        identifier=record["messageId"],
        origin=record["eventSourceARN"].rpartition(":")[2],
        number=number,
        arrival=_instant(milliseconds),
        payload=record["body"].encode(errors="surrogatepass"),
        taken=_instant(taken),
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def changed_prices(event: dict[str, Any]) -> list[ChangedPrices]:
    """Return the changed prices in an event of the prices table's stream.

    The mapping's filter passes only records with `complete_from`. Before the first deployment has
    set the filter, other records come too and are skipped.
    """
    from chalicelib.services.detect.changed_prices import ChangedPrices

    return [ChangedPrices(**fields) for fields in _triggers(event["Records"])]


def _triggers(records: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    from chalicelib.adapters.prices import CompleteFrom

    for record in records:
        image = record["dynamodb"].get("NewImage", {})
        if record["eventName"] in ("INSERT", "MODIFY") and "complete_from" in image:
            try:
                yield _trigger(record, image, CompleteFrom.of(image["complete_from"]["S"]))
            except (KeyError, TypeError, ValueError) as error:
                place = f"{image.get('symbol')} {image.get('timestamp')}"
                log.warning("the record of %.200s cannot be read: %.200r", place, error)


def _trigger(record: dict[str, Any], image: dict[str, Any], mark: CompleteFrom) -> dict[str, Any]:
    """Return the fields of ChangedPrices. Raises KeyError, TypeError or ValueError if the record
    cannot be read."""
    newest, arrival = image["timestamp"]["S"], image["ingested_at"]["S"]
    for text in (newest, arrival, mark.first, *chain(*mark.spans)):
        from_text(text)
    return dict(  # noqa: C408 - the names are those of ChangedPrices
        identifier=record["dynamodb"]["SequenceNumber"],
        symbol=image["symbol"]["S"],
        newest=newest,
        complete_from=mark.first,
        ingested_at=arrival,
        spans=mark.spans,
        again=record["eventName"] == "MODIFY",
    )


def new_alerts(event: dict[str, Any]) -> list[tuple[str, StoredAlert]]:
    """Return the alerts to be sent in a DynamoDB stream event, each with its record's identifier.

    Alerts that cannot be read are left out. The mapping's filter passes only alerts to be sent.
    Until the first deployment has set the filter, other records come too and are skipped.
    """
    from chalicelib.adapters.alerts import read_alert
    from chalicelib.adapters.deliveries import NEW

    found = []
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage", {})
        if record["eventName"] in ("INSERT", "MODIFY") and image.get("outbox") == {"S": NEW}:
            found.append((record["dynamodb"]["SequenceNumber"], read_alert(image)))
    return [(identifier, stored) for identifier, stored in found if stored is not None]


def written_states(event: dict[str, Any]) -> list[State]:
    """Return the detection states that an event of the state table's stream reports as written, in
    order. States that cannot be read are left out."""
    from chalicelib.adapters.state import from_item

    found = []
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] in ("INSERT", "MODIFY") and image:
            found.append(from_item(image))
    return [state for state in found if not state.unreadable]


def retries(event: dict[str, Any]) -> tuple[list[tuple[str, Retry]], list[str]]:
    """Return the retries that an SQS event requests, each with its message's identifier. The second
    value has the identifiers of messages that cannot be read."""
    from chalicelib.adapters.retries import retry_of
    from chalicelib.domain.payloads import UNREADABLE

    found, unreadable = [], []
    for record in event["Records"]:
        try:
            found.append((record["messageId"], retry_of(record["body"])))
        except UNREADABLE:
            unreadable.append(record["messageId"])
    return found, unreadable
