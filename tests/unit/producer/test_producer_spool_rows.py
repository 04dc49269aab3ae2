"""Rows of a spool that somebody else has made, or an earlier version with a wrong clock."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from producer.outbox import Outbox
from producer.progress import Progress
from producer.spool import Spool
from producer.spool_rows import Dropped
from tests.producer_support.doubles import make_line

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINE = "INSERT INTO lines (row, symbol, payload, is_bar) VALUES (?, ?, x'7b7d', 0)"
LATEST = "INSERT INTO latest VALUES (?, ?)"
BAD_TEXT = "CAST(x'ff41' AS TEXT)"
SEQUENCE = "UPDATE sqlite_sequence SET seq = ?"
GOOD = ("GOOD", "2026-11-22T11:59:00.000000Z")


def opened(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> tuple[Spool, Dropped]:
    """A spool with one good line, in which the statements were run, as a start opens it."""
    spool = Spool(path / "spool.db", "s")
    spool.append([make_line("GOOD", 1)], dict([GOOD]), {})
    spool.close()
    connection = sqlite3.connect(path / "spool.db")
    for statement, values in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()
    again = Spool(path / "spool.db", "s")
    return again, again.drop_odd_rows(NOW)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (LINE, (-5, "AAPL")),
        (LINE, (0, "AAPL")),
        (LINE, (2**63 - 1, "AAPL")),
        (LINE, (9, "lower")),
        (LINE, (9, "A\0B")),
        (LINE, (9, "A B")),
        (LINE, (9, "--")),
        (LINE, (9, b"AAPL")),
        (LINE.replace("?, x", f"{BAD_TEXT}, x"), (9,)),
        (LINE.replace("x'7b7d'", "x'7bff'"), (9, "AAPL")),
        (LINE.replace(", 0)", f", {BAD_TEXT})"), (9, "AAPL")),
    ],
)
def test_a_line_that_no_sink_takes_is_dropped_and_those_behind_it_are_sent(
    tmp_path: Path, statement: str, values: tuple[Any, ...]
) -> None:
    spool, dropped = opened(tmp_path, (statement, values))
    assert dropped == Dropped(lines=1, latest=0)
    outbox = Outbox(lambda symbol: symbol, spool=spool)
    assert outbox.pending == 1
    spool.append([make_line("NEXT", 2)], {}, {})
    assert [line.symbol for line in spool.after(0, 9)] == ["GOOD", "NEXT"]


@pytest.mark.parametrize("number", [2**63 - 1, -7, "x"])
def test_lines_are_numbered_on_from_the_last_one(tmp_path: Path, number: object) -> None:
    spool, dropped = opened(tmp_path, (SEQUENCE, (number,)))
    assert dropped == Dropped(lines=0, latest=0)
    assert [line.row for line in spool.append([make_line("NEXT", 2)], {}, {})] == [2]


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (LATEST, ("AAPL", "9999-12-31T23:59:59.999999Z")),
        (LATEST, ("AAPL", "2026-11-22T12:00:05.000001Z")),
        (LATEST, ("AAPL", "2026-02-31T12:00:00.000000Z")),
        (LATEST, ("AAPL", "zzz")),
        (LATEST, ("AAPL", "")),
        (LATEST, ("a", "2026-11-22T11:00:00.000000Z")),
        (LATEST, (b"AAPL", b"x")),
        (LATEST.replace("?, ?", f"{BAD_TEXT}, ?"), ("2026-11-22T11:00:00.000000Z",)),
        (LATEST.replace("?, ?", f"?, {BAD_TEXT}"), ("AAPL",)),
    ],
)
def test_last_times_that_no_tick_can_have_are_forgotten(
    tmp_path: Path, statement: str, values: tuple[Any, ...]
) -> None:
    spool, dropped = opened(tmp_path, (statement, values))
    assert dropped == Dropped(lines=0, latest=1)
    assert Progress(spool, None).latest == dict([GOOD])


@pytest.mark.parametrize("taken", ["[[[", "9" * 5000, "-4", "CAST(x'ff' AS TEXT)"])
def test_a_position_that_is_no_number_begins_a_recording_again(tmp_path: Path, taken: str) -> None:
    value = taken if taken.startswith("CAST") else f"'{taken}'"
    facts = [f"INSERT INTO facts VALUES ('{name}', {text})" for name, text in
             (("recording", "'days.csv'"), ("taken", value))]  # fmt: skip
    spool, _ = opened(tmp_path, *((statement, ()) for statement in facts))
    assert Progress(spool, "days.csv").taken == 0
