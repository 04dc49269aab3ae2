"""`python -m producer` as a process: output, refusals, exit status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import AAPL_DAYS, ROOT, environment, run_producer

_SIMULATOR = [
    "stream",
    "--source",
    "simulator",
    "--interval",
    "3600",
    "--no-history",
    "--sink",
    "stdout",
]


def test_replay_writes_ticks_to_stdout_and_status_to_stderr() -> None:
    done = run_producer("replay", str(AAPL_DAYS), "--symbols", "AAPL", "--sink", "stdout")
    ticks = [json.loads(line) for line in done.stdout.splitlines()]
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 0
    assert len(ticks) == 506
    times = [tick["timestamp"] for tick in ticks]
    assert times == sorted(set(times))
    assert {len(text) for text in times} == {27}
    assert events[-2]["event"] == "status"
    assert events[-2]["sent"] == 506
    assert events[-1]["message"] == "506 ticks and 0 bars sent"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("stream --source nonsense --sink stdout", "--source: invalid choice: 'nonsense'"),
        ("replay no-such-file.csv --sink stdout", "no-such-file.csv: there is no such file"),
        ("stream --source simulator --symbols A$ --sink stdout", "--symbols: 'A$' is not a symbol"),
        (
            "stream --source simulator",
            "--stream is needed (or the environment variable TICKS_STREAM)",
        ),
        ("stream --interval 0 --sink stdout", "--interval: '0' is not allowed"),
        ("replay x.csv --speed fast --sink stdout", "--speed: 'fast' is not allowed"),
        ("replay x.csv --ticks-per-record 0", "--ticks-per-record: '0' is not allowed"),
        ("stream --colour", "unrecognized arguments: --colour"),
        ("dance", "invalid choice: 'dance'"),
        ("", "stream|replay|backfill"),
    ],
)
def test_user_errors_are_one_line_with_exit_status_2(arguments: str, message: str) -> None:
    done = run_producer(*arguments.split())
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("command", [[], ["stream"], ["replay"], ["backfill"]])
def test_help_has_examples_and_the_exit_statuses(command: list[str]) -> None:
    done = run_producer(*command, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "exit status:" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_simulator_between_two_ticks_and_in_order(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "producer", *_SIMULATOR],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=ROOT,
        env=environment(),
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)  # far less than the interval
    assert process.returncode == 0
    assert first["source"] == "simulator"
    assert all(json.loads(line)["symbol"] for line in out.splitlines())
    assert json.loads(err.splitlines()[-1])["event"] == "end"


def test_a_reader_that_leaves_ends_the_producer_without_complaint() -> None:
    command = (
        f"{sys.executable} -m producer replay {AAPL_DAYS} --symbols AAPL --speed 1e9"
        " --sink stdout | head -n 1"
    )
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=PATIENCE_SECONDS,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
