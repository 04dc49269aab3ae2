"""The archive bucket: raw records by arrival, and quarantine."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib.domain.raw_lines import ArchivedLine, pack
from chalicelib.domain.readings import Reading
from chalicelib.services.stores import QuarantinedPart


class S3Archive:
    """Archive over S3.

    Keys are made from the arrival, the stream's numbers and the lines, so that a redelivered batch
    overwrites only itself: `<digest>` covers all numbers and lines. A queue's numbers and arrivals
    come from its senders, who may repeat those of others' messages.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_raw(
        self, arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive: `raw/date=2026-11-20/hour=15/<origin>-<first>.<digest>-<last>.json.gz`."""
        key = f"raw/{_batch(arrival, origin, numbers, lines)}"
        self._put(key, pack(lines), "application/gzip")

    def put_readings(
        self,
        arrival: str,
        origin: str,
        numbers: Sequence[str],
        lines: Sequence[ArchivedLine],
        readings: Sequence[Reading],
    ) -> None:
        """See Archive: under `readings/`, with the key that the lines have under `raw/`."""
        key = f"readings/{_batch(arrival, origin, numbers, lines)}"
        body = b"".join(msgspec.json.encode(reading.row()) + b"\n" for reading in readings)
        self._put(key, gzip.compress(body, mtime=0), "application/gzip")

    def put_quarantine(
        self, date: str, origin: str, numbers: Sequence[str], parts: Sequence[QuarantinedPart]
    ) -> None:
        """See Archive: `quarantine/date=2026-11-20/<origin>-<first>.<digest>-<last>.json`."""
        name = _name(origin, numbers, (part.payload.encode() for part in parts))
        key = f"quarantine/date={date}/{name}.json"
        body = b"".join(msgspec.json.encode(part) + b"\n" for part in parts)
        self._put(key, body, "application/x-ndjson")

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)


def _batch(arrival: str, origin: str, numbers: Sequence[str], lines: Sequence[ArchivedLine]) -> str:
    name = _name(origin, numbers, (line.line for line in lines))
    return f"date={arrival[:10]}/hour={arrival[11:13]}/{name}.json.gz"


def _name(origin: str, numbers: Sequence[str], lines: Iterable[bytes]) -> str:
    """Return the object's name; SQL and merging read the last number from its end (raw_ticks.sql,
    merge_plan.py)."""
    digest = blake2b(" ".join(numbers).encode(), digest_size=8)
    for line in lines:
        digest.update(b"\n" + line)
    return quote(f"{origin}-{numbers[0]}.{digest.hexdigest()}-{numbers[-1]}", safe="-")
