"""Agendas: a channel's digests that are due too far ahead for timers of their own.

An agenda has one timer: a message that arrives every quarter of an hour while digests wait. At each
arrival, the digests that are due within REACH_SECONDS get timers of their own.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.deliveries import Retry
from chalicelib.domain.times import from_text

STEP_SECONDS = 900.0
"""The time from one message of an agenda's timer to the next: the longest delay that SQS allows."""

REACH_SECONDS = 2 * STEP_SECONDS
"""A digest that is due later than this waits in the agenda. The reach is two steps: a digest just
beyond the reach of one timer message is still a step ahead at the next message."""

MARGIN_SECONDS = 60.0
"""A timer that is due sooner than this may already have been read from the queue, since clocks
differ."""

_PREFIX = "agenda:"
_TIMER = "timer"


def key_of(channel: str) -> str:
    """Return the key of a channel's agenda in the alerts table. No symbol can have this key."""
    return f"{_PREFIX}{channel}"


def timer_of(channel: str, at: str) -> Retry:
    """Return the timer message of an agenda for the instant `at` (stored text)."""
    return Retry(symbol=key_of(channel), timestamp=at, rule_id=_TIMER, channel=channel)


def is_timer(retry: Retry) -> bool:
    """Return whether a message of the retry queue is an agenda's timer."""
    return retry.symbol.startswith(_PREFIX)


def is_ahead(at: str, now: datetime, margin_seconds: float) -> bool:
    """Return whether an agenda's timer for the instant `at` is more than the margin ahead. False if
    `at` is further ahead than any timer is set, which means that a clock was wrong."""
    seconds = (from_text(at) - now).total_seconds()
    return margin_seconds < seconds <= STEP_SECONDS + MARGIN_SECONDS
