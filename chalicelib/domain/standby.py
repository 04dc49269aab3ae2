"""A standby: another source that takes over while the first one is silent, and hands back.

Both changes are switches as a request makes them (`domain/sources.py`), each with its cause
(docs/decisions/0361-a-standby-claims-its-turn.md).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.delays import source_delay
from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.sessions import DayCalendar, calendar_for
from chalicelib.domain.sources import (
    AHEAD_SECONDS,
    MOST_BYTES,
    Cause,
    Sources,
    Switch,
)
from chalicelib.domain.ticks import LABEL_FORM, Tick, family
from chalicelib.domain.times import EPOCH, from_text, to_text

LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS = 60, 86_400, 300
"""Bounds of the silence after which a standby takes over, and the default."""

DWELL_SECONDS = 1_800
"""A standby changes the source at the earliest this long after the last switch."""

RESERVED_BYTES = 400
"""Bytes of a list that a standby leaves free: some ten switches by request."""

_MINUTE = timedelta(minutes=1)
_TEXT = re.compile(rf"(?P<seconds>[0-9]{{2,5}}),(?P<first>{LABEL_FORM}),(?P<source>{LABEL_FORM})")


class NotNow(TicktapeError):  # noqa: N818 - a claim is often early
    """The source does not change now; the text says why."""


class Standby(msgspec.Struct, frozen=True):
    """The first source of a symbol and its standby, and the seconds of silence in an open market
    after which the standby takes over."""

    first: str
    source: str
    after_seconds: int

    def text(self) -> str:
        """Return the form that `parse_standby` reads."""
        return f"{self.after_seconds},{self.first},{self.source}"

    def has(self, source: str) -> bool:
        """Return whether a source is one of the two."""
        return family(source) in (family(self.first), family(self.source))


def parse_standby(text: str | None) -> Standby | None:
    """Parse `300,alpaca,yfinance`; None for any other text, or without one."""
    found = _TEXT.fullmatch(text or "")
    return found and Standby(found["first"], found["source"], int(found["seconds"]))


def first_minute(now: datetime) -> datetime:
    """Return the first instant of a switch that is recorded now."""
    earliest = now + timedelta(seconds=AHEAD_SECONDS)
    return earliest + (EPOCH - earliest) % _MINUTE


def claimed(
    known: Sources, standby: Standby, source: str, silent_seconds: float | None, now: datetime
) -> Sources:
    """Return the sources of a series after one of the two claims it; the same if it has it already.

    `silent_seconds` is for how long the open market has had no price, None while it is closed. The
    first source need not show that it is steady: it knows that itself. Raises NotNow.
    """
    if known.last is not None and family(known.last) == family(source):
        return known
    if known.last is not None and not standby.has(known.last):
        raise NotNow(f"the series has the source {known.last}")
    cause: Cause = "silent" if family(source) == family(standby.source) else "steady"
    if cause == "silent":
        _check_silence(standby, silent_seconds)
    if known.last is None:
        return Sources(source)
    start = first_minute(now)
    if known.switches:
        last = from_text(known.switches[-1].timestamp)
        if start < last + timedelta(seconds=DWELL_SECONDS):
            raise NotNow(f"the source changed at {to_text(last)}: half an hour has to pass")
    wanted = Sources(known.first, (*known.switches, Switch(to_text(start), source, cause)))
    if len(wanted.text()) > MOST_BYTES - RESERVED_BYTES:
        times = len(known.switches)
        raise NotNow(f"the source has changed {times} times: what is left is for requests")
    return wanted


def silence(symbol: str, last: Tick | None, added_at: str, now: datetime) -> float | None:
    """Return for how many seconds the market has been open without a price; None while it is
    closed.

    `last` is the newest stored tick, which counts from when its source gives it. Without one, the
    time counts at which the symbol was added.
    """
    calendar = calendar_for(symbol, last.exchange_timezone if last else None)
    session = calendar.session_at(now)
    has_hours = not isinstance(calendar, DayCalendar)
    state = None if has_hours or last is None else last.market_state
    if (state or calendar.market_state(now)) != "REGULAR" or session.is_break(now):
        return None
    since = from_text(added_at)
    if last is not None:
        since = from_text(last.timestamp) + source_delay(symbol, last.source)
    if has_hours:
        since = max(since, session.open)
    return (now - since).total_seconds()


def _check_silence(standby: Standby, silent_seconds: float | None) -> None:
    if silent_seconds is None:
        raise NotNow("the market is closed")
    if silent_seconds < standby.after_seconds:
        raise NotNow(f"{standby.first} had a price {max(0, silent_seconds):.0f} s ago")
