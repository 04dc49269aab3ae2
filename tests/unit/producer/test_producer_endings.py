"""Signals reach a process however its main thread waits."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from producer.endings import Ended, on_end_signal
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import ROOT

NUMBER = signal.SIGUSR1


@pytest.fixture
def deaf_main_thread() -> Iterator[None]:
    """The main thread is not woken by the signal, as when it comes just before a wait begins.

    Around it the signal is ignored: one that another thread of this process has yet to take when
    the handler goes would end the process.
    """
    handler = signal.signal(NUMBER, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [NUMBER])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(NUMBER, handler)


def _send_from_a_thread_that_hears_it() -> None:
    def send() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [NUMBER])
        os.kill(os.getpid(), NUMBER)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("deaf_main_thread")
def test_a_signal_is_heard_by_a_main_thread_that_it_does_not_wake() -> None:
    stop = threading.Event()
    with on_end_signal([NUMBER], stop.set, at_once=True):
        _send_from_a_thread_that_hears_it()
        assert stop.wait(PATIENCE_SECONDS)


def test_handlers_and_descriptor_are_as_before_afterwards() -> None:
    before = signal.getsignal(NUMBER)
    with on_end_signal([NUMBER], lambda: None, at_once=True):
        assert signal.getsignal(NUMBER) != before
    assert signal.getsignal(NUMBER) == before
    assert signal.set_wakeup_fd(-1) == -1


def started(body: str, at_once: bool) -> subprocess.Popen[str]:
    """Start a process within `on_end_signal` that prints "told" per call, ready for signals."""
    code = f"""
import signal, sys, threading
from producer.endings import Ended, on_end_signal
with on_end_signal([signal.SIGTERM], lambda: print("told", flush=True), at_once={at_once}):
    print("ready", flush=True)
    {body}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_second_signal_ends_a_process_that_does_not_get_on() -> None:
    with started("threading.Event().wait()", at_once=True) as process:
        assert process.stdout is not None
        process.terminate()
        assert process.stdout.readline() == "told\n"
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM


def test_a_second_signal_tells_nothing_new() -> None:
    with started("sys.stdin.read()", at_once=False) as process:
        assert process.stdout is not None
        process.terminate()
        assert process.stdout.readline() == "told\n"
        process.terminate()
        process.terminate()
        rest, _ = process.communicate(timeout=PATIENCE_SECONDS)  # which closes its input
        assert (rest, process.returncode) == ("", 0)


def test_a_signal_ends_at_once_what_prepares_and_tells_afterwards_as_before() -> None:
    stop = threading.Event()
    with on_end_signal([NUMBER], stop.set, at_once=False) as endings:
        with pytest.raises(Ended), endings.at_once():
            signal.raise_signal(NUMBER)
        assert stop.wait(PATIENCE_SECONDS)
        signal.raise_signal(NUMBER)  # is heard, and raises nothing


def test_a_signal_that_came_before_ends_what_prepares() -> None:
    with on_end_signal([NUMBER], lambda: None, at_once=False) as endings:
        signal.raise_signal(NUMBER)
        with pytest.raises(Ended), endings.at_once():
            raise AssertionError("it goes on")


def test_sigterm_ends_the_producer_while_it_looks_through_a_file(tmp_path: Path) -> None:
    file = tmp_path / "x.csv.gz"
    with gzip.open(file, "wt", compresslevel=1) as rows:
        rows.write("Date,Symbol,Close\n")
        for _ in range(300):
            rows.write("2024-01-02,AAPL,1\n" * 20_000)
    command = [
        sys.executable,
        "-m",
        "producer",
        "backfill",
        "--sink",
        "stdout",
        "--file",
        str(file),
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        until_handled(running.pid, signal.SIGTERM)
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=PATIENCE_SECONDS)[1]
    assert running.returncode == 0
    # Python loses what a handler raises within a callback; then the end is noticed later.
    later = "0 ticks and 0 bars sent, which is not all"
    assert "stopped before anything was sent" in said or later in said


def until_handled(process: int, number: int) -> None:
    """Wait until a process has a handler for a signal."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{process}/status").read_text(), re.M)
        if caught and int(caught[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.02)
    raise TimeoutError("the process handles no signal")
