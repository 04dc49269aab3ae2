"""Schemas of reports and their runs in the OpenAPI document."""

from __future__ import annotations

from chalicelib.api.openapi_forms import (
    COUNT,
    FLAG,
    INSTANT,
    TOKEN,
    array,
    count,
    flag,
    list_of,
    nullable,
    number,
    record,
    text,
)
from chalicelib.api.openapi_structs import Schema
from chalicelib.services.reports.reports import MOST_REUSE_MINUTES, REUSE_MINUTES

_VALUES: Schema = {
    "type": "object",
    "description": "The value of each parameter.",
    "additionalProperties": {"type": ["string", "number"]},
}

REPORTS: dict[str, Schema] = {
    "Report": record(
        {
            "name": text(examples=["top_movers"]),
            "title": text(),
            "description": text(),
            "parameters": list_of("ReportParameter"),
            "columns": array(text()),
        }
    ),
    "ReportParameter": record(
        {
            "name": text(),
            "type": text(enum=["date", "symbol", "integer", "decimal", "choice"]),
            "description": text(),
            "required": FLAG,
            "default": {"type": ["string", "number", "null"], "description": "As of today (UTC)."},
            "allowed": text("The allowed values, in words."),
        }
    ),
    "Reports": record({"reports": list_of("Report")}),
    "ReportGiven": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "parameters": {
                "type": ["object", "null"],
                "description": "Those that differ from their defaults, by name.",
            },
            "max_age_minutes": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": MOST_REUSE_MINUTES,
                "description": "The age up to which a result of the same report and parameters is "
                f"reused; {REUSE_MINUTES} by default, 0 for no reuse.",
            },
        },
    },
    "Started": record(
        {
            "run_id": text(),
            "report": text(),
            "state": text(enum=["queued"]),
            "parameters": _VALUES,
        }
    ),
    "Run": record(
        {
            "run_id": text(),
            "report": text(),
            "state": text(enum=["queued", "running", "succeeded", "failed", "cancelled"]),
            "reason": nullable(text("Why it failed or was cancelled.")),
            "parameters": _VALUES,
            "submitted_at": INSTANT,
            "milliseconds": COUNT,
            "bytes_scanned": COUNT,
            "price_usd": number(
                "The bytes scanned at Athena's list price in us-east-1; 0 for a reused result."
            ),
            "lists": count(
                "Estimated LIST requests to S3, which Athena does not report: one "
                "for each scan and partition within the report's dates; partitions of more than a "
                "thousand objects take more. 0 for a reused result."
            ),
            "lists_usd": number("The price of `lists` at S3's list price in us-east-1."),
            "reused": flag("Whether an earlier result was reused."),
            "result_url": nullable(text("The whole result as CSV, in S3.")),
            "result_url_expires_at": nullable(INSTANT),
            "rows": array(
                {
                    "type": "object",
                    "description": "Values by column; null if unknown.",
                    "additionalProperties": {"type": ["string", "number", "null"]},
                }
            ),
            "next_page_token": TOKEN,
        },
        "A run of a report; it has no rows until it has succeeded.",
    ),
}
