"""`make test-loaded`: a command beside busy processes, none of which is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SIBLINGS = """
import os, pathlib, sys
for status in pathlib.Path("/proc").glob("[0-9]*/status"):
    try:
        fields = dict(line.split(":\\t", 1) for line in status.read_text().splitlines())
    except OSError:
        continue
    if fields["PPid"].strip() == str(os.getppid()) and fields["Pid"].strip() != str(os.getpid()):
        print(fields["Pid"].strip(), flush=True)
"""
"""Prints the processes that have the same parent."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="processes are watched through /proc"
)


def loaded(times: int, script: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tools.loaded", str(times), sys.executable, "-c", script]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def none_runs(pids: list[str]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_command_runs_so_often_beside_four_processes_that_end_with_it() -> None:
    process = loaded(2, SIBLINGS)
    burners = process.communicate()[0].split()
    assert process.returncode == 0
    assert len(burners) == 8
    assert len(set(burners)) == 4
    assert none_runs(burners)


def test_the_first_failure_ends_the_runs_with_its_exit_status() -> None:
    process = loaded(3, "print('run'); raise SystemExit(7)")
    assert process.communicate()[0] == "run\n"
    assert process.returncode == 7


def test_a_signal_ends_the_command_and_the_busy_processes() -> None:
    waiting = SIBLINGS + "\nprint(os.getpid(), 'end', flush=True)\nimport time; time.sleep(600)"
    process = loaded(1, waiting)
    assert process.stdout is not None
    pids = [process.stdout.readline().split()[0] for _ in range(5)]
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert none_runs(pids)
