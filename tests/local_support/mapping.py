"""Runs event source mappings, and counts the messages of queues."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from embedded_aws.event_sources.mapping import Mapping
from embedded_aws.event_sources.queue_mapping import QueueMapping
from embedded_aws.event_sources.wakeups import Wakeups
from tests.local_support.aws import Emulator
from tests.patience import PATIENCE_SECONDS


@contextlib.contextmanager
def running(mapping: Mapping | QueueMapping, wakeups: Wakeups) -> Iterator[None]:
    """Run the mapping while the context is open."""
    wakeups.start()
    mapping.start()
    try:
        yield
    finally:
        mapping.stop()
        wakeups.stop()
        assert mapping.join(time.monotonic() + PATIENCE_SECONDS)


def waiting(aws: Emulator, name: str) -> int:
    """Return the number of messages in a queue, including received ones."""
    url = aws("sqs").get_queue_url(QueueName=f"ticktape-local-{name}")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
