"""The raw archive as a recording: `raw/date=.../hour=.../*.json.gz`, on S3 or in a folder.

The archive holds each record at least once and by arrival, so each hour is put into the order of
time, and what was seen before does not pass (`producer.ordering`).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import msgspec

from chalicelib.domain.errors import TickError
from producer.errors import UsageError
from producer.sinks import aws
from producer.sources.ndjson import tick_of
from producer.sources.recording import Unreadable
from producer.wire import WireTick


class Objects(Protocol):
    """Where the archive lies."""

    @property
    def name(self) -> str:
        """What people read."""

    def listing(self) -> Iterator[str]:
        """Keys below the archive's root, in order."""

    def body(self, key: str) -> bytes:
        """An object's bytes."""


class Folder:
    """An archive that was copied to disk."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def listing(self) -> Iterator[str]:
        """Paths relative to the folder."""
        found = self._path.rglob("*.json.gz")
        return iter(sorted(path.relative_to(self._path).as_posix() for path in found))

    def body(self, key: str) -> bytes:
        """A file's bytes."""
        return (self._path / key).read_bytes()


class Bucket:
    """An archive on S3, `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        self.name = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._client: Any = aws.client("s3")

    def listing(self) -> Iterator[str]:
        """Keys of the bucket below the prefix. Raises UsageError when it cannot be listed."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"{self.name}: {error}") from error

    def body(self, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body


class Recording:
    """Ticks of some symbols (all when none are given) that arrived from `since` to `until`,
    both days included."""

    def __init__(
        self, objects: Objects, symbols: Sequence[str], since: date | None, until: date | None
    ) -> None:
        self._objects = objects
        self._symbols = frozenset(symbols)
        self._since = since or date.min
        self._until = until or date.max
        self.unreadable = Unreadable()

    def check(self) -> None:
        """Raises UsageError when the archive has no object of those days."""
        if next(self._keys(), None) is None:
            raise UsageError(f"{self._objects.name}: no raw archive of those days is there")

    def ticks(self) -> Iterator[WireTick]:
        """By the hour of arrival, within it by timestamp."""
        for _, keys in groupby(self._keys(), key=lambda key: key.rpartition("/")[0]):
            hour = [tick for key in keys for tick in self._ticks_of(key)]
            yield from sorted(hour, key=lambda tick: tick.timestamp)

    def _keys(self) -> Iterator[str]:
        for key in self._objects.listing():
            day = _day_of(key)
            if day is not None and self._since <= day <= self._until:
                yield key

    def _ticks_of(self, key: str) -> Iterator[WireTick]:
        for number, line in enumerate(self._lines(key), 1):
            try:
                tick = tick_of(line)
            except (msgspec.MsgspecError, TickError, ValueError) as error:
                self.unreadable.add(number, error)
                continue
            if not self._symbols or tick.symbol in self._symbols:
                yield tick

    def _lines(self, key: str) -> list[bytes]:
        try:
            return gzip.decompress(self._objects.body(key)).splitlines()
        except (OSError, EOFError, zlib.error) as error:
            self.unreadable.add(0, ValueError(f"{key}: {error}"))
            return []


def _day_of(key: str) -> date | None:
    """The day of arrival in a key of the raw archive; None for any other key."""
    parts = key.split("/")
    day = next((part.removeprefix("date=") for part in parts if part.startswith("date=")), "")
    if "quarantine" in parts or "ticks" in parts or not key.endswith(".json.gz"):
        return None
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None
