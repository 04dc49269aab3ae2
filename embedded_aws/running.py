"""The embedded AWS as one object: the emulator's process, its clients and event source mappings."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from embedded_aws.clients import Clients
from embedded_aws.data_directory import DataDirectory
from embedded_aws.environment import Keys, variables_of
from embedded_aws.event_sources.checkpoints import Checkpoints
from embedded_aws.event_sources.failures import FailureDestination
from embedded_aws.event_sources.invoking import Handler
from embedded_aws.event_sources.mappings import Mappings
from embedded_aws.event_sources.settings import Source
from embedded_aws.process import EmulatorControl, EmulatorProcess

STOP_SECONDS = 5.0
"""The most seconds for current batches to finish. Interrupted batches are delivered again."""


class EmbeddedAws:
    """A running embedded AWS, from its creation until `stop`.

    Clients reach it at `endpoint` and sign their requests with `keys`.
    """

    def __init__(
        self, folder: Path | None, port: int, failures_bucket: str | None, sweep_seconds: float
    ) -> None:
        with ExitStack() as closing:
            data = DataDirectory(folder) if folder is not None else None
            if data is not None:
                closing.callback(data.close)
            emulator = EmulatorProcess(port, data.emulator if data else None, sweep_seconds)
            closing.callback(emulator.stop)
            emulator.wait_until_ready()
            checkpoints = Checkpoints(data.checkpoints if data else None)
            closing.callback(checkpoints.close)
            self._closing = closing.pop_all()
        self.endpoint: str = emulator.endpoint
        self.keys: Keys = emulator.keys
        self.client = Clients(self.variables())
        self._mappings = Mappings(
            self.client,
            checkpoints,
            EmulatorControl(emulator.port, emulator.keys),
            FailureDestination(self.client("s3"), failures_bucket) if failures_bucket else None,
        )
        self._closing.callback(self._mappings.stop, STOP_SECONDS)
        self._mappings.start()

    def variables(self) -> dict[str, str]:
        """Return the environment variables with which any AWS client finds this emulator.
        `point_at` sets them."""
        return variables_of(self.endpoint, self.keys)

    def map(
        self, source: Source, place: str, handler: Handler, timeout_seconds: float = 60.0
    ) -> None:
        """Pass records to a handler from now on, as one of Lambda's event source mappings does.

        `place` is a Kinesis stream's name, the ARN of a table's stream, or a queue's URL.
        """
        self._mappings.map(source, place, handler, timeout_seconds)

    def given_up(self) -> int:
        """Return the number of records that the mappings have dead-lettered."""
        return self._mappings.given_up()

    def stop(self) -> None:
        """Stop the event source mappings after their current batches, and then the emulator."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
