"""Survey new raw objects: find the days and periods in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.compact_plan import DAYS, by_date, chunked
from chalicelib.services.lake.compact_writing import Statements
from chalicelib.services.lake.lake_sql import HISTORY
from chalicelib.services.lake.stores import Changed


def found_ticks(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Return pairs of a trading day and a date of arrival, for the ticks in new objects."""
    for day, arrival in _new(changed, statements, lake_sql.survey):
        if day and arrival:
            yield day, arrival


def found_bars(changed: Changed, statements: Statements) -> Iterable[tuple[str, str]]:
    """Return pairs of a period such as `1d 2026` and a date of arrival, for the historical bars in
    new objects."""
    for bar, month, arrival in _new(changed, statements, lake_sql.raw_bars_survey):
        if bar and month and arrival:
            yield f"{bar} {HISTORY[bar].period_of(month)}", arrival


def _new(
    changed: Changed, statements: Statements, survey: Callable[..., str]
) -> Iterable[tuple[str | None, ...]]:
    """Yield the rows of a survey that come from new objects, without the objects' names."""
    new = {name for names in changed.hours.values() for name in names or ()}
    whole = [hour for hour, names in changed.hours.items() if names is None]
    mixed = [hour for hour, names in changed.hours.items() if names is not None]
    for hours, by_object in ((whole, False), (mixed, True)):
        for some in chunked(by_date(hours), DAYS):
            arrived = [hour for date in some for hour in date]
            for *row, name in statements.rows(survey(arrived, by_object)):
                if not by_object or name in new:
                    yield tuple(row)
