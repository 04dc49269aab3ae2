"""Queries DuckDB for the types of a statement's parts.

sqlglot does not know the types of decimals and of most functions. So each part is wrapped in `CASE
WHEN 'm1' = 'm1' THEN ... END`. DuckDB's unoptimised plan of the wrapped statement contains the type
of each such CASE.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import msgspec
from sqlglot import exp

from embedded_aws.athena.engine.failures import QueryError, unsupported
from embedded_aws.athena.engine.session import require_one_query

INTEGERS = {
    "TINYINT": 3,
    "SMALLINT": 5,
    "INTEGER": 10,
    "BIGINT": 19,
    "HUGEINT": 38,
    "INTEGER_LITERAL": 10,
}
"""The digits of each integer type. DuckDB's sums are HUGEINT, which is bigint in Trino."""


_MARK = re.compile(r"m\d+")


class Kind(msgspec.Struct, frozen=True):
    """A DuckDB type."""

    name: str
    precision: int = 0
    scale: int = 0

    @property
    def has_zone(self) -> bool:
        """Return whether the type is an instant. Plans call it `TIMESTAMP_TZ`."""
        return self.name.endswith(("ZONE", "TZ"))

    @property
    def family(self) -> str:
        """Return the type's family. Trino compares values only within a family."""
        if self.name in INTEGERS or self.name in ("DECIMAL", "DOUBLE", "FLOAT", "BIGNUM"):
            return "number"
        if self.name.startswith("TIMESTAMP") or self.name == "DATE":
            return "time"
        if self.name in ("VARCHAR", "STRING_LITERAL", "CHAR"):
            return "varchar"
        return "any" if self.name in ("NULL", "SQLNULL", "UNKNOWN") else self.name.lower()

    def athena(self) -> str:
        """Return the type's name in Trino's messages."""
        if self.name == "DECIMAL":
            return f"decimal({self.precision},{self.scale})"
        names = {"HUGEINT": "bigint", "TIMESTAMP": "timestamp(3)", "FLOAT": "real"}
        names |= {"TIMESTAMP WITH TIME ZONE": "timestamp(3) with time zone"}
        names |= {"STRING_LITERAL": "varchar", "INTEGER_LITERAL": "integer"}
        return names.get(self.name, self.name.lower())

    def as_decimal(self) -> Kind | None:
        """Return the decimal type that Trino converts to; None unless this is an exact number."""
        if self.name == "DECIMAL":
            return self
        if self.name in INTEGERS:
            return Kind("DECIMAL", min(INTEGERS[self.name], 19), 0)
        return None


class Types:
    """Queries types over a DuckDB connection that has the statement's tables."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def of(self, tree: exp.Expression, parts: Iterable[exp.Expression]) -> Callable[[Any], Kind]:
        """Return a function from each part to its kind. It is valid while the tree is unchanged.

        Equal parts of one SELECT are wrapped equally, so that GROUP BY matches them. Raises
        QueryError if DuckDB refuses the statement.
        """
        marks: dict[tuple[int, exp.Expression], str] = {}
        places: dict[int, str] = {}
        for part in parts:
            key = (id(part.parent_select), part)  # sqlglot compares expressions by content
            places[id(part)] = marks.setdefault(key, f"m{len(marks)}")
        kinds = self._kinds(_wrapped(tree, places)) if places else {}

        def kind(part: exp.Expression) -> Kind:
            mark = places[id(part)]
            if mark not in kinds:
                kinds[mark] = self._of_constant(part)
            return kinds[mark]

        return kind

    def _of_constant(self, part: exp.Expression) -> Kind:
        """Return the kind of a constant, which DuckDB folds and omits from the plan."""
        try:
            sql = f"SELECT {part.sql('duckdb')}"
            require_one_query(self._connection, sql)
            described = self._connection.execute(f"DESCRIBE {sql}")
        except duckdb.Error as error:
            raise unsupported(f"{part.sql('athena')}, whose type cannot be told,") from error
        return _kind_named(described.fetchone()[1])

    def _kinds(self, tree: exp.Expression) -> dict[str, Kind]:
        """Return the kinds of the marked parts by mark. Modifies the tree."""
        text = tree.sql("duckdb", copy=False).replace("'", "''")
        raw = self._connection.execute(
            f"SELECT json_serialize_plan('{text}', optimize := false)"  # nosec B608
        ).fetchone()[0]
        plan = msgspec.json.decode(raw)
        if plan.get("error"):
            raise refused(str(plan.get("error_message")))
        found: dict[str, Kind] = {}
        _collect(plan["plans"], found)
        return found


def _wrapped(tree: exp.Expression, places: dict[int, str]) -> exp.Expression:
    copies: list[tuple[exp.Expression, str]] = []
    copy = tree.copy()
    for old, new in zip(tree.walk(), copy.walk(), strict=True):
        if id(old) in places:
            copies.append((new, places[id(old)]))
    for node, mark in copies:
        is_column = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        name = node.output_name if is_column else ""
        branch = exp.If(this=_always(mark))
        marker = exp.Case(ifs=[branch])
        node.replace(exp.alias_(marker, name, quoted=True, copy=False) if name else marker)
        branch.set("true", node)
    return copy


def _always(mark: str) -> exp.Expression:
    return exp.EQ(this=exp.Literal.string(mark), expression=exp.Literal.string(mark))


def _collect(node: Any, found: dict[str, Kind]) -> None:
    if isinstance(node, list):
        for one in node:
            _collect(one, found)
    elif isinstance(node, dict):
        if node.get("expression_class") == "BOUND_CASE" and node["case_checks"]:
            mark = _mark(node["case_checks"][0]["when_expr"])
            if mark is not None:
                found[mark] = _kind(node["return_type"])
        for one in node.values():
            if isinstance(one, (dict, list)):
                _collect(one, found)


def _mark(condition: Any) -> str | None:
    """Return the constant that a marker compares with itself, without casts around it."""
    while isinstance(condition, dict):
        if condition.get("expression_class") == "BOUND_CONSTANT":
            value = condition["value"].get("value")
            return value if isinstance(value, str) and _MARK.fullmatch(value) else None
        condition = next(iter(condition.get("children") or [None]))
    return None


def _kind_named(name: str) -> Kind:
    match = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", name)
    return Kind("DECIMAL", int(match[1]), int(match[2])) if match else Kind(name)


def _kind(raw: dict[str, Any]) -> Kind:
    info = raw.get("type_info") or {}
    if raw["id"] == "DECIMAL":
        return Kind("DECIMAL", info.get("width", 18), info.get("scale", 0))
    return Kind(raw["id"])


def unexpected(kinds: str, function: str) -> QueryError:
    """Return the error for a function that does not accept arguments of these types."""
    return QueryError(
        "FUNCTION_NOT_FOUND", f"Unexpected parameters ({kinds}) for function {function}"
    )


def refused(message: str, otherwise: str = "SYNTAX_ERROR") -> QueryError:
    """Return the error for a statement that DuckDB refuses, with the matching Trino error name. If
    no name matches DuckDB's message, the error has the name `otherwise`."""
    line = _PREFIX.sub("", message.splitlines()[0])
    if column := _NO_COLUMN.match(line):
        return QueryError(
            "COLUMN_NOT_FOUND", f"Column '{column[1] or column[2]}' cannot be resolved"
        )
    if call := _NO_FUNCTION.search(line):
        kinds = [Kind(kind).athena() for kind in call[2].split(", ")]
        if call[1].isidentifier():
            return unexpected(", ".join(kinds), call[1])
        return QueryError("TYPE_MISMATCH", f"Cannot apply operator: {f' {call[1]} '.join(kinds)}")
    for word, name in _NAMES:
        if word in line:
            return QueryError(name, line)
    return QueryError(otherwise, line)


_NO_FUNCTION = re.compile(
    r"(?:No function matches .* argument types|for the function call) ['\"]([^(]+)\((.*)\)['\"]"
)
_PREFIX = re.compile(r"^(Binder|Catalog|Conversion|Invalid Input|Parser) Error: ")
_NO_COLUMN = re.compile(
    r'Referenced column "([^"]+)" not found|.*does not have a column named "([^"]+)"'
)
_NAMES: Sequence[tuple[str, str]] = (
    ("Referenced table", "COLUMN_NOT_FOUND"),
    ("Ambiguous reference", "AMBIGUOUS_NAME"),
    ("must appear in the GROUP BY", "EXPRESSION_NOT_AGGREGATE"),
    ("Cannot compare", "TYPE_MISMATCH"),
    ("Cannot mix", "TYPE_MISMATCH"),
    ("Could not convert", "INVALID_CAST_ARGUMENT"),
    ("Division by zero", "DIVISION_BY_ZERO"),
    ("Out of Range", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("out of bounds", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("not in range", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Overflow", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("Out of Memory", "EXCEEDED_LOCAL_MEMORY_LIMIT"),
    ("More than one row returned", "SUBQUERY_MULTIPLE_ROWS"),
)
