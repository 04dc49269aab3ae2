"""The settings of an event source mapping, with AWS Lambda's meanings."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["kinesis", "dynamodb", "sqs"]
Position = Literal["TRIM_HORIZON", "LATEST"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the event source mapping of one handler, with Lambda's defaults.

    A batch is gathered for `window_seconds`, for which AWS accepts only whole seconds. -1 for
    `maximum_retries` or `maximum_record_age_seconds` means no limit. `bisect` splits a failed
    batch. `parallelization` is the number of a shard's batches that are processed at once. With
    `partial_responses` a handler's answer names the first failed record. `filters` are event
    patterns: a record passes if it matches any of them, or if there are none. `failures` says
    whether dead-lettered batches are stored in the failures bucket.
    """

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
