"""Quiet hours: times of the week in which a channel gets no alerts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LONGEST_QUIET = timedelta(days=8)
"""The longest time for which consecutive quiet hours hold anything back."""

_DAY = timedelta(days=1)
_A_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


class QuietHours(msgspec.Struct, frozen=True):
    """One entry of quiet hours: on each of `days`, from `start` to `end` in `time_zone`.

    The hours start on `days`. They end on the next day unless `end` is after `start`, so equal
    times last a whole day. Times are `HH:MM`.
    """

    days: tuple[Day, ...]
    start: str
    end: str
    time_zone: str


def local_instant(day: date, clock: str, zone: ZoneInfo, *, second: bool = False) -> datetime:
    """Return the instant of a wall-clock time `HH:MM` on a day, in UTC.

    If clocks skip the time, the result is later by the length of the skip. If the time occurs
    twice, the result is the first occurrence, or the second if `second` is true.
    """
    local = datetime.combine(day, time.fromisoformat(clock), zone)
    first = local.astimezone(UTC)
    return max(first, local.replace(fold=1).astimezone(UTC)) if second else first


def quiet_end(quiet: Iterable[QuietHours], instant: datetime) -> tuple[datetime, str]:
    """Return the end of the quiet hours around an instant, as an instant and in words, such as
    `07:00 Europe/Berlin`. Outside quiet hours return the instant itself and an empty text.

    Entries that overlap or follow each other count as one, up to LONGEST_QUIET.
    """
    entries = tuple(quiet)
    end, said = instant, ""
    while end - instant < LONGEST_QUIET:
        found = [(_end_of(entry, end), entry) for entry in entries]
        later, entry = max(found, key=lambda each: each[0], default=(end, None))
        if entry is None or later <= end:
            break
        end, said = later, f"{entry.end} {entry.time_zone}"
    return end, said


def never_end(quiet: Iterable[QuietHours]) -> bool:
    """Return whether the entries cover the whole week."""
    return quiet_end(quiet, _A_MONDAY)[0] - _A_MONDAY >= LONGEST_QUIET


def _end_of(entry: QuietHours, instant: datetime) -> datetime:
    """Return the end of an entry's hours around an instant; outside of them the instant itself."""
    zone = ZoneInfo(entry.time_zone)
    today = instant.astimezone(zone).date()
    spans = [_span(entry, day, zone) for day in (today - _DAY, today)]
    return max((end for start, end in spans if start <= instant < end), default=instant)


def _span(entry: QuietHours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return an entry's hours `[start, end)` that start on a day; empty if none start then."""
    start = local_instant(day, entry.start, zone)
    if DAYS[day.weekday()] not in entry.days:
        return start, start
    ends_on = day if entry.end > entry.start else day + _DAY
    return start, local_instant(ends_on, entry.end, zone, second=True)
