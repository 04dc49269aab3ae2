"""Writes infra/lake.json: the lake's tables and views as Terraform reads them.

    python -m tools.lake_file    # after a change of columns.py or of a table below

chalicelib/services/lake/columns.py declares the columns, and chalicelib/lake holds the views' SQL.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from chalicelib.domain.archive_layout import QUARANTINE, RAW, READINGS
from chalicelib.services.lake import columns
from chalicelib.services.lake.columns import DATE, HOUR, Columns

FILE = Path(__file__).resolve().parents[1] / "infra" / "lake.json"

_FIRST_DATE = "2024-01-01"
"""The first date of partitions for stages whose Terraform state holds none
(infra/deploy/first_day.py)."""

_BY_MONTH = "Copies of ticks of months with few, one file per month, sorted by symbol and time"
_HISTORY = "Historical {} bars, by {}, each once, as they were last sent"
_BARS = "Historical {} bars, each once: compacted ones, and those that have arrived since"


def lake() -> dict[str, Any]:
    """Return the content of infra/lake.json."""
    tables = {
        "raw_lines": _json(
            "Every record as it arrived, one tick or historical bar per line; numbers are text, to "
            "be cast to DECIMAL(20,8)",
            RAW,
            columns.RAW_LINES,
            DATE | HOUR,
        ),
        "readings": _json(
            "Ingest's reading of raw lines that SQL would misread: whole ticks, and identities "
            "that it refused",
            READINGS,
            columns.READ,
            DATE | HOUR,
        ),
        "quarantine": _json(
            "Parts of records that ingest refused, with the reason; the payload in base64",
            QUARANTINE,
            columns.QUARANTINE,
            DATE,
        ),
        **_compacted(
            "ticks",
            "Each valid tick once, by trading date, sorted by symbol and time",
            columns.TICKS,
            "date",
        ),
        **_compacted(
            "bars_1m",
            "One-minute bars, by trading date, sorted by symbol and start",
            columns.MINUTES,
            "date",
        ),
        **_compacted(
            "ticks_by_month", f"{_BY_MONTH}; all_ticks reads them", columns.TICKS | DATE, "month"
        ),
        **_compacted(
            "history_1d", _HISTORY.format("daily", "year"), columns.HISTORIC | DATE, "year"
        ),
        **_compacted(
            "history_1h", _HISTORY.format("hourly", "month"), columns.HISTORIC | DATE, "month"
        ),
    }
    return {"first_date": _FIRST_DATE, "sql": columns.SHARED, "tables": tables, "views": _views()}


def _views() -> dict[str, Any]:
    return {
        "raw_ticks": _view(
            "Every tick as it arrived, one per line; numbers are text, to be cast to DECIMAL(20,8)",
            "raw_ticks_view.sql",
            columns.RAW_TICKS,
        ),
        "bars_1d": _view(_BARS.format("daily"), "bars.sql", columns.BARS | DATE, bar="1d"),
        "bars_1h": _view(_BARS.format("hourly"), "bars.sql", columns.BARS | DATE, bar="1h"),
        "all_prices": _view(
            "Each tick once, and daily history of days on which a symbol has no tick",
            "all_prices.sql",
            columns.PRICES,
        ),
        "all_ticks": _view(
            "Each tick once: compacted days from Parquet, later ones from the raw archive",
            "all_ticks.sql",
            columns.SHOWN_TICKS | DATE,
        ),
    }


def _json(description: str, prefix: str, found: Columns, partitions: Columns) -> dict[str, Any]:
    return _table(description, prefix, "json", True, found, partitions)


def _compacted(name: str, description: str, found: Columns, period: str) -> dict[str, Any]:
    """Return a Parquet table, and the table of its files that are not verified yet."""
    unchecked = f"{name} that compact has written but not checked yet"
    by_period, by_run = {period: columns.TEXT}, {"run": columns.TEXT, period: columns.TEXT}
    return {
        name: _table(description, f"{name}/", "parquet", False, found, by_period),
        f"{name}_unchecked": _table(unchecked, f"{name}/", "parquet", False, found, by_run),
    }


def _table(
    description: str, prefix: str, form: str, projected: bool, found: Columns, partitions: Columns
) -> dict[str, Any]:
    return {
        "description": description,
        "prefix": prefix,
        "format": form,
        "projected": projected,
        "columns": _pairs(found),
        "partitions": _pairs(partitions),
    }


def _view(description: str, file: str, found: Columns, **more: str) -> dict[str, Any]:
    return {"description": description, "sql": file, **more, "columns": _pairs(found)}


def _pairs(found: Columns) -> list[list[str]]:
    return [[name, kind] for name, kind in found.items()]


def text() -> str:
    """Return infra/lake.json as text, with one column on each line."""
    spread = json.dumps(lake(), indent=2)
    return re.sub(r'\[\s+("[^"]*"),\s+("[^"]*")\s+\]', r"[\1, \2]", spread) + "\n"


def main() -> None:
    """Write infra/lake.json."""
    FILE.write_text(text())


if __name__ == "__main__":
    main()
