"""The most expensive of the old designs (000), counted like ours: a stream on demand, one record
per invocation, one object, one item and one message by mail per tick.

Its ingest is `bench.baseline`'s; its second function publishes each item that it receives.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any
from unittest import mock

from bench import feeds
from bench.baseline import Baseline
from bench.counting import Meter, TimedTransport
from costs.counted import Counted
from costs.settings import Settings
from rigs.memory_aws.system import Aws

TICKS = 100
SETTINGS = Settings(stream="on-demand", memory_mb=128, mails=1)
PUT_UNIT_BYTES = 1024
_KEYS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def count() -> Counted:
    """Return the counts for TICKS ticks."""
    aws = Aws()
    memory = TimedTransport(aws)
    with mock.patch.dict(os.environ, _KEYS):
        design = Baseline("prices", "bars", "archive", "topic")
    for client in design.clients:
        name = client.meta.service_model.service_name
        client.meta.events.register("before-send", memory.answers[name])
    meter = Meter(memory, design.clients)
    for record in feeds.kinesis_event(TICKS)["Records"]:
        meter.invoke("ingest", partial(design.ingest, {"Records": [record]}))
        meter.invoke("alert", partial(_publish, design, aws.stream[-1]))
    counted = meter.counted
    counted.ticks = counted.records = counted.alerts = TICKS
    counted.rounded_gb = TICKS * PUT_UNIT_BYTES / 1e9
    return counted


def _publish(design: Baseline, change: dict[str, Any]) -> None:
    image = change["dynamodb"]["NewImage"]
    symbol, price = image["symbol"]["S"], image["price"]["N"]
    design.sns.publish(TopicArn="topic", Subject=f"{symbol}: {price}", Message=str(image))
