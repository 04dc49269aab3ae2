"""Statements of SQL that try to leave the lake: to read or write files, or to run a second one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from embedded_aws.athena.engine import binding, semantics, session, vocabulary
from embedded_aws.athena.engine.failures import QueryError
from embedded_aws.athena.engine.planning import Plans
from embedded_aws.athena.engine.raw_texts import require_listed
from embedded_aws.athena.engine.session import Sessions
from embedded_aws.athena.engine.typing import Kind, Types
from rigs.emulated import EmulatedClients
from tests.local_support.lake import Lake
from tests.local_support.system import LocalSystem

SECRET = "aws_secret_access_key = planted"
READ = "(SELECT content FROM read_text('{}'))"
ATTACKS = [
    'SELECT EXTRACT("a FROM now()), {read}, extract(year" FROM now())',
    "SELECT date_trunc('day\"'', now()), {read}, date_trunc(''day', now())",
    "SELECT date_add('day) , {read} --', 1, now())",
    "SELECT date_diff('day', now(), now()) /* */ , {read} /* */",
    "SELECT INTERVAL '1' day) , {read}",
    "SELECT 1 AS \"a\" FROM read_text('{path}')",
    "SELECT content FROM \"read_text('{path}')\"",
    "SELECT * FROM '{path}'",
    'SELECT * FROM "{path}"',
    "SELECT 1; COPY (SELECT 1) TO '{path}.written'",
    "COPY (SELECT 1) TO '{path}.written'",
    "UNLOAD (SELECT 1 AS a) TO '{path}.written' WITH (format = 'PARQUET')",
    "ATTACH '{path}.written'",
    "SELECT getenv('HOME'), {read}",
    "SELECT query('SELECT 1'), {read}",
    "SELECT * FROM query_table('{path}')",
]


@pytest.fixture(scope="module")
def lake(system: LocalSystem) -> Lake:
    """The engine behind the running system's port."""
    return Lake(EmulatedClients(system.facts()["aws"], system.keys()))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_text(SECRET)
    return path


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_statement_reads_or_writes_a_file(lake: Lake, secret: Path, attack: str) -> None:
    text = attack.replace("{read}", READ).replace("{}", str(secret)).replace("{path}", str(secret))
    reason = lake.reason(text)
    assert SECRET not in reason
    assert "INTERNAL" not in reason
    assert list(secret.parent.iterdir()) == [secret]


def test_no_view_reads_a_file(lake: Lake, secret: Path) -> None:
    lake.make_view("planted", ATTACKS[0].replace("{read}", READ).replace("{}", str(secret)))
    assert SECRET not in lake.reason("SELECT * FROM planted")


def test_a_type_in_quotes_is_its_first_word(lake: Lake, secret: Path) -> None:
    text = f'SELECT CAST(1 AS "varchar) , {READ.format(secret)} --")'
    assert lake.rows(text) == [["1"]]


@pytest.mark.parametrize("value", ["INTERVAL '1' \"day) , 2\"", "1, 2", "1 AS b", "now()", ":a"])
def test_no_parameter_changes_the_statement(lake: Lake, value: str) -> None:
    assert lake.reason("SELECT ? AS a", value)


def test_a_parameters_type_in_quotes_is_its_first_word(lake: Lake) -> None:
    assert lake.rows("SELECT ? AS a", 'CAST(1 AS "int), 2")') == [["1"]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{}/x'",
        "EXPORT DATABASE '{}/x'",
        "ATTACH '{}/x'",
        "LOAD httpfs",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET temp_directory = '{}'",
        "RESET enable_external_access",
        "PRAGMA enable_external_access = true",
        "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    ],
)
def test_duckdb_itself_refuses_what_would_leave_the_lake(tmp_path: Path, sql: str) -> None:
    """A second bar, for a statement that passes the first."""
    with session.connect(str(tmp_path / "spill")) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(tmp_path)).fetchall()
    assert [path.name for path in tmp_path.iterdir() if path.name != "spill"] == []


def test_duckdb_sees_no_variable_of_ours_as_a_table() -> None:
    import pyarrow as pa

    planted = pa.table({"a": [1]})
    with session.connect() as connection, pytest.raises(duckdb.Error, match="planted"):
        connection.execute("SELECT * FROM planted")
    assert planted.num_rows == 1


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SET threads = 1", "DROP TABLE x", ""])
def test_duckdb_is_handed_one_query(sql: str) -> None:
    with session.connect() as connection, pytest.raises(QueryError, match="Only one"):
        session.require_one_query(connection, sql)


MARK = "read_text"
HOSTILE = f"a) FROM t), {MARK}('x'), (SELECT b"


def outside_quotes(sql: str) -> bool:
    """Return whether DuckDB would read MARK as a word of SQL, outside quoted names and texts."""
    starts = [start for start, _ in duckdb.tokenize(sql)] + [len(sql.encode())]
    raw = sql.encode()
    tokens = [raw[start:end] for start, end in itertools.pairwise(starts)]
    return any(MARK.encode() in token and token[:1] not in (b'"', b"'") for token in tokens)


def hostile_values() -> Iterator[Any]:
    for text in (HOSTILE, f"\" , {MARK}('x') , \"", f"' , {MARK}(\"x\") , '", f"*/ {MARK}() /*"):
        yield text
        yield [text]
        yield exp.Var(this=text)
        yield exp.Literal.number(text)
        yield exp.Literal.string(text)
        yield exp.to_identifier(text, quoted=True)
        yield exp.Placeholder(this=text)
        yield exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=text)
        yield exp.DataType(this=exp.DataType.Type.VARCHAR, kind=text)
        yield exp.Anonymous(this=text)


def nodes_with(kind: type[exp.Expression]) -> Iterator[exp.Expression]:
    """The node with each hostile value at each of its places, and with one in a comment."""
    plain: dict[str, Any] = {
        name: exp.column("a") for name, needed in kind.arg_types.items() if needed
    }
    for name in kind.arg_types:
        for value in hostile_values():
            copied = value.copy() if isinstance(value, exp.Expression) else value
            yield kind(**{**plain, name: copied})
    commented = kind(**plain)
    commented.comments = [f"*/ {MARK}() /*"]
    yield commented


def written(tree: exp.Expression) -> str | None:
    """DuckDB's SQL of a tree that the engine lets through; None where it does not."""
    try:
        vocabulary.require_known(tree)
        require_listed(tree)
        binding._fold_names(tree)
        return str(tree.sql("duckdb", unsupported_level=ErrorLevel.IGNORE))
    except QueryError:
        return None
    except (AttributeError, TypeError, ValueError, LookupError, SqlglotError):
        return None  # a tree that no statement gives, which sqlglot cannot write


KINDS = sorted(vocabulary._KNOWN, key=lambda kind: kind.__name__)


def test_no_kind_of_node_carries_a_text_into_duckdbs_sql() -> None:
    passed, tried = 0, 0
    for kind in KINDS:
        for node in nodes_with(kind):
            tried += 1
            for tree in (exp.Select(expressions=[node]), node):
                sql = written(tree.copy())
                passed += sql is not None
                assert sql is None or not outside_quotes(sql), (kind.__name__, sql)
    assert tried > 5000
    assert passed > 1000  # names and strings are let through, and quoted


STATEMENTS = [
    "SELECT DISTINCT a, count(*) AS n FROM t WHERE b IN (1, 2) GROUP BY a HAVING sum(c) > 1.5",
    "SELECT extract(year FROM d), date_trunc('day', d), date_add('day', 1, d) FROM t",
    "SELECT date_diff('day', d, e), d + INTERVAL '1' DAY, CAST(a AS decimal(10,2)) FROM t",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    "WITH w (x) AS (SELECT a FROM t) SELECT w.x FROM w LEFT JOIN t AS u ON w.x = u.a",
    "SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1 DESC NULLS LAST OFFSET 1 LIMIT 2",
    "SELECT trim(BOTH 'x' FROM a), a LIKE 'b' ESCAPE 'c', TIMESTAMP '2024-01-01 00:00:00' FROM t",
    "SELECT x FROM t CROSS JOIN UNNEST(sequence(1, 5)) AS s (x)",
    "SELECT date_format(d, '%Y'), CASE a WHEN 1 THEN 'b' END FROM db.t LIMIT 1",
]


def test_no_token_of_a_statement_carries_a_text_into_duckdbs_sql() -> None:
    passed = 0
    for statement in STATEMENTS:
        assert binding.parse(statement)
        for token in sqlglot.tokenize(statement, read="athena"):
            for put in (f'"{HOSTILE}"', "'" + HOSTILE.replace("'", "''") + "'", f"/* {HOSTILE} */"):
                text = f"{statement[: token.start]} {put} {statement[token.end + 1 :]}"
                try:
                    tree = binding.parse(text)
                except QueryError:
                    continue
                binding._fold_names(tree)
                passed += 1
                assert not outside_quotes(tree.sql("duckdb")), text
    assert passed > 50


class NoTables:
    """A catalog for statements that read nothing."""


def planned(text: str) -> list[tuple[str, str]]:
    """The columns of a statement's plan."""
    return Plans(Sessions()).plan(text, "", NoTables()).columns  # type: ignore[arg-type]


def test_a_long_sum_asks_for_types_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    ask = Types._kinds

    def counted(types: Types, tree: exp.Expression) -> dict[str, Kind]:
        asked.append(1)
        return ask(types, tree)

    monkeypatch.setattr(Types, "_kinds", counted)
    assert planned(f"SELECT {' + '.join(['1'] * 160)} AS a") == [("a", "INTEGER")]
    assert len(asked) <= 5


@pytest.mark.parametrize("sign", ["+", "/"])
def test_a_sum_or_quotient_of_very_many_terms_is_refused(sign: str) -> None:
    with pytest.raises(QueryError, match="SYNTAX_ERROR: the statement is nested too deeply"):
        planned(f"SELECT {sign.join(['1'] * 500)}")


def test_changes_within_a_part_are_tracked() -> None:
    statement = """SELECT 7 / 2 / 2 + 1 AS whole, DATE '2024-01-02' + INTERVAL '1' DAY
        + INTERVAL '1' DAY AS date, 1.00 / 3 / 3 + 0 AS exact, round(1.25 / 2) / 2 AS rounded"""
    assert planned(statement) == [
        ("whole", "INTEGER"),
        ("date", "DATE"),
        ("exact", "DECIMAL(13,2)"),
        ("rounded", "DECIMAL(2,0)"),
    ]


def test_the_bound_on_rounds_does_not_count_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantics, "MOST_ROUNDS", 2)
    assert planned(" UNION ALL ".join(["SELECT 1 + 1 AS a"] * 8)) == [("a", "INTEGER")]
    with pytest.raises(QueryError, match="nested too deeply"):
        planned("SELECT 1 / 1 / 1 / 1 / 1")
