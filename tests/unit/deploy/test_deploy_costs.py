"""The report of fixed costs before anything is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costs.list_prices import Price, Prices
from infra.deploy.costs import described, lines, planned
from tools.contents import anchor, headings

ROOT = Path(__file__).resolve().parents[3]

USD = {
    "kinesis_shard_hour": 0.015,
    "kinesis_on_demand_hour": 0.04,
    "key_month": 1.0,
    "alarm_metric_month": 0.1,
    "dashboard_month": 3.0,
    "fargate_vcpu_hour": 0.04,
    "fargate_gb_hour": 0.004,
    "public_ipv4_hour": 0.005,
}
PRICES = Prices(
    as_of="2026-01-01",
    region="us-east-1",
    hours_a_month=730,
    usd={name: Price(usd, "piece", "https://aws.amazon.com/") for name, usd in USD.items()},
    free={"alarm_metrics": 10, "dashboards": 3},
)


def resource(kind: str, **values: Any) -> dict[str, Any]:
    """A planned resource."""
    return {"type": kind, "mode": "managed", "values": values}


def total(*resources: dict[str, Any]) -> float:
    """USD a month."""
    return sum(line.usd for line in lines(resources, PRICES))


def stream(mode: str, shards: int | None) -> dict[str, Any]:
    """A Kinesis stream."""
    modes = [{"stream_mode": mode}]
    return resource("aws_kinesis_stream", shard_count=shards, stream_mode_details=modes)


def test_shards_cost_by_the_hour() -> None:
    assert total(stream("PROVISIONED", 2)) == pytest.approx(21.90)


def test_stream_on_demand_costs_by_the_hour_too() -> None:
    assert total(stream("ON_DEMAND", None)) == pytest.approx(29.20)


def test_ten_alarms_are_free_and_the_eleventh_is_not() -> None:
    alarm = resource("aws_cloudwatch_metric_alarm", metric_name="Errors")
    assert total(*[alarm] * 10) == 0
    assert total(*[alarm] * 11) == pytest.approx(0.10)


def test_alarm_over_an_expression_counts_by_its_metrics() -> None:
    queries = [{"metric": [{}]}, {"metric": [{}]}, {"expression": "a + b", "metric": []}]
    alarm = resource("aws_cloudwatch_metric_alarm", metric_query=queries)
    assert lines([alarm], PRICES)[0].count == 2


def test_task_costs_by_the_hour_and_so_does_its_address() -> None:
    task = resource("aws_ecs_task_definition", cpu="256", memory="512")
    found = {line.what: round(line.usd, 3) for line in lines([task], PRICES)}
    assert found == {"Fargate tasks": 8.76, "public IPv4 addresses": 3.65}


def test_resources_of_modules_are_found() -> None:
    root = {"child_modules": [{"resources": [resource("aws_kms_key")]}], "resources": []}
    assert total(*planned({"planned_values": {"root_module": root}})) == 1.0


def test_nothing_fixed_is_said_to_cost_nothing() -> None:
    assert described(lines([], PRICES), PRICES)[0].strip().startswith("fixed: 0.00 USD")


def test_the_sum_says_what_it_covers() -> None:
    stream = resource("aws_kinesis_stream", shard_count=1, stream_mode_details=[])
    *_, fixed, left_out, _ = described(lines([stream], PRICES), PRICES)
    assert fixed.startswith("  fixed: 10.95 USD a month for these resources, at list prices")
    assert left_out.startswith("  not included: what the functions cause at any load")
    page, heading = left_out.partition("(")[2].partition(")")[0].split("#")
    assert heading in map(anchor, headings((ROOT / page).read_text()))
