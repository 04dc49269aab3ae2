"""The sources of a series: one source at a time, each from an instant on.

A tick belongs to the series if its source is in force at its timestamp, a historical bar if at its
start. The time of arrival does not matter (docs/decisions/0327-one-source-at-a-time.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, takewhile
from operator import attrgetter
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import TickError
from chalicelib.domain.field_types import Instant
from chalicelib.domain.ticks import LABEL_FORM, UNKNOWN_SOURCE, family

AHEAD_SECONDS = 360
"""A switch is recorded at least this long before it takes effect."""

LEASE_SECONDS = 300
"""The switches that decide about a tick may have been read at most this long before its timestamp.
The difference to AHEAD_SECONDS allows for clocks that differ."""

MOST_BYTES = 2_000
"""The most bytes of a list of sources, which ticks of a recording carry: some 50 switches."""

SOURCE = re.compile(rf"(?!{UNKNOWN_SOURCE}$){LABEL_FORM}")
"""The form of the name of a source to which a series can be switched."""

_STAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00\.000000Z"
Cause = Literal["silent", "steady"]
_TEXT = re.compile(rf"{LABEL_FORM}(,{_STAMP} {LABEL_FORM}(;({'|'.join(get_args(Cause))}))?)*")
_ALLOWED = (
    f"at most {MOST_BYTES} bytes: a source, and for each switch in the order of time a comma, its "
    "whole minute, a blank, the next source, and its cause after a semicolon if it has one"
)


class Switch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of a series' source."""

    timestamp: Annotated[Instant, Meta(description="The first instant of the source.")]
    source: Annotated[str, Meta(examples=["alpaca"])]
    cause: Annotated[
        str | None,
        Meta(
            examples=["silent"],
            description="Why a standby changed it: the first source was silent, or was steady "
            "again. Absent if a request changed it.",
        ),
    ] = None

    def text(self) -> str:
        """Return the switch as an entry of a list of sources."""
        cause = f";{self.cause}" if self.cause else ""
        return f"{self.timestamp} {self.source}{cause}"


class Sources(msgspec.Struct, frozen=True):
    """The first source of a series, None before a tick has named one, and the switches in order."""

    first: str | None
    switches: tuple[Switch, ...] = ()

    def at(self, timestamp: str) -> str | None:
        """Return the source in force at an instant."""
        if not self.switches:
            return self.first
        begun = self._until(timestamp)
        return begun[-1].source if begun else self.first

    @property
    def last(self) -> str | None:
        """Return the source after the last switch. Without a switch, return the first source."""
        return self.switches[-1].source if self.switches else self.first

    def refusal(self, source: str, timestamp: str) -> str | None:
        """Return why a tick or bar does not belong to the series; None if it does.

        A tick or bar without a source belongs to any series.
        """
        mine = self.at(timestamp)
        if source == UNKNOWN_SOURCE or mine is None or family(source) == family(mine):
            return None
        return str(TickError("source", source, self._allowed(family(mine), timestamp)))

    def before(self, timestamp: str) -> Sources:
        """Return the sources without the switches at `timestamp` or later."""
        earlier = takewhile(lambda one: one.timestamp < timestamp, self.switches)
        return Sources(self.first, tuple(earlier))

    def switched(self, source: str, timestamp: str, fixed_before: str) -> Sources:
        """Return the sources with a switch to `source` at `timestamp`. Switches from `fixed_before`
        on are removed. If the source is already in force, no switch is added."""
        kept = self.before(fixed_before)
        if kept.last is not None and family(kept.last) == family(source):
            return kept
        return Sources(self.first, (*kept.switches, Switch(timestamp, source)))

    def parts(self) -> tuple[str | None, str | None]:
        """Return the first source and the text of the switches, each None if there is none."""
        later = ",".join(one.text() for one in self.switches)
        return self.first, later or None

    def text(self) -> str:
        """Return the sources as text that `parse_sources` reads."""
        return ",".join(part for part in (self.first or UNKNOWN_SOURCE, self.parts()[1]) if part)

    def _until(self, timestamp: str) -> tuple[Switch, ...]:
        return tuple(takewhile(lambda one: one.timestamp <= timestamp, self.switches))

    def _allowed(self, mine: str, timestamp: str) -> str:
        if not self.switches:
            return f"{mine}, as in the whole series"
        before = self._until(timestamp)
        if before:
            return f"{mine}, the source from {before[-1].timestamp} on"
        return f"{mine}, the source before {self.switches[0].timestamp}"


@lru_cache(256)  # a list of 2,000 bytes takes 12 KB when parsed
def parse_sources(text: str) -> Sources:
    """Parse a text such as `yfinance,2026-11-20T15:30:00.000000Z alpaca`. Raises TickError."""
    if len(text) > MOST_BYTES or not _TEXT.fullmatch(text):
        raise TickError("sources", text, _ALLOWED)
    first, *later = text.split(",")
    switches = tuple(map(_switch, later))
    stamps = [one.timestamp for one in switches]
    if stamps != sorted(set(stamps)):
        raise TickError("sources", text, _ALLOWED)
    return Sources(None if first == UNKNOWN_SOURCE else first, switches)


def _switch(text: str) -> Switch:
    timestamp, _, rest = text.partition(" ")
    source, _, cause = rest.partition(";")
    return Switch(timestamp, source, cause or None)


def differ(one: str, other: str) -> bool:
    """Return whether two prices come from different sources. An unnamed source counts as equal to
    any other."""
    if one == other or UNKNOWN_SOURCE in (one, other):
        return False
    return family(one) != family(other)


def runs_of(rows: Sequence[Any], starts: str) -> tuple[Switch, ...]:
    """Return the sources of ticks or bars in order of time, each with the time of its first row.
    `starts` names the attribute that holds a row's time."""
    found: list[Switch] = []
    for source, group in groupby(rows, key=attrgetter("source")):
        found.append(Switch(getattr(next(group), starts), source))
    return joined([found])


def joined(pages: Iterable[Sequence[Switch]]) -> tuple[Switch, ...]:
    """Return the results of `runs_of` for several pages as one list, in order of time. The pages
    may come in any order."""
    found: list[Switch] = []
    for one in sorted((one for page in pages for one in page), key=attrgetter("timestamp")):
        if not found or differ(found[-1].source, one.source):
            found.append(one)
        elif found[-1].source == UNKNOWN_SOURCE:
            found[-1] = Switch(found[-1].timestamp, one.source)
    return tuple(found)
