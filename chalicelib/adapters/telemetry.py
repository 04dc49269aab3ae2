"""An invocation's counts as one line in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

import msgspec

NAMESPACE = "Ticktape"

log = logging.getLogger("ticktape.metrics")

_UNITS = {"StoreAgeMilliseconds": "Milliseconds", "CompactionBytesScanned": "Bytes"}


def emit(
    function: str, stage: str, counters: Mapping[str, float], now: datetime, **properties: str
) -> None:
    """Log the non-zero counters, with `properties`, texts for searching the log. Does nothing if
    all counters are zero.

    The log record also has them as `counters` and `properties`.
    """
    counted = {name: value for name, value in counters.items() if value}
    if counted:
        line = embedded(function, stage, counted, now, **properties)
        log.info(line, extra={"counters": counted, "properties": properties})


def embedded(
    function: str, stage: str, counters: Mapping[str, float], now: datetime, **properties: str
) -> str:
    """Return the line for CloudWatch. Its only dimension is the stage, so that there are few
    metrics."""
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in counters]
    document = {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["stage"]], "Metrics": metrics}
            ],
        },
        "stage": stage,
        "function": function,
        **counters,
        **properties,
    }
    return msgspec.json.encode(document).decode()
