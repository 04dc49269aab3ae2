"""The settings of an event source mapping, in AWS Lambda's terms."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

Kind = Literal["kinesis", "dynamodb", "sqs"]
Position = Literal["TRIM_HORIZON", "LATEST"]


class EventSource(Protocol):
    """The settings of one handler's source: `Source`, or any object with its attributes."""

    @property
    def handler(self) -> str:
        """Return the function's name."""

    @property
    def kind(self) -> Kind:
        """Return the service."""

    @property
    def batch_size(self) -> int:
        """Return the most records in a batch."""

    @property
    def window_seconds(self) -> float:
        """Return the seconds for which a batch is gathered; AWS takes whole ones alone."""

    @property
    def starting_position(self) -> Position:
        """Return where reading starts without a checkpoint."""

    @property
    def maximum_retries(self) -> int:
        """Return the most retries of a batch; -1 for no limit."""

    @property
    def maximum_record_age_seconds(self) -> int:
        """Return the most age of a retried record; -1 for no limit."""

    @property
    def bisect(self) -> bool:
        """Return whether a failed batch is halved."""

    @property
    def parallelization(self) -> int:
        """Return the batches of a shard processed at once."""

    @property
    def partial_responses(self) -> bool:
        """Return whether the handler's answer may name the first failed record."""

    @property
    def filters(self) -> tuple[dict[str, Any], ...]:
        """Return event patterns, any of which accepts a record; without any all are accepted."""

    @property
    def failures(self) -> bool:
        """Return whether dead-lettered batches are stored in the failures bucket."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An EventSource with Lambda's defaults."""

    handler: str
    kind: Kind
    batch_size: int
    window_seconds: float = 0
    starting_position: Position = "TRIM_HORIZON"
    maximum_retries: int = -1
    maximum_record_age_seconds: int = -1
    bisect: bool = False
    parallelization: int = 1
    partial_responses: bool = True
    filters: tuple[dict[str, Any], ...] = ()
    failures: bool = True
