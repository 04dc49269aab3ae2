"""Replaces the names of tables and views in a parsed statement by tables with unique names."""

from __future__ import annotations

import base64
import binascii
import json

import sqlglot

# Imported here, since two threads that use a dialect for the first time may find it half imported.
import sqlglot.dialects.athena
import sqlglot.dialects.duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from embedded_aws.athena.engine import vocabulary
from embedded_aws.athena.engine.catalog import PATH, VIEW, Catalog, Shape, Table
from embedded_aws.athena.engine.failures import QueryError, unsupported
from embedded_aws.athena.engine.raw_texts import require_listed

_DEEPEST = 10
_VIEW_START, _VIEW_END = "/* Presto View: ", " */"
PARTITIONS = "$partitions"


def parse(text: str) -> exp.Expression:
    """Parse one query of Athena SQL. Raises QueryError if the text is anything else."""
    try:
        tokens = sqlglot.tokenize(text, read="athena")
        trees = [tree for tree in sqlglot.parse(text, read="athena") if tree is not None]
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", _first_line(error)) from error
    if len(trees) != 1:
        raise QueryError("SYNTAX_ERROR", "Only one sql statement is allowed")
    tree = trees[0]
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(exp.alias_(tree, "v", table=True))
    if not isinstance(tree, exp.Query):
        raise unsupported(f"the statement {text.split(maxsplit=1)[0].upper()}")
    vocabulary.require_names(tokens, tree)
    vocabulary.require_known(tree)
    require_listed(tree)
    return tree


def _first_line(error: Exception) -> str:
    return str(error).replace("\x1b[4m", "").replace("\x1b[0m", "").splitlines()[0]


def fill(text: str, parameters: list[str] | None) -> str:
    """Replace each `?` in a statement by its value, which is an SQL literal. Raises QueryError."""
    try:
        tokens = sqlglot.tokenize(text, read="athena")
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", _first_line(error)) from error
    places = [token for token in tokens if token.token_type == TokenType.PLACEHOLDER]
    given = parameters or []
    if len(places) != len(given):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(places)} but found {len(given)}",
        )
    for place, value in reversed(list(zip(places, given, strict=True))):
        text = f"{text[: place.start]} {_literal(value)} {text[place.end + 1 :]}"
    return text


_LITERALS = (
    exp.Boolean,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
    exp.Literal,
    exp.Neg,
    exp.Null,
    exp.Var,
)


def _literal(text: str) -> str:
    """Return a parameter as normalised SQL. Raises QueryError unless it is one literal."""
    try:
        tree = sqlglot.parse_one(f"SELECT {text}", read="athena")
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", f"parameter {text}: {_first_line(error)}") from error
    parts = [name for name, part in tree.args.items() if part]
    values = tree.expressions
    is_one = isinstance(tree, exp.Select) and parts == ["expressions"] and len(values) == 1
    if not is_one or not all(isinstance(node, _LITERALS) for node in values[0].walk()):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"parameter {text}: not a literal; a varchar needs single quotes",
        )
    require_listed(tree)
    return str(values[0].sql("trino", comments=False))


class Binder:
    """Gives each table of a statement a unique name and replaces views by their queries."""

    def __init__(self, catalog: Catalog, database: str) -> None:
        self._catalog = catalog
        self._database = database
        self.tables: dict[str, tuple[Table, Shape]] = {}
        """The tables by their names in the bound statement, and what it reads of each."""

    def bind(self, tree: exp.Expression) -> exp.Expression:
        """Return the statement over the table names in `tables`. Raises QueryError."""
        return self._bound(tree, self._database, 0)

    def _bound(self, tree: exp.Expression, database: str, depth: int) -> exp.Expression:
        if depth > _DEEPEST:
            raise QueryError("VIEW_IS_RECURSIVE", f"views are nested more than {_DEEPEST} deep")
        _fold_names(tree)
        for node in list(tree.find_all(exp.Table)):
            if isinstance(node.this, exp.Identifier) and not _is_common_table(node):
                self._replace(node, database, depth)
        _drop_unused(tree)
        return tree

    def _replace(self, node: exp.Table, default: str, depth: int) -> None:
        if node.catalog not in ("", "awsdatacatalog"):
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{node.catalog}' does not exist")
        database, name = node.db or default, node.name
        if not database:
            raise QueryError(
                "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set"
            )
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name, quoted=True))
        meant = name.removesuffix(PARTITIONS)
        table = self._catalog.table(database, meant)
        if table.kind == VIEW:
            view = _view(table)
            schema = str(view.get("schema") or "").lower()
            inner = parse(str(view.get("originalSql", "")))
            query = self._bound(inner, schema or database, depth + 1)
            node.replace(exp.Subquery(this=query, alias=alias.copy()))
            return
        bound = f"lake_{len(self.tables)}"
        self.tables[bound] = (table, "partitions" if meant != name else _shape(node))
        node.replace(exp.Table(this=exp.to_identifier(bound, quoted=True), alias=alias.copy()))


def _fold_names(tree: exp.Expression) -> None:
    """Convert names to lower case, as Trino does, and quote them, so that no name is a keyword."""
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.this.lower())
        name.set("quoted", True)
    for column in tree.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)


def _shape(node: exp.Table) -> Shape:
    """Return what the query reads of a table.

    A query reads `$path` only if it names `$path`, since `*` does not include that column. Raises
    QueryError if the query has both `$path` and `*`.
    """
    query = node.find_ancestor(exp.Select)
    if query is None or not any(one.name == PATH for one in query.find_all(exp.Column)):
        return "rows"
    if any(isinstance(one, exp.Star) for one in query.expressions):
        raise unsupported('"$path" beside *')
    return "rows and path"


def _drop_unused(tree: exp.Expression) -> None:
    """Drop unused WITH queries: DuckDB does not bind them, so their types would be unknown."""
    for clause in list(tree.find_all(exp.With)):
        for one in reversed(list(clause.expressions)):
            query = clause.parent
            readers = [] if query is None else query.find_all(exp.Table)
            if not any(table.name == one.alias and not table.db for table in readers):
                one.pop()
        if not clause.expressions:
            clause.pop()


def _is_common_table(node: exp.Table) -> bool:
    """Return whether the name is that of a WITH query which is visible at this place."""
    if node.args.get("db"):
        return False
    inner: exp.Expression = node
    while (outer := inner.parent) is not None:
        clause = outer if isinstance(outer, exp.With) else outer.args.get("with_")
        queries = [] if clause is None or clause is inner else clause.expressions
        for one in queries:
            if one is inner:
                break
            if one.alias == node.name:
                return True
        inner = outer
    return False


def _view(table: Table) -> dict[str, object]:
    if not table.serde:
        raise QueryError("HIVE_METASTORE_ERROR", "Table storage descriptor is missing SerDe info")
    text = table.view_text.strip()
    if not text.startswith(_VIEW_START) or not text.endswith(_VIEW_END):
        raise unsupported(f"the view {table.name}, which Athena did not create,")
    try:
        found: dict[str, object] = json.loads(
            base64.b64decode(text[len(_VIEW_START) : -len(_VIEW_END)], validate=True)
        )
    except (binascii.Error, ValueError) as error:
        raise QueryError("INVALID_VIEW", f"{table.name}: {error}") from error
    return found
