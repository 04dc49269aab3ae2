"""Views of the reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.problems import Problem, invalid_field
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.errors import BadPosition
from chalicelib.domain.times import to_text
from chalicelib.services.query_engine import QueryValue
from chalicelib.services.reports.files import Parameter, Report
from chalicelib.services.reports.reports import LINK_SECONDS, Run, reuse_minutes

RUN = ("limit", "page_token", "format")
BODY = ("parameters", "max_age_minutes")

_LIST_SECONDS = 300
_RUN_SECONDS = 60


def reports(services: Services, request: Any) -> Response:
    """List all reports, with their parameters and columns."""
    rows = [_report(report, presets) for report, presets in services.reports.all()]
    return rendering.document(request, {"reports": rows}, caching(services, _LIST_SECONDS))


def start_report(services: Services, request: Any, name: str) -> Response:
    """Start a report and return the id of its run."""
    given = bodies.read_object(request)
    for field in given:
        if field not in BODY:
            raise invalid_field(field, given[field], f"fields: {', '.join(BODY)}")
    values = given.get("parameters")
    if not isinstance(values, dict | None):
        raise invalid_field("parameters", values, "an object of the report's parameters")
    reuse = reuse_minutes(given.get("max_age_minutes"))
    run_id, bound = services.reports.start(name, values or {}, reuse)
    started = {"run_id": run_id, "report": name, "state": "queued", "parameters": bound}
    return rendering.plain(started, status=202, headers={"Location": f"runs/{run_id}"})


def report_run(services: Services, request: Any, run_id: str) -> Response:
    """Return the state of a report's run and, once the run has succeeded, a page of its rows."""
    arguments = parameters.read(request, f"/reports/runs/{run_id}", RUN)
    limit = arguments.row_limit()
    position = arguments.position(1)
    run = services.reports.run(run_id)
    if run.status.state != "succeeded":
        if arguments.wants_csv():
            raise Problem(409, _without_rows(run))
        return rendering.plain(
            _run(run) | _link(services, run) | {"rows": (), "next_page_token": None}  # nosec B105 - of a page
        )
    try:
        found = services.reports.rows(run, limit, position[0] if position else None)
    except BadPosition as error:
        raise arguments.refused_token() from error
    token = arguments.next_token([found.cursor]) if found.cursor else None
    page = rendering.Page("rows", run.report.columns, found.rows, token)
    payload = _run(run) | _link(services, run)
    return rendering.table(request, payload, page, arguments, caching(services, _RUN_SECONDS))


def _without_rows(run: Run) -> str:
    status = run.status
    return f"the run is {status.state}: {status.reason or 'there are no rows yet; ask again'}"


def _report(report: Report, presets: dict[str, QueryValue]) -> dict[str, Any]:
    return {
        "name": report.name,
        "title": report.title,
        "description": report.description,
        "parameters": [_parameter(one, presets.get(one.name)) for one in report.parameters],
        "columns": report.columns,
    }


def _parameter(parameter: Parameter, preset: QueryValue | None) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.kind,
        "description": parameter.meaning,
        "required": parameter.default is None,
        "default": preset,
        "allowed": parameter.allowed,
    }


def _run(run: Run) -> dict[str, Any]:
    status = run.status
    return {
        "run_id": run.run_id,
        "report": run.report.name,
        "state": status.state,
        "reason": status.reason if status.state in ("failed", "cancelled") else None,
        "parameters": run.values,
        "submitted_at": to_text(status.submitted_at),
        "milliseconds": status.milliseconds,
        "bytes_scanned": status.bytes_scanned,
        "price_usd": run.price_usd,
        "lists": run.lists,
        "lists_usd": run.lists_usd,
        "reused": status.reused,
    }


def _link(services: Services, run: Run) -> dict[str, Any]:
    link = services.reports.link(run)
    until = services.clock() + timedelta(seconds=LINK_SECONDS)
    return {"result_url": link, "result_url_expires_at": to_text(until) if link else None}
