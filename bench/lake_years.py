"""Bytes and time of statements over five years of days with few ticks, on raw and on Parquet.

The history is daily: thirteen symbols, one tick per weekday, all sent within an hour. The same
statements run before and after compaction, in the local emulation of Athena. The baseline is the
run on raw. Then compaction runs again without new data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.measuring import compared
from chalicelib.adapters.archive import S3Archive
from chalicelib.bootstrap import aws_lake
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.times import to_text
from chalicelib.services.lake.compact import Compact
from chalicelib.services.lake.stores import LakeStores
from chalicelib.services.query_engine import QueryStatus
from chalicelib.settings import Settings
from rigs.emulated import Emulated

FIRST = datetime(2021, 1, 1, 21, tzinfo=UTC)
DAYS = 1826
SYMBOLS = 13
BATCH = 500
ARRIVAL = datetime(2026, 11, 18, 15, tzinfo=UTC)
NOW = ARRIVAL + timedelta(days=2)
TARGET = 1.0
"""The target for the view that readers use: time on Parquet as a share of that on raw."""

ASKED = {
    "count of all ticks": "SELECT count(*) FROM {}",
    "one symbol's prices": "SELECT max(price) FROM {} WHERE symbol = 'S0'",
    "one month": "SELECT count(*), max(price) FROM {} WHERE \"date\" BETWEEN '2023-05-01' AND '2023-05-31'",  # noqa: E501
}


def measure() -> list[dict[str, Any]]:
    """Return the bytes and the time of each statement, and the cost of the compaction."""
    with Emulated() as emulated:
        settings = emulated.provisioned()
        count = fill(emulated, settings)
        return _measured(aws_lake(settings, emulated.clients), count)


def fill(emulated: Emulated, settings: Settings, days: int = DAYS) -> int:
    """Archive the history and return the number of ticks in it."""
    archive = S3Archive(emulated.clients.s3, settings.archive_bucket)
    lines = list(_lines(days))
    for first in range(0, len(lines), BATCH):
        archived = [ArchivedLine(line, ARRIVAL) for line in lines[first : first + BATCH]]
        numbers = str(10**9 + first), str(10**9 + first + len(archived) - 1)
        archive.put_raw(to_text(ARRIVAL), "shardId-0", numbers, archived)
    return len(lines)


def _lines(days: int) -> Iterator[bytes]:
    for number in range(days):
        day = FIRST + timedelta(days=number)
        for symbol in range(SYMBOLS if day.weekday() < 5 else 0):
            tick = {"symbol": f"S{symbol}", "timestamp": to_text(day), "mode": "backfill",
                    "price": 100 + (number * 7 + symbol) % 50, "volume": 1000 + number,
                    "exchange_timezone": "America/New_York", "source": "replay"}  # fmt: skip
            yield json.dumps(tick).encode()


def _measured(lake: LakeStores, count: int) -> list[dict[str, Any]]:
    on_raw = {name: _run(lake, sql.format("all_ticks")) for name, sql in ASKED.items()}
    took, done = _compacted(lake)
    if done != count:
        raise RuntimeError(f"{done} of {count} ticks were compacted")
    again, nothing = _compacted(lake)
    if nothing:
        raise RuntimeError(f"{nothing} ticks were compacted again")
    return [
        *(
            result
            for name, sql in ASKED.items()
            for table in ("all_ticks", "ticks")
            for result in _compared(f"{name}, {table}", on_raw[name], _run(lake, sql.format(table)))
        ),
        {"name": "lake, five years: compaction", "value": round(took, 2), "unit": "s"},
        {"name": "lake, five years: compaction again", "value": round(again, 2), "unit": "s"},
    ]


def _compacted(lake: LakeStores) -> tuple[float, int]:
    """Compact the days. Return the seconds that it took and the number of compacted ticks."""
    began = time.perf_counter()
    done = Compact(lake, lambda: NOW)(None, "bench", time.monotonic() + 86_400)
    return time.perf_counter() - began, done.ticks


def _run(lake: LakeStores, sql: str) -> QueryStatus:
    """Run a statement twice and return the status of the second run. The first run warms the
    emulation's caches. Raises RuntimeError if a run fails."""
    for _ in range(2):
        query_id = lake.engine.start(sql)
        while (status := lake.engine.status(query_id)) is not None and not status.ended:
            time.sleep(0.02)
    if status is None or status.state != "succeeded":
        raise RuntimeError(f"{sql}: {status and status.reason}")
    return status


def _compared(name: str, raw: QueryStatus, parquet: QueryStatus) -> list[dict[str, Any]]:
    told = f"lake, five years: {name}"
    bytes_read = compared(told, parquet.bytes_scanned, raw.bytes_scanned, "bytes")
    took = compared(told, parquet.milliseconds, raw.milliseconds, "ms")
    if name.endswith("all_ticks"):
        took |= {"target": f"<= {TARGET}", "holds": took["ratio"] <= TARGET}
    return [bytes_read, took]
