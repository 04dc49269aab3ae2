"""Stores moto's S3 objects in SQLite; memory holds only those that the current request uses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from moto.s3 import notifications
from moto.s3.models import FakeBucket, FakeKey, S3Backend
from moto.s3.utils import _VersionedKeyStore
from moto.utilities.tagging_service import TaggingService

from embedded_aws.emulator import stored_objects
from embedded_aws.emulator.object_reading import NO_LIMIT, list_names


def install(connection: sqlite3.Connection) -> Callable[[bool], None]:
    """Install the storage, and return a function that ends a request.

    That function stores the objects that the request used, or discards their changes if called with
    False. Then it releases the objects from memory.
    """
    live: set[Objects] = set()
    create, listing = FakeBucket.__init__, S3Backend.list_objects

    def init(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
        create(self, name, *args, **kwargs)
        self.keys = Objects(name, connection, live)

    def list_objects(self: Any, bucket: Any, prefix: str | None, *args: Any, **kwargs: Any) -> Any:
        with_prefix = _WithPrefix(bucket, prefix or "")
        return listing(self, with_prefix, prefix, *args, **kwargs)

    tag = TaggingService.tag_resource

    def tag_resource(self: Any, arn: str, tags: list[dict[str, str]] | None) -> None:
        if tags:  # moto would keep an empty dict for every object ever put
            tag(self, arn, tags)

    FakeBucket.__init__ = init
    TaggingService.tag_resource = tag_resource
    S3Backend.list_objects = list_objects
    # moto would send a test event for each configuration, and so at each start.
    notifications.send_test_event = lambda **_: None
    # moto would raise a ResourceWarning for each object that is garbage-collected.
    FakeKey.__del__ = FakeKey.dispose

    def end(keep: bool) -> None:
        for objects in live:
            objects.end(keep)
        live.clear()

    return end


class Objects(_VersionedKeyStore):  # type: ignore[misc]  # moto is untyped here
    """moto's `FakeBucket.keys` over SQLite. The dict holds only the objects that a request uses."""

    def __init__(self, bucket: str, connection: sqlite3.Connection, live: set[Any]) -> None:
        super().__init__()
        self._bucket = bucket
        self._connection = connection
        self._live = live

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __sgetitem__(self, key: str) -> list[Any]:
        if dict.__contains__(self, key):
            versions: list[Any] = dict.__getitem__(self, key)
            return versions
        row = self._connection.execute(
            "SELECT versions FROM objects WHERE bucket = ? AND name = ?", (self._bucket, key)
        ).fetchone()
        if row is None:
            raise KeyError(key)
        kept = stored_objects.decode(row[0])
        versions = [stored_objects.restored(self._bucket, key, one) for one in kept]
        dict.__setitem__(self, key, versions)
        self._live.add(self)
        return versions

    def __contains__(self, key: object) -> bool:
        query = "SELECT 1 FROM objects WHERE bucket = ? AND name = ?"
        return dict.__contains__(self, key) or bool(
            self._connection.execute(query, (self._bucket, key)).fetchone()
        )

    def __len__(self) -> int:
        query = "SELECT count(*) FROM objects WHERE bucket = ?"
        return int(self._connection.execute(query, (self._bucket,)).fetchone()[0])

    def __bool__(self) -> bool:
        return len(self) > 0

    def __setitem__(self, key: str, value: Any) -> None:
        self.setlist(key, [*(self.getlist(key) or []), value])

    def setlist(self, key: Any, list_: Any) -> None:
        dict.__setitem__(self, key, list(list_))
        self._live.add(self)

    def pop(self, key: str) -> None:
        dict.pop(self, key, None)
        self._connection.execute(
            "DELETE FROM objects WHERE bucket = ? AND name = ?", (self._bucket, key)
        )

    def names(self, prefix: str = "") -> list[str]:
        """Return all keys that start with `prefix`, in order."""
        return self.names_behind(prefix, "", NO_LIMIT)

    def names_behind(self, prefix: str, after: str, most: int) -> list[str]:
        """Return at most `most` keys that start with `prefix` and come after `after`, in order."""
        return list_names(self._connection, self._bucket, prefix, after, most)

    def _self_iterable(self) -> dict[str, Any]:
        return dict.fromkeys(self.names())

    def item_size(self) -> int:
        query = "SELECT coalesce(sum(length(versions)), 0) FROM objects WHERE bucket = ?"
        return int(self._connection.execute(query, (self._bucket,)).fetchone()[0])

    def end(self, keep: bool) -> None:
        """Store or discard the changes of a request, and release its objects from memory."""
        if keep:
            rows = [self._row(*item) for item in list[tuple[str, Any]](dict.items(self))]
            self._connection.executemany(
                "INSERT OR REPLACE INTO objects (bucket, name, versions, written)"
                " VALUES (?, ?, ?, ?)",
                rows,
            )
        dict.clear(self)

    def _row(self, name: str, versions: list[Any]) -> tuple[str, str, bytes, float]:
        kept = [stored_objects.stored(version) for version in versions]
        return self._bucket, name, stored_objects.encode(kept), stored_objects.written(kept)


class _WithPrefix:
    """A bucket that shows moto's `list_objects` only the objects under one prefix."""

    def __init__(self, bucket: Any, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    @property
    def keys(self) -> _WithPrefix:
        return self

    def items(self) -> Iterator[tuple[str, Any]]:
        names: list[str] = self._bucket.keys.names(self._prefix)
        for name in names:
            yield name, self._bucket.keys[name]
