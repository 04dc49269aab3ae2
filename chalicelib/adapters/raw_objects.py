"""The raw archive's objects and their readings on S3, as merging sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from chalicelib.domain.errors import CompactionError
from chalicelib.domain.times import from_text
from chalicelib.services.lake_stores import RawHour, RawObject
from chalicelib.services.merge_plan import is_merged

AT_ONCE = 8
"""Objects that are read at the same time."""

MOST_DELETED = 1000


class S3RawObjects:
    """RawObjects over S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """See RawObjects."""
        day, end = date.fromisoformat(first), date.fromisoformat(last)
        while day <= end:
            yield from self._of_day(day.isoformat(), before)
            day += timedelta(days=1)

    def _of_day(self, day: str, before: str) -> Iterator[RawHour]:
        objects: dict[str, list[RawObject]] = defaultdict(list)
        readings: dict[str, list[str]] = defaultdict(list)
        for name, _ in self._listed("readings/", day, before):
            readings[name.rpartition("/")[0]].append(name)
        for name, size in self._listed("raw/", day, before):
            objects[name.rpartition("/")[0]].append(RawObject(name, size))
        for folder in sorted(objects):
            yield RawHour(tuple(objects[folder]), tuple(readings[folder]))

    def _listed(self, root: str, day: str, before: str) -> Iterator[tuple[str, int]]:
        bound = from_text(before)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{root}date={day}/"
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                # What is merged counts whenever it was written: a group made without it could
                # take its name, and with it the lines that are nowhere else any more.
                if entry["LastModified"] < bound or is_merged(entry["Key"]):
                    yield entry["Key"].removeprefix(root), entry["Size"]

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        """See RawObjects."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda name: self._body(root + name), names))

    def _body(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    def put(self, root: str, name: str, body: bytes) -> None:
        """See RawObjects."""
        self._client.put_object(
            Bucket=self._bucket, Key=root + name, Body=body, ContentType="application/gzip"
        )

    def delete(self, root: str, names: Sequence[str]) -> None:
        """See RawObjects. Raises CompactionError when some could not be deleted."""
        for start in range(0, len(names), MOST_DELETED):
            keys = [{"Key": root + name} for name in names[start : start + MOST_DELETED]]
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
            )
            if errors := answer.get("Errors"):
                raise CompactionError(f"{errors[0]['Key']} cannot be deleted: {errors[0]['Code']}")
