"""Write historical bars of the raw archive to Parquet: each bar once, in its latest copy."""

from __future__ import annotations

from chalicelib.services.lake import lake_sql
from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.compact_plan import chunked
from chalicelib.services.lake.compact_progress import Progress
from chalicelib.services.lake.compact_writing import Writer
from chalicelib.services.lake.lake_sql import HISTORY

PERIODS = 24
"""The most months or years that one statement writes."""


def write_history(writer: Writer, progress: Progress) -> None:
    """Add the historical bars that have arrived to their tables, period by period.

    A period is rewritten from its own bars and the new ones. The bar from the later batch wins, so
    doing a period twice is harmless.
    """
    for bar, table in HISTORY.items():
        due = progress.bars_due(bar)
        for periods in chunked(sorted(due), PERIODS):
            arrived = sorted({ArrivalHours(date) for period in periods for date in due[period]})
            failed = len(writer.failed)
            writer.write(table, periods, lake_sql.history(bar, periods, arrived))
            if len(writer.failed) == failed:
                progress.bars_done(bar, periods)
