"""Waits for AWS, which shows changes with a delay."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from infra.deploy.errors import DeployError


class Clock(msgspec.Struct, frozen=True):
    """Monotonic seconds, and a sleep."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


CLOCK = Clock()
CONSISTENT_SECONDS = 60.0
"""How long an answer may still show the state before a change, in seconds."""


def until_well(
    complaint: Callable[[], str], seconds: float, clock: Clock = CLOCK, every: float = 1.0
) -> None:
    """Poll `complaint` until it is empty. Raises DeployError with the last one after `seconds`."""
    deadline = clock.now() + seconds
    while said := complaint():
        if clock.now() >= deadline:
            raise DeployError(f"{said} (waited {seconds:.0f} s)")
        clock.pause(every)
