"""A stage on the emulator, as Terraform's outputs describe it to the commands with `--stage`."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import boto3
import pytest

from embedded_aws.clients import Clients
from embedded_aws.event_sources.attempts import GivenUp
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.records import StreamRecord
from infra import resources
from infra.provision import provision
from rigs.emulated import Emulated
from tests.deploy_support.owned_buckets import ACCOUNT
from tests.deploy_support.stages import make_stage
from tests.factories import kinesis_event

REGION = "eu-west-1"
_numbers = itertools.count()


class Origin:
    """The stream of a dead-lettered batch."""

    kind = "kinesis"
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/ticktape-dev-ticks"


class Deployment:
    """A stage in Ireland on the emulator, used from a shell with another region."""

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
        self._patch.setenv("AWS_ACCESS_KEY_ID", emulated.keys.access_key)
        self._patch.setenv("AWS_SECRET_ACCESS_KEY", emulated.keys.secret_key)

    def _queue(self, key: str) -> str:
        fifo = {"FifoQueue": "true"} if key.endswith(".fifo") else {}
        name = f"{self.prefix}-{key}"
        return str(self.sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"])

    def fed_by_sqs(self) -> None:
        """Create the dead-letter queue of ticks, with one message."""
        url = self.queues["ticks-dead.fifo"] = self._queue("ticks-dead.fifo")
        body = json.dumps({"symbol": "DEAD", "price": 12.5})
        self.sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
        )

    def has_dead_deliveries(self) -> None:
        """Create the queue of dead deliveries, with one message."""
        name = f"{self.prefix}-deliveries-dead"
        url = self.queues["deliveries-dead"] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.sqs.send_message(QueueUrl=url, MessageBody="{}")

    def give_up(self, function: str) -> None:
        """Dead-letter a batch of a function, and send the notice to the queue."""
        event = kinesis_event([b'{"symbol": "AGAIN", "price": 12.5}'])
        record = StreamRecord("0", "K", 0.0, event["Records"][0], 1)
        destination = FailureDestination(self.s3, self.bucket)
        given_up = GivenUp((record,), "RetryAttemptsExhausted", 1, "boom")
        destination.put(given_up, Origin(), "shardId-000000000000", function, "mapping")
        self.sqs.send_message(QueueUrl=self.queues["failures"], MessageBody="a batch")

    def applied(self, **changed: Any) -> None:
        """Let the commands load this stage from Terraform's outputs, as changed."""
        names = ("ingest_kinesis", "ingest_sqs", "detect", "deliver", "redeliver", "compact")
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

    def tables(self) -> dict[str, str]:
        """Create tables in the stage's region. Return the variables that name them."""
        clients = Clients({**os.environ, "AWS_DEFAULT_REGION": REGION})
        named = resources.load(f"tables{next(_numbers)}")
        return provision(clients, named, ingest="kinesis")

    def stored(self) -> int:
        """Return the number of dead-lettered batches in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, ExpectedBucketOwner=ACCOUNT)
        return int(listed["KeyCount"])

    def messages(self, key: str) -> int:
        """Return the number of messages in a queue, including received ones."""
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.queues[key]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
        return sum(map(int, found.values()))
