"""Makes stream records for tests, which name only what matters."""

from __future__ import annotations

from typing import Any

from embedded_aws.event_sources.records import StreamRecord
from embedded_aws.event_sources.settings import Source


def make_record(
    number: int,
    *,
    key: str = "AAPL",
    arrived: float = 0.0,
    size: int = 100,
    event: dict[str, Any] | None = None,
) -> StreamRecord:
    """Return a record whose sequence number is `number`."""
    return StreamRecord(str(number), key, arrived, event or {"n": number}, size)


def make_records(count: int, **fields: Any) -> tuple[StreamRecord, ...]:
    """Return the records 1 to `count`."""
    return tuple(make_record(number, **fields) for number in range(1, count + 1))


def make_source(**fields: Any) -> Source:
    """Return a Kinesis source with batches of ten and no window."""
    return Source(**{"handler": "h", "kind": "kinesis", "batch_size": 10, **fields})
