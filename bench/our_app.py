"""The app as Lambda loads it, wired to an endpoint of the benchmark's."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.null_aws import NullAws, null_aws
from chalicelib import bootstrap

TABLES = ("prices", "bars", "state", "alerts", "rules", "symbols")
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
ENVIRONMENT = {
    **{f"{name.upper()}_TABLE": name for name in TABLES},
    "STAGE": "bench",
    "ARCHIVE_BUCKET": "archive",
    "FAILURES_BUCKET": "failures",
    "ALERTS_TOPIC_ARN": TOPIC,
    "PRICES_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/1",
    "TICKS_STREAM": "ticks",
    "READ_ACCESS": "open",
}


@contextmanager
def our_app() -> Iterator[tuple[Any, NullAws]]:
    """The module `app`, freshly imported, and the endpoint that its clients go to."""
    with null_aws() as aws:
        os.environ.update(ENVIRONMENT)
        forget()
        try:
            yield importlib.import_module("app"), aws
        finally:
            forget()


def forget() -> None:
    """Start a new container: no settings, services or clients are kept."""
    sys.modules.pop("app", None)
    bootstrap.get_settings.cache_clear()
    bootstrap.get_services.cache_clear()
