"""Lists new raw objects in the archive bucket for compaction, and deletes superseded Parquet."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.adapters.raw_survey import Survey
from chalicelib.domain.archive_layout import RAW, day_prefix
from chalicelib.domain.times import from_text, later, to_text
from chalicelib.services.lake.lake_sql import Table
from chalicelib.services.lake.stores import Changed, CompactedPeriod

LOOKED_BACK_DAYS = 14
"""A survey covers records that arrived up to this many days before the last survey. It misses older
records that are written later, such as those redriven by hand."""

MOST_DELETED = 1000

_PERIOD = re.compile(r"/(?:date|month|year)=([0-9-]+)/")


class S3LakeObjects:
    """Implements LakeObjects on S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def location(self, key: str) -> str:
        """See LakeObjects.location."""
        return f"s3://{self._bucket}/{key}"

    def changed(self, since: str | None, known: frozenset[str]) -> Changed:
        """See LakeObjects.changed."""
        survey = Survey(from_text(since) if since else None, known)
        for prefix in self._dates(since):
            for entry in self._listed(prefix):
                survey.add(entry["Key"], entry["LastModified"], entry["ETag"])
        return survey.changed()

    def remove_superseded(
        self, table: Table, parts: Mapping[str, CompactedPeriod], before: datetime, deadline: float
    ) -> int:
        """See LakeObjects.remove_superseded."""
        folders = {
            part.location.removeprefix(self.location("")).rstrip("/") for part in parts.values()
        }
        moving = {period for period, part in parts.items() if part.moved_at >= to_text(before)}
        removed = 0
        old: list[dict[str, str]] = []
        for entry in self._listed(f"{table.name}/"):
            key, period = entry["Key"], _PERIOD.search(entry["Key"])
            read = _below(key, folders) or (period is not None and period[1] in moving)
            if entry["LastModified"] < before and not read:
                old.append({"Key": key})
            if len(old) == MOST_DELETED:
                removed += self._delete(old)
                old = []
            if time.monotonic() > deadline:
                break
        return removed + (self._delete(old) if old else 0)

    def _dates(self, since: str | None) -> Iterator[str]:
        """Yield the prefixes of the arrival dates to search; all dates if `since` is None."""
        first = day_prefix(RAW, later(since, days=-LOOKED_BACK_DAYS)[:10]) if since else ""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=RAW, Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                if entry["Prefix"] >= first:
                    yield entry["Prefix"]

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            yield from page.get("Contents", ())

    def _delete(self, keys: list[dict[str, str]]) -> int:
        answer = self._client.delete_objects(
            Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
        )
        return len(keys) - len(answer.get("Errors", ()))


def _below(key: str, folders: Collection[str]) -> bool:
    parts = key.split("/")
    return any("/".join(parts[:depth]) in folders for depth in range(1, len(parts)))
