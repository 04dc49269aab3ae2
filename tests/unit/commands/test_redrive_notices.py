"""Notices of batches that Lambda gives up on while `redrive` runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from commands.redrive_command import DeadLettered, _all, _report

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ingest_kinesis"
TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "failures"}


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        at = datetime(2026, 11, 20, tzinfo=UTC)
        return [{"Contents": [{"Key": key, "LastModified": at} for key in self.objects]}]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        return {"Body": BytesIO(self.objects[Key])}

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803 - as boto3 has it
        del self.objects[Key]


class FakeQueue:
    """Its messages can be seen again at once, as after the visibility timeout."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def receive_message(self, **_: Any) -> dict[str, Any]:
        names = [{"MessageId": b, "ReceiptHandle": b, "Body": b} for b in self.bodies[:10]]
        return {"Messages": names}

    def delete_message_batch(self, QueueUrl: str, Entries: Any) -> None:  # noqa: N803
        for entry in Entries:
            self.bodies.remove(entry["ReceiptHandle"])


class Stage:
    def __init__(self) -> None:
        self.s3, self.queue, self.called = FakeS3(), FakeQueue(), 0
        self.queue.bodies.append(json.dumps(TEST_EVENT))

    def give_up(self, name: str) -> None:
        """Store a batch, and have S3 tell of it with the key as it writes keys: encoded."""
        key = f"aws/lambda/{name}/2026-11-20T15:30"
        body = {"requestContext": {"functionArn": FUNCTION}, "payload": {"Records": [{"n": 1}]}}
        self.s3.objects[key] = json.dumps(body).encode()
        told = {"Records": [{"s3": {"object": {"key": key.replace(":", "%3A")}}}]}
        self.queue.bodies.append(json.dumps(told))

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """The first call takes long enough for another batch to be dead-lettered."""
        self.called += 1
        if self.called == 1:
            self.give_up("second")
        return {"batchItemFailures": []}

    def redrive(self) -> int:
        return _report(*_all(DeadLettered(self.s3, self.queue, "failures", {}, "url", self.call)))


def test_a_batch_dead_lettered_meanwhile_keeps_its_notice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = Stage()
    stage.give_up("first")
    assert stage.redrive() == 1
    assert "1 more were dead-lettered meanwhile" in capsys.readouterr().err
    assert list(stage.s3.objects) == ["aws/lambda/second/2026-11-20T15:30"]
    assert len(stage.queue.bodies) == 1
    assert stage.redrive() == 0
    assert (stage.s3.objects, stage.queue.bodies) == ({}, [])
