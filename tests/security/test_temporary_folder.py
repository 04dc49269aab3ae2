"""The folder for temporary files, which other users of the machine share."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from embedded_aws.athena.engine.own_folders import own_folder, remove_left

DEAD = 4_190_001
"""No process has a number above 4,194,304, and few have one so high."""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(shared: Path, name: str = "x", mode: int = 0o700) -> Path:
    """A folder with a file, as an engine that was killed leaves it."""
    folder = shared / f"ticktape-athena-{DEAD}-{name}"
    folder.mkdir(mode)
    folder.chmod(mode)
    (folder / "object.parquet").write_bytes(b"PAR1")
    return folder


def test_an_engines_folder_is_closed_to_others_and_deleted(shared: Path) -> None:
    with own_folder() as first, own_folder() as second:
        assert first != second
        assert {first.stat().st_mode & 0o777, second.stat().st_mode & 0o777} == {0o700}
    assert not any(shared.iterdir())


def test_folders_of_this_users_killed_engines_are_deleted(shared: Path) -> None:
    left(shared)
    remove_left()
    assert not any(shared.iterdir())


def test_files_of_other_users_stay(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = shared / "target"
    target.mkdir()
    (target / "file").touch()
    (shared / f"ticktape-athena-{DEAD}-link").symlink_to(target)
    opened = left(shared, "open", 0o777)
    remove_left()
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    another_users = left(shared)
    remove_left()
    assert (target / "file").exists()
    assert (opened / "object.parquet").exists()
    assert (another_users / "object.parquet").exists()


def test_a_folder_too_deep_to_be_deleted_keeps_no_engine_from_starting(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(*_given: object, **_named: object) -> None:
        raise RecursionError

    deep = left(shared)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", too_deep)
        remove_left()
    assert (deep / "object.parquet").exists()
    with own_folder() as own:
        assert own.is_dir()
