"""Reads, writes and deletes objects of the raw archive for merging."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from chalicelib.domain.archive_layout import RAW, READINGS, day_prefix, hour_of, is_merged
from chalicelib.domain.errors import CompactionError
from chalicelib.domain.times import from_text
from chalicelib.services.lake.stores import RawHour, RawObject
from chalicelib.services.parallel import in_parallel

AT_ONCE = 8
"""The number of objects read concurrently."""

MOST_DELETED = 1000


_Listed = tuple[str, int]
"""An object's name and its size in bytes."""


class S3RawObjects:
    """Implements RawObjects on S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        """See RawObjects.hours."""
        day, end = date.fromisoformat(first), date.fromisoformat(last)
        while day <= end:
            yield from self._of_day(day.isoformat(), before)
            day += timedelta(days=1)

    def _of_day(self, day: str, before: str) -> Iterator[RawHour]:
        """Yield the hours of a day one by one, so that only the names of one hour are in memory."""
        readings = _by_folder(self._listed(READINGS, day, before))
        told = next(readings, None)
        for folder, objects in _by_folder(self._listed(RAW, day, before)):
            while told is not None and told[0] < folder:
                told = next(readings, None)
            names = told[1] if told is not None and told[0] == folder else ()
            yield RawHour(
                tuple(RawObject(name, size) for name, size in objects),
                tuple(name for name, _ in names),
                _hour(folder),
            )

    def _listed(self, root: str, day: str, before: str) -> Iterator[tuple[str, int]]:
        bound = from_text(before)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=day_prefix(root, day)
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                # Merged objects count whenever they were written. A merge that missed one could
                # use the same name and overwrite lines that no other object has.
                if entry["LastModified"] < bound or is_merged(entry["Key"]):
                    yield entry["Key"].removeprefix(root), entry["Size"]

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        """See RawObjects.read."""
        return in_parallel(lambda name: self._body(root + name), names, AT_ONCE)

    def _body(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    def put(self, root: str, name: str, body: bytes) -> None:
        """See RawObjects.put."""
        self._client.put_object(
            Bucket=self._bucket, Key=root + name, Body=body, ContentType="application/gzip"
        )

    def delete(self, root: str, names: Sequence[str]) -> None:
        """See RawObjects.delete. Raises CompactionError if an object cannot be deleted."""
        for start in range(0, len(names), MOST_DELETED):
            keys = [{"Key": root + name} for name in names[start : start + MOST_DELETED]]
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
            )
            if errors := answer.get("Errors"):
                raise CompactionError(f"{errors[0]['Key']} cannot be deleted: {errors[0]['Code']}")


def _by_folder(listed: Iterable[_Listed]) -> Iterator[tuple[str, tuple[_Listed, ...]]]:
    """Yield each folder with the names and sizes of its objects, in S3's order."""
    for folder, names in groupby(listed, key=lambda one: one[0].rpartition("/")[0]):
        yield folder, tuple(names)


def _hour(folder: str) -> str:
    return "T".join(hour_of(folder) or ())
