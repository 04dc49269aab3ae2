"""Answers ListObjectsV2 from SQLite, reading only the objects of the requested page.

moto alone reads all objects under the prefix for every page and for each listing of folders.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from moto.s3.models import FakeDeleteMarker, S3Backend

from embedded_aws.emulator.s3 import Objects

_BEHIND = "\U0010ffff"
_NAMES = 1000


def install() -> None:
    """Install the patch."""

    def list_objects_v2(
        _self: Any,
        bucket: Any,
        prefix: str | None,
        delimiter: str | None,
        continuation_token: str | None,
        start_after: str | None,
        max_keys: int,
    ) -> tuple[list[Any], bool, str | None]:
        after = start_after or ""
        if continuation_token:
            after = base64.urlsafe_b64decode(continuation_token).decode()
        return _page(bucket.keys, prefix or "", delimiter or "", after, max_keys)

    S3Backend.list_objects_v2 = list_objects_v2


def _page(
    objects: Objects, prefix: str, delimiter: str, after: str, most: int
) -> tuple[list[Any], bool, str | None]:
    """Return up to `most` objects and folders after the name `after`, whether more follow, and the
    token of the next page or None."""
    found: list[Any] = []
    last = ""
    for name in _entries(objects, prefix, delimiter, after):
        is_folder = bool(delimiter) and name.endswith(delimiter) and name != prefix
        entry: Any = name if is_folder else objects[name]
        if isinstance(entry, FakeDeleteMarker):
            continue
        if len(found) == most:
            return found, True, base64.urlsafe_b64encode(last.encode()).decode()
        found.append(entry)
        last = name
    return found, False, None


def _entries(objects: Objects, prefix: str, delimiter: str, after: str) -> Iterator[str]:
    """Yield the names of objects and folders in order, each folder once."""
    if delimiter and after.endswith(delimiter):
        after += _BEHIND
    while names := objects.names_behind(prefix, after, _NAMES):
        for name in names:
            head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if found:
                after = prefix + head + delimiter + _BEHIND
                yield prefix + head + delimiter
                break
            after = name
            yield name
