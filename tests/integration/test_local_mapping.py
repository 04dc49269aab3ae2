"""The poller against two implementations of Kinesis, and against tables."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.event_sources import EVENT_SOURCES
from embedded_aws.clients import Clients
from embedded_aws.event_sources.checkpoints import ENDED, Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.invoking import Function
from embedded_aws.event_sources.mapping import Mapping
from embedded_aws.event_sources.shards import DynamoDbShards, KinesisShards
from embedded_aws.event_sources.wakeups import Wakeups
from embedded_aws.process import EmulatorControl
from infra import resources
from infra.provision import provision
from local.mappings import as_source
from tests.local_support import kinesalite
from tests.local_support.aws import Emulator, clients_of, emulator
from tests.local_support.mapping import running, waiting
from tests.local_support.recording import Recorder, identifiers, report
from tests.local_support.records import make_source
from tests.patience import eventually

FAILURES = "ticktape-local-failures"


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with emulator() as running:
        provision(running.clients, resources.load(), ingest="kinesis")
        yield running


class Kinesis:
    """A stream of its own in one of the implementations."""

    def __init__(self, clients: Clients, control: EmulatorControl | None) -> None:
        self.client = clients("kinesis")
        self.control = control
        self.name = f"stream-{uuid.uuid4().hex[:8]}"
        self.client.create_stream(StreamName=self.name, ShardCount=1)
        self.client.get_waiter("stream_exists").wait(
            StreamName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )

    def put(self, *texts: str, key: str = "AAPL") -> None:
        """Put texts in order."""
        for text in texts:
            self.client.put_record(StreamName=self.name, Data=text.encode(), PartitionKey=key)

    def open_shards(self) -> list[str]:
        """The shards that take records."""
        shards = self.client.list_shards(StreamName=self.name)["Shards"]
        return [
            shard["ShardId"]
            for shard in shards
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        ]

    def split(self) -> None:
        """Split the first open shard in the middle of all hash keys."""
        (shard,) = self.open_shards()
        self.client.split_shard(
            StreamName=self.name, ShardToSplit=shard, NewStartingHashKey=str(2**127)
        )
        self._settle(2)

    def merge(self) -> None:
        """Merge both open shards."""
        first, second = self.open_shards()
        self.client.merge_shards(
            StreamName=self.name, ShardToMerge=first, AdjacentShardToMerge=second
        )
        self._settle(1)

    def _settle(self, count: int) -> None:
        def is_active() -> bool:
            found = self.client.describe_stream_summary(StreamName=self.name)
            status = found["StreamDescriptionSummary"]["StreamStatus"]
            return status == "ACTIVE" and len(self.open_shards()) == count

        eventually(is_active)


@pytest.fixture(params=["moto", "kinesalite"])
def kinesis(request: pytest.FixtureRequest, aws: Emulator) -> Iterator[Kinesis]:
    if request.param == "moto":
        yield Kinesis(aws.clients, aws.control)
        return
    if reason := kinesalite.missing():
        pytest.skip(reason)
    with kinesalite.kinesalite() as address:
        yield Kinesis(clients_of(address), None)


def feed(
    stream: Kinesis,
    handler: Recorder,
    *,
    checkpoints: Checkpoints | None = None,
    destination: FailureDestination | None = None,
    **source: Any,
) -> tuple[Mapping, contextlib.AbstractContextManager[None]]:
    """A mapping from the stream to the handler, and what runs it."""
    wakeups = Wakeups(stream.control, poll_seconds=0.05)
    mapping = Mapping(
        make_source(**source),
        KinesisShards(stream.client, stream.name),
        Function("recorder", handler, "us-east-1"),
        checkpoints or Checkpoints(None),
        wakeups,
        destination,
    )
    return mapping, running(mapping, wakeups)


def test_everything_arrives_once_in_order(kinesis: Kinesis) -> None:
    handler = Recorder()
    expected = [f"t{number}" for number in range(25)]
    kinesis.put(*expected[:15])
    _, run = feed(kinesis, handler, batch_size=4)
    with run:
        eventually(lambda: len(handler.seen) >= 15)
        kinesis.put(*expected[15:])
        eventually(lambda: len(handler.seen) >= 25)
    assert handler.seen == expected
    assert max(len(call) for call in handler.calls) <= 4


def test_events_are_complete(kinesis: Kinesis) -> None:
    handler = Recorder()
    kinesis.put("text")
    _, run = feed(kinesis, handler)
    with run:
        eventually(lambda: bool(handler.events))
    recorded = json.loads(
        (Path(__file__).resolve().parents[1] / "events" / "kinesis.json").read_text()
    )
    (record,), sample = handler.events[0]["Records"], recorded["Records"][0]
    assert list(record) == list(sample)
    assert list(record["kinesis"]) == list(sample["kinesis"])
    assert {n: type(v) for n, v in record["kinesis"].items()} == {
        n: type(v) for n, v in sample["kinesis"].items()
    }


def test_a_window_gathers_until_the_batch_is_full(kinesis: Kinesis) -> None:
    handler = Recorder()
    _, run = feed(kinesis, handler, window_seconds=3600, batch_size=3)
    with run:
        for text in "abc":
            kinesis.put(text)
            time.sleep(0.1)
        eventually(lambda: len(handler.seen) == 3)
    assert handler.calls == [["a", "b", "c"]]


def test_a_partial_failure_repeats_from_the_failed_record(kinesis: Kinesis) -> None:
    def fail_first(texts: list[str]) -> Any:
        if len(handler.calls) == 1:
            return report(identifiers(handler.events[-1])["c"])
        return report()

    handler = Recorder(fail_first)
    kinesis.put(*"abcde")
    _, run = feed(kinesis, handler)
    with run:
        eventually(lambda: len(handler.calls) == 2)
    assert handler.calls == [list("abcde"), list("cde")]


def test_a_poison_record_goes_to_the_failure_destination_alone(
    kinesis: Kinesis, aws: Emulator
) -> None:
    def raise_on_poison(texts: list[str]) -> None:
        if "poison" in texts:
            raise ValueError("poison")

    handler = Recorder(raise_on_poison)
    texts = [*"abc", "poison", *"def"]
    told = waiting(aws, "failures")
    kinesis.put(*texts)
    destination = FailureDestination(aws("s3"), FAILURES)
    mapping, run = feed(kinesis, handler, destination=destination, bisect=True, maximum_retries=1)
    with run:
        eventually(lambda: (mapping.tally.records, mapping.tally.given_up) == (6, 1))
    assert waiting(aws, "failures") > told
    prefix = f"aws/lambda/{mapping.mapping_id}/"
    (entry,) = aws("s3").list_objects_v2(Bucket=FAILURES, Prefix=prefix)["Contents"]
    stored = json.loads(aws("s3").get_object(Bucket=FAILURES, Key=entry["Key"])["Body"].read())
    (record,) = json.loads(stored["payload"])["Records"]
    assert record["kinesis"]["data"] == "cG9pc29u"
    assert stored["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert stored["KinesisBatchInfo"]["startSequenceNumber"] == record["kinesis"]["sequenceNumber"]
    passed = [text for call in handler.calls if "poison" not in call for text in call]
    assert passed == [text for text in texts if text != "poison"]


def test_a_restart_goes_on_behind_the_checkpoint(kinesis: Kinesis, tmp_path: Path) -> None:
    first, second = Recorder(), Recorder()
    kinesis.put(*"abc")
    _, run = feed(kinesis, first, checkpoints=Checkpoints(tmp_path / "c.sqlite"))
    with run:
        eventually(lambda: first.seen == list("abc"))
    kinesis.put(*"de")
    _, run = feed(kinesis, second, checkpoints=Checkpoints(tmp_path / "c.sqlite"))
    with run:
        eventually(lambda: len(second.seen) >= 2)
    assert second.seen == list("de")


def test_unfinished_records_are_delivered_again_after_a_restart(
    kinesis: Kinesis, tmp_path: Path
) -> None:
    first = Recorder(lambda texts: report("unknown"))
    second = Recorder()
    kinesis.put(*"abc")
    _, run = feed(kinesis, first, checkpoints=Checkpoints(tmp_path / "c.sqlite"))
    with run:
        eventually(lambda: bool(first.calls))
    _, run = feed(kinesis, second, checkpoints=Checkpoints(tmp_path / "c.sqlite"))
    with run:
        eventually(lambda: len(second.seen) >= 3)
    assert second.seen == list("abc")


def test_splits_and_merges_keep_each_key_in_order(kinesis: Kinesis) -> None:
    """Parents end before children start, so a key's records stay in order across shards."""
    handler = Recorder()
    keys = [f"K{number}" for number in range(8)]
    expected: dict[str, list[str]] = {key: [] for key in keys}

    def put_round(name: str) -> None:
        for step in range(5):
            for key in keys:
                text = f"{key} {name}{step}"
                expected[key].append(text)
                kinesis.put(text, key=key)

    put_round("before")
    kinesis.split()
    put_round("split")
    checkpoints = Checkpoints(None)
    mapping, run = feed(kinesis, handler, batch_size=3, checkpoints=checkpoints)
    with run:
        eventually(lambda: len(handler.seen) >= 80)
        kinesis.merge()
        put_round("merged")
        eventually(lambda: len(handler.seen) >= 120)
    found = {key: [t for t in handler.seen if t.split()[0] == key] for key in keys}
    assert found == expected
    shards = kinesis.client.list_shards(StreamName=kinesis.name)["Shards"]
    ended = [s["ShardId"] for s in shards if mapping.checkpoint(s["ShardId"]) == ENDED]
    assert len(ended) == 3


def test_parallel_batches_keep_each_key_in_order(kinesis: Kinesis) -> None:
    def slow(_texts: list[str]) -> None:
        time.sleep(0.02)

    handler = Recorder(slow)
    keys = [f"K{number}" for number in range(6)]
    for step in range(10):
        for key in keys:
            kinesis.put(f"{key} {step}", key=key)
    mapping, run = feed(kinesis, handler, batch_size=3, parallelization=4)
    with run:
        eventually(lambda: len(handler.seen) >= 60)
    for key in keys:
        found = [text for text in handler.seen if text.split()[0] == key]
        assert found == [f"{key} {step}" for step in range(10)]
    assert mapping.tally.records == 60


def test_detect_sees_each_finished_write_of_a_table(aws: Emulator) -> None:
    table = "ticktape-local-prices"
    arn = aws("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    events: list[dict[str, Any]] = []
    wakeups = Wakeups(aws.control)
    mapping = Mapping(
        as_source(EVENT_SOURCES["detect"]),
        DynamoDbShards(aws("dynamodbstreams"), arn),
        Function("detect", lambda event, _context: events.extend(event["Records"]), "us-east-1"),
        Checkpoints(None),
        wakeups,
    )
    with running(mapping, wakeups):
        for number in range(6):
            item: dict[str, Any] = {"symbol": {"S": "SEEN"}, "timestamp": {"S": str(number)}}
            item["bytes"] = {"B": b"xy"}
            if number % 2:
                item["complete_from"] = {"S": "0"}
            for _ in range(2):  # the second writes nothing new
                aws("dynamodb").put_item(TableName=table, Item=item)
        aws("dynamodb").delete_item(
            TableName=table, Key={"symbol": {"S": "SEEN"}, "timestamp": {"S": "1"}}
        )
        eventually(lambda: len(events) >= 3)
    assert [event["dynamodb"]["Keys"]["timestamp"]["S"] for event in events] == ["1", "3", "5"]
    assert {event["eventName"] for event in events} == {"INSERT"}
    assert {event["eventSourceARN"] for event in events} == {arn}
    assert all(event["dynamodb"]["NewImage"]["bytes"] == {"B": "eHk="} for event in events)
    assert all(type(e["dynamodb"]["ApproximateCreationDateTime"]) is int for e in events)
