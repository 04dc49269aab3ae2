"""Read recorded alerts of one symbol, or of all symbols over some days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire import MAX_AHEAD
from chalicelib.services.market_data.queries import MAX_DAYS, AlertQuery, Range
from chalicelib.services.stores import AlertStore, Page

_READ_AHEAD = 200
"""How many alerts are read at once if only one condition is wanted. Alerts of other conditions are
then skipped."""

MOST_READ = 20_000
"""The most alerts read for one answer. A page that reaches it may be short, although others
follow."""


class RangeTooLong(ValueError):  # noqa: N818 - named after the problem type
    """A request for all symbols covers more than MAX_DAYS days. `args` has the start of the
    range."""


class AlertTable(msgspec.Struct, frozen=True):
    """A page of alerts. The next page begins after the position `after`; None on the last page."""

    rows: list[StoredAlert]
    after: str | None


class AlertHistory:
    """Reads recorded alerts. `clock` returns the present as an aware datetime."""

    def __init__(self, store: AlertStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def alerts(self, query: AlertQuery) -> AlertTable:
        """Return one page of alerts, ordered by the times of their ticks.

        If neither a symbol nor a range is given, alerts of the last MAX_DAYS days are read. Raises
        RangeTooLong.
        """
        found = self._of_symbol(query) if query.symbol else self._of_days(query)
        rows: list[StoredAlert] = []
        position = None
        for read, alert in enumerate(found):
            if len(rows) == query.limit or read == MOST_READ:
                return AlertTable(rows, position)
            position = position_of(alert, query.symbol is None)
            if query.condition in (None, alert.alert.condition):
                rows.append(alert)
        return AlertTable(rows, None)

    def _of_symbol(self, query: AlertQuery) -> Iterator[StoredAlert]:
        def read(after: str | None) -> Page[StoredAlert]:
            return self._store.by_symbol(
                query.symbol or "",
                query.range.start,
                query.range.end,
                limit=self._page(query),
                descending=query.descending,
                after_key=after,
            )

        yield from _walk(read, query.after)

    def _of_days(self, query: AlertQuery) -> Iterator[StoredAlert]:
        reach = self._days_range(query.range)
        for day in _days(reach, query):
            yield from self._of_day(day, reach, query)

    def _of_day(self, day: str, reach: Range, query: AlertQuery) -> Iterator[StoredAlert]:
        def read(after: str | None) -> Page[StoredAlert]:
            return self._store.by_day(
                day,
                reach.start,
                reach.end,
                limit=self._page(query),
                descending=query.descending,
                after_key=after,
            )

        after = query.after if query.after and query.after[:10] == day else None
        if after is None or reach.holds(_time_of(after)):
            yield from _walk(read, after)
        elif _is_ahead(reach, after, query.descending):
            yield from _walk(read, None)

    def _days_range(self, asked: Range) -> Range:
        """Return the range with default values for missing ends. Raises RangeTooLong if it exceeds
        MAX_DAYS days."""
        span = timedelta(days=MAX_DAYS)
        try:
            end = from_text(asked.end) if asked.end else self._default_end(asked.start, span)
            start = from_text(asked.start) if asked.start else end - span
        except OverflowError as error:
            raise RangeTooLong(asked.start) from error
        if end - start > span:
            raise RangeTooLong(asked.start)
        return Range(to_text(start), to_text(end))

    def _default_end(self, start: str | None, span: timedelta) -> datetime:
        """Return the end of a range without one: the latest time that a tick may have now (the
        present plus MAX_AHEAD). With a `start`, the end is at most `span` later."""
        end = self._clock() + MAX_AHEAD + timedelta(seconds=1)
        return min(end, from_text(start) + span) if start else end

    def _page(self, query: AlertQuery) -> int:
        """Return how many alerts to read. One more than requested shows whether others follow."""
        return max(query.limit + 1, _READ_AHEAD if query.condition else 0)


def position_of(alert: StoredAlert, by_day: bool) -> str:
    """Return an alert's sort key, among the alerts of its day if `by_day`, else among its
    symbol's."""
    one = alert.alert
    middle = f"#{one.symbol}" if by_day else ""
    return f"{one.timestamp}{middle}#{one.rule_id}"


def _time_of(position: str) -> str:
    return position.partition("#")[0]


def _is_ahead(reach: Range, position: str, descending: bool) -> bool:
    """Return whether a position lies before the whole range, in reading order. A default range
    moves with the clock, so it may have passed the position of an earlier page."""
    time = _time_of(position)
    return time >= (reach.end or "") if descending else time < (reach.start or "")


def _walk(
    read: Callable[[str | None], Page[StoredAlert]], after: str | None
) -> Iterator[StoredAlert]:
    """Yield all alerts after a position. Pages are read as needed."""
    while True:
        page = read(after)
        yield from page.rows
        if page.next_key is None or not page.rows:
            return
        after = page.next_key


def _days(reach: Range, query: AlertQuery) -> Iterator[str]:
    """Yield the UTC days of a range in the requested order, beginning with the day of the query's
    position."""
    first = date.fromisoformat((reach.start or "")[:10])
    last = date.fromisoformat((reach.end or "")[:10])
    days = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    if query.descending:
        days.reverse()
    for day in days:
        passed = query.after is not None and (
            day > query.after[:10] if query.descending else day < query.after[:10]
        )
        if not passed:
            yield day
