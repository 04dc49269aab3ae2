"""All event source mappings of an app's handlers, as in a deployment on AWS."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from embedded_aws.backlog import Backlog, Position, Waiting
from embedded_aws.event_sources.checkpoints import ENDED, Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.invoking import Function, Handler
from embedded_aws.event_sources.mapping import Mapping
from embedded_aws.event_sources.queue_mapping import QueueMapping
from embedded_aws.event_sources.settings import Source
from embedded_aws.event_sources.shards import DynamoDbShards, KinesisShards
from embedded_aws.event_sources.wakeups import Control, Wakeups

logger = logging.getLogger(__name__)

TRIM_EVERY_SECONDS = 60.0
KEPT_SECONDS = 600.0
"""The seconds for which a finished record can still be read from the emulator's streams."""


class Mappings:
    """The mappings, with the wake-ups, checkpoints and failure destination that they share.

    `clients` returns the boto3 client of a service. If `control` is None (another emulator, or
    AWS), streams are polled and never trimmed.
    """

    def __init__(
        self,
        clients: Callable[[str], Any],
        checkpoints: Checkpoints,
        control: Control | None = None,
        destination: FailureDestination | None = None,
    ) -> None:
        self._clients = clients
        self._checkpoints = checkpoints
        self._control = control
        self._destination = destination
        self._wakeups = Wakeups(control)
        self._stop = threading.Event()
        self._streams: list[Mapping] = []
        self._queues: list[QueueMapping] = []
        self._started = False

    @property
    def _all(self) -> list[Mapping | QueueMapping]:
        return [*self._streams, *self._queues]

    def map(
        self, source: Source, place: str, handler: Handler, timeout_seconds: float = 60.0
    ) -> None:
        """Pass records to a handler from `start` on, or from now on if `start` has been called.

        `place` is a Kinesis stream's name, the ARN of a table's stream, or a queue's URL. A batch
        may take `timeout_seconds`.
        """
        client = self._clients(_SERVICES[source.kind])
        function = Function(source.handler, handler, client.meta.region_name, timeout_seconds)
        if source.kind == "sqs":
            self._queues.append(QueueMapping(source, client, place, function, self._wakeups))
        else:
            shards = KinesisShards if source.kind == "kinesis" else DynamoDbShards
            shared = (self._checkpoints, self._wakeups, self._destination)
            self._streams.append(Mapping(source, shards(client, place), function, *shared))
        if self._started:
            (self._queues if source.kind == "sqs" else self._streams)[-1].start()

    def start(self) -> None:
        """Start to pass records to the handlers."""
        self._started = True
        self._wakeups.start()
        for mapping in self._all:
            mapping.start()
        if self._control is not None:
            threading.Thread(target=self._trim, name="trim", daemon=True).start()

    def stop(self, seconds: float) -> bool:
        """Stop after the current batches. Return whether they ended within `seconds`."""
        self._stop.set()
        for mapping in self._all:
            mapping.stop()
        self._wakeups.stop()
        deadline = time.monotonic() + seconds
        joined = [mapping.join(deadline) for mapping in self._all]
        return all(joined)

    def given_up(self) -> int:
        """Return the number of records that were dead-lettered since the start."""
        return sum(mapping.tally.given_up for mapping in self._all)

    def backlog(self) -> Callable[[], Waiting] | None:
        """Return the function that counts unprocessed records, or None without a `control`."""
        if self._control is None:
            return None
        queues = [mapping.name for mapping in self._queues]
        return Backlog(
            self._control.waiting, self._positions, queues, lambda: self._wakeups.generation
        )

    def _positions(self) -> list[Position]:
        """Return the reading positions of the shards that are not finished."""
        return [
            (mapping.stream.kind, mapping.stream.name, shard, checkpoint)
            for mapping in self._streams
            for shard in mapping.shard_ids()
            if (checkpoint := mapping.checkpoint(shard)) != ENDED
        ]

    def _trim(self) -> None:
        while self._control is not None and not self._stop.wait(TRIM_EVERY_SECONDS):
            for kind, name, shard, checkpoint in self._positions():
                if checkpoint is None:
                    continue
                try:
                    self._control.trim(kind, name, shard, checkpoint, KEPT_SECONDS)
                except (OSError, ValueError) as error:
                    logger.warning("cannot trim %s: %s", name, error)


_SERVICES = {"kinesis": "kinesis", "dynamodb": "dynamodbstreams", "sqs": "sqs"}
"""The AWS service that reads each kind of source."""
