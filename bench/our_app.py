"""Imports the app as Lambda does, connected to an endpoint of the benchmark."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from bench.null_aws import NullAws, null_aws
from bench.stored import NEWEST
from chalicelib import bootstrap
from chalicelib.adapters.clients import Clients
from chalicelib.tables import TableNames

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
ENVIRONMENT = {
    **{name.upper(): name.removesuffix("_table") for name in TableNames.__struct_fields__},
    "STAGE": "bench",
    "ARCHIVE_BUCKET": "archive",
    "FAILURES_BUCKET": "failures",
    "ALERTS_TOPIC_ARN": TOPIC,
    "PRICES_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/1",
    "ALERTS_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/alerts/stream/1",
    "DELIVERIES_QUEUE": "deliveries",
    "DELIVERIES_QUEUE_URL": "http://127.0.0.1:9/123456789012/deliveries",
    "DELIVERIES_DEAD_QUEUE_URL": "http://127.0.0.1:9/123456789012/deliveries-dead",
    "TICKS_STREAM": "ticks",
    "READ_ACCESS": "open",
}


class OurApp(NamedTuple):
    """The module `app`, the endpoint that its clients use, and the clients."""

    handlers: Any
    aws: NullAws
    clients: Clients


@contextmanager
def our_app() -> Iterator[OurApp]:
    """Start a new container at the feeds' time. `app` is imported afresh, without earlier settings
    or services."""
    with null_aws() as aws:
        os.environ.update(ENVIRONMENT)
        bootstrap.get_settings.cache_clear()
        sys.modules.pop("app", None)
        clients = Clients()
        services = bootstrap.Services(bootstrap.get_settings(), lambda: NEWEST, clients)
        try:
            with patch.object(bootstrap, "get_services", lambda: services):
                yield OurApp(importlib.import_module("app"), aws, clients)
        finally:
            sys.modules.pop("app", None)
            bootstrap.get_settings.cache_clear()
