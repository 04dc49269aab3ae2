"""Compacted days in Parquet, replayed in the order of time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from producer.errors import UsageError
from producer.sources import lake
from producer.sources.objects import Folder
from producer.sources.replay import open_recording
from producer.wire import WireTick, line_of

_PRICE = pa.decimal128(20, 8)
_SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("timestamp", pa.string()),
        *((name, _PRICE) for name in ("price", "open", "high", "low", "previous_close")),
        ("volume", pa.decimal128(26, 8)),
        ("currency", pa.string()),
        ("exchange_timezone", pa.string()),
        ("market_state", pa.string()),
        ("source", pa.string()),
        ("mode", pa.string()),
        ("split", pa.string()),
    ]
)


def tick(symbol: str, timestamp: str, price: str = "1.5", **more: Any) -> WireTick:
    return WireTick(symbol=symbol, timestamp=timestamp, price=Decimal(price), **more)


def put(root: Path, key: str, *ticks: WireTick, schema: pa.Schema = _SCHEMA) -> None:
    """The ticks as compact writes them: decimals of eight digits, no source as `unknown`."""
    rows = []
    for one in ticks:
        row = {name: getattr(one, name) for name in schema.names}
        row["source"] = one.source or "unknown"
        row["mode"] = one.mode or "live"
        rows.append(row)
    (root / key).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), root / key)


def replayed(root: Path, *symbols: str, **more: Any) -> list[WireTick]:
    recording = open_recording(root, symbols, **more)
    recording.check()
    return list(recording.ticks())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "ticks"


def test_lines_are_those_first_sent_but_for_the_mode(root: Path) -> None:
    full = tick(
        "AAPL",
        "2026-11-20T15:30:00.123456Z",
        "127.830002",
        open=Decimal("127.5"),
        high=Decimal("1000"),
        low=Decimal("0.00000001"),
        previous_close=Decimal("126"),
        volume=Decimal("999999999999999999"),
        currency="USD",
        exchange_timezone="America/New_York",
        market_state="REGULAR",
        source="yfinance",
        mode="live",
        split="3:2",
    )
    bare = tick("AAPL", "2026-11-20T15:30:01.000000Z", "100")
    put(root, "date=2026-11-20/run=r/series=AAPL/x", full, bare)
    sent = [line_of(one).payload for one in replayed(root, alerts=True)]
    full.mode = bare.mode = "replay"
    assert sent == [line_of(full).payload, line_of(bare).payload]
    assert [one.mode for one in replayed(root)] == ["backfill", "backfill"]


def test_days_that_were_compacted_without_a_column_of_splits_are_read(root: Path) -> None:
    before, after = (
        tick("A", "2026-11-19T15:30:00.000000Z"),
        tick("A", "2026-11-20T15:30:00.000000Z", split="2:1"),
    )
    old = pa.schema([field for field in _SCHEMA if field.name != "split"])
    put(root, "date=2026-11-19/run=r/x", before, schema=old)
    put(root, "date=2026-11-20/run=r/x", after)
    assert [one.split for one in replayed(root)] == [None, "2:1"]


def test_ticks_come_in_the_order_of_time_over_symbols_and_days(root: Path) -> None:
    put(
        root,
        "date=2026-11-20/run=r/series=AAPL/x.parquet",
        tick("AAPL", "2026-11-20T15:00:00.000000Z"),
        tick("AAPL", "2026-11-21T00:59:59.000000Z"),
    )
    put(
        root,
        "date=2026-11-20/run=r/series=MSFT/x.parquet",
        tick("MSFT", "2026-11-20T14:00:00.000000Z"),
        tick("MSFT", "2026-11-20T16:00:00.000000Z"),
    )
    put(  # Tokyo's day begins while New York's goes on
        root,
        "date=2026-11-21/run=q/series=7203.T/x.parquet",
        tick("7203.T", "2026-11-20T23:30:00.000000Z"),
        tick("7203.T", "2026-11-21T02:00:00.000000Z"),
    )
    put(root, "date=2026-12-24/x.parquet", tick("AAPL", "2026-12-24T15:00:00.000000Z"))
    times = [one.timestamp for one in replayed(root)]
    assert times == sorted(times)
    assert len(times) == 7


@pytest.mark.parametrize(
    ("day", "stamp", "is_read"),
    [
        ("2026-11-20", "2026-11-14T15:30:00.000000Z", True),
        ("2020-11-20", "2026-11-20T15:30:00.000000Z", False),
        ("2026-11-20", "2020-11-20T15:30:00.000000Z", False),
        ("9999-12-31", "9999-12-31T15:30:00.000000Z", True),
        ("2026-11-20", "9999-12-31T15:30:00.000000Z", False),
    ],
)
def test_a_tick_that_is_not_of_its_folders_day_is_passed_over(
    root: Path, day: str, stamp: str, is_read: bool
) -> None:
    """However many folders name ticks of one instant, few of them are open at a time."""
    put(root, f"date={day}/run=1/a.parquet", tick("AAPL", stamp))
    put(root, "date=2026-11-19/run=1/b.parquet", tick("MSFT", "2026-11-19T15:30:00.000000Z"))
    recording = open_recording(root, ())
    recording.check()
    assert {one.timestamp for one in recording.ticks()} == {
        "2026-11-19T15:30:00.000000Z",
        *([stamp] if is_read else []),
    }
    assert recording.unreadable.count == (not is_read)


def test_symbols_and_trading_days_are_chosen(root: Path) -> None:
    for day in ("2026-11-19", "2026-11-20", "2026-11-21"):
        for symbol in ("AAPL", "MSFT", "BRK^A"):
            series = symbol.replace("^", "%5E")
            put(
                root, f"date={day}/run=r/series={series}/x", tick(symbol, f"{day}T15:00:00.000000Z")
            )
    put(root, "date=2026-11-20/run=r/_SUCCESS", tick("AAPL", "2026-11-20T16:00:00.000000Z"))
    chosen = replayed(root, "AAPL", since=date(2026, 11, 20))
    assert [(one.symbol, one.timestamp[:10]) for one in chosen] == [
        ("AAPL", "2026-11-20"),
        ("AAPL", "2026-11-21"),
    ]
    assert [one.symbol for one in replayed(root, "BRK^A", until=date(2026, 11, 19))] == ["BRK^A"]
    with pytest.raises(UsageError, match="no compacted day"):
        replayed(root, since=date(2027, 1, 1))


def test_a_day_of_several_runs_needs_glue(root: Path) -> None:
    put(root, "date=2026-11-20/run=a/x", tick("AAPL", "2026-11-20T15:00:00.000000Z", "1"))
    put(root, "date=2026-11-20/run=b/x", tick("AAPL", "2026-11-20T15:00:00.000000Z", "2"))
    with pytest.raises(UsageError, match="2026-11-20 has the runs a, b; say with --database"):
        replayed(root)
    known = lake.Recording(
        Folder(root.parent),
        [],
        None,
        None,
        current={"2026-11-20": "s3://bucket/ticks/date=2026-11-20/run=b"},
    )
    assert [one.price for one in known.ticks()] == [2]


def test_files_that_are_not_parquet_are_named(root: Path) -> None:
    (root / "date=2026-11-20").mkdir(parents=True)
    (root / "date=2026-11-20" / "x").write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        replayed(root)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://bucket/ticks/", True),
        ("s3://bucket/ticks/date=2026-11-20/", True),
        ("s3://bucket/raw/", False),
        ("s3://bucket/", False),
        ("/home/ticks/raw", False),
        ("/home/raw/ticks", True),
    ],
)
def test_the_address_says_what_it_holds(address: str, expected: bool) -> None:
    assert lake.is_lake(address) is expected
