"""Count the LIST requests that a report makes to S3. Athena itself reports only the bytes scanned.

For each scan of a table, Athena lists each selected partition at least once. For Parquet, these are
partitions in the catalog. For `raw/` and `readings/`, they are all hours of arrival from the
boundary on, even hours without objects, because of partition projection. A partition of more than a
thousand objects takes further requests, which are not counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.services.lake import lake_sql
from chalicelib.services.query_engine import QueryValue
from chalicelib.services.reports.files import Report

HOURS = 24
KEPT = timedelta(minutes=5)
"""How long a container caches what it has read from the catalog."""

_ARRIVED = re.compile(r"\bFROM (?:raw_lines|readings)\b")


class LakeState(msgspec.Struct, frozen=True):
    """The values of the lake that determine how many partitions are listed.

    first_day: the first date of arrival in the partition projection.
    compacted_until, months: as in CompactionState.
    days: dates of the partitions of `ticks`.
    years: how many partitions `history_1d` has.
    """

    first_day: str
    compacted_until: str | None = None
    months: tuple[str, ...] = ()
    days: frozenset[str] = frozenset()
    years: int = 0


class ReportLists:
    """Counts LIST requests from the state of the lake, which is read when needed and cached for
    KEPT."""

    def __init__(self, read: Callable[[], LakeState], clock: Callable[[], datetime]) -> None:
        self._read = read
        self._clock = clock
        self._known: tuple[datetime, LakeState] | None = None

    def __call__(self, report: Report, values: Mapping[str, QueryValue]) -> int:
        """Return the number of LIST requests that a report with these values would make now."""
        now = self._clock()
        if self._known is None or now - self._known[0] > KEPT:
            self._known = now, self._read()
        return lists(report.statement, values, self._known[1], now.date())


def lists(statement: str, values: Mapping[str, QueryValue], state: LakeState, today: date) -> int:
    """Return the number of LIST requests of a statement over the lake's views. A table counts once,
    even if the statement names it several times, for example in WITH."""
    start, end = str(values.get("start", "")), str(values.get("end", "9999"))
    last = min(end, (today + timedelta(days=1)).isoformat())
    arrived = max(0, _days(max(start, state.first_day), last))
    if _reads("quarantine", statement):
        return arrived
    if _reads("raw_lines", statement):
        return HOURS * arrived
    found = 0
    if _reads("all_prices", statement) or _reads("all_ticks", statement):
        found += _of_ticks(start, end, state, today)
    if _reads("all_prices", statement):
        found += _arrivals(lake_sql.bars("1d", state.compacted_until), state, today) + state.years
    return found


def _of_ticks(start: str, end: str, state: LakeState, today: date) -> int:
    until = state.compacted_until or ""
    days = [day for day in state.days if start <= day < end and day <= until]
    parquet = sum(day[:7] not in state.months for day in days) + len(state.months)
    return parquet + _arrivals(lake_sql.all_ticks(state.compacted_until), state, today)


def _arrivals(view: str, state: LakeState, today: date) -> int:
    """Return how many hours of arrival a view lists from the boundary on, over all of its scans."""
    first = max(state.first_day, state.compacted_until or "")
    return len(_ARRIVED.findall(view)) * HOURS * (_days(first, today.isoformat()) + 1)


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def _reads(table: str, statement: str) -> bool:
    return re.search(rf"\bFROM {table}\b", statement) is not None
