"""Counts of an invocation, as one line in CloudWatch's embedded metric format.

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


def emit(function: str, stage: str, counters: Mapping[str, float], now: datetime) -> None:
    """Write the counters that are not zero; the record also carries them as `counters`."""
    counted = {name: value for name, value in counters.items() if value}
    if counted:
        log.info(embedded(function, stage, counted, now), extra={"counters": counted})


def embedded(function: str, stage: str, counters: Mapping[str, float], now: datetime) -> str:
    """The line for CloudWatch: dimensions are the stage alone, which keeps the metrics few."""
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
    }
    return msgspec.json.encode(document).decode()
