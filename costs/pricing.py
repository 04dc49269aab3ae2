"""Converts counts to dollars at the list prices of `costs/prices.json`.

Assumptions about what AWS meters and a run in memory cannot show:

- Lambda: a function of M MB has M/1769 of a processor. Its billed seconds are the measured CPU,
  times CPU_FACTOR, over that share, plus its waits: WAIT_MILLISECONDS per call, divided by the
  concurrent calls.
- Lambda's own log lines (START, END and REPORT) take PLATFORM_LOG_BYTES per invocation.
- An idle queue is polled by five pollers of Lambda, each with long polls of 20 seconds.
- The producer runs all month and writes its status, below 1 KB, at its usual pace.
- The stage's own key gets about KEY_REQUESTS_AN_HOUR requests: services cache data keys for
  minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from costs import collector, tabs
from costs.counted import Counted
from costs.list_prices import Prices
from costs.settings import Settings
from producer.publishing import USUAL_SECONDS

FULL_PROCESSOR_MB = 1769
CPU_FACTOR = 1.5
WAIT_MILLISECONDS = {
    "PutObject": 30,
    "Publish": 20,
    "BatchWriteItem": 10,
    "BatchExecuteStatement": 10,
    "BatchGetItem": 8,
}
OTHER_WAIT_MILLISECONDS = 6
AT_ONCE = {"BatchWriteItem": 4, "BatchExecuteStatement": 4, "PutObject": 1, "BatchGetItem": 1}
OTHERS_AT_ONCE = 8
PLATFORM_LOG_BYTES = 450
IDLE_POLLS_AN_HOUR = 5 * 3 * 60
KEY_REQUESTS_AN_HOUR = 100
STATUSES_AN_HOUR = 3600 / USUAL_SECONDS
DELIVER = "deliver"
METRIC_NAMES = 20
ALARM_METRICS = {"kinesis": 30, "sqs": 10}
"""Metrics in infra/examples: normal.tfvars (all alarms) and small.tfvars (the free ones)."""

DAYS_A_MONTH = 30.4
GB = 1e9


class Line(msgspec.Struct, frozen=True):
    """One line of a bill: an item, and its USD per million ticks or per month."""

    what: str
    usd: float


def variable(counted: Counted, settings: Settings, prices: Prices) -> list[Line]:
    """Return USD per million ticks by purpose, without the cost of mails."""
    usd, million = prices.of, 1e6 / counted.ticks
    found = [
        Line("stream or queue", _carried(counted, settings, prices)),
        Line("Lambda: requests", usd("lambda_request", _invocations(counted))),
        Line("Lambda: GB-seconds", usd("lambda_gb_second", gb_seconds(counted, settings))),
        Line("S3: puts", usd("s3_put", counted.units("calls", operation="PutObject"))),
        Line("DynamoDB: prices written", usd("dynamodb_write_unit", _ingest(counted, "write"))),
        Line("DynamoDB: state, bars, alerts written", usd("dynamodb_write_unit", _rest(counted))),
        Line("DynamoDB: read", usd("dynamodb_read_unit", counted.units("read_units"))),
        Line("alerts: deliver, and messages of SNS", _delivered(counted, settings, prices)),
        Line("logs", usd("logs_gb", _logged(counted) / GB)),
        Line("prices kept, with recovery", _kept(counted, settings, prices)),
        Line("archive kept", _archived(counted, settings, prices)),
        Line("traces", usd("trace", _traces(counted) if settings.tracing else 0)),
    ]
    return [Line(line.what, line.usd * million) for line in found if line.usd]


def mails(counted: Counted, prices: Prices, addresses: int = 1) -> float:
    """Return USD per million ticks for sending their alerts by mail to this many addresses."""
    return prices.of("sns_mail", counted.alerts * addresses) * 1e6 / counted.ticks


def fixed(settings: Settings, shards: int, prices: Prices) -> list[Line]:
    """Return the USD per month that do not depend on ticks, after free allowances."""
    usd, hours = prices.of, prices.hours_a_month
    has_stream = settings.ingest == "kinesis"
    on_demand = has_stream and settings.stream == "on-demand"
    alarms = max(0, ALARM_METRICS[settings.ingest] - prices.free["alarm_metrics"])
    page_usd = tabs.viewer_usd if settings.push else tabs.usd_a_month
    found = [
        Line(
            f"Kinesis, {shards} provisioned",
            usd("kinesis_shard_hour", hours * shards) if has_stream and not on_demand else 0,
        ),
        Line("Kinesis on demand", usd("kinesis_on_demand_hour", hours) if on_demand else 0),
        Line(
            "SQS: asking an idle queue",
            0 if has_stream else usd("sqs_fifo_request", IDLE_POLLS_AN_HOUR * hours),
        ),
        Line(
            "SQS: asking the idle queue of deliveries",
            usd("sqs_request", IDLE_POLLS_AN_HOUR * hours),
        ),
        Line("alarms beyond ten", usd("alarm_metric_month", alarms)),
        Line("metrics beyond ten", usd("metric_month", METRIC_NAMES - prices.free["metrics"])),
        Line("a key of one's own", usd("key_month") if has_stream else 0),
        Line(
            "requests to the key",
            usd("key_request", KEY_REQUESTS_AN_HOUR * hours) if has_stream else 0,
        ),
        Line("the producer's status", usd("dynamodb_write_unit", hours * STATUSES_AN_HOUR)),
        Line(f"collector: {settings.collector}", collector.usd_a_month(settings, prices)),
        Line("page: CloudFront's free allowance", 0.0),
        Line(
            "pages open all month",
            settings.tabs * page_usd(settings, prices),
        ),
        Line("push: publishing", tabs.publishing_usd(settings, prices) if settings.push else 0),
    ]
    return [line for line in found if line.usd or line.what.startswith("page")]


def total(lines: Sequence[Line]) -> float:
    """Return the sum of the lines' USD."""
    return sum(line.usd for line in lines)


def billed_seconds(counted: Counted, function: str, memory_mb: int) -> float:
    """Return the billed seconds of all invocations of a function."""
    share = min(1.0, memory_mb / FULL_PROCESSOR_MB)
    waits = sum(
        tally.calls
        * WAIT_MILLISECONDS.get(name, OTHER_WAIT_MILLISECONDS)
        / AT_ONCE.get(name, OTHERS_AT_ONCE)
        for name, tally in counted.calls.get(function, {}).items()
    )
    return counted.cpu[function] * CPU_FACTOR / share + waits / 1000


def gb_seconds(counted: Counted, settings: Settings) -> float:
    """Return the GB-seconds of all functions except deliver."""
    names = [name for name in counted.cpu if name != DELIVER]
    seconds = sum(billed_seconds(counted, name, settings.memory_mb) for name in names)
    return seconds * settings.memory_mb / 1024


def _carried(counted: Counted, settings: Settings, prices: Prices) -> float:
    if settings.ingest == "sqs":
        return prices.of("sqs_fifo_request", counted.queue_requests)
    if settings.stream == "provisioned":
        return prices.of("kinesis_put_unit", counted.put_units)
    both = prices.of("kinesis_on_demand_in_gb") + prices.of("kinesis_on_demand_out_gb")
    return both * counted.rounded_gb


def _ingest(counted: Counted, kind: str) -> float:
    return sum(
        counted.units(f"{kind}_units", name) for name in counted.calls if name.startswith("ingest")
    )


def _rest(counted: Counted) -> float:
    delivered = counted.units("write_units", DELIVER)
    return counted.units("write_units") - _ingest(counted, "write") - delivered


def _invocations(counted: Counted) -> int:
    return sum(counted.invocations.values()) - counted.invocations.get(DELIVER, 0)


def _delivered(counted: Counted, settings: Settings, prices: Prices) -> float:
    """Return USD for deliver's requests, GB-seconds and writes, and for messages of SNS."""
    seconds = billed_seconds(counted, DELIVER, settings.memory_mb) if DELIVER in counted.cpu else 0
    return (
        prices.of("lambda_request", counted.invocations.get(DELIVER, 0))
        + prices.of("lambda_gb_second", seconds * settings.memory_mb / 1024)
        + prices.of("dynamodb_write_unit", counted.units("write_units", DELIVER))
        + prices.of("sns_publish", counted.alerts)
    )


def _logged(counted: Counted) -> float:
    return counted.logged + PLATFORM_LOG_BYTES * sum(counted.invocations.values())


def _traces(counted: Counted) -> float:
    return sum(counted.invocations.values())


def _kept(counted: Counted, settings: Settings, prices: Prices) -> float:
    gb_month = prices.of("dynamodb_gb_month") + prices.of("dynamodb_backup_gb_month")
    return gb_month * counted.item_bytes / GB * settings.prices_days / DAYS_A_MONTH


def _archived(counted: Counted, settings: Settings, prices: Prices) -> float:
    months = settings.raw_days / DAYS_A_MONTH
    return prices.of("s3_gb_month", counted.archive_bytes / GB * months)
