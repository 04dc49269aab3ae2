"""A full disk is reported once, and loses nothing acknowledged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from embedded_aws.emulator import database
from embedded_aws.event_sources.checkpoints import Checkpoints


def test_the_emulators_file_tells_that_it_cannot_be_written(tmp_path: Path) -> None:
    failures: list[int] = []
    connection = database.connect(tmp_path / "aws.sqlite", lambda: failures.append(1))
    connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        database.put_meta(connection, "name", "x" * 1_000_000)
    assert failures == [1]


def test_a_wrong_statement_does_not_count_as_a_full_disk(tmp_path: Path) -> None:
    failures: list[int] = []
    connection = database.connect(tmp_path / "aws.sqlite", lambda: failures.append(1))
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT nothing FROM nowhere")
    assert failures == []


def test_a_failing_write_of_a_checkpoint_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    checkpoints = Checkpoints(tmp_path / "checkpoints.sqlite", told.append)
    checkpoints.put("detect", "shard", "1")
    checkpoints._connection.execute("PRAGMA max_page_count = 1")
    checkpoints.put("detect", "shard", "2" * 10_000)
    assert checkpoints.get("detect", "shard") == "1"
    (text,) = told
    assert text.startswith(f"{tmp_path}/checkpoints.sqlite cannot be written any more")


def test_a_batch_that_ends_after_the_stop_leaves_its_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints.sqlite")
    checkpoints.close()
    checkpoints.put("detect", "shard", "1")
    assert Checkpoints(tmp_path / "checkpoints.sqlite").get("detect", "shard") is None
