"""Runs a command several times beside processes that keep the processor busy.

    python -m tools.loaded 3 .venv/bin/python -m pytest

Stops at the first failure, with its exit status. The busy processes always end with this process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

BURNERS = 4
_BURN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(1_000_000))
"""
"""A program that keeps a processor busy. It exits once its parent has ended."""


@contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep `count` processors busy while the context is open."""
    command = [sys.executable, "-c", _BURN]
    burners = [subprocess.Popen(command) for _ in range(count)]  # noqa: S603 - fixed
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run(command: Sequence[str]) -> int:
    """Run a command and return its exit status. If interrupted, terminate the command."""
    with subprocess.Popen(command) as process:  # noqa: S603 - the caller's own
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def main(arguments: Sequence[str]) -> int:
    """Run a command several times. `arguments` are the number of times and the command.

    Returns 0, or the exit status of the first failure.
    """
    signal.signal(signal.SIGTERM, _end)
    times, command = int(arguments[0]), arguments[1:]
    with burning(BURNERS):
        for number in range(1, times + 1):
            print(f"run {number} of {times} beside {BURNERS} busy processes", file=sys.stderr)
            if status := run(command):
                return status
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
