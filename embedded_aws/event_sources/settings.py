"""What is set on an event source mapping, in the terms of AWS Lambda's mappings."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

Kind = Literal["kinesis", "dynamodb", "sqs"]
Position = Literal["TRIM_HORIZON", "LATEST"]


class EventSource(Protocol):
    """How one handler is fed: `Source`, or whatever has its attributes."""

    @property
    def handler(self) -> str:
        """The function's name."""

    @property
    def kind(self) -> Kind:
        """The service."""

    @property
    def batch_size(self) -> int:
        """Records of a batch, at most."""

    @property
    def window_seconds(self) -> int:
        """How long a batch is gathered."""

    @property
    def starting_position(self) -> Position:
        """Where a shard without a checkpoint is read from."""

    @property
    def maximum_retries(self) -> int:
        """Of a batch; -1 without end."""

    @property
    def maximum_record_age_seconds(self) -> int:
        """Of a record that is tried again; -1 without end."""

    @property
    def bisect(self) -> bool:
        """Whether a batch that failed is halved."""

    @property
    def parallelization(self) -> int:
        """Batches of a shard in work at once."""

    @property
    def partial_responses(self) -> bool:
        """Whether the handler's answer may name the first record that failed."""

    @property
    def filters(self) -> tuple[dict[str, Any], ...]:
        """Event patterns, any of which lets a record through; none lets all through."""

    @property
    def failures(self) -> bool:
        """Whether batches that are given up on are kept in the bucket for them."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An EventSource, with Lambda's defaults."""

    handler: str
    kind: Kind
    batch_size: int
    window_seconds: int = 0
    starting_position: Position = "TRIM_HORIZON"
    maximum_retries: int = -1
    maximum_record_age_seconds: int = -1
    bisect: bool = False
    parallelization: int = 1
    partial_responses: bool = True
    filters: tuple[dict[str, Any], ...] = ()
    failures: bool = True
