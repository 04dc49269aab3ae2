"""The columns of the lake's tables and views, and the SQL that all statements share.

infra/lake.json holds both for Terraform; `python -m tools.lake_file` writes that file.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.archive_layout import ENDING, RAW, READINGS
from chalicelib.domain.ticks import NUMBERS, Tick

Columns = dict[str, str]
"""The names and types of columns, in order."""

TEXT, COUNT, PRICE, VOLUME = "string", "bigint", "decimal(20,8)", "decimal(26,8)"

DATE, HOUR = {"date": TEXT}, {"hour": TEXT}

_NUMBER_TYPES = dict.fromkeys(NUMBERS, PRICE) | {"volume": VOLUME}
TICKS: Columns = {name: _NUMBER_TYPES.get(name, TEXT) for name in Tick.__struct_fields__}
SHOWN_TICKS: Columns = {name: kind for name, kind in TICKS.items() if name != "split"}
"""The columns of ticks in views. Splits are left out: only the producer needs them, to replay
compacted days."""

_TICKS_AS_TEXT = dict.fromkeys(TICKS, TEXT)
RAW_LINES: Columns = {**_TICKS_AS_TEXT, "sent_at": TEXT, "bar": TEXT}
READ: Columns = {**_TICKS_AS_TEXT, "session_date": TEXT, "refused": TEXT, "bar": TEXT}
RAW_TICKS: Columns = {**dict.fromkeys(SHOWN_TICKS, TEXT), "sent_at": TEXT, **DATE, **HOUR}

_BAR = {"symbol": TEXT, "start": TEXT, **dict.fromkeys(("open", "high", "low", "close"), PRICE)}
BARS: Columns = {**_BAR, "volume": VOLUME, "source": TEXT}
MINUTES: Columns = {
    **_BAR, "volume": VOLUME, "ticks": COUNT, "source": TEXT, "extended": "boolean",
}  # fmt: skip
HISTORIC: Columns = {**BARS, "number": TEXT}
"""The columns of historical bars. `number` is the sequence number of the last record in the batch
that contained the bar. If two copies of a bar exist, the one with the higher number wins."""

_PRICED = {name: kind for name, kind in TICKS.items() if name in ("symbol", "timestamp", *NUMBERS)}
PRICES: Columns = {**_PRICED, "source": TEXT, "ticks": COUNT, **DATE}
QUARANTINE: Columns = {
    "reason": TEXT, "origin": TEXT, "sequence_number": TEXT, "part": COUNT, "line": COUNT,
    "arrived_at": TEXT, "payload": TEXT,
}  # fmt: skip

_KEYWORDS = ("timestamp", "start", "date", "hour")


def listed(columns: Iterable[str]) -> str:
    """Return the columns as a SQL list. Keywords are quoted."""
    return ", ".join(f'"{name}"' if name in _KEYWORDS else name for name in columns)


SHARED = {
    "tick": listed(SHOWN_TICKS),
    "bar_columns": listed(BARS),
    "raw_batch": f"regexp_extract(\"$path\", '/{RAW}(.*)$', 1)",
    "readings_batch": f"regexp_extract(\"$path\", '/{READINGS}(.*)$', 1)",
    "number": f"regexp_extract(\"$path\", '([0-9]+){ENDING.replace('.', '[.]')}$', 1)",
}
"""The SQL texts that any statement may insert, by name. Two list the columns of a tick and of a
bar. Two extract the name of an object under `raw/` or `readings/` from its path. The last one
extracts the last sequence number in that name."""
