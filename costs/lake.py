"""The lake's monthly resources: S3 requests and bytes of compaction, merging and reports.

bench/cost_run.py counts batches and their bytes. The other numbers follow from the code:

- Two surveys read each raw object. Three statements (count, UNLOAD and check) read the 51 hours of
  a day's window (chalicelib/services/lake/arrivals.py). Each of these reads lists an hour of `raw/`
  once and an hour of `readings/` twice.
- Four runs a day compact, and all 24 look for hours of many batches. Looking lists two days of
  `raw/` and `readings/`. Merging behind compaction lists 30 days, and a survey 14 days of `raw/`.
- Merging gets each batch once, puts the merged object and gets it again. Deletions are free. The
  CPU is MERGING_CPU_SECONDS, measured with ticks of `bench.cost_run.Walk` in batches of 714.
- A report reads the objects since the boundary, 42 hours on average, for ticks and for daily
  bars, and 30 days of Parquet.
- Plain ticks have no readings. Parquet takes 15 bytes a tick, and four statements read a day of it.
"""

from __future__ import annotations

import math

import msgspec

from chalicelib.adapters.lake_objects import LOOKED_BACK_DAYS
from chalicelib.adapters.raw_objects import AT_ONCE
from chalicelib.event_sources import COMPACTION_HOURS
from chalicelib.services.lake.arrivals import window
from chalicelib.services.lake.compact_run import RAW_IS_WHOLE
from chalicelib.services.lake.merge_early import MANY
from chalicelib.services.lake.merge_plan import MOST_BYTES
from costs.counted import Counted
from costs.list_prices import Prices
from costs.pricing import (
    CPU_FACTOR,
    DAYS_A_MONTH,
    FULL_PROCESSOR_MB,
    GB,
    WAIT_MILLISECONDS,
    Line,
)
from costs.settings import Settings

KEYS_A_LIST = 1000
SURVEYS, OF_A_DAY = 2, 3
WINDOW_HOURS = sum(one.last - one.first + 1 for one in window("2026-11-20"))
READINGS_SCANS = 2
EARLY_DAYS = 2
REPORT_HOURS, REPORT_DAYS, REPORT_SIDES = 42, 30, 2
PARQUET_BYTES_A_TICK, PARQUET_READS = 15, 4
LEAST_BYTES = 10e6
STATEMENTS_A_DAY = 9
"""Surveys, and count, UNLOAD and check of ticks and of minute bars, followed by a survey."""

MERGING_CPU_SECONDS = 9e-6
"""CPU seconds per tick, on a whole processor."""

GET_MILLISECONDS = 20
COMPACT_MB = 256
"""Memory of compact in infra/resources.json; infra/examples/large.tfvars gives it a whole
processor."""


class Raw(msgspec.Struct, frozen=True):
    """The objects and bytes of one hour with ticks. `hours` is how many such hours a month has."""

    objects: float
    bytes: float
    hours: float

    @property
    def merged(self) -> float:
        """Return how many objects the hour has after merging."""
        return min(self.objects, max(1.0, math.ceil(self.bytes / MOST_BYTES)))

    @property
    def is_merged_early(self) -> bool:
        """Return whether the hour's objects are merged before compaction reads them."""
        return self.objects >= MANY


class Requests(msgspec.Struct, frozen=True):
    """The S3 requests of a month, by kind."""

    lists: float = 0.0
    gets: float = 0.0
    puts: float = 0.0

    def usd(self, prices: Prices) -> float:
        """Return USD for the requests at list prices."""
        return (
            prices.of("s3_list", self.lists)
            + prices.of("s3_get", self.gets)
            + prices.of("s3_put", self.puts)
        )


def raw_of(counted: Counted, settings: Settings) -> Raw:
    """Return an average hour of the raw archive under a load, from the counts of a run."""
    ticks = settings.ticks_a_second * 3600
    puts = counted.units("calls", operation="PutObject")
    each = ticks / counted.ticks
    return Raw(puts * each, counted.archive_bytes * each, settings.hours)


def compaction(raw: Raw, *, early: bool) -> Requests:
    """Return compaction's requests per month, for its statements and for listing new objects."""
    objects = raw.merged if early else raw.objects
    reads = SURVEYS + OF_A_DAY * WINDOW_HOURS / 24
    listed = 24 * reads * DAYS_A_MONTH * READINGS_SCANS + raw.hours * reads * _pages(objects)
    listed += (24 * DAYS_A_MONTH - raw.hours) * reads  # hours without ticks are listed, too
    looked = len(COMPACTION_HOURS) * LOOKED_BACK_DAYS * DAYS_A_MONTH * _pages(_a_day(raw))
    return Requests(lists=listed + looked, gets=raw.hours * reads * objects)


def merging(raw: Raw) -> Requests:
    """Return the requests per month for merging all objects once, early or after compaction."""
    behind = len(COMPACTION_HOURS) * RAW_IS_WHOLE.days
    early = 24 * EARLY_DAYS
    listed = (behind + early) * DAYS_A_MONTH * (_pages(_a_day(raw)) + 1)
    return Requests(listed, raw.hours * (raw.objects + raw.merged), raw.hours * raw.merged)


def reports(raw: Raw, count: int, *, early: bool) -> Requests:
    """Return the requests per month of `count` reports over `all_prices`."""
    objects = raw.merged if early else raw.objects
    share = raw.hours / (24 * DAYS_A_MONTH)  # the share of hours that have ticks
    hours = REPORT_HOURS * REPORT_SIDES
    lists = hours * (READINGS_SCANS + 1 + share * (_pages(objects) - 1)) + REPORT_DAYS
    return Requests(count * lists, count * (hours * share * objects + REPORT_DAYS))


def scanned_usd(raw: Raw, settings: Settings, prices: Prices) -> float:
    """Return USD per month that Athena charges for the bytes that compaction scans."""
    reads = SURVEYS + OF_A_DAY * WINDOW_HOURS / 24
    parquet = settings.ticks_a_month * PARQUET_BYTES_A_TICK * PARQUET_READS
    least = STATEMENTS_A_DAY * DAYS_A_MONTH * LEAST_BYTES
    scanned = max(least, raw.hours * raw.bytes * reads + parquet)
    return prices.of("athena_scanned_gb", scanned / GB)


def merging_seconds(raw: Raw, settings: Settings, memory_mb: int) -> float:
    """Return the billed seconds for merging an hour with `memory_mb` of memory."""
    share = min(1.0, memory_mb / FULL_PROCESSOR_MB)
    cpu = settings.ticks_a_second * 3600 * MERGING_CPU_SECONDS * CPU_FACTOR / share
    waits = raw.objects * GET_MILLISECONDS / AT_ONCE + raw.merged * WAIT_MILLISECONDS["PutObject"]
    return cpu + waits / 1000


def lines(counted: Counted, settings: Settings, prices: Prices) -> list[Line]:
    """Return the lake's USD per month by purpose."""
    raw = raw_of(counted, settings)
    early = raw.is_merged_early
    memory = FULL_PROCESSOR_MB if early else COMPACT_MB
    seconds = raw.hours * merging_seconds(raw, settings, memory)
    asked = reports(raw, settings.reports, early=early)
    found = [
        Line("compaction: LIST and GET requests", compaction(raw, early=early).usd(prices)),
        Line("compaction: bytes scanned", scanned_usd(raw, settings, prices)),
        Line("merging: LIST, GET and PUT requests", merging(raw).usd(prices)),
        Line("merging: GB-seconds", prices.of("lambda_gb_second", seconds * memory / 1024)),
        Line("reports: LIST and GET requests", asked.usd(prices)),
    ]
    return [line for line in found if line.usd]


def _a_day(raw: Raw) -> float:
    """Return how many objects an average day has after merging."""
    return raw.merged * raw.hours / DAYS_A_MONTH


def _pages(objects: float) -> int:
    return max(1, math.ceil(objects / KEYS_A_LIST))
