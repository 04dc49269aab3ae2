"""Processes batches in the failures bucket and messages in the dead-letter queues again.

Batches and messages that succeed are deleted; the others stay. All writes of the handlers are
idempotent, so a partly processed batch can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import unquote_plus

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from embedded_aws.event_sources.lambda_events import event, sqs_record
from embedded_aws.event_sources.queue_mapping import failed_messages

PREFIX = "aws/lambda/"

Call = Callable[[str, dict[str, Any]], Any]
"""Calls a function by name with an event; returns its answer or raises its error."""


class Batch(msgspec.Struct, frozen=True):
    """A dead-lettered batch: its object's key, its function's name and its event."""

    key: str
    function: str
    event: dict[str, Any]


class _Event(msgspec.Struct):
    Records: list[dict[str, Any]]


class _RequestContext(msgspec.Struct, rename="camel"):
    function_arn: Annotated[str, msgspec.Meta(pattern=":function:[^:]")]


class _Invocation(msgspec.Struct, rename="camel"):
    """The fields that are read from Lambda's invocation record."""

    request_context: _RequestContext
    payload: _Event | str


class _Object(msgspec.Struct):
    key: str


class _Entity(msgspec.Struct):
    object: _Object


class _Record(msgspec.Struct):
    s3: _Entity


class _Notice(msgspec.Struct):
    """The fields that are read from a notice of S3."""

    Records: list[_Record] = []


class Redriven(msgspec.Struct, frozen=True):
    """The result of processing a batch again. `error` is empty for a success."""

    name: str
    function: str
    records: int
    error: str = ""


def stored_batches(s3: Any, bucket: str) -> Iterator[Batch | Redriven]:
    """Yield all batches in the bucket, the oldest first. Yield a result for an invalid object."""
    for entry in sorted(_objects(s3, bucket), key=lambda entry: entry["LastModified"]):
        body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        try:
            yield batch_of(entry["Key"], body)
        except UNREADABLE as error:
            yield Redriven(entry["Key"], "unknown", 0, f"not a Lambda invocation record: {error}")


def _objects(s3: Any, bucket: str) -> list[dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    return [entry for page in pages for entry in page.get("Contents", [])]


def batch_of(key: str, body: bytes) -> Batch:
    """Read a batch from Lambda's invocation record, whose payload is the event or its text.

    Only the event's records are kept. Raises msgspec.MsgspecError if the record is invalid, or
    RecursionError if it is nested too deeply.
    """
    record = msgspec.json.decode(body, type=_Invocation)
    payload = record.payload
    if isinstance(payload, str):
        payload = msgspec.json.decode(payload, type=_Event)
    function = record.request_context.function_arn.rpartition(":function:")[2].partition(":")[0]
    return Batch(key, function, {"Records": payload.Records})


def redrive_batches(s3: Any, bucket: str, call: Call) -> Iterator[Redriven]:
    """Process every stored batch again and yield each result."""
    for batch in stored_batches(s3, bucket):
        if isinstance(batch, Redriven):
            yield batch
            continue
        error = _error(call, batch.function, batch.event)
        if not error:
            s3.delete_object(Bucket=bucket, Key=batch.key)
        yield Redriven(batch.key, batch.function, len(batch.event["Records"]), error)


def _error(call: Call, function: str, payload: dict[str, Any]) -> str:
    try:
        answer = call(function, payload)
    except Exception as error:  # noqa: BLE001  # any error is reported
        return f"{type(error).__name__}: {error}"
    failed = (answer or {}).get("batchItemFailures")
    return f"{len(failed)} of its records failed again" if failed else ""


def redrive_messages(
    sqs: Any, url: str, function: str, region: str, call: Call
) -> Iterator[Redriven]:
    """Pass a dead-letter queue's messages to the function, and yield each call's result.

    Ends when the queue holds only messages that failed again. A FIFO queue's first failure ends it.
    """
    refused: set[str] = set()
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    while messages := [m for m in _receive(sqs, url) if m["MessageId"] not in refused]:
        payload = event([sqs_record(message, arn["QueueArn"], region) for message in messages])
        names = [message["MessageId"] for message in messages]
        try:
            failed, error = failed_messages(call(function, payload), names), ""
        except Exception as raised:  # noqa: BLE001  # any error is reported
            failed, error = frozenset(names), f"{type(raised).__name__}: {raised}"
        _delete(sqs, url, [m for m in messages if m["MessageId"] not in failed])
        if failed:
            error = error or f"{len(failed)} of its messages failed again"
        yield Redriven(url.rsplit("/", 1)[1], function, len(messages), error)
        refused |= failed
        if failed and url.endswith(".fifo"):
            return


def drop_notices(s3: Any, bucket: str, sqs: Any, url: str) -> int:
    """Delete the notices of batches that have left the bucket. Return how many notices remain.

    The batches of these were dead-lettered meanwhile. The bucket is listed after the notices are
    received, so that the list has each batch that they name.
    """
    left: set[str] = set()
    while messages := _receive(sqs, url):
        known = {entry["Key"] for entry in _objects(s3, bucket)}
        kept = {m["MessageId"] for m in messages if known & _keys_in(m["Body"])}
        _delete(sqs, url, [m for m in messages if m["MessageId"] not in kept])
        if kept <= left and len(kept) == len(messages):
            break
        left |= kept
    return len(left)


def _keys_in(notice: str) -> set[str]:
    """Return the keys of the objects that a notice of S3 names; none for S3's test event."""
    try:
        records = msgspec.json.decode(notice, type=_Notice).Records
    except UNREADABLE:
        return set()
    return {unquote_plus(record.s3.object.key) for record in records}


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Return up to ten messages. The call waits, since SQS then asks all of its servers; otherwise
    it could find nothing in a queue that holds a few messages."""
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def _delete(sqs: Any, url: str, messages: Sequence[dict[str, Any]]) -> None:
    if messages:
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
