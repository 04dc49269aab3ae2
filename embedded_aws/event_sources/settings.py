"""The settings of an event source mapping, in AWS Lambda's terms."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["kinesis", "dynamodb", "sqs"]
Position = Literal["TRIM_HORIZON", "LATEST"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one handler's source, with Lambda's defaults.

    A batch is gathered for `window_seconds`; AWS accepts only whole seconds. `maximum_retries` and
    `maximum_record_age_seconds` of -1 mean no limit. `bisect` halves a failed batch,
    `parallelization` is the number of a shard's batches processed at once, and `partial_responses`
    lets a handler's answer name the first failed record. `filters` are event patterns; a record
    that matches any of them is accepted. Without patterns all records are accepted. `failures` says
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
