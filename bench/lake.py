"""Bytes and time of each report over a day of a million ticks, on raw and on Parquet.

The same statements run before and after the day is compacted, in the local emulation. It counts
bytes as Athena does: whole gzipped objects of raw. Of Parquet it counts the columns that a
statement names, in the row groups that its conditions may match. Times are the emulation's: they
compare the two formats and do not predict Athena's. The baseline is the run on raw. A small day
follows the large one and is compacted with it, since `all_ticks` reads arrivals from the last
compacted day on.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

from bench.compaction import DAY, fill_day
from bench.measuring import compared
from chalicelib.bootstrap import Services, aws_lake
from chalicelib.services.lake.compact import Compact
from chalicelib.services.reports.files import Report, all_reports
from chalicelib.services.reports.reports import Reports, Run
from producer.sources.simulator import SYMBOLS
from rigs.emulated import Emulated

TICKS, BATCH = 1_000_000, 1000
TARGET = 0.1
"""The target for a report on one symbol: bytes of Parquet as a share of those of raw."""

NOT_OF_TICKS = ("quarantined", "quality", "sources_compared")
"""Reports that read other tables than the one that compaction shrinks."""


def measure() -> list[dict[str, Any]]:
    """Return the bytes and the time of each report on Parquet, beside those on raw."""
    with Emulated() as emulated:
        return _measured(emulated)


def _measured(emulated: Emulated) -> list[dict[str, Any]]:
    settings = emulated.provisioned()
    fill_day(emulated, settings, TICKS, BATCH)
    fill_day(emulated, settings, len(SYMBOLS), BATCH, DAY + timedelta(days=1))
    later = DAY + timedelta(days=3)
    reports = Services(settings, lambda: later, emulated.clients).reports
    chosen = [report for report in all_reports() if report.name not in NOT_OF_TICKS]
    on_raw = {report.name: _run(reports, report) for report in chosen}
    lake = aws_lake(settings, emulated.clients)
    done = Compact(lake, lambda: later)(None, "bench", time.monotonic() + 86400)
    if done.ticks != TICKS + len(SYMBOLS):
        raise RuntimeError(f"{done.ticks} ticks were compacted, not {TICKS + len(SYMBOLS)}")
    print("  both days are compacted", file=sys.stderr)
    return [
        result
        for report in chosen
        for result in _compared(report, on_raw[report.name], _run(reports, report))
    ]


def _run(reports: Reports, report: Report) -> Run:
    """Run a report to its end over the one day, for one symbol if it takes a symbol. Raises
    RuntimeError if the report fails."""
    given = {"symbol": SYMBOLS[0]} if _is_of_one(report) else {}
    dates = {"start": DAY.date().isoformat(), "end": (DAY + timedelta(days=1)).date().isoformat()}
    run_id, _ = reports.start(report.name, given | dates, 0)
    while not (run := reports.run(run_id)).status.ended:
        time.sleep(0.05)
    if run.status.state != "succeeded":
        raise RuntimeError(f"{report.name}: {run.status.reason}")
    return run


def _is_of_one(report: Report) -> bool:
    return any(parameter.name == "symbol" for parameter in report.parameters)


def _compared(report: Report, raw: Run, parquet: Run) -> list[dict[str, Any]]:
    kind = "one symbol" if _is_of_one(report) else "all symbols"
    name = f"lake: {report.name} ({kind})"
    read = compared(
        f"{name}, read", parquet.status.bytes_scanned, raw.status.bytes_scanned, "bytes"
    )
    if _is_of_one(report):
        read |= {"target": f"<= {TARGET}", "holds": read["ratio"] <= TARGET}
    took = parquet.status.milliseconds, raw.status.milliseconds
    return [read, compared(f"{name}, took", *took, "ms")]
