"""A run's counts as one line in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

NAMESPACE = "Ticktape"


def embedded(stage: str, counts: Mapping[str, int], now: datetime, **properties: str) -> str:
    """Return the line; counts of 0 are omitted. Its `event` distinguishes it from the producer's
    other lines."""
    counted = {name: value for name, value in counts.items() if value}
    metrics = [{"Name": name, "Unit": "Count"} for name in counted]
    document = {
        "_aws": {
            "Timestamp": int(now.timestamp() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["stage"]], "Metrics": metrics}
            ],
        },
        "event": "metrics",
        "stage": stage,
        "function": "collector",
        **counted,
        **properties,
    }
    return msgspec.json.encode(document).decode()
