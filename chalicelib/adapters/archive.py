"""The archive bucket: raw records by hour of arrival, and the quarantine."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.domain.archive_layout import (
    RAW,
    READINGS,
    Told,
    arrival_name,
    batch_name,
    quarantine_key,
    sources_body,
    sources_key,
)
from chalicelib.domain.raw_lines import ArchivedLine, pack
from chalicelib.domain.readings import Reading
from chalicelib.services.stores import QuarantinedPart


class S3Archive:
    """Implements Archive on S3. domain/archive_layout.py defines the keys."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive.put_raw."""
        key = RAW + _batch(arrival, origin, numbers, lines)
        self._put(key, pack(lines), "application/gzip")

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """See Archive.put_readings. The key is that of the lines, with `readings/` for `raw/`."""
        key = READINGS + _batch(arrival, origin, numbers, lines)
        body = b"".join(msgspec.json.encode(reading.row()) + b"\n" for reading in readings)
        self._put(key, gzip.compress(body, mtime=0), "application/gzip")

    def put_sources(self, told: Sequence[Told]) -> None:
        """See Archive.put_sources."""
        self._put(sources_key(told), sources_body(told), "application/gzip")

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """See Archive.put_quarantine."""
        name = batch_name(origin, numbers, (part.payload.encode() for part in parts))
        body = b"".join(msgspec.json.encode(part) + b"\n" for part in parts)
        self._put(quarantine_key(date, name), body, "application/x-ndjson")

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)


def _batch(arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]) -> str:
    return arrival_name(arrival, batch_name(origin, numbers, (line.line for line in lines)))
