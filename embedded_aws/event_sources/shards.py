"""Reads the shards of Kinesis and DynamoDB streams through boto3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from embedded_aws.event_sources.lambda_events import as_on_the_wire, dynamodb_record, kinesis_record
from embedded_aws.event_sources.records import StreamRecord, made

_STALE = {"ExpiredIteratorException", "TrimmedDataAccessException"}


class Shard(msgspec.Struct, frozen=True):
    """A shard of a stream. `parents` are the shards that were split or merged into it."""

    shard_id: str
    parents: tuple[str, ...] = ()


class KinesisShards:
    """Reads the shards of a Kinesis stream. `identity` tells apart streams that had the same
    name."""

    kind = "kinesis"
    read_limit = 10_000

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name
        summary = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        self.arn: str = summary["StreamARN"]
        self.identity = f"{self.arn} {summary['StreamCreationTimestamp'].timestamp():.0f}"
        self._region = self.arn.split(":")[3]

    def shards(self) -> list[Shard]:
        """Return all shards that still have records, including closed ones."""
        found: list[Shard] = []
        request: dict[str, Any] = {"StreamName": self.name}
        while True:
            page = self._client.list_shards(**request)
            found += map(_shard, page["Shards"])
            if not page.get("NextToken"):
                return found
            request = {"NextToken": page["NextToken"]}

    def iterator(self, shard_id: str, after: str | None, position: str) -> str:
        """Return an iterator after a sequence number, or at `position` if there is none."""
        where = _where(after, position, "StartingSequenceNumber")
        answer = self._client.get_shard_iterator(StreamName=self.name, ShardId=shard_id, **where)
        return str(answer["ShardIterator"])

    def read(
        self, shard_id: str, iterator: str, limit: int
    ) -> tuple[Sequence[StreamRecord], str | None]:
        """Return records and the next iterator, which is None at the end of a closed shard."""
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        records = [
            made(
                record["SequenceNumber"],
                record["PartitionKey"],
                record["ApproximateArrivalTimestamp"].timestamp(),
                kinesis_record(record, shard_id, self.arn, self._region),
            )
            for record in answer["Records"]
        ]
        return records, answer.get("NextShardIterator")


class DynamoDbShards:
    """Reads the shards of a DynamoDB table's stream."""

    kind = "dynamodb"
    read_limit = 1000

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self.arn = self.identity = arn
        self.name = arn.split(":table/")[1].split("/")[0]

    def shards(self) -> list[Shard]:
        """Return all shards that still have records, including closed ones."""
        found: list[Shard] = []
        request: dict[str, Any] = {"StreamArn": self.arn}
        while True:
            page = self._client.describe_stream(**request)["StreamDescription"]
            found += map(_shard, page["Shards"])
            if not page.get("LastEvaluatedShardId"):
                return found
            request["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]

    def iterator(self, shard_id: str, after: str | None, position: str) -> str:
        """Return an iterator after a sequence number, or at `position` if there is none."""
        where = _where(after, position, "SequenceNumber")
        answer = self._client.get_shard_iterator(StreamArn=self.arn, ShardId=shard_id, **where)
        return str(answer["ShardIterator"])

    def read(
        self,
        shard_id: str,  # noqa: ARG002  # Kinesis needs it
        iterator: str,
        limit: int,
    ) -> tuple[Sequence[StreamRecord], str | None]:
        """Return records and the next iterator, which is None at the end of a closed shard.

        The key of a record is its item's partition key, by which Lambda keeps records in order.
        """
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        records = []
        for record in map(as_on_the_wire, answer["Records"]):
            change = record["dynamodb"]
            arrived = float(change["ApproximateCreationDateTime"])
            key = repr(next(iter(change["Keys"].values())))
            event = dynamodb_record(record, self.arn)
            records.append(made(change["SequenceNumber"], key, arrived, event))
        return records, answer.get("NextShardIterator")


ShardSource = KinesisShards | DynamoDbShards


def _shard(shard: dict[str, Any]) -> Shard:
    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    return Shard(shard["ShardId"], tuple(parent for parent in parents if parent))


def _where(after: str | None, position: str, name: str) -> dict[str, str]:
    if after is None:
        return {"ShardIteratorType": position}
    return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", name: after}


def is_stale(error: ClientError) -> bool:
    """Return whether an error means that a new iterator is needed."""
    return error.response["Error"]["Code"] in _STALE


def ready(shards: Sequence[Shard], ended: frozenset[str], started: frozenset[str]) -> list[Shard]:
    """Return the shards to start now. A child waits until its listed parents have ended."""
    listed = {shard.shard_id for shard in shards}
    return [
        shard
        for shard in shards
        if shard.shard_id not in started | ended
        and all(parent in ended or parent not in listed for parent in shard.parents)
    ]
