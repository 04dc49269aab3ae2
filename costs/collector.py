"""The monthly cost of collecting prices: by a function, a container, or a machine.

The function runs through every minute in which an exchange is open, since it waits for the next
poll. In all other minutes it runs briefly. These are assumed: its writes per minute
(`producer/collector/`), the lines of its log, and two metrics beyond the ten free ones.
"""

from __future__ import annotations

import math
from typing import Final, Literal

from costs.list_prices import Prices
from costs.settings import ROUND_THE_CLOCK, Settings

Kind = Literal["lambda", "fargate", "machine"]
KINDS: Final[dict[Kind, str]] = {
    "lambda": "Lambda, 512 MB",
    "fargate": "Fargate, 0.25 vCPU and 0.5 GB, with its public IPv4 address",
    "machine": "a t4g.micro with 8 GB of disk and its public IPv4 address",
}
MEMORY_GB = 0.5
CLOSED_SECONDS = 0.5
"""Seconds of a run that finds all exchanges closed."""

OPEN_WRITES, CLOSED_WRITES = 5, 4
"""Writes per minute: the lease acquired and released, the status; while open, the memory after each
poll."""

MEMORY_BYTES_A_SYMBOL, BYTES_A_WRITE_UNIT = 45, 1024
READ_UNITS_A_MINUTE = 6
"""While open: the tracked symbols, read every 5 s."""

LOG_BYTES_A_RUN = 2000
METRICS = 2
VCPU, TASK_GB = 0.25, 0.5
DISK_GB = 8


def usd_a_month(settings: Settings, prices: Prices, *, is_free: bool = False) -> float:
    """Return USD a month of the settings' collector; 0 without a collector. `is_free` subtracts
    Lambda's free allowances, as if nothing else used them."""
    hours, of = prices.hours_a_month, prices.of
    if settings.collector == "lambda":
        return _function(settings, prices, is_free=is_free)
    if settings.collector == "fargate":
        task = of("fargate_vcpu_hour", VCPU * hours) + of("fargate_gb_hour", TASK_GB * hours)
        return task + of("public_ipv4_hour", hours)
    if settings.collector == "machine":
        machine = of("machine_hour", hours) + of("disk_gb_month", DISK_GB)
        return machine + of("public_ipv4_hour", hours)
    return 0.0


def gb_seconds(settings: Settings) -> float:
    """Return the GB-seconds that the collector's function uses per month."""
    closed_minutes = (ROUND_THE_CLOCK - settings.hours) * 60
    return (settings.hours * 3600 + closed_minutes * CLOSED_SECONDS) * MEMORY_GB


def _function(settings: Settings, prices: Prices, *, is_free: bool) -> float:
    runs, free = ROUND_THE_CLOCK * 60, prices.free if is_free else {}
    seconds = gb_seconds(settings) - free.get("lambda_gb_seconds", 0)
    return (
        prices.of("lambda_request", max(0.0, runs - free.get("lambda_requests", 0)))
        + prices.of("lambda_gb_second", max(0.0, seconds))
        + prices.of("dynamodb_write_unit", _writes(settings))
        + prices.of("dynamodb_read_unit", settings.hours * 60 * READ_UNITS_A_MINUTE)
        + prices.of("logs_gb", runs * LOG_BYTES_A_RUN / 1e9)
        + prices.of("metric_month", METRICS)
    )


def _writes(settings: Settings) -> float:
    """Return the DynamoDB write units that the collector uses per month."""
    memory = math.ceil(settings.symbols * MEMORY_BYTES_A_SYMBOL / BYTES_A_WRITE_UNIT)
    polls = max(1.0, 60 / settings.interval_seconds)
    an_open_minute = OPEN_WRITES + polls * memory
    closed_minutes = (ROUND_THE_CLOCK - settings.hours) * 60
    return settings.hours * 60 * an_open_minute + closed_minutes * CLOSED_WRITES
