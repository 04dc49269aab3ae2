"""Runs of the machine: how many programs, and what is said of a failure.

`python -m tests.model.running 300` prints a failing program, if one is found, and the shortest one
with `--shrink`; the exit status is 1 then.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine

LOGGERS = ("ticktape", "ticktape.ingest", "ticktape.detect", "ticktape.deliver")

ANY: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "print_blob": False,
    "stateful_step_count": 16,
    "suppress_health_check": list(HealthCheck),
}


def run(programs: int, *, shrink: bool = True) -> None:
    """Run `programs` programs. Raises AssertionError whose notes have the shortest failing one."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    with _silent():
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=programs, phases=phases, **ANY)
        )


@contextmanager
def _silent() -> Iterator[None]:
    """Suppress logs of intended failures."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


def main(programs: int, *, shrink: bool) -> int:
    """0, or 1 where a program fails, which is printed with what is wrong."""
    try:
        run(programs, shrink=shrink)
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is shown
        print(f"{type(failure).__name__}: {failure}")
        print("\n".join(getattr(failure, "__notes__", [])))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), shrink="--shrink" in sys.argv))
