"""The archive bucket: raw records by arrival, and quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib.domain.raw_lines import ArchivedLine, pack


class S3Archive:
    """Archive over S3. Keys are made from the arrival and the stream's numbers alone, so that a
    redelivered batch overwrites itself."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_raw(
        self, arrival: str, origin: str, first: str, last: str, lines: Sequence[ArchivedLine]
    ) -> None:
        """See Archive: `raw/date=2026-11-20/hour=15/<origin>-<first>-<last>.json.gz`."""
        name = quote(f"{origin}-{first}-{last}", safe="-")
        key = f"raw/date={arrival[:10]}/hour={arrival[11:13]}/{name}.json.gz"
        self._put(key, pack(lines), "application/gzip")

    def put_quarantine(self, arrival: str, name: str, document: Mapping[str, object]) -> None:
        """See Archive: `quarantine/date=2026-11-20/<name>.json`."""
        key = f"quarantine/date={arrival[:10]}/{quote(name, safe='-')}.json"
        self._put(key, msgspec.json.encode(document), "application/json")

    def _put(self, key: str, body: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)
