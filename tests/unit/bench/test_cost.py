"""The cost model's arithmetic against manual calculations, and its file of prices."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import baseline, cost, cost_run
from chalicelib.services.reports import costs
from costs import collector, pricing
from costs.counted import Counted, Tally
from costs.list_prices import prices
from costs.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
SOURCES = "".join(
    (ROOT / f"{name}.py").read_text()
    for name in ("bench/cost", "costs/pricing", "costs/lake", "costs/collector")
)
PER_MILLION = {
    "stream or queue": 0.014 * 2,  # two units of 25 KB each
    "Lambda: requests": 0.2 * 0.3,
    # 0.1 s CPU * 1.5 / (512/1769) + (100 * 30 + 200 * 10 / 4) ms, of half a GB
    "Lambda: GB-seconds": ((0.1 * 1.5 * 1769 / 512 + 3.5) + 0.1 * 1.5 * 1769 / 512)
    * 0.5
    * 0.0000166667
    * 1000,
    "S3: puts": 5 * 0.1,
    "DynamoDB: prices written": 0.625 * 1.0,
    "DynamoDB: state, bars, alerts written": 0.625 * 1.5,
    "DynamoDB: read": 0.125 * 2.0,
    "alerts: deliver, and messages of SNS": (
        0.2e-6 * 40 + (0.02 * 1.5 * 1769 / 512) * 0.5 * 0.0000166667 + 0.625e-6 * 100 + 0.5e-6 * 50
    )
    * 1000,
    "logs": 0.5 * (100_000 + 450 * 340) / 1e9 * 1000,
    "prices kept, with recovery": 0.45 * 500_000 / 1e9 * 30 / 30.4 * 1000,
    "archive kept": 0.023 * 40_000 / 1e9 * 365 / 30.4 * 1000,
}


def counted() -> Counted:
    """A thousand ticks."""
    return Counted(
        ticks=1000,
        records=1000,
        put_units=2000,
        rounded_gb=1000 * 1024 / 1e9,
        queue_requests=120,
        alerts=50,
        logged=100_000,
        item_bytes=500_000,
        archive_bytes=40_000,
        cpu={"ingest_kinesis": 0.1, "detect": 0.1, "deliver": 0.02},
        invocations={"ingest_kinesis": 100, "detect": 200, "deliver": 40},
        calls={
            "ingest_kinesis": {
                "PutObject": Tally(calls=100),
                "BatchWriteItem": Tally(calls=200, write_units=1000),
            },
            "detect": {"State": Tally(calls=0, write_units=1500, read_units=2000)},
            "deliver": {"UpdateItem": Tally(calls=0, write_units=100)},
        },
    )


def test_each_line_equals_a_manual_calculation() -> None:
    lines = {line.what: line.usd for line in pricing.variable(counted(), Settings(), prices())}
    assert lines == pytest.approx(PER_MILLION, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "usd"),
    [
        (Settings(), 0.014 * 2),
        (Settings(stream="on-demand"), 0.12 * 1000 * 1024 / 1e9 * 1000),
        (Settings(ingest="sqs"), 0.5 * 0.12),
    ],
    ids=["provisioned", "on demand", "sqs"],
)
def test_stream_and_queue_cost_by_their_kind(settings: Settings, usd: float) -> None:
    (line, *_) = pricing.variable(counted(), settings, prices())
    assert line.usd == pytest.approx(usd)


def test_mails_and_traces_are_by_the_piece() -> None:
    assert pricing.mails(counted(), prices(), 2) == pytest.approx(20 * 0.05 * 2)
    traced = pricing.variable(counted(), Settings(tracing=True), prices())
    assert traced[-1].usd == pytest.approx(5 * 0.34)


ALARMS = 20 * 0.1
"""USD a month for eighteen metrics beyond the ten that are free."""

STATUS = 2 * 60 * 730 * 0.625e-6
"""USD a month for a write unit every 30 s."""

POLLS = 0.4 * 0.657
"""USD a month for asking the idle queue of deliveries."""


@pytest.mark.parametrize(
    ("settings", "shards", "usd"),
    [
        (
            Settings(),
            1,
            10.95 + ALARMS + 0.3 * (pricing.METRIC_NAMES - 10) + 1 + 0.219 + STATUS + POLLS,
        ),
        (
            Settings(),
            3,
            32.85 + ALARMS + 0.3 * (pricing.METRIC_NAMES - 10) + 1 + 0.219 + STATUS + POLLS,
        ),
        (
            Settings(stream="on-demand"),
            1,
            29.2 + ALARMS + 0.3 * (pricing.METRIC_NAMES - 10) + 1 + 0.219 + STATUS + POLLS,
        ),
        (
            Settings(ingest="sqs"),
            1,
            0.5 * 0.657 + 0.3 * (pricing.METRIC_NAMES - 10) + STATUS + POLLS,
        ),
    ],
)
def test_fixed_costs_are_monthly(settings: Settings, shards: int, usd: float) -> None:
    assert pricing.total(pricing.fixed(settings, shards, prices())) == pytest.approx(usd)


def test_a_month_is_the_ticks_and_what_is_fixed() -> None:
    found = cost.bill(Settings(hours=730), counted())
    assert found.settings.ticks_a_month == pytest.approx(25 / 30 * 3600 * 730)
    use = sum(PER_MILLION.values()) * 2.19
    rest = pricing.total(found.fixed) + pricing.total(found.lake)
    assert found.month == pytest.approx(use + rest, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "packed"),
    [
        ({}, 1),
        ({"ticks_per_record": 10}, 1),
        ({"ticks_per_record": 10, "flush_seconds": 10, "interval_seconds": 1}, 10),
        ({"ticks_per_record": 10, "flush_seconds": 4, "interval_seconds": 1}, 4),
        ({"ticks_per_record": 10, "flush_seconds": 10, "interval_seconds": 30}, 1),
    ],
)
def test_records_hold_what_comes_while_they_wait(given: dict[str, float], packed: int) -> None:
    assert msgspec.convert(given, Settings, strict=False).packed == packed


def test_shards_follow_from_records_and_bytes() -> None:
    fast = Settings(symbols=5000, interval_seconds=1)
    assert fast.shards_for(300) == 7  # 5,000 records a second and a quarter more
    assert fast.shards_for(1000) == 7
    assert fast.shards_for(2000) == 13
    assert Settings().shards_for(300) == 1


def test_the_prices_are_dated_and_each_names_its_page() -> None:
    listed = prices()
    assert date.fromisoformat(listed.as_of) > date(2026, 1, 1)
    used = set(re.findall(r'(?:usd|of)\(\s*"(\w+)"', SOURCES))
    assert len(used) > 20
    assert used <= set(listed.usd)
    for name, price in listed.usd.items():
        assert re.fullmatch(r"https://aws\.amazon\.com/[\w/-]+/", price.source), name
        assert price.usd > 0
        assert price.per


def test_alarms_and_metrics_are_those_that_are_there() -> None:
    alarms = (pricing.ALARM_METRICS["kinesis"] - 10) * prices().usd["alarm_metric_month"].usd
    assert f"alarms {alarms:.2f} |" in (ROOT / "docs" / "deploying.md").read_text()
    handlers = (ROOT / "chalicelib" / "handlers.py").read_text()
    names = set(re.findall(r'"([A-Z][A-Za-z]+)":', handlers))
    names -= {"PushFailures", "SilentSymbols"}  # zero, or no push
    assert len(names) == pricing.METRIC_NAMES


NEW_YORK = Settings(hours=21 * 6.5)


@pytest.mark.parametrize(
    ("kind", "usd", "least"),
    [
        # 245,700 GB-s open, 8,902 closed; 43,800 runs with 2 kB of log each; 8,190 minutes of
        # 2 polls each of 2 units, 5 writes beside them, and 6 reads; 35,610 minutes of 4 writes
        ("lambda", 4.2434 + 0.00876 + 0.0438 + 0.6 + 0.13509 + 0.00614, 0.6438 + 0.13509 + 0.00614),
        ("fargate", 7.3876 + 1.6224 + 3.65, 7.3876 + 1.6224 + 3.65),
        ("machine", 6.132 + 0.64 + 3.65, 6.132 + 0.64 + 3.65),
        ("none", 0, 0),
    ],
)
def test_the_cost_of_collecting_equals_a_manual_calculation(
    kind: str, usd: float, least: float
) -> None:
    settings = msgspec.convert({**msgspec.to_builtins(NEW_YORK), "collector": kind}, Settings)
    assert collector.usd_a_month(settings, prices()) == pytest.approx(usd, abs=0.001)
    free = collector.usd_a_month(settings, prices(), is_free=True)
    assert free == pytest.approx(least, abs=0.001)


def test_new_yorks_hours_fit_into_lambdas_free_allowance() -> None:
    assert 245_000 < collector.gb_seconds(NEW_YORK) < prices().free["lambda_gb_seconds"]
    assert collector.gb_seconds(Settings()) > prices().free["lambda_gb_seconds"]


def test_collectors_in_the_documentation_cost_what_the_model_says() -> None:
    text = (ROOT / "docs" / "cost.md").read_text()
    for kind, what in collector.KINDS.items():
        settings = msgspec.structs.replace(NEW_YORK, interval_seconds=15, collector=kind)
        full = collector.usd_a_month(settings, prices())
        least = collector.usd_a_month(settings, prices(), is_free=True)
        assert f"| {what}, New York's hours | {full:.2f} | {least:.2f} |" in text


def test_the_old_design_costs_what_its_calls_cost() -> None:
    found = cost.bill(baseline.SETTINGS, baseline.count())
    assert 26 < found.million + found.mails < 29
    lines = {line.what: line.usd for line in found.variable}
    assert (lines["S3: puts"], lines["DynamoDB: prices written"]) == pytest.approx((5, 0.625))


def test_a_small_load_is_counted_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--symbols", "2", "--interval", "30", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    lines = {line["what"]: line["usd"] for line in found["variable"]}
    assert lines["DynamoDB: prices written"] == pytest.approx(0.625)
    assert lines["S3: puts"] == pytest.approx(2.5)
    assert found["usd_a_month"] > found["usd_fixed_a_month"] > 10
    assert found["prices"]["as_of"] == prices().as_of


def test_packed_ticks_share_the_writes_of_an_item() -> None:
    load: dict[str, Any] = {
        "symbols": 2,
        "interval_seconds": 1.0,
        "crosses": "off",
        "detect_window": 10.0,
    }
    packed = cost_run.run(Settings(**load, ticks_per_record=10, flush_seconds=10.0))
    alone = cost_run.run(Settings(**load))
    writes = [one.units("write_units", "ingest_kinesis") / one.ticks for one in (alone, packed)]
    assert writes == [1, pytest.approx(0.1, abs=0.01)]


def test_the_flags_of_settings_name_all_that_changes_the_cost() -> None:
    settings = Settings(shards=4, hours=136.5, tracing=True, push=True, memory_mb=1024)
    assert settings.said() == (
        "--ingest kinesis --stream provisioned --memory 1024 --hours 136.5 --shards 4 "
        "--tracing --push"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--symbols 0", "'0' is not allowed; allowed: 1 to 1000000"),
        ("--hours never", "'never' is not allowed; allowed: 1 to 744"),
        ("--ingest mail", "invalid choice: 'mail'"),
        ("--flush-seconds 61", "'61' is not allowed; allowed: 0 to 60"),
    ],
)
def test_invalid_values_are_reported(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cost.main(arguments.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_prices_of_statements_are_those_of_the_list() -> None:
    usd = prices().usd
    assert float(costs.USD_A_LIST) == usd["s3_list"].usd
    assert float(costs.USD_A_GET) == usd["s3_get"].usd
    assert float(costs.USD_A_BYTE * 10**9) == usd["athena_scanned_gb"].usd
    assert costs.requests_usd(76_032) == Decimal("0.38016")  # three scans since 2024
