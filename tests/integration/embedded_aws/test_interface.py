"""The package's interface for a project: a start, clients, and mapped handlers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

import embedded_aws
from embedded_aws.errors import FolderError
from embedded_aws.running import EmbeddedAws
from tests.patience import eventually

TABLE: dict[str, Any] = {
    "TableName": "orders",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


class Handler:
    """A function that keeps the records which it was given."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any], context: Any) -> None:
        assert context.get_remaining_time_in_millis() > 0
        self.taken += event["Records"]

    def first(self) -> dict[str, Any]:
        """The first record, once it is there."""
        eventually(lambda: self.taken, lambda: "nothing was handed over")
        return self.taken[0]


def make_source(kind: Any) -> embedded_aws.Source:
    return embedded_aws.Source(handler="take", kind=kind, batch_size=10)


def feed_from_a_stream(aws: EmbeddedAws) -> str:
    kinesis, handler = aws.client("kinesis"), Handler()
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    aws.map(make_source("kinesis"), "orders", handler)
    kinesis.put_record(StreamName="orders", PartitionKey="a", Data=b"tea")
    return str(handler.first()["kinesis"]["data"])


def feed_from_a_table(aws: EmbeddedAws) -> Any:
    dynamodb, handler = aws.client("dynamodb"), Handler()
    arn = dynamodb.create_table(**TABLE)["TableDescription"]["LatestStreamArn"]
    aws.map(make_source("dynamodb"), arn, handler)
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "a"}, "what": {"B": b"tea"}})
    change = handler.first()["dynamodb"]
    assert isinstance(change["ApproximateCreationDateTime"], int)
    return change["NewImage"]


def feed_from_a_queue(aws: EmbeddedAws) -> str:
    sqs, handler = aws.client("sqs"), Handler()
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    aws.map(make_source("sqs"), url, handler)
    sqs.send_message(QueueUrl=url, MessageBody="tea")
    return str(handler.first()["body"])


def test_handlers_are_fed_from_streams_tables_and_queues_and_a_folder_keeps_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_aws.start(tmp_path / "data") as aws:
        assert feed_from_a_stream(aws) == "dGVh"
        assert feed_from_a_table(aws) == {"id": {"S": "a"}, "what": {"B": "dGVh"}}
        assert feed_from_a_queue(aws) == "tea"
        assert aws.given_up() == 0
    with embedded_aws.start(tmp_path / "data") as again:
        for name, value in again.variables().items():
            monkeypatch.setenv(name, value)
        dynamodb = boto3.session.Session().client("dynamodb")
        dynamodb.create_table(**TABLE)
        found = dynamodb.get_item(TableName="orders", Key={"id": {"S": "a"}})
        assert found["Item"]["what"] == {"B": b"tea"}


def test_file_that_is_none_of_its_own_is_refused_and_nothing_is_left_running(
    tmp_path: Path,
) -> None:
    (tmp_path / "checkpoints.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(embedded_aws.CheckpointsError, match="not a Ticktape database"):
        embedded_aws.start(tmp_path)


def test_a_folder_that_others_prepared_is_refused_and_ours_is_closed_to_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "aws.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match=r"aws\.sqlite is a link"):
        embedded_aws.start(tmp_path)
    (tmp_path / "aws.sqlite").unlink()
    tmp_path.chmod(0o755)
    with embedded_aws.start(tmp_path):
        assert tmp_path.stat().st_mode & 0o077 == 0
        with pytest.raises(FolderError, match="in use by process"):
            embedded_aws.start(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
