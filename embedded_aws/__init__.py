"""The parts of AWS that a Chalice app uses, on one machine: see README.md.

with embedded_aws.start(Path("data")) as aws:
    aws.client("kinesis").create_stream(StreamName="orders", ShardCount=1)
    source = embedded_aws.Source(handler="take", kind="kinesis", batch_size=100)
    aws.map(source, "orders", app.take)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.environment import Keys, point_at
from embedded_aws.errors import CheckpointsError, EmulatorError
from embedded_aws.event_sources.settings import Source

if TYPE_CHECKING:
    from embedded_aws.running import EmbeddedAws

__all__ = [
    "CheckpointsError",
    "EmulatorError",
    "Keys",
    "Source",
    "point_at",
    "start",
]

SWEEP_SECONDS = 30.0
"""Default seconds between deletions of expired data."""


def start(
    folder: Path | None = None,
    *,
    port: int = 0,
    failures_bucket: str | None = None,
    sweep_seconds: float = SWEEP_SECONDS,
) -> EmbeddedAws:
    """Start the embedded AWS and return once it answers requests.

    If `folder` is given, all data survive restarts there; otherwise nothing is kept. Port 0 takes
    any free port. `failures_bucket` receives the batches that event source mappings dead-letter.
    With `sweep_seconds` of 0 nothing expires. Raises EmulatorError or CheckpointsError if the
    embedded AWS cannot start. Raises FolderError if the folder belongs to another user, is in use,
    or contains links.
    """
    from embedded_aws.running import EmbeddedAws  # boto3 is slow to import; children need none

    return EmbeddedAws(folder, port, failures_bucket, sweep_seconds)
