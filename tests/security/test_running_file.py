"""The running file, which holds the token and the access key, on a machine with other users."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from commands import running_file
from commands.outcomes import UsageError
from tests.local_support.system import LocalSystem, run_local


@pytest.fixture(autouse=True)
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that all users may write to."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder


def ours(shared: Path) -> Path:
    return shared / f"ticktape-{os.getuid()}"


def be_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make files on disk appear to belong to another user."""
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_its_users_alone(shared: Path) -> None:
    path = running_file.write({"token": "secret"})
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert path.parent == ours(shared)


def test_a_folder_that_another_user_made_first_is_refused(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_another_user(monkeypatch)
    ours(shared).mkdir(0o700)
    for use in (lambda: running_file.write({"token": "secret"}), running_file.find):
        with pytest.raises(UsageError, match="must be yours"):
            use()
    assert list(ours(shared).iterdir()) == []


def test_a_folder_that_others_can_write_to_is_refused(shared: Path) -> None:
    ours(shared).mkdir()
    ours(shared).chmod(0o777)
    with pytest.raises(UsageError, match="must be yours"):
        running_file.write({"token": "secret"})


def test_a_folder_that_others_can_read_is_closed(shared: Path) -> None:
    ours(shared).mkdir()
    ours(shared).chmod(0o755)
    assert mode(running_file.folder()) == 0o700


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_link_in_the_folders_place_is_not_followed(shared: Path, kind: str) -> None:
    elsewhere = shared / "elsewhere"
    elsewhere.mkdir() if kind == "folder" else elsewhere.touch()
    ours(shared).symlink_to(elsewhere)
    with pytest.raises(UsageError, match="must be yours"):
        running_file.write({"token": "secret"})
    assert elsewhere.is_file() or list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("suffix", ["new", "json"])
def test_a_link_in_the_files_place_is_not_followed(shared: Path, suffix: str) -> None:
    victim = shared / "victim"
    victim.write_text("precious")
    (running_file.folder() / f"{os.getpid()}.{suffix}").symlink_to(victim)
    path = running_file.write({"token": "secret"})
    assert not path.is_symlink()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("plant", ["link", "readable"])
def test_a_planted_file_names_no_system(shared: Path, plant: str) -> None:
    facts = shared / "facts"
    facts.write_text(json.dumps({"api": "http://evil"}))
    facts.chmod(0o644)
    place = running_file.folder() / f"{os.getpid()}.json"
    place.symlink_to(facts) if plant == "link" else facts.rename(place)
    with pytest.raises(UsageError, match="remove it"):
        running_file.find()


def test_the_users_own_runtime_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = running_file.write({"token": "secret"})
    assert path.parent == tmp_path / "ticktape"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


@pytest.mark.parametrize("given", ["relative", "/nowhere/at/all", ""])
def test_a_runtime_folder_that_is_none_is_passed_over(
    shared: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    assert running_file.folder() == ours(shared)


def test_a_runtime_folder_of_another_user_is_passed_over(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_another_user(monkeypatch)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert running_file._place() == ours(shared)


def test_commands_say_so_in_one_line(shared: Path) -> None:
    ours(shared).mkdir()
    ours(shared).chmod(0o777)
    for command in (["env"], ["--source", "none", "--data", "none"]):
        done = run_local(*command, temporary=shared)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "must be yours" in done.stderr


def test_a_running_systems_file_is_its_users_alone(
    system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    path = running_file.folder() / f"{system.process.pid}.json"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert {"token", "access_key", "secret_key"} <= json.loads(path.read_text()).keys()
