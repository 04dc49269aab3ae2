"""The objects of a raw archive or of compacted days: in a folder, or in an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from chalicelib.domain.raw_lines import MOST_UNPACKED
from producer.errors import UsageError
from producer.sinks import aws

MOST_BODY = MOST_UNPACKED
"""The most bytes of an object in memory, also after unpacking."""

MOST_FILE = 1 << 32
"""The most bytes of an object of the lake; compaction writes a few hundred megabytes at most."""

_PIECE = 1 << 20


class Folder:
    """Objects that were copied from S3 to a folder on disk."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def listing(self) -> Iterator[str]:
        """Yield the objects' paths relative to the folder."""
        found = (path for path in self._path.rglob("*") if path.is_file())
        return iter(sorted(path.relative_to(self._path).as_posix() for path in found))

    def body(self, key: str) -> bytes:
        """Return an object's bytes. Raises OSError if it has more than MOST_BODY bytes or cannot be
        read."""
        with (self._path / key).open("rb") as file:
            return _read_all(file, (self._path / key).stat().st_size)

    def file(self, key: str, _: Path, /) -> Path:
        """Return the path of an object's file. Raises OSError if it has more than MOST_FILE bytes
        or cannot be read."""
        path = self._path / key
        _check(path.stat().st_size, MOST_FILE)
        return path.resolve()


class Bucket:
    """Objects on S3 whose keys begin with the prefix of `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        self.name = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._client: Any = aws.client("s3")

    def listing(self) -> Iterator[str]:
        """Yield the keys below the prefix. Raises UsageError if the bucket cannot be listed."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"{self.name}: {aws.why(error)}") from error

    def body(self, key: str) -> bytes:
        """See Folder.body."""
        with _as_os_error():
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return _read_all(answer["Body"], answer["ContentLength"])

    def file(self, key: str, place: Path, /) -> Path:
        """Download an object to `place`, and return that path. Raises the errors of Folder.file."""
        with _as_os_error(), place.open("wb") as file:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            _check(answer["ContentLength"], MOST_FILE)
            while piece := answer["Body"].read(_PIECE):
                file.write(piece)
                _check(file.tell(), MOST_FILE)
        return place


Objects = Folder | Bucket
"""Where an archive or a lake is stored."""


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise OSError with the reason if S3 refuses a request or breaks off its answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OSError(aws.why(error)) from error


def _read_all(file: BinaryIO, size: int) -> bytes:
    """Return the bytes of a file of the stated size. Raises OSError if it is too large."""
    _check(size, MOST_BODY)
    return file.read(size)


def _check(size: int, most: int) -> None:
    if size > most:
        raise OSError(f"has more than {most:,} bytes, the most that are read")
