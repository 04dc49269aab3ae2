"""Sets how long the embedded AWS keeps objects: as long as a deployment does by default."""

from __future__ import annotations

from typing import Any

from infra.resources import Resources

KEPT_DAYS: dict[str, dict[str, int]] = {
    "archive": {
        "raw/": 365,
        "readings/": 365,
        "ticks/": 3650,
        "ticks_by_month/": 3650,
        "bars_1m/": 3650,
        "history_1d/": 3650,
        "history_1h/": 3650,
        "quarantine/": 90,
        "results/": 7,
    },
    "failures": {"aws/lambda/": 90},
}
"""Days by bucket and prefix, which are the defaults of `retention_days` in infra/variables.tf."""


def put_rules(s3: Any, resources: Resources) -> None:
    """Set the lifecycle rules of the embedded AWS's buckets."""
    for bucket, kept in KEPT_DAYS.items():
        s3.put_bucket_lifecycle_configuration(
            Bucket=resources.name(bucket),
            LifecycleConfiguration={"Rules": [_rule(*entry) for entry in kept.items()]},
        )


def _rule(prefix: str, days: int) -> dict[str, Any]:
    return {
        "ID": prefix.strip("/").replace("/", "-"),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
    }
