"""Dead-lettered batches are processed again by `python -m local redrive`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.redrive import batch_of
from embedded_aws.clients import Clients
from embedded_aws.event_sources.attempts import GivenUp
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.records import StreamRecord
from tests.factories import kinesis_event
from tests.local_support.aws import clients_of
from tests.local_support.system import LocalSystem, local_system, run_local

FAILURES = "ticktape-local-failures"


@dataclass
class Origin:
    kind: str = "kinesis"
    arn: str = "arn:aws:kinesis:us-east-1:123456789012:stream/ticktape-local-ticks"


def clients_for(system: LocalSystem) -> Clients:
    system.ready()
    facts = system.facts()
    return clients_of(facts["aws"], system.keys())


def tick(symbol: str) -> bytes:
    """Without a timestamp: it is the time at which the stream took the record."""
    return json.dumps({"symbol": symbol, "price": 12.5}).encode()


def give_up(clients: Clients, function: str, event: dict[str, Any]) -> None:
    records = tuple(StreamRecord(str(n), "K", 0.0, r, 1) for n, r in enumerate(event["Records"]))
    given_up = GivenUp(records, "RetryAttemptsExhausted", 1, "boom")
    destination = FailureDestination(clients("s3"), FAILURES)
    destination.put(given_up, Origin(), "shardId-000000000000", function, "mapping")


def stored(clients: Clients) -> int:
    return int(clients("s3").list_objects_v2(Bucket=FAILURES)["KeyCount"])


def test_batches_are_processed_and_deleted_and_failures_stay(tmp_path: Path) -> None:
    with local_system("--source", "none", "--data", "none", temporary=tmp_path) as system:
        clients = clients_for(system)
        give_up(clients, "ingest_kinesis", kinesis_event([tick("AGAIN")]))
        give_up(clients, "api_handler", kinesis_event([tick("OTHER")]))
        clients("s3").put_object(Bucket=FAILURES, Key="aws/lambda/0", Body=b"{")
        nested = b'{"payload": {"Records": [{"a": ' + b"[" * 3_000 + b"]" * 3_000 + b"}]}}"
        clients("s3").put_object(Bucket=FAILURES, Key="aws/lambda/1", Body=nested)
        odd = b'{"payload": {"Records": [{"a": "\xff"}]}}'
        clients("s3").put_object(Bucket=FAILURES, Key="aws/lambda/2", Body=odd)
        done = run_local("redrive", temporary=tmp_path)
        assert done.returncode == 1, done.stderr
        assert "ingest_kinesis: 1 record, done" in done.stdout
        assert "api_handler is not a function that takes batches: ingest_" in done.stdout
        assert (
            "not a Lambda invocation record: Input data was truncated (aws/lambda/0)" in done.stdout
        )
        assert "(aws/lambda/1)" in done.stdout
        assert "(aws/lambda/2)" in done.stdout
        assert stored(clients) == 4
        system.until(lambda: (system.get("/prices/AGAIN/latest") or {}).get("price") == 12.5)
        assert system.get("/prices/OTHER/latest") is None


def test_dead_messages_are_processed_and_deleted(tmp_path: Path) -> None:
    arguments = ("--source", "none", "--data", "none", "--ingest", "sqs")
    with local_system(*arguments, temporary=tmp_path) as system:
        clients = clients_for(system)
        sqs = clients("sqs")
        url = sqs.get_queue_url(QueueName="ticktape-local-ticks-dead.fifo")["QueueUrl"]
        body = tick("DEAD").decode()
        sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
        )
        done = run_local("redrive", temporary=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 of 1 batch " in done.stdout
        system.until(lambda: (system.get("/prices/DEAD/latest") or {}).get("price") == 12.5)
        assert "0 of 0 batches" in run_local("redrive", temporary=tmp_path).stdout


def test_without_a_running_system_there_is_nothing_to_redrive(tmp_path: Path) -> None:
    done = run_local("redrive", temporary=tmp_path)
    assert done.returncode == 2
    assert "no running system" in done.stderr


def test_a_payload_may_be_text_or_the_event_itself() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:ticktape-dev-detect:$LATEST"
    record = {"requestContext": {"functionArn": arn}, "payload": {"Records": []}}
    as_text = json.dumps({**record, "payload": '{"Records": [], "requestContext": {}}'}).encode()
    batch = batch_of("k", json.dumps(record).encode())
    assert batch == batch_of("k", as_text)
    assert (batch.function, batch.event) == ("ticktape-dev-detect", {"Records": []})


@pytest.mark.parametrize(
    "given",
    [
        b"{",
        b'{"payload": {"Records": []}, "requestContext": {"functionArn": "x"}}',
        b'{"payload": {}, "requestContext": {"functionArn": "a:function:detect"}}',
        b'{"payload": "[]", "requestContext": {"functionArn": "a:function:detect"}}',
        b"\xff",
    ],
)
def test_an_object_that_is_not_a_batch_is_reported(given: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        batch_of("k", given)
