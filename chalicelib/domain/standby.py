"""A standby is another source, which takes over while the first source is silent, and hands back.

Both changes are switches like those that a request makes (`domain/sources.py`), each with its cause
(docs/decisions/0361-a-standby-claims-its-turn.md).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.exchange_delays import source_delay
from chalicelib.domain.sources import (
    AHEAD_SECONDS,
    MOST_BYTES,
    Cause,
    Sources,
    Switch,
)
from chalicelib.domain.ticks import LABEL_FORM, Tick, family
from chalicelib.domain.times import EPOCH, from_text, to_text
from chalicelib.domain.trading_minutes import MINUTE, instant_of, trading_hours

LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS = 60, 86_400, 300
"""The lowest, the highest and the default silence after which a standby takes over."""

DWELL_SECONDS = 1_800
"""A standby changes the source no earlier than this long after the last switch."""

RESERVED_BYTES = 400
"""The bytes of a list of sources that standbys leave free, for some ten switches by request."""

LOOKED_BACK_MINUTES = 2 * 1440
"""The most minutes back that silence is counted: twice the longest silence of a standby."""

_TEXT = re.compile(rf"(?P<seconds>[0-9]{{2,5}}),(?P<first>{LABEL_FORM}),(?P<source>{LABEL_FORM})")


class NotNow(TicktapeError):  # noqa: N818 - a claim is often early
    """A claim is refused for now; the message says why."""


class Standby(msgspec.Struct, frozen=True):
    """A symbol's first source and its standby, and the seconds of silence in an open market after
    which the standby takes over."""

    first: str
    source: str
    after_seconds: int

    def text(self) -> str:
        """Return the standby as text that `parse_standby` reads."""
        return f"{self.after_seconds},{self.first},{self.source}"

    def has(self, source: str) -> bool:
        """Return whether a source is the first source or the standby."""
        return family(source) in (family(self.first), family(self.source))


def parse_standby(text: str | None) -> Standby | None:
    """Parse a text such as `300,alpaca,yfinance`. None for any other text, or without one."""
    found = _TEXT.fullmatch(text or "")
    return found and Standby(found["first"], found["source"], int(found["seconds"]))


def first_minute(now: datetime) -> datetime:
    """Return the first whole minute at which a switch that is recorded at `now` may take effect."""
    earliest = now + timedelta(seconds=AHEAD_SECONDS)
    return earliest + (EPOCH - earliest) % MINUTE


def claimed(
    known: Sources, standby: Standby, source: str, silent_seconds: float | None, now: datetime
) -> Sources:
    """Return a series' sources after `source`, the first source or the standby, has claimed it.
    Return `known` if the series already has that source.

    `silent_seconds` is how long the open market has had no price; None while the market is closed.
    A standby may take over only after a silence. The first source decides itself whether it is
    steady. The switch names the source as `standby` does, even if another source of the same family
    claims. Raises NotNow if the source may not change yet.
    """
    if known.last is not None and family(known.last) == family(source):
        return known
    if known.last is not None and not standby.has(known.last):
        raise NotNow(f"the series has the source {known.last}")
    cause: Cause = "silent" if family(source) == family(standby.source) else "steady"
    if cause == "silent":
        _check_silence(standby, silent_seconds)
    if known.last is None:
        return Sources(standby.source if cause == "silent" else standby.first)
    start = first_minute(now)
    if known.switches:
        last = from_text(known.switches[-1].timestamp)
        if start < last + timedelta(seconds=DWELL_SECONDS):
            raise NotNow(f"the source changed at {to_text(last)}: half an hour has to pass")
    named = standby.source if cause == "silent" else standby.first
    wanted = Sources(known.first, (*known.switches, Switch(to_text(start), named, cause)))
    back = Switch(to_text(start), standby.first, "steady")
    ended = wanted if cause == "steady" else Sources(wanted.first, (*wanted.switches, back))
    if len(ended.text()) > MOST_BYTES - RESERVED_BYTES:  # leaves room for the switch back
        times = len(known.switches)
        raise NotNow(f"the source has changed {times} times: what is left is for requests")
    return wanted


def silence(
    symbol: str, last: Tick | None, known: Sources, added_at: str, now: datetime
) -> float | None:
    """Return for how many seconds the open market has had no price that the source in force should
    have published by `now`. None while the market is closed or pauses, or if its trading hours are
    unknown.

    `last` is the newest stored tick. Without a tick, `added_at`, when the symbol was added, takes
    its place. The silence begins no earlier than the session, the end of its pause, or the last
    switch, since earlier prices belong to the previous source.
    """
    hours = trading_hours(symbol, last.exchange_timezone if last else None)
    source = known.last or (last.source if last else None)
    published = now - source_delay(symbol, source) if source else now
    minute = (published - EPOCH) // MINUTE
    opened, through = 0, 0
    for stretch in hours.stretches(minute - LOOKED_BACK_MINUTES, minute + 1):
        opened = opened if stretch.start == through else stretch.start
        through = stretch.end
    if not hours.is_known or through != minute + 1:
        return None
    since = [instant_of(opened), from_text(last.timestamp if last else added_at)]
    if known.switches:
        since.append(from_text(known.switches[-1].timestamp))
    return (published - max(since)).total_seconds()


def _check_silence(standby: Standby, silent_seconds: float | None) -> None:
    if silent_seconds is None:
        raise NotNow("the market is closed, or its hours are unknown")
    if silent_seconds < standby.after_seconds:
        raise NotNow(f"{standby.first} had a price {max(0, silent_seconds):.0f} s ago")
