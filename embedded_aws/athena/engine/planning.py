"""Translates statements to DuckDB's SQL and caches the translations."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import duckdb
import msgspec
from sqlglot import exp

from embedded_aws.athena.engine import binding, semantics, session
from embedded_aws.athena.engine.catalog import Catalog, Column, Shape, Table
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.typing import Types, refused

KEPT = 64
KEPT_TRANSLATIONS = 256

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Plan(msgspec.Struct, frozen=True):
    """DuckDB's SQL over `tables`, whose names are in it, and the result's columns: names and DuckDB
    types.

    `read` holds everything that Glue returned for tables and views.
    """

    sql: str
    tables: dict[str, tuple[Table, Shape]]
    columns: list[tuple[str, str]]
    read: list[Table]


class Translation(msgspec.Struct, frozen=True):
    """DuckDB's SQL of a bound statement, and the result's columns."""

    sql: str
    columns: list[tuple[str, str]]


class Plans:
    """Recent plans by text and database. A plan is reused only while Glue's answers are unchanged.

    A plan for another database reuses the translation if the tables have the same columns.
    """

    def __init__(self) -> None:
        self._plans: Recent[tuple[str, str], Plan] = Recent(KEPT)
        self._translations: Recent[tuple[str, ...], Translation] = Recent(KEPT_TRANSLATIONS)

    def plan(self, text: str, database: str, catalog: Catalog) -> Plan:
        """Plan a statement. Raises QueryError."""
        known = self._plans.get((text, database))
        if known is not None and all(
            catalog.table(table.database, table.name) == table for table in known.read
        ):
            return known
        made = self._plan(text, database, catalog)
        self._plans.put((text, database), made)
        return made

    def _plan(self, text: str, database: str, catalog: Catalog) -> Plan:
        binder = binding.Binder(catalog, database)
        tree = binder.bind(binding.parse(text))
        _name_columns(tree)
        columns = {name: table.columns_of(shape) for name, (table, shape) in binder.tables.items()}
        key = (_content(tree), repr(columns))  # bound names are numbers: no database is in them
        translation = self._translations.get(key)
        if translation is None:
            translation = _translate(tree, columns)
            self._translations.put(key, translation)
        return Plan(translation.sql, binder.tables, translation.columns, binder.read)


class Recent(Generic[_Key, _Value]):
    """A cache of the last entries that were used. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """Return an entry, or None."""
        with self._guard:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Add an entry, in place of the one that has not been used for longest."""
        with self._guard:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)


def _content(tree: exp.Expression) -> str:
    """Return a text that two statements share if and only if they have the same parts.

    `repr` would recurse into each part.
    """
    return repr([(type(node).__name__, node.arg_key, _own(node)) for node in tree.walk(bfs=False)])


def _own(node: exp.Expression) -> list[tuple[str, list[object]]]:
    """Return a part's arguments, without those that are parts themselves."""
    found: list[tuple[str, list[object]]] = []
    for name, value in node.args.items():
        values = value if isinstance(value, list) else [value]
        found.append((name, ["part" if isinstance(v, exp.Expression) else v for v in values]))
    return found


def _translate(tree: exp.Expression, tables: Mapping[str, Sequence[Column]]) -> Translation:
    """Translate a bound statement, which is used up. Raises QueryError."""
    with session.connect() as empty:
        for name, columns in tables.items():
            empty.register("shape", to_arrow_schema(columns).empty_table())
            empty.execute(f'CREATE TABLE "{name}" AS FROM shape')
            empty.unregister("shape")
        try:
            sql = semantics.rewrite(tree, Types(empty)).sql("duckdb", copy=False)
            session.require_one_query(empty, sql)
            return Translation(sql, _described(empty, sql))
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
