"""Names a stage's resources and makes its functions' environment, from `infra/resources.json`.

Terraform reads the same file. Its output `environment` has the same keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_name("resources.json")


class Resources(msgspec.Struct, frozen=True):
    """The contents of `resources.json`, and the stage, which is part of every name."""

    stage: str
    app: str
    stream: dict[str, Any]
    queues: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    buckets: dict[str, dict[str, Any]]
    topics: dict[str, dict[str, Any]]
    functions: dict[str, dict[str, Any]]

    def name(self, key: str) -> str:
        """Return a resource's name, such as `ticktape-local-prices` for `prices`."""
        return f"{self.prefix}-{key}"

    @property
    def prefix(self) -> str:
        """Return the prefix of names, such as `ticktape-local`, which is the workgroup's name."""
        return f"{self.app}-{self.stage}"

    @property
    def database(self) -> str:
        """Return the name of Glue's database, such as `ticktape_local`."""
        return self.prefix.replace("-", "_")


def load(stage: str = "local") -> Resources:
    """Return the resources of a stage."""
    return msgspec.convert({**json.loads(FILE.read_text()), "stage": stage}, Resources)


def sinks(resources: Resources, sqs: Any) -> dict[str, str]:
    """Return the stream and the queue for ticks by the names of the app's settings. Both exist, and
    a system reads one of them."""
    queue = resources.name("ticks.fifo")
    return {
        "TICKS_STREAM": resources.name(resources.stream["key"]),
        "TICKS_QUEUE": queue,
        "TICKS_QUEUE_URL": sqs.get_queue_url(QueueName=queue)["QueueUrl"],
    }


def environment(
    resources: Resources,
    *,
    ingest: str,
    queue_urls: Mapping[str, str],
    topic_arn: str,
    stream_arns: Mapping[str, str],
    channels_key: str = "",
    has_lake: bool = True,
) -> dict[str, str]:
    """Return the variables that name resources. `ingest` is "kinesis" or "sqs"; `queue_urls` and
    `stream_arns` have the keys of queues and tables in `resources.json`."""
    variables = {f"{key.upper()}_TABLE": resources.name(key) for key in resources.tables}
    variables |= {f"{key.upper()}_BUCKET": resources.name(key) for key in resources.buckets}
    variables |= {
        "STAGE": resources.stage,
        "ALERTS_TOPIC_ARN": topic_arn,
        "PRICES_STREAM_ARN": stream_arns["prices"],
        "ALERTS_STREAM_ARN": stream_arns["alerts"],
        "DELIVERIES_QUEUE": resources.name("deliveries"),
        "DELIVERIES_QUEUE_URL": queue_urls["deliveries"],
        "DELIVERIES_DEAD_QUEUE_URL": queue_urls["deliveries-dead"],
    }
    if channels_key:
        variables["CHANNELS_KEY"] = channels_key
    if has_lake:
        variables["ATHENA_WORKGROUP"] = resources.prefix
        variables["ATHENA_DATABASE"] = resources.database
    if ingest == "kinesis":
        return {**variables, "TICKS_STREAM": resources.name(resources.stream["key"])}
    name = resources.name("ticks.fifo")
    return {**variables, "TICKS_QUEUE": name, "TICKS_QUEUE_URL": queue_urls["ticks.fifo"]}
