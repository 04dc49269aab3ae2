"""Translates statements to DuckDB's SQL and caches the translations."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import duckdb
import msgspec
from sqlglot import exp

from embedded_aws.athena.engine import binding, semantics, session
from embedded_aws.athena.engine.catalog import Catalog, Shape, Table
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.typing import Types, refused

KEPT = 64


class Plan(msgspec.Struct, frozen=True):
    """DuckDB's SQL over `tables`, whose names are in it, and the result's columns: names and DuckDB
    types.

    `read` holds everything that Glue returned for tables and views.
    """

    sql: str
    tables: dict[str, tuple[Table, Shape]]
    columns: list[tuple[str, str]]
    read: list[Table]


class Plans:
    """Recent plans by text and database. A plan is reused only while Glue's answers are
    unchanged."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._plans: OrderedDict[tuple[str, str], Plan] = OrderedDict()

    def plan(self, text: str, database: str, catalog: Catalog) -> Plan:
        """Plan a statement. Raises QueryError."""
        with self._guard:
            known = self._plans.get((text, database))
        if known is not None and all(
            catalog.table(table.database, table.name) == table for table in known.read
        ):
            return known
        made = _plan(text, database, catalog)
        with self._guard:
            self._plans[text, database] = made
            self._plans.move_to_end((text, database))
            if len(self._plans) > KEPT:
                self._plans.popitem(last=False)
        return made


def _plan(text: str, database: str, catalog: Catalog) -> Plan:
    binder = binding.Binder(catalog, database)
    tree = binder.bind(binding.parse(text))
    _name_columns(tree)
    with session.connect() as empty:
        for name, (table, shape) in binder.tables.items():
            empty.register("shape", to_arrow_schema(table.columns_of(shape)).empty_table())
            empty.execute(f'CREATE TABLE "{name}" AS FROM shape')
            empty.unregister("shape")
        try:
            sql = semantics.rewrite(tree, Types(empty)).sql("duckdb")
            session.require_one_query(empty, sql)
            columns = _described(empty, sql)
        except duckdb.Error as error:
            raise refused(str(error)) from error
    return Plan(sql, binder.tables, columns, binder.read)


def _described(connection: Any, sql: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {sql}").fetchall()]


def _name_columns(tree: exp.Expression) -> None:
    """Name unnamed columns by position, as Trino does: `_col0`."""
    while not isinstance(tree, exp.Select):
        tree = tree.this
    tree.set(
        "expressions",
        [
            one
            if isinstance(one, (exp.Alias, exp.Column, exp.Star))
            else exp.alias_(one, f"_col{at}", quoted=True)
            for at, one in enumerate(tree.expressions)
        ],
    )
