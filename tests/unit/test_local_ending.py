"""`python -m local` ends within five seconds, whatever hangs."""

from __future__ import annotations

import threading

from local.cli import STOP_SECONDS, stop_within

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
