"""Translates statements to DuckDB's SQL dialect and caches the translations."""

from __future__ import annotations

from functools import lru_cache

import duckdb
import msgspec
from sqlglot import exp

from embedded_aws.athena.engine import binding, semantics, session
from embedded_aws.athena.engine.catalog import Catalog, Column, Shape, Table
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.hive_types import to_arrow_schema
from embedded_aws.athena.engine.session import Sessions
from embedded_aws.athena.engine.typing import Types, refused

KEPT_TRANSLATIONS = 256


class Plan(msgspec.Struct, frozen=True):
    """A statement in DuckDB's SQL, the tables by their names in that SQL, and the names and DuckDB
    types of the result's columns."""

    sql: str
    tables: dict[str, tuple[Table, Shape]]
    columns: list[tuple[str, str]]


class Plans:
    """Plans statements. Recent translations are kept, since translating takes most of the time.

    A kept translation has numbers in place of table names and compared texts. So statements share a
    translation if they differ only in these, over tables with the same columns in any database.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._kept = lru_cache(KEPT_TRANSLATIONS)(self._translated)

    def plan(self, text: str, database: str, catalog: Catalog) -> Plan:
        """Return the plan of a statement of Athena SQL. Raises QueryError."""
        binder = binding.Binder(catalog, database)
        tree = binder.bind(binding.parse(text))
        _name_columns(tree)
        columns = {name: table.columns_of(shape) for name, (table, shape) in binder.tables.items()}
        tables = tuple(columns.items())
        numbered = tree.copy()
        numbers = _number_texts(numbered)
        try:
            kept, described = self._kept(numbered, tables)
            shows_numbers = any(_NUMBER in name for name, _ in described)
        except QueryError:  # the message may quote a numbered text
            shows_numbers = True
        if shows_numbers:
            numbers = {}
            kept, described = self._translated(tree, tables)
        translated = kept.copy()
        for literal in translated.find_all(exp.Literal):
            literal.set("this", numbers.get(literal.this, literal.this))
        return Plan(translated.sql("duckdb", copy=False), binder.tables, described)

    def _translated(
        self, tree: exp.Expression, tables: tuple[tuple[str, tuple[Column, ...]], ...]
    ) -> tuple[exp.Expression, list[tuple[str, str]]]:
        """Return a bound statement in DuckDB's SQL, and the result's columns. Raises QueryError."""
        with self._sessions.borrowed() as empty:
            for name, columns in tables:
                empty.register("shape", to_arrow_schema(columns).empty_table())
                empty.execute(f'CREATE TEMP TABLE "{name}" AS FROM shape')
                empty.unregister("shape")
            try:
                translated = semantics.rewrite(tree.copy(), Types(empty))
                sql = translated.sql("duckdb")
                session.require_one_query(empty, sql)
                described = empty.execute(f"DESCRIBE {sql}").fetchall()
                return translated, [(name, kind) for name, kind, *_ in described]
            except duckdb.Error as error:
                raise refused(str(error)) from error


_NUMBER = "\x01"
"""The first character of a number that stands for a text in a translation."""

_COMPARED = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Between, exp.In, exp.Tuple),
)
"""Kinds of parts whose texts do not influence the translation, except for which texts are equal."""


def _number_texts(tree: exp.Expression) -> dict[str, str]:
    """Replace each distinct compared text by a number, and return the texts by number.

    A statement that contains such numbers itself is unchanged.
    """
    numbers: dict[str, str] = {}
    literals = list(tree.find_all(exp.Literal))
    if any(_NUMBER in literal.this for literal in literals):
        return {}
    for literal in literals:
        if literal.is_string and isinstance(literal.parent, _COMPARED):
            literal.set("this", numbers.setdefault(literal.this, f"{_NUMBER}{len(numbers)}"))
    return {number: text for text, number in numbers.items()}


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
