"""States whose last tick is dated ahead of the clock: a clock was wrong, or the data folder is of
another maker. Until that time all ticks would count as late, and rules would not see them."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.detection import State
from chalicelib.domain.times import to_text
from chalicelib.domain.wire import MAX_AHEAD

MOST_AHEAD = 2 * MAX_AHEAD
"""Ticks are at most MAX_AHEAD ahead of the stream's clock, from which the reader's may differ."""


def is_ahead(state: State, now: datetime) -> bool:
    """Return whether the last tick is more than MOST_AHEAD ahead of the clock `now`."""
    return state.last_timestamp > to_text(now + MOST_AHEAD)


def begun_again(state: State) -> State:
    """Return a state without ticks that may be written in place of a stored one."""
    return State(symbol=state.symbol, version=state.version, repairs=state.repairs)
