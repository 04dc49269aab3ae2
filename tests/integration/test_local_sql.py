"""`python -m local sql` as a user runs it, on a system that has replayed real prices."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commands import sql_command
from tests.local_support.system import ROOT, LocalSystem, local_system, run_local

RECORDING = ROOT / "tests" / "data" / "aapl-daily-2015-2017.csv"


def recorded() -> list[dict[str, str]]:
    """Rows of the recording."""
    with RECORDING.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _stored(system: LocalSystem) -> list[Any]:
    """AAPL's ticks, as the API gives them."""
    found = system.get("/prices/AAPL?interval=tick&limit=max") or {"prices": []}
    return list(found["prices"])


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The temporary folder by which a system is found that has stored the whole recording."""
    folder = tmp_path_factory.mktemp("sql")
    arguments = ["--source", "replay", "--file", str(RECORDING), "--symbols", "AAPL"]
    more = ["--speed", "max", "--data", "none", "--no-page"]
    with local_system(*arguments, *more, temporary=folder) as system:
        system.until(lambda: len(_stored(system)) == len(recorded()))
        yield folder


def test_rows_are_those_of_the_recording(temporary: Path) -> None:
    ended = run_local(
        "sql",
        "SELECT substr(timestamp, 1, 10) AS day, cast(price AS decimal(20,8)) AS price, volume"
        " FROM raw_ticks WHERE symbol = ? ORDER BY timestamp",
        "--param",
        "AAPL",
        temporary=temporary,
    )
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [(row["day"], Decimal(row["price"]), row["volume"]) for row in rows] == [
        (row["date"], Decimal(row["close"]), row["volume"]) for row in recorded()
    ]
    assert ended.stderr.startswith("SUCCEEDED, ")
    assert re.search(
        r" kB scanned \(0\.00005 USD on AWS\), [\d,]+ LIST and [\d,]+ GET requests to S3"
        r" \(0\.\d{5} USD\), ",
        ended.stderr,
    )


def test_views_and_formats(temporary: Path) -> None:
    statement = "SELECT symbol, count(*) AS ticks, null AS nothing FROM raw_ticks GROUP BY symbol"
    as_table = run_local("sql", statement, "--format", "table", temporary=temporary)
    assert as_table.stdout.splitlines() == [
        "symbol  ticks  nothing",
        "------  -----  -------",
        f"AAPL      {len(recorded())}  NULL",
        "(1 row)",
    ]
    as_json = run_local("sql", statement, "--format", "json", temporary=temporary)
    rows = json.loads(as_json.stdout)
    assert rows == [{"symbol": "AAPL", "ticks": len(recorded()), "nothing": None}]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SELECT nope FROM raw_ticks", "COLUMN_NOT_FOUND: Column 'nope' cannot be resolved"),
        ("SELEC 1", "SYNTAX_ERROR"),
        ("", "no statement"),
    ],
)
def test_user_errors_are_one_line_with_status_2(
    temporary: Path, statement: str, named: str
) -> None:
    ended = run_local("sql", statement, temporary=temporary)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("python -m local sql: ")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_without_a_running_system_there_is_nothing_to_ask(tmp_path: Path) -> None:
    ended = run_local("sql", "SELECT 1", temporary=tmp_path)
    assert (ended.returncode, "no running system" in ended.stderr) == (2, True)


class Pages:
    """Athena's client with a result of given rows, a page each."""

    def __init__(self, types: list[str], *rows: list[str | None]) -> None:
        self._types = types
        names: list[str | None] = [f"c{at}" for at in range(len(types))]
        self._rows = [names, *rows]

    def get_query_results(self, QueryExecutionId: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        at = int(NextToken)
        data = [{} if value is None else {"VarCharValue": value} for value in self._rows[at]]
        columns = [{"Name": f"c{n}", "Type": kind} for n, kind in enumerate(self._types)]
        answer: dict[str, Any] = {
            "ResultSet": {"Rows": [{"Data": data}], "ResultSetMetadata": {"ColumnInfo": columns}}
        }
        return answer | ({"NextToken": str(at + 1)} if at + 1 < len(self._rows) else {})


def shown(style: str, pages: Pages) -> str:
    to = io.StringIO()
    sql_command.show(pages, "1", style, to)
    return to.getvalue()


def test_values_of_all_kinds_are_shown() -> None:
    pages = Pages(
        ["varchar", "decimal", "double", "boolean", "bigint"],
        ['a"b\n', "1.50", "NaN", "true", "1"],
        [None, None, None, None, None],
    )
    assert json.loads(shown("json", pages)) == [
        {"c0": 'a"b\n', "c1": 1.5, "c2": "NaN", "c3": True, "c4": 1},
        dict.fromkeys(["c0", "c1", "c2", "c3", "c4"]),
    ]
    assert '"c1": 1.50' in shown("json", pages)
    assert shown("csv", pages) == 'c0,c1,c2,c3,c4\n"a""b\n",1.50,NaN,true,1\n,,,,\n'
    assert shown("table", pages).splitlines()[2:] == [
        'a"b\\n  1.50   NaN  true     1',
        "NULL   NULL  NULL  NULL  NULL",
        "(2 rows)",
    ]
    assert shown("json", Pages(["bigint"])) == "[]\n"


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (10**7, "10.0 MB")],
)
def test_sizes_are_shown_in_their_unit(count: int, expected: str) -> None:
    assert sql_command.size_text(count) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("AAPL", "'AAPL'"), ("it's", "'it''s'"), ("-1.50", "-1.50"), ("1e5", "'1e5'"), ("", "''")],
)
def test_parameters_become_literals(value: str, expected: str) -> None:
    assert sql_command.literal(value) == expected
