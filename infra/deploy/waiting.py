"""Waits for AWS, whose answers show a change only after a delay."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from infra.deploy.errors import DeployError


class Clock(msgspec.Struct, frozen=True):
    """A monotonic clock in seconds, and a function that sleeps."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


CLOCK = Clock()
CONSISTENT_SECONDS = 60.0
"""The seconds for which AWS's answers may still show the state before a change."""


def until_well(
    complaint: Callable[[], str], seconds: float, clock: Clock = CLOCK, every: float = 1.0
) -> None:
    """Call `complaint` until it returns an empty text. Raises DeployError after `seconds`."""
    deadline = clock.now() + seconds
    while said := complaint():
        if clock.now() >= deadline:
            raise DeployError(f"{said} (waited {seconds:.0f} s)")
        clock.pause(every)
