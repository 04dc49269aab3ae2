"""`python -m local` ends within five seconds, whatever hangs."""

from __future__ import annotations

import io
import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commands import running_file
from embedded_aws import process
from embedded_aws.backlog import Waiting
from local import cli
from local.arguments import parse
from local.cli import STOP_SECONDS, stop_within
from local.system import System
from local.terminal import Addresses, PlainTerminal
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
def test_the_last_counts_are_printed_before_the_emulator_stops() -> None:
    system, out, at_stop = System(parse(["--data", "none"])), io.StringIO(), []
    system._terminal = PlainTerminal(system._snapshot, out, clock=lambda: 0.0)
    system._closing.callback(lambda: at_stop.append(out.getvalue()))  # as the emulator's stop
    system._closing.callback(system._stop_working)
    system._terminal.ready(Addresses(None, "http://api", "http://aws", "secret", "none"))
    system._counters.produced({"source": "simulator", "state": "live", "sent": 5, "bars": 2})
    system._backlog = lambda: Waiting(3, None)
    try:
        system.stop()
    finally:
        logging.disable(logging.NOTSET)
    last = "stopped; 7 ticks and bars sent; 0 ticks and 0 bars stored; 0 alerts, 0 messages"
    assert out.getvalue().endswith(f" {last}; 3 records not processed yet\n")
    assert at_stop == [out.getvalue()]


def test_the_last_counts_are_printed_even_if_the_end_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "STOP_SECONDS", 0.05)
    over, told = threading.Event(), []
    system: Any = SimpleNamespace(
        ended=threading.Event(),
        start=lambda: None,
        stop=lambda: over.wait(HANGS),
        tell_end=lambda: told.append("the last line"),
        exit_status=0,
    )
    assert cli._run(system, 0.01) == 0
    over.set()
    assert told == ["the last line"]


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
