"""The poller against an SQS FIFO queue."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.event_sources import EVENT_SOURCES
from embedded_aws.event_sources.invoking import Function
from embedded_aws.event_sources.queue_mapping import QueueMapping
from embedded_aws.event_sources.wakeups import Wakeups
from infra import resources
from infra.provision import provision
from local.mappings import as_source
from tests.local_support.aws import Emulator, emulator
from tests.local_support.mapping import running, waiting
from tests.local_support.recording import Recorder, identifiers, report
from tests.patience import eventually


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with emulator() as started:
        provision(started.clients, resources.load(), ingest="sqs")
        yield started


@contextlib.contextmanager
def queue_fed(aws: Emulator, handler: Recorder) -> Iterator[QueueMapping]:
    """The ticks queue to the handler; the queues are empty at the start."""
    url = aws("sqs").get_queue_url(QueueName="ticktape-local-ticks.fifo")["QueueUrl"]
    wakeups = Wakeups(aws.control)
    source = as_source(EVENT_SOURCES["ingest_sqs"])
    function = Function("recorder", handler, "us-east-1")
    mapping = QueueMapping(source, aws("sqs"), url, function, wakeups)
    with running(mapping, wakeups):
        yield mapping


def send(aws: Emulator, group: str, *texts: str) -> None:
    url = aws("sqs").get_queue_url(QueueName="ticktape-local-ticks.fifo")["QueueUrl"]
    for text in texts:
        aws("sqs").send_message(
            QueueUrl=url,
            MessageBody=text,
            MessageGroupId=group,
            MessageDeduplicationId=uuid.uuid4().hex,
        )


def test_messages_arrive_once_in_order_and_are_deleted(aws: Emulator) -> None:
    handler = Recorder()
    send(aws, "a", *(f"a{n:02}" for n in range(12)))
    with queue_fed(aws, handler):
        send(aws, "b", "b0", "b1")
        eventually(lambda: len(handler.seen) >= 14)
        eventually(lambda: waiting(aws, "ticks.fifo") == 0)
    assert [t for t in handler.seen if t[0] == "a"] == [f"a{n:02}" for n in range(12)]
    assert [t for t in handler.seen if t[0] == "b"] == ["b0", "b1"]
    assert max(len(call) for call in handler.calls) <= 10


def test_reported_messages_come_again_before_later_ones_of_their_group(aws: Emulator) -> None:
    def fail_once(texts: list[str]) -> Any:
        if len(handler.calls) > 1:
            return None
        named = identifiers(handler.events[-1])
        return report(*(named[text] for text in texts[1:]))

    handler = Recorder(fail_once)
    send(aws, "g", "g0", "g1", "g2")
    with queue_fed(aws, handler):
        eventually(lambda: bool(handler.calls))
        send(aws, "g", "g3")
        eventually(lambda: waiting(aws, "ticks.fifo") == 0)
    assert handler.calls[0] == ["g0", "g1", "g2"]
    assert [text for call in handler.calls[1:] for text in call] == ["g1", "g2", "g3"]


def test_an_unknown_identifier_fails_the_whole_batch(aws: Emulator) -> None:
    handler = Recorder(lambda _texts: report("x") if len(handler.calls) == 1 else None)
    send(aws, "u", "u0", "u1")
    with queue_fed(aws, handler):
        eventually(lambda: waiting(aws, "ticks.fifo") == 0)
    assert handler.calls == [["u0", "u1"], ["u0", "u1"]]


def test_a_message_that_keeps_failing_ends_in_the_dead_letter_queue(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedded_aws.event_sources.queue_mapping._retry_after", lambda _count: 0.0)

    def refuse(texts: list[str]) -> None:
        if "bad" in texts:
            raise ValueError("bad")

    handler = Recorder(refuse)
    send(aws, "d", "bad")
    with queue_fed(aws, handler):
        eventually(lambda: waiting(aws, "ticks-dead.fifo") == 1)
        send(aws, "d", "good")
        eventually(lambda: handler.seen[-1] == "good")
    assert handler.seen.count("bad") == 5
    (delivered,) = handler.events[0]["Records"]
    (dead,) = received(aws, "ticks-dead.fifo")
    assert int(dead["SequenceNumber"]) > int(delivered["attributes"]["SequenceNumber"])
    assert int(dead["SentTimestamp"]) > int(delivered["attributes"]["SentTimestamp"])
    assert dead["MessageDeduplicationId"] == delivered["messageId"]


def test_messages_are_numbered_in_their_order(aws: Emulator) -> None:
    send(aws, "n", "n0", "n1", "n2")
    numbers = [int(one["SequenceNumber"]) for one in received(aws, "ticks.fifo")]
    assert len(numbers) == 3
    assert numbers == sorted(numbers)


def received(aws: Emulator, queue: str) -> list[dict[str, str]]:
    """The attributes of a queue's messages, which are deleted."""
    sqs: Any = aws("sqs")
    url = sqs.get_queue_url(QueueName=f"ticktape-local-{queue}")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    for message in answer["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Attributes"] for message in answer["Messages"]]


def test_messages_survive_a_kill(tmp_path: Path) -> None:
    with emulator(tmp_path / "aws.sqlite") as first:
        provision(first.clients, resources.load(), ingest="sqs")
        send(first, "a", "a0", "a1")
        url = first("sqs").get_queue_url(QueueName="ticktape-local-ticks.fifo")["QueueUrl"]
        (received,) = first("sqs").receive_message(QueueUrl=url)["Messages"]
        first("sqs").delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
        first.process._process.kill()
    handler = Recorder()
    with emulator(tmp_path / "aws.sqlite") as second:
        provision(second.clients, resources.load(), ingest="sqs")
        with queue_fed(second, handler):
            eventually(lambda: waiting(second, "ticks.fifo") == 0)
    assert handler.seen == ["a1"]
