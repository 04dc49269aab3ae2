"""Start reports and read their results. Each start is a run; Athena assigns the run's id."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.domain.errors import FieldError, TicktapeError, Unknown
from chalicelib.services.market_data.whole_ranges import read_whole
from chalicelib.services.query_engine import QueryEngine, QueryStatus, QueryValue
from chalicelib.services.reports.costs import requests_usd, scan_usd
from chalicelib.services.reports.files import Report, all_reports, find_report

REUSE_MINUTES = 5
MOST_REUSE_MINUTES = 10_080
"""The most minutes that Athena accepts for reusing a result: seven days."""

MOST_ROWS = 1000
"""The most rows of a page. Athena returns no more in one answer."""

LINK_SECONDS = 900

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBERS = ("double", "real", "float", "decimal")
_WHOLES = ("tinyint", "smallint", "integer", "bigint", "int")


class NoLake(TicktapeError):  # noqa: N818 - named after the problem type
    """This deployment does not have Athena."""


class Run(msgspec.Struct, frozen=True):
    """The progress of a run. `values` has the bound parameters.

    `lists` is the number of LIST requests to S3 that the run would make now; 0 if it is not
    charged.
    """

    run_id: str
    report: Report
    values: dict[str, QueryValue]
    status: QueryStatus
    lists: int = 0

    @property
    def price_usd(self) -> Decimal:
        """Return what Athena charges; 0 if the run has not ended, has failed or reuses a result."""
        return scan_usd(self.status.bytes_scanned) if _is_charged(self.status) else Decimal(0)

    @property
    def lists_usd(self) -> Decimal:
        """Return what S3 charges for the run's LIST requests."""
        return requests_usd(self.lists)


class Rows(msgspec.Struct, frozen=True):
    """A page of a run's rows by column name. `cursor` leads to the next page; None on the last
    page."""

    rows: Sequence[dict[str, Any]] = ()
    cursor: str | None = None


class Reports:
    """Starts reports and reads their runs. `link` is called with `s3://bucket/key` and a number of
    seconds, and returns a link. The link is valid that long and needs no credentials."""

    def __init__(
        self,
        engine: QueryEngine | None,
        link: Callable[[str, int], str],
        lists: Callable[[Report, Mapping[str, QueryValue]], int],
        clock: Callable[[], datetime],
    ) -> None:
        self._lake = engine
        self._link = link
        self._lists = lists
        self._clock = clock

    def all(self) -> list[tuple[Report, dict[str, QueryValue]]]:
        """Return every report with its default values as of today."""
        today = self._clock().date()
        return [
            (report, {p.name: p.preset(today) for p in report.parameters if p.default is not None})
            for report in all_reports()
        ]

    def start(
        self, name: str, given: dict[str, Any], reuse_minutes: int = REUSE_MINUTES
    ) -> tuple[str, dict[str, QueryValue]]:
        """Start a report. Return the id of its run and the values of all parameters.

        Raises Unknown, FieldError, NoLake, StatementRefused.
        """
        report = find_report(name)
        values = report.values(given, self._clock().date())
        bound = report.bound(values)
        return self._engine.start(report.statement, bound, reuse_minutes=reuse_minutes), values

    def run(self, run_id: str) -> Run:
        """Return the progress of a run. Raises NoLake, and Unknown if no run of a report has this
        id."""
        status = self._engine.status(run_id) if _RUN_ID.fullmatch(run_id) else None
        report = next((r for r in all_reports() if status and r.statement == status.sql), None)
        if status is None or report is None:
            raise Unknown("run", run_id)
        values = dict(zip(report.order, map(_unquoted, status.parameters), strict=True))
        ordered = {parameter.name: values[parameter.name] for parameter in report.parameters}
        lists = self._lists(report, ordered) if _is_charged(status) else 0
        return Run(run_id, report, ordered, status, lists)

    def rows(self, run: Run, limit: int | None, page_token: str | None) -> Rows:
        """Return a page of at most `limit` rows of a run that succeeded. Without a limit, return
        all rows. Raises TooLarge, BadPosition."""

        def read(token: str | None) -> Rows:
            return self._rows(run, MOST_ROWS if limit is None else min(limit, MOST_ROWS), token)

        return read_whole(read, page_token) if limit is None else read(page_token)

    def _rows(self, run: Run, limit: int, page_token: str | None) -> Rows:
        found = self._engine.rows(run.run_id, limit=limit, page_token=page_token)
        read = [_reader(kind) for kind in found.types]
        rows = tuple(
            {
                name: None if value is None else convert(value)
                for name, convert, value in zip(found.columns, read, row, strict=True)
            }
            for row in found.rows
        )
        return Rows(rows, found.next_token)

    def link(self, run: Run) -> str | None:
        """Return a link to the CSV file with a run's result; None unless the run succeeded."""
        if run.status.state != "succeeded" or run.status.location is None:
            return None
        return self._link(run.status.location, LINK_SECONDS)

    @property
    def _engine(self) -> QueryEngine:
        if self._lake is None:
            raise NoLake("this deployment has no Athena: ATHENA_WORKGROUP is not set")
        return self._lake


def _is_charged(status: QueryStatus) -> bool:
    ran = status.state == "succeeded" or (status.state == "cancelled" and status.bytes_scanned > 0)
    return ran and not status.reused


def reuse_minutes(given: Any) -> int:
    """Return how many minutes old a reused result may be; 0 if results are not reused. If `given`
    is None, return the default. Raises FieldError."""
    if given is None:
        return REUSE_MINUTES
    if type(given) is not int or not 0 <= given <= MOST_REUSE_MINUTES:
        allowed = f"a whole number of minutes from 0 to {MOST_REUSE_MINUTES}"
        raise FieldError("max_age_minutes", given, allowed)
    return given


def _unquoted(literal: str) -> QueryValue:
    """Return the value of a bound parameter from its SQL literal."""
    if literal.startswith("'"):
        return literal[1:-1].replace("''", "'")
    return int(literal) if literal.lstrip("-").isdigit() else Decimal(literal)


def _reader(kind: str) -> Callable[[str], Any]:
    if kind in _WHOLES:
        return int
    if kind.startswith("decimal"):
        return _decimal
    return _float if kind in _NUMBERS else str


def _decimal(text: str) -> Decimal:
    """Return a decimal without the zeros that pad it to a column's scale."""
    value = Decimal(text).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def _float(text: str) -> float | None:
    """Return a float; None if JSON cannot represent it."""
    value = float(text)
    return value if math.isfinite(value) else None
