"""Tables and partitions as Glue declares them, including partition projection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.failures import QueryError, unsupported

VIEW = "VIRTUAL_VIEW"
PATH = "$path"
"""The hidden column that holds the address of a row's object."""

Column = tuple[str, str]

Projection = dict[str, list[str]]
"""The values of each partition column of a projected table."""

Shape = Literal["rows", "rows and path", "partitions"]
"""What a query reads of a table: its rows, without or with `$path`, or its `$partitions`."""


class Partition(msgspec.Struct, frozen=True):
    """The values of a partition's columns, and its location in S3. `keys` are the keys of its
    objects, or None if they have not been listed yet."""

    values: tuple[str, ...]
    location: str
    keys: tuple[str, ...] | None = None


class Table(msgspec.Struct, frozen=True):
    """A table or view in Glue. Names are in lower case; types are Hive types."""

    database: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    location: str
    serde: str
    serde_options: dict[str, str]
    parameters: dict[str, str]
    view_text: str

    @property
    def projected(self) -> bool:
        """Return whether the table's properties determine its partitions (partition projection)."""
        return self.parameters.get("projection.enabled", "").lower() == "true"

    def columns_of(self, shape: Shape) -> tuple[Column, ...]:
        """Return the names and Hive types of the columns that a query of this shape reads."""
        if shape == "partitions":
            return self.partition_columns
        path: tuple[Column, ...] = ((PATH, "string"),) if shape == "rows and path" else ()
        return (*self.columns, *self.partition_columns, *path)


class Catalog:
    """Reads databases, tables and partitions from Glue's catalog."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def table(self, database: str, name: str) -> Table:
        """Return a table or view. Raises QueryError if it does not exist."""
        try:
            found = self._aws.glue("GetTable", DatabaseName=database, Name=name)["Table"]
        except LookupError:
            self.require_database(database)
            raise QueryError(
                "TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist"
            ) from None
        return _table(database, found)

    def require_database(self, database: str) -> None:
        """Raise QueryError if a database does not exist."""
        try:
            self._aws.glue("GetDatabase", Name=database)
        except LookupError:
            raise QueryError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist") from None

    def tables(self, database: str) -> list[Table]:
        """Return a database's tables, sorted by name. Raises QueryError if it does not exist."""
        self.require_database(database)
        found = self._aws.glue("GetTables", DatabaseName=database)["TableList"]
        return sorted((_table(database, one) for one in found), key=lambda table: table.name)

    def databases(self) -> list[str]:
        """Return the names of all databases, sorted."""
        return sorted(one["Name"] for one in self._aws.glue("GetDatabases")["DatabaseList"])

    def partitions(self, table: Table, projected: Projection | None = None) -> Iterator[Partition]:
        """Yield the partitions of a table.

        A projected table has the partitions that contain objects; other tables have those
        registered in Glue. A table without partition columns has one partition. `projected` is
        the result of `projection`, if the caller has it already.
        """
        if not table.partition_columns:
            yield Partition((), table.location)
        elif table.projected:
            yield from _projected(table, self._aws, projected or projection(table))
        else:
            for values, location in self._aws.partitions(table.database, table.name):
                yield Partition(tuple(values), as_folder(location))


def as_folder(location: str) -> str:
    """Return the location with a slash at its end, which excludes objects with similar names."""
    return location if location.endswith("/") else location + "/"


def _table(database: str, found: dict[str, Any]) -> Table:
    storage = found.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return Table(
        database=database,
        name=found["Name"].lower(),
        kind=found.get("TableType", ""),
        columns=_columns(storage.get("Columns", ())),
        partition_columns=_columns(found.get("PartitionKeys", ())),
        location=as_folder(storage.get("Location", "")),
        serde=serde.get("SerializationLibrary", ""),
        serde_options=serde.get("Parameters") or {},
        parameters=found.get("Parameters") or {},
        view_text=found.get("ViewOriginalText", ""),
    )


def _columns(found: Any) -> tuple[Column, ...]:
    return tuple((one["Name"].lower(), one["Type"].lower()) for one in found)


def projection(table: Table) -> Projection:
    """Return the values of each partition column of a projected table.

    Athena derives a partition from each combination of values, whether or not it has objects.
    """
    return {name: _allowed(table, name) for name, _ in table.partition_columns}


def _projected(table: Table, aws: Aws, projected: Projection) -> Iterator[Partition]:
    """List the objects under the template's constant prefix and yield a partition for each
    combination of values in their keys."""
    template = table.parameters.get("storage.location.template") or _default_template(table)
    start = template.partition("${")[0]
    bucket = template.removeprefix("s3://").partition("/")[0]
    allowed = {name: frozenset(of_column) for name, of_column in projected.items()}
    pattern = re.compile(_pattern(template, allowed))
    keys: dict[tuple[str, ...], list[str]] = {}
    for key in aws.names(start):
        match = pattern.match(f"s3://{bucket}/{key}")
        if match and all(match[name] in of_column for name, of_column in allowed.items()):
            keys.setdefault(tuple(match[name] for name in allowed), []).append(key)
    for values, found in keys.items():
        yield Partition(values, f"s3://{bucket}/", tuple(found))


def _default_template(table: Table) -> str:
    return table.location + "".join(f"{name}=${{{name}}}/" for name, _ in table.partition_columns)


def _pattern(template: str, names: Iterable[str]) -> str:
    pattern = re.escape(template if template.endswith("/") else template + "/")
    for name in names:
        placeholder = re.escape(f"${{{name}}}")
        if placeholder not in pattern:
            raise QueryError(
                "INVALID_TABLE_PROPERTY", f"storage.location.template has no ${{{name}}}"
            )
        pattern = pattern.replace(placeholder, f"(?P<{name}>[^/]+)", 1)
    return pattern


def _allowed(table: Table, name: str) -> list[str]:
    """Return all values that a projected column can have, in order."""
    kind = _property(table, name, "type").lower()
    if kind == "enum":
        return sorted({value.strip() for value in _property(table, name, "values").split(",")})
    if kind == "integer":
        digits = int(table.parameters.get(f"projection.{name}.digits", "0"))
        least, most = map(int, _property(table, name, "range").split(","))
        return [str(number).zfill(digits) for number in range(least, most + 1)]
    if kind != "date":
        raise unsupported(f"projection.{name}.type {kind}")
    if _property(table, name, "format") != "yyyy-MM-dd":
        raise unsupported(f"projection.{name}.format {_property(table, name, 'format')}")
    today = datetime.now(UTC).date()
    ends = [end.strip() for end in _property(table, name, "range").split(",")]
    first, last = (today if end == "NOW" else date.fromisoformat(end) for end in ends)
    count = (last - first).days + 1
    return [(first + timedelta(days=number)).isoformat() for number in range(count)]


def _property(table: Table, column: str, what: str) -> str:
    name = f"projection.{column}.{what}"
    if name not in table.parameters:
        raise QueryError("INVALID_TABLE_PROPERTY", f"Missing table property: {name}")
    return table.parameters[name]
