"""Resolves local times without an offset in the hour that repeats when clocks are set back."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import msgspec

from producer.files.rows import Row
from producer.markets import zone_of

_HOUR = timedelta(hours=1)


class _Course(msgspec.Struct):
    """A symbol's last time, the step to it, and how many more steps went forward than back."""

    last: datetime
    step: timedelta = timedelta()
    steps_on: int = 0

    def go(self, when: datetime) -> None:
        self.step = when - self.last
        self.steps_on += (when > self.last) - (when < self.last)
        self.last = when


class Clock:
    """Detects the second pass through the repeated hour by the order of rows.

    If the oldest row comes first, the second pass begins where times go back within the hour, or
    where they repeat if rows are an hour apart. If most rows go back, the newest comes first, and
    the passes cannot be distinguished.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        """Use `zone`, or each symbol's exchange zone if None."""
        self._zone = zone
        self._courses: dict[str, _Course] = {}

    def put(self, row: Row) -> None:
        """Add a row, and mark its time (`fold`, PEP 495) if the row is in the second pass. A time
        with an offset stays as it is."""
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
