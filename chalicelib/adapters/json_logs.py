"""Logs one JSON object per line, each with the id of its request or invocation.

CloudWatch extracts metrics (EMF) only from lines that are entirely a JSON object. Lambda's and
Chalice's own loggers write other lines.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""The attributes that every log record has. A record's other attributes were given as `extra`."""


def correlate(correlation_id: str) -> None:
    """Tag all later log lines with the id of the current request or invocation."""
    _correlation_id.set(correlation_id)


def id_of(event: Any) -> str:
    """Return the id of a Chalice event: API Gateway's for a request, Lambda's for any other."""
    context = event.context
    if isinstance(context, dict):  # Chalice's local gateway gives requests no id
        return str(context.get("requestId", ""))
    return str(context.aws_request_id)


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object. The message of a record with `counters` already is
    JSON."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line. Values that JSON does not support are written as text."""
        if hasattr(record, "counters"):
            return record.getMessage()
        document = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "function": self._function,
            "correlation_id": _correlation_id.get(),
        }
        document |= {name: v for name, v in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(document, enc_hook=str).decode()


def configure(function: str) -> None:
    """Log everything through JsonFormatter, instead of through Lambda's own handler."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(function))
    logging.getLogger().handlers = [handler]
