"""The Lambda function `producer.collector.function.handler`. EventBridge starts it each minute."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

from producer import building, region
from producer.collector.clocks import Clocks
from producer.collector.collector import Collector, Context
from producer.collector.engine import Engine
from producer.collector.items import Items
from producer.collector.lease import Lease
from producer.collector.memory_store import MemoryStore
from producer.collector.settings import load
from producer.collector.sources import Sourcing
from producer.collector.tenure import Tenure
from producer.hours import MarketHours
from producer.publishing import into
from producer.reporting import JsonReporter
from producer.sinks import aws
from producer.status import Status

ATTEMPTS = 3
"""Attempts to read or write an item of the table."""


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Collect prices for the rest of the minute. Raises ProducerError with the reason for a
    failure."""
    return collector().run(event, context)


@cache
def reporter() -> JsonReporter:
    """Return the reporter that writes the function's log."""
    return JsonReporter(sys.stdout)


@cache
def collector() -> Collector:
    """Return the container's collector. Raises UsageError, which names the invalid variable."""
    region.adopt(os.environ)
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):  # a function may write to this folder alone
        os.environ.setdefault("XDG_CACHE_HOME", tempfile.gettempdir())
    return make(os.environ, reporter(), Clocks())


def make(environ: Mapping[str, str], log: JsonReporter, clocks: Clocks) -> Collector:
    """Make the collector from environment variables. Raises UsageError, which names the invalid
    one."""
    settings = load(environ)
    status = Status(log.tell, now=clocks.steady)
    hours = MarketHours(status.note)
    client = aws.client("dynamodb", ATTEMPTS)
    items = Items(client, settings.table, clocks.now)
    lease = Lease(items)
    tenure = Tenure(lease, clocks)
    sourcing = Sourcing(settings, client, status, hours, clocks.steady, clocks.now)
    sink = building.make_sink(settings.options)
    engine = Engine(sourcing, MemoryStore(items), sink, status, tenure, clocks.now)
    return Collector(
        stage=settings.stage,
        lease=lease,
        tenure=tenure,
        engine=engine,
        hours=hours,
        interval=settings.options.interval or 0.0,
        status=status,
        connect=lambda: into(client, settings.table),
        out=log.write_line,
        clocks=clocks,
    )
