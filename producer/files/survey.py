"""Detects a file's format: how it writes dates and numbers, and what its rows are.

Both are decided once, from all rows. A row that does not fit is skipped; it does not change how
others are read.
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
    """Detects from all cells how the file writes dates and numbers."""

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
        """Add a row."""
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
        """Return whether dates look like 03/04/2024, and none shows if its day or its month comes
        first."""
        return self._open_dates > 0 and not self._orders

    def written(self, *, day_first: bool, decimal_comma: bool) -> Written:
        """Return the format that most cells show. `day_first` and `decimal_comma` apply to what no
        cell shows."""
        order: Order = "day" if day_first else "month"
        if self._orders:
            order = self._orders.most_common(1)[0][0]
        mark: Mark = "," if decimal_comma and not self._marks else "."
        if self._marks:
            mark = self._marks.most_common(1)[0][0]
        return Written(order, mark)


class Spacing:
    """Detects from all times whether rows are days, or how long their bars are."""

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
        """Add a row with its time as written."""
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
        """Add symbol and time of skipped rows, in any order."""
        for symbol, when in gaps:
            instant = self._local(symbol, when).astimezone(UTC)
            self._passed_over.setdefault(symbol, []).append(instant)
        for instants in self._passed_over.values():
            instants.sort()

    def has_gap(self, symbol: str, since: datetime, until: datetime) -> bool:
        """Return whether a row was skipped between two instants of the symbol's rows."""
        instants = self._passed_over.get(symbol, [])
        at = bisect_right(instants, since)
        return at < len(instants) and instants[at] < until

    def local(self, row: Row) -> datetime:
        """Return the row's time in its file's zone or its exchange's."""
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
        """Return whether all rows are at midnight, as written or at their exchange."""
        return self._own_midnight or self._local_midnight

    @property
    def seconds(self) -> int | None:
        """Return the smallest distance of a symbol's rows that is at least half as frequent as the
        most frequent distance.

        None if all rows have the same time. Nights are rarer than the distances between bars. So
        are single gaps, and half hours before full ones.
        """
        if not self._gaps:
            return None
        most = max(self._gaps.values())
        return min(gap for gap, count in self._gaps.items() if 2 * count >= most)

    @property
    def smallest_is_a_day(self) -> bool:
        """Return whether rows of a symbol are always at least 20 hours apart, as trading days
        are."""
        return bool(self._gaps) and min(self._gaps) >= _LIKE_A_DAY

    @property
    def smallest_is_a_week(self) -> bool:
        """Return whether rows are weeks or months: at least four distances, each of five days or
        more."""
        return sum(self._gaps.values()) >= _FEW and min(self._gaps) >= _LIKE_A_WEEK

    def date_of(self, row: Row) -> date:
        """Return the trading day of a daily row."""
        return row.when.date() if self._own_midnight else self.local(row).date()

    def instant_of(self, row: Row) -> datetime:
        """Return the row's time in UTC."""
        return (row.when if row.when.tzinfo else self.local(row)).astimezone(UTC)


class Kind(msgspec.Struct, frozen=True):
    """What a file's rows are: `name` is `days`, `bars` or `ticks`, `seconds` the length of bars."""

    name: str
    seconds: int = 0

    @property
    def words(self) -> str:
        """Return the kind in words for messages."""
        if self.name != "bars":
            return "days" if self.name == "days" else "ticks"
        return f"{length_of(self.seconds)} bars"


def length_of(seconds: int) -> str:
    """Return a length as text: `5m` for 300."""
    for unit, length in (("d", _DAY_SECONDS), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def zone_named(name: str | None, layout: Layout) -> tzinfo | None:
    """Return the zone of times that name none; None stands for each symbol's exchange."""
    if name is not None:
        return ZoneInfo(name)
    return UTC if layout.is_utc or layout.are_ticks else None


def seen(layout: Layout, rows: Iterable[tuple[int, Sequence[str]]]) -> Spelling:
    """Return how the rows of a file spell dates and numbers."""
    spelling = Spelling(layout)
    for _, cells in rows:
        spelling.see(cells)
    return spelling
