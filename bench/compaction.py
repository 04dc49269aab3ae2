"""Compaction of a day of ticks in the local emulation: its speed, and the size of Parquet.

Two days are simulated as ingest archives them. One has 25 symbols every 30 s with one poll per
batch, the other a million ticks in batches of a thousand. The baseline of the speed is one reading
of the same objects by ingest's own decoder in one thread. The baseline of the size is the gzipped
raw archive.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.measuring import compared
from chalicelib.adapters.archive import S3Archive
from chalicelib.bootstrap import aws_lake
from chalicelib.domain.raw_lines import ArchivedLine, unpack
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire import decode
from chalicelib.services.lake.compact import Compact
from chalicelib.settings import Settings
from producer.sources.simulator import Simulator
from producer.wire import encode
from rigs.emulated import Emulated

CASES = {"25 symbols each 30 s": (72_000, 25), "a million ticks": (1_000_000, 1000)}
"""The ticks of a day, and the ticks per batch."""

DAY = datetime(2026, 11, 18, tzinfo=UTC)
READ_OBJECTS = 50
"""Raw objects read for the baseline of the throughput."""


def measure() -> list[dict[str, Any]]:
    """Return the throughput and the bytes per tick of each case."""
    with Emulated() as emulated:
        return [
            result
            for name, (ticks, batch) in CASES.items()
            for result in _measured(emulated, name, ticks, batch)
        ]


def _measured(emulated: Emulated, name: str, ticks: int, batch: int) -> list[dict[str, Any]]:
    settings = emulated.provisioned()
    fill_day(emulated, settings, ticks, batch)
    reading = _reading_rate(emulated, settings)
    lake = aws_lake(settings, emulated.clients)
    began = time.perf_counter()
    done = Compact(lake, lambda: DAY + timedelta(days=2))(None, "bench", time.monotonic() + 86400)
    took = time.perf_counter() - began
    if done.ticks != ticks:
        raise RuntimeError(f"{done.ticks} of {ticks} ticks were compacted")
    raw, parquet, bars = (
        _bytes(emulated, settings, prefix) / ticks for prefix in ("raw/", "ticks/", "bars_1m/")
    )
    told = f"compaction: {name}"
    return [
        compared(f"{told}, compacted", round(ticks / took), round(reading), "ticks/s"),
        compared(f"{told}, Parquet", round(parquet, 2), round(raw, 2), "bytes a tick"),
        compared(f"{told}, Parquet of minute bars", round(bars, 2), round(raw, 2), "bytes a tick"),
    ]


def fill_day(
    emulated: Emulated, settings: Settings, ticks: int, batch: int, day: datetime = DAY
) -> None:
    """Write a day's raw objects as ingest would. The ticks of all symbols are spread evenly over
    the day; an object has `batch` of them."""
    archive = S3Archive(emulated.clients.s3, settings.archive_bucket)
    simulator = Simulator()
    polls = -(-ticks // len(simulator.poll(day.timestamp())))
    waiting: list[ArchivedLine] = []
    left = ticks
    for number in range(polls):
        instant = day.timestamp() + number * 86_399 / polls
        for tick in simulator.poll(instant)[:left]:
            tick.sent_at = tick.timestamp
            waiting.append(ArchivedLine(encode(tick), from_text(tick.timestamp)))
            left -= 1
        if len(waiting) >= batch or number == polls - 1:
            first, last = str(10**9 + left + len(waiting)), str(10**9 + (ticks - left))
            archive.put_raw(to_text(waiting[0].arrival), "shardId-0", (first, last), waiting)
            waiting = []
    print(f"  {ticks} ticks are in the archive", file=sys.stderr)


def _objects(emulated: Emulated, settings: Settings, prefix: str) -> list[dict[str, Any]]:
    pages = emulated.clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=settings.archive_bucket, Prefix=prefix
    )
    return [entry for page in pages for entry in page.get("Contents", ())]


def _bytes(emulated: Emulated, settings: Settings, prefix: str) -> int:
    return sum(int(entry["Size"]) for entry in _objects(emulated, settings, prefix))


def _reading_rate(emulated: Emulated, settings: Settings) -> float:
    """Return how many ticks per second ingest's decoder reads from raw objects."""
    keys = [entry["Key"] for entry in _objects(emulated, settings, "raw/")][:READ_OBJECTS]
    began, count = time.perf_counter(), 0
    for key in keys:
        found = emulated.clients.s3.get_object(Bucket=settings.archive_bucket, Key=key)
        for line, arrival in unpack(found["Body"].read()):
            count += len(decode(line, arrival or DAY).ticks)
    return count / (time.perf_counter() - began)
