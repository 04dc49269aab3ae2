"""Translates statements to DuckDB's SQL and caches the translations."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import duckdb
import msgspec
from sqlglot import exp

from embedded_aws.athena.engine import binding, semantics, session
from embedded_aws.athena.engine.catalog import Catalog, Column, Shape, Table
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.typing import Types, refused

KEPT_TRANSLATIONS = 256


class Plan(msgspec.Struct, frozen=True):
    """A statement in DuckDB's SQL, its tables by the names in it, and names and DuckDB types of
    the result's columns."""

    sql: str
    tables: dict[str, tuple[Table, Shape]]
    columns: list[tuple[str, str]]


class Plans:
    """Plans statements. Translating takes longest, so recent translations are kept.

    Bound names are numbers, so that statements over tables with the same columns share a
    translation, whatever their database.
    """

    def __init__(self) -> None:
        self._translated = lru_cache(KEPT_TRANSLATIONS)(_translate)

    def plan(self, text: str, database: str, catalog: Catalog) -> Plan:
        """Plan a statement. Raises QueryError."""
        binder = binding.Binder(catalog, database)
        tree = binder.bind(binding.parse(text))
        _name_columns(tree)
        columns = {name: table.columns_of(shape) for name, (table, shape) in binder.tables.items()}
        sql, described = self._translated(tree, tuple(columns.items()))
        return Plan(sql, binder.tables, described)


def _translate(
    tree: exp.Expression, tables: tuple[tuple[str, tuple[Column, ...]], ...]
) -> tuple[str, list[tuple[str, str]]]:
    """Return DuckDB's SQL of a bound statement, and the result's columns. Raises QueryError."""
    with session.connect() as empty:
        for name, columns in tables:
            empty.register("shape", to_arrow_schema(columns).empty_table())
            empty.execute(f'CREATE TABLE "{name}" AS FROM shape')
            empty.unregister("shape")
        try:
            sql = semantics.rewrite(tree.copy(), Types(empty)).sql("duckdb", copy=False)
            session.require_one_query(empty, sql)
            return sql, _described(empty, sql)
        except duckdb.Error as error:
            raise refused(str(error)) from error


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
