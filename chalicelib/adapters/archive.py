"""The archive bucket: raw records by arrival, and quarantine."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib.domain.raw_lines import ArchivedLine, pack
from chalicelib.domain.readings import Reading
from chalicelib.services.stores import QuarantinedPart


class S3Archive:
    """Archive over S3. Keys are made from the arrival and the stream's numbers alone, so that a
    redelivered batch overwrites itself, and no other: `<digest>` is the CRC-32 of all its numbers.
    Batches of a queue may share the first and last number and differ in between."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive: `raw/date=2026-11-20/hour=15/<origin>-<first>.<digest>-<last>.json.gz`."""
        key = f"raw/{_batch(arrival, origin, numbers)}"
        self._put(key, pack(lines), "application/gzip")

    def put_readings(
        self, arrival: str, origin: str, numbers: Sequence[str], readings: Sequence[Reading]
    ) -> None:
        """See Archive: under `readings/`, with the key that the lines have under `raw/`."""
        key = f"readings/{_batch(arrival, origin, numbers)}"
        body = b"".join(msgspec.json.encode(reading.row()) + b"\n" for reading in readings)
        self._put(key, gzip.compress(body, mtime=0), "application/gzip")

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """See Archive: `quarantine/date=2026-11-20/<origin>-<first>.<digest>-<last>.json`."""
        key = f"quarantine/date={date}/{_name(origin, numbers)}.json"
        body = b"".join(msgspec.json.encode(part) + b"\n" for part in parts)
        self._put(key, body, "application/x-ndjson")

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)


def _batch(arrival: str, origin: str, numbers: Sequence[str]) -> str:
    return f"date={arrival[:10]}/hour={arrival[11:13]}/{_name(origin, numbers)}.json.gz"


def _name(origin: str, numbers: Sequence[str]) -> str:
    """SQL and merging read the last number off its end (raw_ticks.sql, merge_plan.py)."""
    digest = zlib.crc32(" ".join(numbers).encode())
    return quote(f"{origin}-{numbers[0]}.{digest:08x}-{numbers[-1]}", safe="-")
