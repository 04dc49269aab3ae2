"""Frames and numbers that no source sends: each is skipped, and the producer continues."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as pq
import pytest

from producer.files import names
from producer.files.asked import Asked
from producer.files.numbers import number_of
from producer.files.opening import open_files
from producer.files.parquet_file import ParquetFile
from producer.files.times import instant_of
from producer.sources import ndjson, yahoo
from producer.sources.pushed.messages import BadFrame
from producer.sources.yahoo_frames import tick_of
from producer.wire import decimal_of

HUGE = ["1e999999", "1E+999999999999999999", "9" * 100_000, "-1e30", "1e29"]
GOOD = '{"symbol":"AAPL","price":1,"timestamp":"2026-11-20T15:30:00.000000Z"}\n'


def frame(price: float = 1.0, milliseconds: int = 1_790_000_000_000) -> str:
    """A frame of Yahoo's stream with a price of AAPL."""
    message: Any = pytest.importorskip("yfinance.pricing_pb2").PricingData()
    message.id, message.price, message.time = "AAPL", price, milliseconds
    text = base64.b64encode(message.SerializeToString()).decode()
    return json.dumps({"type": "pricing", "message": text})


@pytest.mark.parametrize(
    "bad",
    [
        "[" * 100_000,
        '{"type": "pricing", "message": "\u00e9"}',
        '{"type": "pricing", "message": [1]}',
        '{"type": ["pricing"], "message": 1' + "0" * 5000 + "}",
        frame(milliseconds=10**15),
        frame(milliseconds=253_402_300_799_000),
        frame(milliseconds=-62_135_596_800_000),
        frame(price=3e38),
    ],
    ids=["deep", "text", "list", "digits", "time", "late", "early", "large"],
)
def test_a_frame_without_a_tick_is_a_bad_frame(bad: str) -> None:
    assert tick_of(frame()) is not None
    with pytest.raises(BadFrame) as raised:
        tick_of(bad)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:12])
def test_a_number_out_of_range_is_invalid(text: str) -> None:
    with pytest.raises(ValueError, match="too many digits") as raised:
        decimal_of(text)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize("text", [*HUGE, "1e999999K", "1E+9999999999999999999999"])
def test_a_cell_out_of_range_is_invalid(text: str) -> None:
    with pytest.raises(ValueError, match="too many digits"):
        number_of(text)


def test_lines_with_such_numbers_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    bad = [f'{{"symbol":"AAPL","price":"{text}"}}\n' for text in HUGE]
    bad.append('{"symbol":"AAPL","price":1,"x":' + "[" * 400_000 + "]" * 400_000 + "}\n")
    path.write_text(GOOD + "".join(bad))
    recording = ndjson.Recording(path, Asked())
    recording.check()
    assert [tick.symbol for tick in recording.ticks()] == ["AAPL"]


NO_TIMES = [
    f"2024-01-03 09:30 {'a' * 80}",
    "2024-01-03 09:30 America",
    "2024-01-03T09:30:00+99:99",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01 00:00",
    "9999-12-31 23:59",
    "9999999999999999999",
    "9e99",
    "-9999999999",
    f"2024-01-02{' ' * 60_000}\nx{' ' * 60_000}\ny",
]
HEADER = "Date,Open,High,Low,Close,Volume\n"


@pytest.mark.parametrize("cell", NO_TIMES, ids=lambda cell: cell[:24])
def test_rows_with_an_invalid_time_are_skipped(tmp_path: Path, cell: str) -> None:
    good = [f"2024-01-{day:02d} 09:{minute}" for day in (2, 3) for minute in range(30, 40)]
    path = tmp_path / "AAPL.csv"
    path.write_text(HEADER + "".join(f'"{when}",1,2,1,1.5,10\n' for when in [cell, *good, cell]))
    recording = open_files([path], Asked(history=True))
    recording.check()
    found = [tick.timestamp for tick in recording.ticks() if tick.bar == "1m"]
    assert len(found) == len(good)


def test_long_cells_and_names_of_columns_are_not_parsed() -> None:
    with pytest.raises(ValueError, match=r"'\.\.\. is not a date"):
        instant_of("2024-01-02" + " " * 5_000)
    name = "Close(" * 1_000
    assert names.plain(name) == name
    assert names.pair_of("AAPL." + "Close" + " " * 5_000) is None


@pytest.mark.parametrize("year", ["0001-01-01", "9999-12-31"])
def test_lines_at_the_ends_of_the_calendar_are_passed_over(tmp_path: Path, year: str) -> None:
    path = tmp_path / "x.ndjson"
    bar = f'{{"symbol":"AAPL","price":1,"timestamp":"{year}T00:00:00Z","bar":"1m"}}\n'
    path.write_text(GOOD + bar)
    recording = ndjson.Recording(path, Asked(history=True))
    recording.check()
    assert [tick.timestamp[:4] for tick in recording.ticks()] == ["2026"]


@pytest.mark.parametrize("zone", [None, "Etc/GMT+12", "America", "+99:99"])
@pytest.mark.parametrize("seconds", [10**15, -(10**15), 253402300799, -62135596800])
def test_invalid_times_in_parquet_are_skipped(
    tmp_path: Path, zone: str | None, seconds: int
) -> None:
    times = pyarrow.array([seconds, 1_704_186_000], pyarrow.timestamp("s", zone))
    path = tmp_path / "AAPL.parquet"
    pq.write_table(pyarrow.table({"Date": times, "Close": [1.0, 2.0]}), path)
    is_known = zone in (None, "Etc/GMT+12")
    _, first, second = ParquetFile(path).rows()
    with pytest.raises(ValueError, match="is not"):
        instant_of(first[1][0])
    assert second[1] == ("2024-01-02T09:00:00" + "+00:00" * bool(zone) if is_known else "", "2.0")


@pytest.mark.parametrize(
    "value",
    [-(10**12), 10**12, 10**18, 253_402_300_799, float("nan"), datetime(9999, 12, 31, tzinfo=UTC)],
)
def test_a_trades_time_that_none_can_have_is_an_error_of_its_symbol(value: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        yahoo.tick_of("AAPL", {"regularMarketPrice": 1.0, "regularMarketTime": value}, None)


@pytest.mark.parametrize("seconds", [-(10**12), -(10**11), 253_402_300_799])
def test_a_time_of_pandas_that_no_trade_can_have_is_an_error_of_its_symbol(seconds: int) -> None:
    time = pytest.importorskip("pandas").Timestamp(seconds, unit="s", tz="UTC")
    with pytest.raises(ValueError, match="is not in the years 1700 to 2261"):
        yahoo.tick_of("AAPL", {"regularMarketPrice": 1.0, "regularMarketTime": time}, None)
