"""Caches the bodies of S3 objects by ETag: JSON objects as lines, Parquet objects as files."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from embedded_aws.athena.engine.aws import Aws, StoredBody
from embedded_aws.athena.engine.json_lines import lines_of

LINES_BYTES = 256 * 1024 * 1024
FILES_BYTES = 1024 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    etag: str
    size: int
    held: T
    cost: int


class ObjectCache(Generic[T]):
    """Caches what `make` makes of S3 objects, up to `limit` bytes in all. `make` returns a result
    and its size in bytes.

    If the cache is full, it evicts the least recently used result.
    """

    def __init__(
        self,
        aws: Aws,
        limit: int,
        make: Callable[[str, bytes], tuple[T, int]],
    ) -> None:
        self._aws = aws
        self._limit = limit
        self._make = make
        self._guard = threading.Lock()
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._held = 0

    def read(self, bucket: str, keys: Sequence[str]) -> Iterator[tuple[str, int, T]]:
        """Yield the key, size in bytes and cached result of each object that exists."""
        with self._guard:
            known = {
                key: self._entries[f"{bucket}/{key}"].etag
                for key in keys
                if f"{bucket}/{key}" in self._entries
            }
        for key, stored in self._aws.bodies(bucket, keys, known):
            entry = self._entry(f"{bucket}/{key}", stored)
            if entry is None:  # evicted since the request
                for _, again in self._aws.bodies(bucket, [key], {}):
                    entry = self._entry(f"{bucket}/{key}", again)
            if entry is not None:
                yield key, entry.size, entry.held

    def _entry(self, name: str, stored: StoredBody) -> _Entry[T] | None:
        if stored.body is None:
            with self._guard:
                found = self._entries.get(name)
                if found is None or found.etag != stored.etag:
                    return None
                self._entries.move_to_end(name)
                return found
        held, cost = self._make(name, stored.body)
        entry = _Entry(stored.etag, stored.size, held, cost)
        with self._guard:
            self._forget(name)
            self._entries[name] = entry
            self._held += cost
            while self._held > self._limit and len(self._entries) > 1:
                self._forget(next(iter(self._entries)))
        return entry

    def _forget(self, name: str) -> None:
        old = self._entries.pop(name, None)
        if old is not None:
            self._held -= old.cost


class ParquetFile:
    """A Parquet object as a file on disk, which is deleted once nothing refers to this instance."""

    def __init__(self, folder: Path, body: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".parquet", delete=False) as file:
            file.write(body)
        self.path = Path(file.name)

    def __del__(self) -> None:
        self.path.unlink(missing_ok=True)


def parquet_files(aws: Aws, folder: Path) -> ObjectCache[Any]:
    """Return a cache that keeps Parquet objects as files in a folder."""
    return ObjectCache(aws, FILES_BYTES, lambda _, body: (ParquetFile(folder, body), len(body)))


def line_objects(aws: Aws) -> ObjectCache[list[bytes]]:
    """Return a cache that keeps objects as lists of lines."""

    def make(name: str, body: bytes) -> tuple[list[bytes], int]:
        lines = lines_of(name, body)
        return lines, sum(len(line) + 60 for line in lines)

    return ObjectCache(aws, LINES_BYTES, make)
