"""Logs as they leave Lambda."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters import json_logs
from chalicelib.domain.metric_lines import embedded


def formatted(message: str, *args: object, **extra: Any) -> dict[str, Any]:
    """Return the formatted warning."""
    record = logging.getLogger("ticktape.test").makeRecord(
        "ticktape.test", logging.WARNING, "file", 1, message, args, None, extra=extra
    )
    document: dict[str, Any] = json.loads(json_logs.JsonFormatter("ingest").format(record))
    return document


def test_line_is_one_object_with_the_correlation_id() -> None:
    json_logs.correlate("request-1")
    document = formatted(
        "quarantined %s", "x", key="raw/1", seen={datetime(2026, 1, 1, tzinfo=UTC)}
    )
    assert document["message"] == "quarantined x"
    assert document["level"] == "WARNING"
    assert document["correlation_id"] == "request-1"
    assert document["function"] == "ingest"
    assert document["key"] == "raw/1"
    assert document["seen"] == ["2026-01-01T00:00:00Z"]
    assert document["timestamp"].endswith("+00:00")


def test_line_breaks_and_tracebacks_stay_within_the_object() -> None:
    try:
        int("first\nsecond")
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("ticktape", logging.ERROR, "file", 1, "a\nb", (), info)
    line = json_logs.JsonFormatter("detect").format(record)
    assert "\n" not in line
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_metrics_leave_as_cloudwatch_reads_them() -> None:
    text = embedded("detect", "dev", {"Alerts": 2}, datetime(2026, 1, 1, tzinfo=UTC))
    document = formatted(text, counters={"Alerts": 2})
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Ticktape"
    assert document["Alerts"] == 2


@pytest.mark.parametrize(
    ("context", "expected"),
    [({"requestId": "gateway"}, "gateway"), (SimpleNamespace(aws_request_id="lambda"), "lambda")],
)
def test_id_is_the_gateways_or_lambdas(context: Any, expected: str) -> None:
    assert json_logs.id_of(SimpleNamespace(context=context)) == expected


def test_everything_leaves_by_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers
    try:
        json_logs.configure("api")
        logging.getLogger("anything").error("told")
    finally:
        root.handlers = before
    assert json.loads(capsys.readouterr().out)["message"] == "told"
