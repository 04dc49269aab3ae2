"""Sends to Kinesis: PutRecords with the symbol as partition key.

PutRecords allows 500 records and 10 MiB per request, and 1 MiB per record by default (API reference
of Kinesis Data Streams). Emulators enforce the older limit of 5 MiB per request, so we send 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from producer.errors import SinkUnavailable
from producer.records import Limits, Record
from producer.sinks import aws


class KinesisSink:
    """Sends to one stream. A symbol's ticks keep their order unless a consumer reads them again."""

    def __init__(self, stream: str, ticks_per_record: int = 1, flush_seconds: float = 0) -> None:
        self.name = f"kinesis:{stream}"
        self.limits = Limits(
            records=500,
            request_bytes=4_718_592,
            record_bytes=1_000_000,
            ticks_per_record=ticks_per_record,
            flush_seconds=flush_seconds,
        )
        self._stream = stream
        self._client: Any = aws.client("kinesis")

    def key(self, symbol: str) -> str:
        """Return the partition key, which is the symbol."""
        return symbol

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """Send one PutRecords request. See Sink.send."""
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [{"Data": record.payload, "PartitionKey": record.key} for record in records]
        try:
            response = self._client.put_records(StreamName=self._stream, Records=entries)
        except (BotoCoreError, ClientError) as error:
            raise aws.failure(f"stream {self._stream}", error) from error
        results = response.get("Records", ())
        if len(results) != len(records):
            raise SinkUnavailable(f"stream {self._stream}: the answer was cut off")
        return [result.get("ErrorCode") for result in results]
