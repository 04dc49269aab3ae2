"""Merging over S3 as it is: deletions that fail for some keys, and times of writing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.raw_objects import S3RawObjects
from chalicelib.domain.errors import CompactionError
from chalicelib.domain.raw_lines import Line, pack_lines, unpack
from chalicelib.domain.times import to_text
from chalicelib.services.lake.merge import Merge, Merged

HOUR = "raw/date=2026-11-18/hour=15/"
AT = datetime(2026, 11, 18, 15, tzinfo=UTC)
BEFORE = to_text(AT + timedelta(days=1))


class Bucket:
    """The adapter's S3 interface. Keys in `refused` cannot be deleted."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.refused: set[str] = set()
        self.now = AT

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        found = sorted((key, *held) for key, held in self.objects.items() if key.startswith(Prefix))
        yield {
            "Contents": [
                {"Key": key, "Size": len(body), "LastModified": at} for key, body, at in found
            ]
        }

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key][0])}

    def put_object(self, Key: str, Body: bytes, **_: str) -> None:  # noqa: N803
        self.objects[Key] = (Body, self.now)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        keys = [one["Key"] for one in Delete["Objects"]]
        for key in set(keys) - self.refused:
            self.objects.pop(key, None)
        failed = [{"Key": key, "Code": "InternalError"} for key in keys if key in self.refused]
        return {"Errors": failed} if failed else {}

    def batch(self, number: int) -> str:
        """A batch of one line; its key."""
        self.now = AT + timedelta(seconds=number)
        key = f"{HOUR}shardId-0-{number}-{number}.json.gz"
        text = f'{{"symbol": "A", "timestamp": "{to_text(self.now)}", "price": 1}}'
        self.put_object(key, pack_lines([(text.encode(), self.now)]))
        return key

    def lines(self) -> set[Line]:
        return {line for body, _ in self.objects.values() for line in unpack(body)}

    def merge(self) -> None:
        Merge(S3RawObjects(self, "archive"), lambda _: None)(
            "2026-11-18", "2026-11-18", BEFORE, Merged()
        )


def test_batches_that_could_not_be_deleted_never_overwrite_what_was_merged() -> None:
    """The first and the last batch stay, so that what is left would be merged under the same name,
    and the merged object was written after the instant up to which batches are merged."""
    bucket = Bucket()
    keys = [bucket.batch(number) for number in range(10)]
    lines = bucket.lines()
    bucket.refused = {keys[0], keys[-1]}
    bucket.now = AT + timedelta(days=3)
    with pytest.raises(CompactionError, match="cannot be deleted"):
        bucket.merge()
    assert bucket.lines() == lines
    bucket.refused = set()
    bucket.merge()
    assert bucket.lines() == lines
    (name,) = bucket.objects
    assert re.fullmatch(HOUR + r"merged-0\.[0-9a-f]{16}-9\.json\.gz", name)


def test_a_batch_written_later_waits() -> None:
    bucket = Bucket()
    for number in range(3):
        bucket.batch(number)
    bucket.now = AT + timedelta(days=2)
    late = f"{HOUR}shardId-0-7-7.json.gz"
    bucket.put_object(late, pack_lines([(b"{}", None)]))
    bucket.merge()
    name, left = sorted(bucket.objects)
    assert re.fullmatch(HOUR + r"merged-0\.[0-9a-f]{16}-2\.json\.gz", name)
    assert left == late


def test_a_carriage_return_within_a_line_stays_there() -> None:
    lines: list[Line] = [(b'{"a":\r1}', AT), (b"b\r", AT + timedelta(seconds=1)), (b"", AT)]
    assert unpack(pack_lines(lines)) == lines
    assert unpack(pack_lines([])) == []
