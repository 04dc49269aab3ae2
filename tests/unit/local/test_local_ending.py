"""`python -m local` ends within five seconds, whatever hangs."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from commands import running_file
from embedded_aws import process
from local import cli
from local.arguments import parse
from local.cli import STOP_SECONDS, stop_within
from local.system import System
from tests.patience import PATIENCE_SECONDS

HANGS = 3600.0


def test_a_stop_that_hangs_is_left_after_less_than_five_seconds() -> None:
    over = threading.Event()

    def hang() -> None:
        over.wait(HANGS)

    stop_within(0.05, hang)
    over.set()
    assert STOP_SECONDS < 5


def test_a_stop_is_waited_for() -> None:
    stopped: list[str] = []
    stop_within(HANGS, lambda: stopped.append("all"))
    assert stopped == ["all"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of running files."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return running_file.folder()


def test_a_system_is_named_no_more_when_its_end_hangs(folder: Path) -> None:
    system, hangs, over = System(parse(["--data", "none"])), threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        over.wait(HANGS)

    system._closing.callback(hang)
    running_file.write({})
    stopping = threading.Thread(target=system.stop, daemon=True)
    stopping.start()
    assert hangs.wait(PATIENCE_SECONDS)
    assert list(folder.iterdir()) == []
    over.set()
    stopping.join(PATIENCE_SECONDS)


@pytest.mark.usefixtures("folder")
def test_a_system_ends_while_it_waits_for_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec cat\n")
    silent.chmod(0o700)
    monkeypatch.setattr(process, "sys", SimpleNamespace(executable=str(silent)))
    monkeypatch.setattr(process, "START_SECONDS", PATIENCE_SECONDS)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    ports = ["--api-port", "0", "--page-port", "0"]
    system = System(parse(["--data", "none", "--source", "none", *ports]))
    system.ended.set()
    assert cli._run(system, None) == 0
