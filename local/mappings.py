"""The event source mappings of the app's handlers, as a deployment would set them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Mapping as Environment
from types import ModuleType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import bootstrap
from chalicelib.event_sources import configured
from local.backlog import Backlog, Position, Waiting
from local.emulator.process import EmulatorControl
from local.event_sources.checkpoints import ENDED, Checkpoints
from local.event_sources.failures import FailureDestination
from local.event_sources.invoking import Function
from local.event_sources.mapping import Mapping, trimmable
from local.event_sources.queue_mapping import QueueMapping
from local.event_sources.shards import DynamoDbShards, KinesisShards
from local.event_sources.wakeups import Wakeups
from local.provision import Clients
from local.resources import Resources

logger = logging.getLogger(__name__)

TRIM_EVERY_SECONDS = 60.0
KEPT_SECONDS = 600.0
"""How long finished records stay readable for others in the emulator's streams."""


class Mappings:
    """All of them, with what they share: wake-ups, checkpoints and the failure destination."""

    def __init__(
        self,
        app: ModuleType,
        environment: Environment[str, str],
        resources: Resources,
        clients: Clients,
        checkpoints: Checkpoints,
        control: EmulatorControl | None,
    ) -> None:
        self._control = control
        self._checkpoints = checkpoints
        self._wakeups = Wakeups(control)
        self._stop = threading.Event()
        self._destination = FailureDestination(clients("s3"), environment["FAILURES_BUCKET"])
        self._region = clients("s3").meta.region_name
        self._app = app
        self._sources = configured(bootstrap.get_settings())
        self._resources = resources
        prices = DynamoDbShards(clients("dynamodbstreams"), environment["PRICES_STREAM_ARN"])
        self._streams = [self._mapping("detect", prices)]
        self._queues: list[QueueMapping] = []
        if "TICKS_STREAM" in environment:
            stream = KinesisShards(clients("kinesis"), environment["TICKS_STREAM"])
            self._streams.append(self._mapping("ingest_kinesis", stream))
        else:
            self._queues.append(self._queue(clients("sqs"), environment["TICKS_QUEUE_URL"]))

    @property
    def _all(self) -> list[Mapping | QueueMapping]:
        return [*self._streams, *self._queues]

    def _function(self, handler: str) -> Function:
        timeout = float(self._resources.functions[handler]["timeout_seconds"])
        return Function(handler, getattr(self._app, handler), self._region, timeout)

    def _queue(self, sqs: Any, url: str) -> QueueMapping:
        source = self._sources["ingest_sqs"]
        return QueueMapping(source, sqs, url, self._function(source.handler), self._wakeups)

    def _mapping(self, handler: str, stream: KinesisShards | DynamoDbShards) -> Mapping:
        return Mapping(
            self._sources[handler],
            stream,
            self._function(handler),
            self._checkpoints,
            self._wakeups,
            self._destination,
        )

    def start(self) -> None:
        """Feed the handlers from now on."""
        self._wakeups.start()
        for mapping in self._all:
            mapping.start()
        if self._control is not None:
            threading.Thread(target=self._trim, name="trim", daemon=True).start()

    def stop(self, seconds: float) -> bool:
        """End after the batches at hand; whether that took less than `seconds`."""
        self._stop.set()
        for mapping in self._all:
            mapping.stop()
        self._wakeups.stop()
        deadline = time.monotonic() + seconds
        joined = [mapping.join(deadline) for mapping in self._all]
        return all(joined)

    def given_up(self) -> int:
        """Records that were given up on since the start."""
        return sum(mapping.tally.given_up for mapping in self._all)

    def backlog(self) -> Callable[[], Waiting] | None:
        """What asks for the records that wait; None where only AWS could tell."""
        if self._control is None:
            return None
        queues = [mapping.name for mapping in self._queues]
        return Backlog(self._control, self._positions, queues, lambda: self._wakeups.generation)

    def _positions(self) -> list[Position]:
        return [
            (mapping.stream.kind, mapping.stream.name, shard, checkpoint)
            for mapping in self._streams
            for shard in mapping.shard_ids()
            if (checkpoint := mapping.checkpoint(shard)) != ENDED
        ]

    def _trim(self) -> None:
        while self._control is not None and not self._stop.wait(TRIM_EVERY_SECONDS):
            for mapping in self._streams:
                for shard, upto in trimmable(mapping):
                    try:
                        stream = mapping.stream
                        self._control.trim(stream.kind, stream.name, shard, upto, KEPT_SECONDS)
                    except (OSError, ValueError, ClientError, BotoCoreError) as error:
                        logger.warning("cannot trim %s: %s", mapping.stream.name, error)
