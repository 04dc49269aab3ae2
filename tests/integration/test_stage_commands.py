"""`redrive`, `compact` and `rebuild` with `--stage`: names and region are the stage's."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.deploy.terraform import Terraform
from local import resources
from local.cli import main as local
from local.event_sources.attempts import GivenUp
from local.event_sources.failures import FailureDestination
from local.event_sources.records import StreamRecord
from local.provision import Clients, provision
from tests.deploy_support.owned_buckets import ACCOUNT, Invocation, OwnedBuckets
from tests.deploy_support.stages import make_stage
from tests.emulated import Emulated
from tests.factories import kinesis_event

REGION = "eu-west-1"
_numbers = itertools.count()


class Origin:
    """Where a dead-lettered batch came from."""

    kind = "kinesis"
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/ticktape-dev-ticks"


class Deployment:
    """A stage in Ireland, on the emulator, used from a shell whose region is another."""

    def __init__(self, emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.prefix = f"ticktape-dev{next(_numbers)}"
        self.bucket = f"{self.prefix}-failures-{ACCOUNT}"
        self._enter(emulated)
        self.s3 = boto3.client("s3", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        where: Any = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)
        self.queues = {"failures": self._queue("failures")}

    def _enter(self, emulated: Emulated) -> None:
        self._patch.setattr(os, "environ", os.environ.copy())
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            self._patch.setenv(name, "us-east-1")
        self._patch.setenv("AWS_ENDPOINT_URL", emulated.endpoint)
        self._patch.setenv("AWS_ACCESS_KEY_ID", emulated.access_key)
        self._patch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def _queue(self, key: str) -> str:
        fifo = {"FifoQueue": "true"} if key.endswith(".fifo") else {}
        name = f"{self.prefix}-{key}"
        return str(self.sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"])

    def fed_by_sqs(self) -> None:
        """Have the queue of dead letters, with one message."""
        url = self.queues["ticks-dead.fifo"] = self._queue("ticks-dead.fifo")
        body = json.dumps({"symbol": "DEAD", "price": 12.5})
        self.sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
        )

    def give_up(self, function: str) -> None:
        """Dead-letter a batch of a function, and tell the queue of it."""
        event = kinesis_event([b'{"symbol": "AGAIN", "price": 12.5}'])
        record = StreamRecord("0", "K", 0.0, event["Records"][0], 1)
        destination = FailureDestination(self.s3, self.bucket)
        given_up = GivenUp((record,), "RetryAttemptsExhausted", 1, "boom")
        destination.put(given_up, Origin(), "shardId-000000000000", function, "mapping")
        self.sqs.send_message(QueueUrl=self.queues["failures"], MessageBody="a batch")

    def applied(self, **changed: Any) -> None:
        """Have Terraform's outputs describe the stage, and AWS ask for buckets' owners."""
        names = ("ingest_kinesis", "ingest_sqs", "compact")
        functions = {
            key: {
                "name": f"{self.prefix}-{key}",
                "role_arn": f"arn:aws:iam::{ACCOUNT}:role/{self.prefix}-{key}",
                "memory_mb": 512,
                "timeout_seconds": 60,
            }
            for key in names
        }
        environment = {"FAILURES_BUCKET": self.bucket}
        described = {"region": REGION, "functions": functions, "environment": environment}
        outputs = described | {"queues": self.queues} | changed
        stage = make_stage(**outputs)
        self._patch.setattr("infra.deploy.stage.load", lambda _name: stage)

    def stored(self) -> int:
        """How many batches lie in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, ExpectedBucketOwner=ACCOUNT)
        return int(listed["KeyCount"])

    def messages(self, key: str) -> int:
        """How many messages a queue holds, received or not."""
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.queues[key]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
        return sum(map(int, found.values()))


@pytest.fixture
def deployment(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(emulated, monkeypatch)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[..., OwnedBuckets]:
    """Starts the stand-in, from which on each request to a bucket has to name its owner."""
    return lambda answer: OwnedBuckets(monkeypatch, answer)


Aws = Callable[..., OwnedBuckets]
DONE: dict[str, Any] = {"batchItemFailures": []}


def called(aws: OwnedBuckets) -> list[tuple[str, str]]:
    """Functions that were invoked, each with the region."""
    return [(one.function, one.region) for one in aws.invoked]


def test_redrive_of_a_stage_with_kinesis_alone_needs_no_queue_of_ticks(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.give_up(f"{deployment.prefix}-ingest_kinesis")
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert "1 of 1 batches processed again" in capsys.readouterr().out
    assert called(asked) == [(f"{deployment.prefix}-ingest_kinesis", REGION)]
    assert asked.refused == []
    assert deployment.stored() == deployment.messages("failures") == 0


def test_redrive_of_a_stage_with_sqs_empties_its_dead_letter_queue(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.fed_by_sqs()
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert "1 of 1 batches processed again" in capsys.readouterr().out
    (one,) = asked.invoked
    assert isinstance(one, Invocation)
    assert (one.function, one.region) == (f"{deployment.prefix}-ingest_sqs", REGION)
    assert one.event["Records"][0]["awsRegion"] == REGION
    assert deployment.messages("ticks-dead.fifo") == 0


def test_redrive_takes_nothing_from_a_bucket_of_another_account(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.give_up(f"{deployment.prefix}-ingest_kinesis")
    deployment.applied(account="999999999999")
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 1
    assert "AccessDenied" in capsys.readouterr().err
    assert (asked.refused, asked.invoked) == (["ListObjectsV2"], [])
    assert deployment.stored() == 1


def test_redrive_leaves_a_batch_of_a_function_that_the_stage_does_not_have(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.give_up("another-function")
    deployment.applied()
    asked = aws(DONE)
    assert local(["redrive", "--stage", "dev"]) == 1
    assert "stage dev has no function another-function" in capsys.readouterr().out
    assert asked.invoked == []
    assert deployment.stored() == deployment.messages("failures") == 1


def test_compact_invokes_the_stages_function_in_its_region(
    deployment: Deployment, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.applied()
    asked = aws({"busy": False, "days": [], "ticks": 0, "left": False})
    assert local(["compact", "--stage", "dev"]) == 0, capsys.readouterr().err
    assert called(asked) == [(f"{deployment.prefix}-compact", REGION)]
    assert asked.invoked[0].event["region"] == REGION


def test_rebuild_reads_the_stages_tables_in_its_region(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = Clients({**os.environ, "AWS_DEFAULT_REGION": REGION})
    named = resources.load(f"tables{next(_numbers)}")
    environment = provision(clients, named, ingest="kinesis")
    deployment.applied(environment=environment)
    assert local(["rebuild", "AAPL", "--stage", "dev"]) == 1
    assert "AAPL: no ticks are stored" in capsys.readouterr().err


def test_outputs_of_an_older_version_ask_for_a_deployment(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.applied(account="", queues={})
    assert local(["redrive", "--stage", "dev"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("dev is of an older version: make deploy STAGE=dev")


def test_missing_terraform_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def none(*_: Any) -> Any:
        raise FileNotFoundError("terraform")

    monkeypatch.setattr("infra.deploy.stage.variables_file", lambda _stage: Path(__file__))
    monkeypatch.setattr(Terraform, "outputs", none)
    assert local(["compact", "--stage", "unread"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("--stage needs terraform, which reads the stage's outputs")
