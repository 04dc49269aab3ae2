"""Which running system a command means."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import pytest

import commands
from commands import running_file, target
from commands.outcomes import UsageError

FIRST = {"api": "http://127.0.0.1:8000", "aws": "http://127.0.0.1:1", "data": "/data/first"}
SECOND = {"api": "http://127.0.0.1:8100", "aws": "http://127.0.0.1:2", "data": None}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Running files of two processes that do run: this one and its parent."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    running_file.write(FIRST)
    made = running_file.folder()
    second = made / f"{os.getppid()}.json"
    second.touch(0o600)
    second.write_text(json.dumps(SECOND))
    return made


def meant(*flags: str) -> object:
    parser = argparse.ArgumentParser()
    target.add_flags(parser)
    return target.find_running(parser.parse_args(flags))["api"]


@pytest.mark.parametrize(
    ("flags", "facts"),
    [
        (["--api", "http://127.0.0.1:8000"], FIRST),
        (["--api", "http://localhost:8100/"], SECOND),
        (["--api", "127.0.0.1:8100"], SECOND),
        (["--data", "/data/../data/first"], FIRST),
        (["--data", "none"], SECOND),
    ],
)
def test_a_flag_chooses_one_of_two_systems(flags: list[str], facts: dict[str, object]) -> None:
    assert meant(*flags) == facts["api"]


def test_two_systems_are_named_and_neither_is_taken() -> None:
    with pytest.raises(UsageError) as raised:
        meant()
    text = str(raised.value)
    assert "http://127.0.0.1:8000 (data: /data/first)" in text
    assert "http://127.0.0.1:8100 (data: none)" in text
    assert text.endswith("choose one with --api URL or --data DIR")


def test_a_flag_that_fits_neither_names_both() -> None:
    with pytest.raises(UsageError, match=r"no running system matches; running: .*:8100"):
        meant("--api", "http://127.0.0.1:9")


def test_the_only_system_needs_no_flag(folder: Path) -> None:
    (folder / f"{os.getppid()}.json").unlink()
    assert meant() == FIRST["api"]


def test_a_killed_system_is_not_offered(folder: Path) -> None:
    (folder / f"{os.getppid()}.json").rename(folder / "999999999.json")
    assert meant() == FIRST["api"]
    assert not (folder / "999999999.json").exists()


@pytest.mark.parametrize("command", ["sql SELECT", "redrive", "rebuild A", "compact", "test-alert"])
def test_each_command_refuses_to_guess_in_one_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *rest = command.split()
    assert commands.run(name, rest) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"python -m local {name}: 2 systems run: ")


def test_an_aws_that_does_not_answer_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    (folder / f"{os.getppid()}.json").unlink()
    assert commands.run("test-alert", []) == 1
    assert capsys.readouterr().err == "python -m local test-alert: AWS: no connection\n"


def test_ctrl_c_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.COMMANDS, "compact", interrupted)
    assert commands.run("compact", []) == 130
    assert capsys.readouterr().err == "python -m local compact: interrupted\n"
