"""Ticks that went into raw objects, through UNLOAD into Parquet, out of it by replay."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chalicelib.domain.raw_lines import ArchivedLine, pack
from embedded_aws.environment import point_at
from producer.errors import UsageError
from producer.sources.replay import open_recording
from producer.wire import WireTick, line_of
from rigs.emulated import Emulated
from tests.local_support.lake import PARQUET, PROJECTION, Lake

NUMBERS = ("price", "open", "volume")
TEXTS = ("symbol", "timestamp", "currency", "source", "mode")


def ticks() -> list[WireTick]:
    """Two symbols, in the order of time; odd digits and missing fields among them."""
    return [
        WireTick(
            symbol=symbol,
            timestamp=f"2024-01-02T15:{minute:02}:00.00000{at}Z",
            price=Decimal("127.830002") + minute + at,
            open=Decimal("0.00000001") if at else None,
            volume=Decimal(10**17 + minute),
            currency=None if at else "USD",
            source="simulator",
            mode="live",
        )
        for minute in range(40)
        for at, symbol in enumerate(("AAPL", "MSFT"))
    ]


@pytest.fixture(scope="module")
def archived(lake: Lake) -> Lake:
    """A lake with a day in raw/, and in ticks/ twice: a run that was superseded, and the day's."""
    arrival = datetime(2024, 1, 2, 15, 40, tzinfo=UTC)
    lines = [ArchivedLine(line_of(tick).payload, arrival) for tick in ticks()]
    lake.put("raw/date=2024-01-02/hour=15/a-1-2.json.gz", pack([*lines[::-1], *lines[:5]]))
    template = lake.address("raw/date=${date}/hour=${hour}/")
    texts = dict.fromkeys((*TEXTS, *NUMBERS), "string")
    lake.make_table(
        "raw",
        texts,
        {"date": "string", "hour": "string"},
        parameters={**PROJECTION, "storage.location.template": template},
    )
    typed = {name: "decimal(26,8)" if name in NUMBERS else kind for name, kind in texts.items()}
    lake.make_table("ticks", typed, {"date": "string"}, serde=PARQUET)
    casts = [f"cast({name} AS decimal(26,8)) AS {name}" for name in NUMBERS]
    columns = ", ".join([*TEXTS, *casts, "symbol AS series"])
    for run, condition in (("old", "symbol = 'AAPL'"), ("new", "symbol IS NOT NULL")):
        place = lake.address(f"ticks/date=2024-01-02/run={run}/")
        lake.run(
            f"UNLOAD (SELECT DISTINCT {columns} FROM raw WHERE {condition} ORDER BY 1, 2)"
            f" TO '{place}' WITH (format = 'PARQUET', partitioned_by = ARRAY['series'])"
        )
    lake.run(f"ALTER TABLE ticks ADD PARTITION (date = '2024-01-02') LOCATION '{place}'")
    return lake


@pytest.fixture
def compacted(emulated: Emulated, archived: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The same, and an environment in which the producer finds it."""
    for name, value in _environment(emulated).items():
        monkeypatch.setenv(name, value)
    return archived


def _environment(emulated: Emulated) -> dict[str, str]:
    made: dict[str, str] = dict(os.environ)
    point_at(made, emulated.endpoint, emulated.keys)
    return made


def test_a_replay_sends_the_lines_that_were_sent_at_first(compacted: Lake) -> None:
    for database, folder in ((compacted.database, ""), (None, "date=2024-01-02/run=new/")):
        address = compacted.address(f"ticks/{folder}")
        recording = open_recording(address, [], alerts=True, database=database)
        recording.check()
        sent = [line_of(tick).payload for tick in recording.ticks()]
        assert sent == [line_of(tick).payload.replace(b'"live"', b'"replay"') for tick in ticks()]
    raw = open_recording(compacted.address("raw/"), [], alerts=True)
    assert {line_of(tick).payload for tick in raw.ticks()} == set(sent)


def test_a_day_with_two_runs_needs_the_current_one(compacted: Lake) -> None:
    recording = open_recording(compacted.address("ticks/"), ["AAPL"])
    with pytest.raises(UsageError, match="2024-01-02 has the runs new, old"):
        recording.check()
    with pytest.raises(UsageError, match="--database nowhere"):
        open_recording(compacted.address("ticks/"), [], database="nowhere")
