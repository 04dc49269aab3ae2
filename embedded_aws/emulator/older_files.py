"""Converts an emulator file of format 1, which contains pickles, to the current format."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from hashlib import md5
from typing import Any

import msgspec

from embedded_aws.emulator import inert_pickles
from embedded_aws.emulator.inert_pickles import Named, PickleError
from embedded_aws.emulator.stored_catalog import StoredDatabase, StoredPartition, StoredTable
from embedded_aws.emulator.stored_objects import ATTRIBUTES, Grants, StoredVersion

_encode = msgspec.msgpack.Encoder().encode


class OlderFileError(Exception):
    """The file has a row that no earlier version wrote. The message names the row."""


def convert(connection: sqlite3.Connection) -> None:
    """Convert every row of the file, in the caller's transaction. Raises OlderFileError."""
    _each(connection, "objects", "versions", ("bucket", "name"), _versions)
    _each(connection, "messages", "message", ("queue", "id"), _message)
    _each(connection, "glue_databases", "databases", ("place",), _databases)
    _each(connection, "glue_partitions", "partition", ("place", "key"), _partition)


def _each(
    connection: sqlite3.Connection,
    table: str,
    column: str,
    keys: tuple[str, ...],
    change: Callable[[Any], bytes],
) -> None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return
    named = " AND ".join(f"{key} = ?" for key in keys)
    found = connection.execute(f"SELECT {', '.join(keys)} FROM {table}").fetchall()  # noqa: S608  # nosec B608
    for key in found:
        read = f"SELECT {column} FROM {table} WHERE {named}"  # noqa: S608  # nosec B608
        (raw,) = connection.execute(read, key).fetchone()
        try:
            made = change(inert_pickles.read(raw))
        except (PickleError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise OlderFileError(f"{table}: {'/'.join(key)} cannot be read ({error})") from error
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {named}", (made, *key))  # noqa: S608  # nosec B608


def _state(found: Named, *kinds: str) -> dict[str, Any]:
    """Return the attributes of a pickled object of a moto class."""
    if found.name not in kinds:
        raise PickleError(f"{found.name[:60]}: not what earlier versions wrote")
    return found.state


def _versions(found: list[Named]) -> bytes:
    return _encode([_version(one) for one in found])


def _version(found: Named) -> StoredVersion:
    state = _state(found, "moto.s3.models.FakeKey", "moto.s3.models.FakeDeleteMarker")
    if "value" not in state:
        return StoredVersion(True, state["last_modified"], state["_version_id"])
    held = {name: state.get(name) for name in ATTRIBUTES}
    return StoredVersion(
        False,
        state["last_modified"],
        state["_version_id"],
        state["_etag"] or md5(state["value"], usedforsecurity=False).hexdigest(),
        state["value"],
        _metadata(state["_metadata"]),
        {name: value for name, value in held.items() if value is not None},
        _grants(state.get("acl")),
        state.get("_expiry"),
    )


def _metadata(found: Named | dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = found.state["store"] if isinstance(found, Named) else found
    return kept


def _grants(acl: Named | None) -> Grants | None:
    if acl is None:
        return None
    found = [grant.state for grant in acl.state["grants"]]
    return [([_grantee(g.state) for g in one["grantees"]], one["permissions"]) for one in found]


def _grantee(state: dict[str, str]) -> tuple[str, str, str]:
    return state["id"], state["uri"], state["display_name"]


def _message(found: Named) -> bytes:
    return _encode(_state(found, "moto.sqs.models.Message"))


def _plain_dicts(value: Any) -> Any:
    """Convert ordered dicts to dicts, at any depth."""
    if isinstance(value, Named):
        value = value.entries
    if isinstance(value, dict):
        return {name: _plain_dicts(one) for name, one in value.items()}
    return [_plain_dicts(one) for one in value] if isinstance(value, list) else value


def _databases(found: Named | dict[str, Named]) -> bytes:
    if isinstance(found, Named):
        _state(found, "collections.OrderedDict", "collections.defaultdict")
    databases = found.entries if isinstance(found, Named) else found
    return _encode([_database(one) for one in databases.values()])


def _database(found: Named) -> StoredDatabase:
    state = _state(found, "moto.glue.models.FakeDatabase")
    tables = state["tables"]
    kept = tables.entries if isinstance(tables, Named) else tables
    of_today = [_build(StoredTable, one.state) for one in kept.values()]
    made: StoredDatabase = _build(StoredDatabase, state, tables=of_today)
    return made


def _partition(found: Named) -> bytes:
    return _encode(_build(StoredPartition, _state(found, "moto.glue.models.FakePartition")))


def _build(kind: type[Any], state: dict[str, Any], **given: Any) -> Any:
    names = [name for name in kind.__struct_fields__ if name not in given]
    return kind(**{name: _plain_dicts(state[name]) for name in names}, **given)
