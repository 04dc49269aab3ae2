"""Runs the statements on tables and partitions: SHOW, and ALTER TABLE ADD and DROP PARTITION."""

from __future__ import annotations

import fnmatch

from embedded_aws.athena.engine.aws import Aws
from embedded_aws.athena.engine.catalog import Catalog, Table
from embedded_aws.athena.engine.failures import QueryError, unsupported
from embedded_aws.athena.engine.statements import AlterPartitions, Show


def show(catalog: Catalog, statement: Show, database: str) -> tuple[str, list[str]]:
    """Return the column name and the lines of a SHOW statement's result. Raises QueryError."""
    if statement.what == "databases":
        return "database_name", _like(catalog.databases(), statement.like)
    if statement.what == "tables":
        of = statement.of[0] if statement.of else database
        names = [table.name for table in catalog.tables(of)]
        return "tab_name", _like(names, statement.like)
    table = _table(catalog, statement.of, database)
    if not table.partition_columns:
        raise QueryError("INVALID_TABLE", f"Table {table.name} is not a partitioned table")
    names = [name for name, _ in table.partition_columns]
    return "partition", [
        "/".join(f"{name}={value}" for name, value in zip(names, one.values, strict=True))
        for one in catalog.partitions(table)
    ]


def alter(aws: Aws, catalog: Catalog, statement: AlterPartitions, database: str) -> None:
    """Register or remove partitions of a table in Glue. Raises QueryError."""
    table = _table(catalog, statement.table, database)
    for values, location in statement.partitions:
        _change(aws, table, statement, _ordered(table, values), location)


def _change(
    aws: Aws, table: Table, statement: AlterPartitions, values: list[str], location: str | None
) -> None:
    where = {"DatabaseName": table.database, "TableName": table.name}
    try:
        there = aws.glue("GetPartition", **where, PartitionValues=values)
    except LookupError:
        there = {}
    if statement.drop:
        if there:
            aws.glue("DeletePartition", **where, PartitionValues=values)
        elif not statement.lenient:
            raise QueryError("PARTITION_NOT_FOUND", f"Partition {values} not found")
        return
    if there and not statement.lenient:
        raise QueryError("PARTITION_ALREADY_EXISTS", f"Partition already exists: {values}")
    if not there:
        found = aws.glue("GetTable", DatabaseName=table.database, Name=table.name)["Table"]
        storage = found["StorageDescriptor"]
        names = (name for name, _ in table.partition_columns)
        folders = "".join(f"{name}={one}/" for name, one in zip(names, values, strict=True))
        storage["Location"] = location or table.location + folders
        aws.glue(
            "CreatePartition",
            **where,
            PartitionInput={"Values": values, "StorageDescriptor": storage},
        )


def _ordered(table: Table, values: dict[str, str]) -> list[str]:
    names = [name for name, _ in table.partition_columns]
    if sorted(names) != sorted(values):
        raise QueryError(
            "INVALID_PARTITION", f"Partition spec {sorted(values)} does not name {names}"
        )
    return [values[name] for name in names]


def _table(catalog: Catalog, name: tuple[str, ...], database: str) -> Table:
    if len(name) > 2:
        raise unsupported(f"the name {'.'.join(name)}")
    return catalog.table(name[0] if len(name) == 2 else database, name[-1])


def _like(names: list[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return names
    wanted = pattern.lower().split("|")
    return [name for name in names if any(fnmatch.fnmatchcase(name, one) for one in wanted)]
