"""Detects a file's format: how it writes dates and numbers, and what its rows are.

Both are decided once, from all rows. A row that does not fit the format is skipped and has no
effect on how other rows are read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from producer.files.layout import Layout
from producer.files.names import FIGURES
from producer.files.numbers import Mark, mark_shown
from producer.files.rows import Row, Written, cell, time_text
from producer.files.times import Order, has_clock, is_either, order_shown
from producer.markets import zone_of

_MIDNIGHT = time()
_DAY_SECONDS = 86_400
_LIKE_A_DAY = 20 * 3600
_LIKE_A_WEEK = 5 * _DAY_SECONDS
_FEW = 4


class Spelling:
    """Detects how a file writes dates and numbers, from all of its cells."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._figures = [group.at[name] for group in layout.groups for name in FIGURES
                         if name in group.at]  # fmt: skip
        self._marks: Counter[Mark] = Counter()
        self._orders: Counter[Order] = Counter()
        self._open_dates = 0
        self.example = ""
        self.has_clock = False

    def see(self, cells: Sequence[str]) -> None:
        """Add the cells of a row."""
        text = time_text(self._layout, cells)
        self.has_clock = self.has_clock or has_clock(text)
        if is_either(text.split(" ")[0]):
            self._see_date(text.split(" ")[0])
        for at in self._figures:
            figure = cell(cells, at)
            shown = mark_shown(figure) if figure else None
            if shown is not None:
                self._marks[shown] += 1

    def _see_date(self, text: str) -> None:
        shown = order_shown(text)
        if shown is not None:
            self._orders[shown] += 1
        self._open_dates += 1
        self.example = self.example or text

    @property
    def is_order_open(self) -> bool:
        """Return whether the order of day and month is open. It is open if dates look like
        03/04/2024 and none of them shows which number is the day."""
        return self._open_dates > 0 and not self._orders

    def written(self, *, day_first: bool, decimal_comma: bool) -> Written:
        """Return the format that most cells show. If no cell shows the order of day and month, or
        the decimal mark, `day_first` or `decimal_comma` decides."""
        order: Order = "day" if day_first else "month"
        if self._orders:
            order = self._orders.most_common(1)[0][0]
        mark: Mark = "," if decimal_comma and not self._marks else "."
        if self._marks:
            mark = self._marks.most_common(1)[0][0]
        return Written(order, mark)


class Spacing:
    """Detects whether a file's rows are days, or how long their bars are, from all times."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._last: dict[str, datetime] = {}
        self._gaps: Counter[int] = Counter()
        self._own_midnight = True
        self._local_midnight = True
        self._instants: tuple[datetime, datetime] | None = None
        self._before: datetime | None = None
        self._passed_over: dict[str, list[datetime]] = {}
        self.rows = 0
        self.is_sorted = True

    def see(self, row: Row) -> None:
        """Add a row. Its time is as written in the file."""
        self.rows += 1
        if row.when.time() != _MIDNIGHT:
            self._own_midnight = False
        if not self._own_midnight and self._local_midnight:
            self._local_midnight = self.local(row).time() == _MIDNIGHT
        instant = row.when if row.when.tzinfo else row.when.replace(tzinfo=UTC)
        before = self._last.get(row.symbol)
        if before is not None and before != instant:
            self._gaps[round(abs((instant - before).total_seconds()))] += 1
        self._last[row.symbol] = instant
        self._see_instant(self.instant_of(row))

    def _see_instant(self, instant: datetime) -> None:
        first, last = self._instants or (instant, instant)
        self._instants = min(first, instant), max(last, instant)
        self.is_sorted = self.is_sorted and (self._before is None or self._before <= instant)
        self._before = instant

    def see_gaps(self, gaps: Iterable[tuple[str, datetime]]) -> None:
        """Add the symbols and times of skipped rows, in any order."""
        for symbol, when in gaps:
            instant = self._local(symbol, when).astimezone(UTC)
            self._passed_over.setdefault(symbol, []).append(instant)
        for instants in self._passed_over.values():
            instants.sort()

    def has_gap(self, symbol: str, since: datetime, until: datetime) -> bool:
        """Return whether a row of the symbol was skipped between two instants."""
        instants = self._passed_over.get(symbol, [])
        at = bisect_right(instants, since)
        return at < len(instants) and instants[at] < until

    def local(self, row: Row) -> datetime:
        """Return the row's time in the file's zone. If the file has no zone, use that of the
        symbol's exchange."""
        return self._local(row.symbol, row.when)

    def _local(self, symbol: str, when: datetime) -> datetime:
        zone = self._zone or zone_of(symbol)
        return when.astimezone(zone) if when.tzinfo else when.replace(tzinfo=zone)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Return the earliest and the latest time of all rows; None without rows."""
        return self._instants

    @property
    def at_midnight(self) -> bool:
        """Return whether all rows are at midnight, either as written or at their exchange."""
        return self._own_midnight or self._local_midnight

    @property
    def seconds(self) -> int | None:
        """Return the usual seconds between a symbol's rows; None if all rows have the same time.

        The result is the smallest distance that is at least half as frequent as the most frequent
        one. Nights and single gaps are rarer than that, and so are half hours before full hours.
        """
        if not self._gaps:
            return None
        most = max(self._gaps.values())
        return min(gap for gap, count in self._gaps.items() if 2 * count >= most)

    @property
    def smallest_is_a_day(self) -> bool:
        """Return whether a symbol's rows are always at least 20 hours apart, as daily rows are."""
        return bool(self._gaps) and min(self._gaps) >= _LIKE_A_DAY

    @property
    def smallest_is_a_week(self) -> bool:
        """Return whether rows are weeks or months. They are if there are at least four distances,
        and each is five days or more."""
        return sum(self._gaps.values()) >= _FEW and min(self._gaps) >= _LIKE_A_WEEK

    def date_of(self, row: Row) -> date:
        """Return the trading day of a row, for a file whose rows are days."""
        return row.when.date() if self._own_midnight else self.local(row).date()

    def instant_of(self, row: Row) -> datetime:
        """Return the row's time in UTC."""
        return (row.when if row.when.tzinfo else self.local(row)).astimezone(UTC)


class Kind(msgspec.Struct, frozen=True):
    """What a file's rows are: `name` is `days`, `bars` or `ticks`; `seconds` is the length of
    bars."""

    name: str
    seconds: int = 0

    @property
    def words(self) -> str:
        """Return a description of the kind for messages."""
        if self.name != "bars":
            return "days" if self.name == "days" else "ticks"
        return f"{length_of(self.seconds)} bars"


def length_of(seconds: int) -> str:
    """Return a length in seconds as text, such as `5m` for 300."""
    for unit, length in (("d", _DAY_SECONDS), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def zone_named(name: str | None, layout: Layout) -> tzinfo | None:
    """Return the zone for times that name none; None stands for the zone of each symbol's
    exchange."""
    if name is not None:
        return ZoneInfo(name)
    return UTC if layout.is_utc or layout.are_ticks else None


def seen(layout: Layout, rows: Iterable[tuple[int, Sequence[str]]]) -> Spelling:
    """Return the Spelling of a file after all of its rows were added."""
    spelling = Spelling(layout)
    for _, cells in rows:
        spelling.see(cells)
    return spelling
