"""The pollers' requests while nothing happens: almost none."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from chalicelib.event_sources import EVENT_SOURCES
from embedded_aws.clients import Clients
from embedded_aws.event_sources.checkpoints import Checkpoints
from embedded_aws.event_sources.invoking import Function
from embedded_aws.event_sources.mapping import Mapping
from embedded_aws.event_sources.queue_mapping import QueueMapping
from embedded_aws.event_sources.shards import DynamoDbShards, KinesisShards
from embedded_aws.event_sources.wakeups import Wakeups
from infra import resources
from infra.provision import provision
from local.mappings import as_source
from tests.local_support.aws import emulator
from tests.local_support.mapping import running
from tests.local_support.recording import Recorder
from tests.patience import eventually

IDLE_SECONDS = 6.0


def count_requests(clients: Clients, *services: str) -> Counter[str]:
    """Counts the requests that these clients send from now on, by operation."""
    asked: Counter[str] = Counter()
    for service in services:

        def note(model: Any, **_: Any) -> None:
            asked[model.name] += 1

        clients(service).meta.events.register(f"before-call.{service}", note)
    return asked


def test_pollers_ask_for_nothing_while_nothing_comes() -> None:
    with emulator() as aws:
        environment = provision(aws.clients, resources.load(), ingest="kinesis")
        queue = aws("sqs").get_queue_url(QueueName="ticktape-local-ticks.fifo")["QueueUrl"]
        handler = Recorder()
        function = Function("recorder", handler, "us-east-1")
        wakeups, checkpoints = Wakeups(aws.control), Checkpoints(None)
        kinesis = KinesisShards(aws("kinesis"), environment["TICKS_STREAM"])
        table = DynamoDbShards(aws("dynamodbstreams"), environment["PRICES_STREAM_ARN"])
        mappings = [
            Mapping(
                as_source(EVENT_SOURCES["ingest_kinesis"]), kinesis, function, checkpoints, wakeups
            ),
            Mapping(as_source(EVENT_SOURCES["detect"]), table, function, checkpoints, wakeups),
        ]
        messages = QueueMapping(
            as_source(EVENT_SOURCES["ingest_sqs"]), aws("sqs"), queue, function, wakeups
        )
        with (
            running(mappings[0], wakeups),
            running(mappings[1], wakeups),
            running(messages, wakeups),
        ):
            aws("kinesis").put_record(
                StreamName=environment["TICKS_STREAM"], Data=b"first", PartitionKey="A"
            )
            eventually(lambda: handler.seen == ["first"])
            asked = count_requests(aws.clients, "kinesis", "dynamodbstreams", "sqs")
            threading.Event().wait(IDLE_SECONDS)
            # The last looks for the first record, or one at the end of a long poll, may fall here.
            assert sum(asked.values()) <= 3, asked
            assert handler.seen == ["first"]
