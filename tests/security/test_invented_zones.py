"""A producer's invented time zones: what a label says makes no statement of compaction too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.errors import StatementRefused
from chalicelib.domain.sessions import zone_names
from chalicelib.services.lake import lake_sql
from rigs.emulated import Emulated
from tests.integration.test_compaction import Lake, same_minutes, wire

INVENTED = 2200
"""With a row for each, the statement of minute bars had 280 kB: Athena takes 262,144 bytes."""

SOME_KNOWN = sorted(zone_names())[::4]
DAY = datetime(2026, 11, 17, 15, tzinfo=UTC)
ARRIVAL = DAY + timedelta(hours=1)


def invented() -> bytes:
    """One record of a symbol's ticks, each of another time zone that there is not."""
    return b"\n".join(
        wire(DAY + timedelta(seconds=n), "EVIL", 100, exchange_timezone=f"Z{n}")
        for n in range(INVENTED)
    )


def known() -> bytes:
    """A tick of each of some time zones at its midnight, from when on a session's volume counts."""
    return b"\n".join(
        wire(
            datetime(2026, 11, 17, tzinfo=ZoneInfo(name)).astimezone(UTC),
            f"ZONE{n}",
            5,
            volume=n + 1,
            exchange_timezone=name,
        )
        for n, name in enumerate(SOME_KNOWN)
    )


def test_time_zones_without_end_stop_no_compaction_and_change_no_bar(emulated: Emulated) -> None:
    lake = Lake(emulated)
    lake.ingest((ARRIVAL, invented()))
    lake.ingest((ARRIVAL, known()))
    lake.compact()
    assert lake.stores.catalog.marks().compacted_until == "2026-11-18"
    assert same_minutes(lake, "2026-11-18") >= len(SOME_KNOWN) + INVENTED // 60
    found = lake.ask(lake_sql.measure(lake_sql.compacted_ticks(["2026-11-17"])))
    assert len(found) <= len({*SOME_KNOWN, "UTC"})


def test_a_statement_that_is_too_long_is_refused_as_such(emulated: Emulated) -> None:
    with pytest.raises(StatementRefused, match="longer than 262144 bytes"):
        Lake(emulated).stores.engine.start(f"SELECT '{'x' * 262_144}'")
