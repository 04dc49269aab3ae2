"""Formats counts as one line in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

NAMESPACE = "Ticktape"

_UNITS = {"StoreAgeMilliseconds": "Milliseconds", "CompactionBytesScanned": "Bytes"}


def embedded(
    function: str, stage: str, counters: Mapping[str, float], now: datetime, **properties: str
) -> str:
    """Return the line of a function's counters. `properties` are texts for searching the log. The
    stage is the only dimension, so that there are few metrics."""
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
