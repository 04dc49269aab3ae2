"""Tells apart the two passes through the local hour that repeats when clocks are set back."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import msgspec

from producer.files.rows import Row
from producer.markets import zone_of

_HOUR = timedelta(hours=1)


class _Course(msgspec.Struct):
    """A symbol's last time, the step to it, and its number of forward steps minus backward
    steps."""

    last: datetime
    step: timedelta = timedelta()
    steps_on: int = 0

    def go(self, when: datetime) -> None:
        self.step = when - self.last
        self.steps_on += (when > self.last) - (when < self.last)
        self.last = when


class Clock:
    """Detects by the order of rows which rows are in the second pass through the repeated hour.

    If the oldest row comes first, the second pass begins where times go back within the hour. If
    rows are an hour apart, it begins where a time repeats. If most rows go back, the newest comes
    first, and the passes cannot be distinguished.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        """Use `zone`; if it is None, the zone of each symbol's exchange."""
        self._zone = zone
        self._courses: dict[str, _Course] = {}

    def put(self, row: Row) -> None:
        """Add a row. If it is in the second pass, mark its time by `fold` (PEP 495). A time with an
        offset stays as it is."""
        if row.when.tzinfo is not None:
            return
        course = self._courses.setdefault(row.symbol, _Course(row.when))
        if self._is_second(row.symbol, row.when, course):
            row.when = row.when.replace(fold=1)
        course.go(row.when)

    def _is_second(self, symbol: str, when: datetime, course: _Course) -> bool:
        last = course.last
        went_back = when < last or (when == last and course.step >= _HOUR)
        if not (last.fold or (went_back and course.steps_on > 0)) or abs(when - last) >= 2 * _HOUR:
            return False
        return self._comes_twice(symbol, when) and self._comes_twice(symbol, last)

    def _comes_twice(self, symbol: str, when: datetime) -> bool:
        zone = self._zone or zone_of(symbol)
        first, second = (when.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        return first is not None and second is not None and first > second
