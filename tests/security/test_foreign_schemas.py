"""SQLite files of somebody else's, whose schema SQLite would run: none of it is run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded_aws.emulator import database, schema
from embedded_aws.errors import CheckpointsError
from embedded_aws.event_sources.checkpoints import Checkpoints
from producer.errors import UsageError
from producer.spool import Spool
from tests.local_support.system import ROOT

Open = Callable[[Path], object]

FILES: dict[str, tuple[Open, type[Exception], str]] = {
    "aws.sqlite": (database.connect, database.DatabaseError, "meta"),
    "checkpoints.sqlite": (Checkpoints, CheckpointsError, "checkpoints"),
    "spool": (lambda path: Spool(path, "kinesis"), UsageError, "facts"),
}
"""How each file is opened, the error that refuses it, and one of its tables."""

ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r"

ADDITIONS = {
    "trigger": "CREATE TRIGGER planted BEFORE INSERT ON {table} BEGIN SELECT never(); END",
    "view": f"CREATE VIEW planted AS {ENDLESS}",
    "another table": "CREATE TABLE planted (a)",
    "index on an expression": "CREATE INDEX planted ON {table} (length({column}))",
    "generated column": "ALTER TABLE {table} ADD COLUMN planted AS (zeroblob(999999999))",
    "check": "ALTER TABLE {table} ADD COLUMN planted CHECK (length(zeroblob(999999999)) > 0)",
    "default": "ALTER TABLE {table} ADD COLUMN planted DEFAULT 1",
    "long statement": "CREATE TABLE planted (a DEFAULT '" + "a" * 200_000 + "')",
}


def make(path: Path, opens: Open) -> sqlite3.Connection:
    """A file as ours are, of which a change may be made."""
    opened = opens(path)
    closing = getattr(opened, "close")  # noqa: B009  # each kind has it
    closing()
    return sqlite3.connect(path, isolation_level=None)


@pytest.mark.parametrize("addition", ADDITIONS.values(), ids=ADDITIONS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_with_more_than_our_tables_is_refused(
    tmp_path: Path, name: str, addition: str
) -> None:
    opens, error, table = FILES[name]
    path = tmp_path / name
    made = make(path, opens)
    column = made.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
    made.execute(addition.format(table=table, column=column))
    made.close()
    with pytest.raises(error, match=str(path)):
        opens(path)


@pytest.mark.parametrize("name", FILES)
def test_a_table_whose_statement_is_another_is_refused(tmp_path: Path, name: str) -> None:
    opens, error, table = FILES[name]
    made = make(tmp_path / name, opens)
    made.execute(f"DROP TABLE {table}")
    made.execute(f"CREATE TABLE {table} (name TEXT PRIMARY KEY, value TEXT AS ('1'))")
    made.close()
    with pytest.raises(error, match=f"'table' '{table}' is not ours"):
        opens(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_a_statement_under_the_name_of_another_is_refused(tmp_path: Path, name: str) -> None:
    opens, error, table = FILES[name]
    made = make(tmp_path / name, opens)
    made.execute(ADDITIONS["trigger"].format(table=table))
    made.execute("PRAGMA writable_schema = ON")
    made.execute(
        "UPDATE sqlite_master SET type = 'table', name = ?, tbl_name = ? WHERE name = 'planted'",
        (table, table),
    )
    made.close()
    with pytest.raises(error):
        opens(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_ours_is_opened_again(tmp_path: Path, name: str) -> None:
    opens, _, table = FILES[name]
    for _ in range(2):
        made = make(tmp_path / name, opens)
        assert made.execute(f"SELECT count(*) FROM {table}").fetchone() is not None
        made.close()


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    for name, (opens, error, _) in FILES.items():
        (tmp_path / name).write_bytes(b"no database " * 1000)
        with pytest.raises(error, match=name):
            opens(tmp_path / name)


def test_tables_of_an_earlier_version_get_their_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "aws.sqlite"
    made = sqlite3.connect(path, isolation_level=None)
    made.executescript(schema.OLDER + schema.TABLES)
    made.execute("INSERT INTO items VALUES ('prices', 'h', 'r', x'00')")
    made.close()
    for _ in range(2):  # the second time as they were changed
        opened = database.connect(path)
        assert opened.execute("SELECT h, expires FROM items").fetchall() == [("h", None)]
        assert opened.execute("SELECT written FROM objects").fetchall() == []
        opened.close()


def test_a_given_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    made = make(tmp_path / "aws.sqlite", database.connect)
    made.execute(ADDITIONS["trigger"].format(table="meta"))
    made.close()
    flags = ["--api-port", "0", "--page-port", "0", "--source", "none", "--data", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-m", "local", *flags], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.endswith(
        f"{tmp_path}/aws.sqlite: not a Ticktape database ('trigger' 'planted' is not ours); "
        "it is left as it was\n"
    )
    assert "Traceback" not in ended.stderr
