"""Agendas: of each channel, the digests that are due too far ahead for a timer of their own.

An agenda has one timer, a message that is put again every quarter of an hour while digests wait. It
has the digests that come into reach put timers of their own.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.deliveries import Retry
from chalicelib.domain.times import from_text

STEP_SECONDS = 900.0
"""The time from one message of an agenda's timer to the next: the longest that SQS keeps one
back."""

REACH_SECONDS = 2 * STEP_SECONDS
"""A digest that is due further ahead waits in the agenda. Half of it is left if the agenda's timer
has just missed the digest."""

MARGIN_SECONDS = 60.0
"""A timer that comes sooner may have been read from the queue already: clocks differ."""

_PREFIX = "agenda:"
_TIMER = "timer"


def key_of(channel: str) -> str:
    """Return the key of a channel's agenda in the alerts table, which no symbol has."""
    return f"{_PREFIX}{channel}"


def timer_of(channel: str, at: str) -> Retry:
    """Return the message of an agenda's timer that is to come at an instant, in its stored form."""
    return Retry(symbol=key_of(channel), timestamp=at, rule_id=_TIMER, channel=channel)


def is_timer(retry: Retry) -> bool:
    """Return whether a request is the timer of an agenda."""
    return retry.symbol.startswith(_PREFIX)


def is_ahead(at: str, now: datetime, margin_seconds: float) -> bool:
    """Return whether a timer that comes at `at` is still to come, by more than a margin. If it is
    further ahead than timers are put, a clock was wrong."""
    seconds = (from_text(at) - now).total_seconds()
    return margin_seconds < seconds <= STEP_SECONDS + MARGIN_SECONDS
