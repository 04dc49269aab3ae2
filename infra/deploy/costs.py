"""Computes the fixed monthly costs of a stage's resources, which are printed before the stage is
created.

Terraform's plan lacks the costs that running functions cause at any load: see costs/pricing.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from costs.list_prices import Prices, prices

Resources = Sequence[Mapping[str, Any]]


class Line(msgspec.Struct, frozen=True):
    """The cost of an item: its name, its count, and its USD per month."""

    what: str
    count: int
    usd: float


def planned(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all resources of a plan that `terraform show -json` printed, also those of modules."""

    def of(module: Mapping[str, Any]) -> list[dict[str, Any]]:
        nested = [found for child in module.get("child_modules", []) for found in of(child)]
        return [*module.get("resources", []), *nested]

    return of(plan["planned_values"]["root_module"])


def lines(resources: Resources, listed: Prices) -> list[Line]:
    """Return the fixed costs of the planned resources, less what AWS grants free of charge."""
    shards, on_demand = _shards(resources), _on_demand(resources)
    alarms = sum(
        _alarm_metrics(r["values"]) for r in _of_kind(resources, "aws_cloudwatch_metric_alarm")
    )
    dashboards = len(_of_kind(resources, "aws_cloudwatch_dashboard"))
    keys = len(_of_kind(resources, "aws_kms_key"))
    tasks = [found["values"] for found in _of_kind(resources, "aws_ecs_task_definition")]
    hours = listed.hours_a_month
    found = [
        Line("Kinesis shards", shards, listed.of("kinesis_shard_hour", shards * hours)),
        Line(
            "Kinesis on demand", on_demand, listed.of("kinesis_on_demand_hour", on_demand * hours)
        ),
        Line("KMS keys", keys, listed.of("key_month", keys)),
        Line(
            "alarm metrics",
            alarms,
            listed.of("alarm_metric_month", max(0, alarms - listed.free["alarm_metrics"])),
        ),
        Line(
            "dashboards",
            dashboards,
            listed.of("dashboard_month", max(0, dashboards - listed.free["dashboards"])),
        ),
        Line("Fargate tasks", len(tasks), sum(_task(values, listed) for values in tasks)),
        Line(
            "public IPv4 addresses", len(tasks), listed.of("public_ipv4_hour", len(tasks) * hours)
        ),
    ]
    return [line for line in found if line.count]


def described(found: Sequence[Line], listed: Prices) -> list[str]:
    """Return the costs as lines to print."""
    total = f"{sum(line.usd for line in found):.2f} USD a month for these resources"
    listing = f"at list prices of {listed.as_of}, {listed.region}"
    return [
        *(f"  {line.count:>3} {line.what:<21} {line.usd:7.2f} USD a month" for line in found),
        f"  fixed: {total}, {listing}",
        "  not included: what the functions cause at any load (docs/deploying.md#what-it-costs)",
        "  everything else is charged by use",
    ]


def of_plan(text: str) -> list[str]:
    """Return the fixed costs of a plan in JSON, as lines to print."""
    listed = prices()
    return described(lines(planned(json.loads(text)), listed), listed)


def _of_kind(resources: Resources, kind: str) -> list[Mapping[str, Any]]:
    return [found for found in resources if found["type"] == kind and found["mode"] == "managed"]


def _shards(resources: Resources) -> int:
    streams = [found["values"] for found in _of_kind(resources, "aws_kinesis_stream")]
    return sum(int(values.get("shard_count") or 0) for values in streams)


def _on_demand(resources: Resources) -> int:
    streams = [found["values"] for found in _of_kind(resources, "aws_kinesis_stream")]
    return sum(
        any(mode["stream_mode"] == "ON_DEMAND" for mode in values["stream_mode_details"])
        for values in streams
    )


def _task(values: Mapping[str, Any], listed: Prices) -> float:
    """Return the monthly cost of a Fargate task. `cpu` is in 1024ths of a vCPU, `memory` in MB."""
    cpu, gb = int(values["cpu"]) / 1024, int(values["memory"]) / 1024
    hours = listed.hours_a_month
    return listed.of("fargate_vcpu_hour", cpu * hours) + listed.of("fargate_gb_hour", gb * hours)


def _alarm_metrics(values: Mapping[str, Any]) -> int:
    """Return the number of metrics that an alarm is charged for: the metrics of its expression."""
    queries = values.get("metric_query") or []
    return sum(1 for query in queries if query.get("metric")) or 1
