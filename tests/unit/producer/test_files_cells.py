"""Cells of people's files: dates, numbers, names of columns and of files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from producer.files.asked import Asked
from producer.files.names import field_of, symbol_of, symbol_of_file
from producer.files.numbers import mark_shown, number_of
from producer.files.opening import open_files
from producer.files.times import instant_of, order_shown

NEW_YORK = ZoneInfo("America/New_York")
EASTERN = ZoneInfo("US/Eastern")
WINTER = timezone(timedelta(hours=-5))


def at(*parts: int, zone: object = None) -> datetime:
    return datetime(*parts, tzinfo=zone)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-31", at(2024, 1, 31)),
        ("2024/1/31", at(2024, 1, 31)),
        ("2024.01.31 09:30", at(2024, 1, 31, 9, 30)),
        ("20240131", at(2024, 1, 31)),
        ("20240131 093000", at(2024, 1, 31, 9, 30)),
        ("20240131  09:30:00", at(2024, 1, 31, 9, 30)),
        ("202401310930", at(2024, 1, 31, 9, 30)),
        ("20240131 09:30:00 US/Eastern", at(2024, 1, 31, 9, 30, zone=EASTERN)),
        ("2024-01-31 9:30", at(2024, 1, 31, 9, 30)),
        ("2024-01-31 09:30:00-05:00", at(2024, 1, 31, 9, 30, zone=WINTER)),
        ("2024-01-31T14:30:00Z", at(2024, 1, 31, 14, 30, zone=UTC)),
        ("2024-01-31 09:30:00 EST", at(2024, 1, 31, 9, 30, zone=WINTER)),
        ("01/31/2024", at(2024, 1, 31)),
        ("1/31/24", at(2024, 1, 31)),
        ("01/31/2024 02:30 PM", at(2024, 1, 31, 14, 30)),
        ("01/31/2024, 12:05:01 AM", at(2024, 1, 31, 0, 5, 1)),
        ("31.01.2024", at(2024, 1, 31)),
        ("31.01.2024 00:00:00.000", at(2024, 1, 31)),
        ("31-Jan-2024", at(2024, 1, 31)),
        ("31-Jan-99", at(1999, 1, 31)),
        ("Jan 31, 2024", at(2024, 1, 31)),
        ("January 31 2024", at(2024, 1, 31)),
        ("31 January 2024 9:30", at(2024, 1, 31, 9, 30)),
        ("1706711400", at(2024, 1, 31, 14, 30, zone=UTC)),
        ("1706711400.5", at(2024, 1, 31, 14, 30, 0, 500_000, zone=UTC)),
        ("1706711400000", at(2024, 1, 31, 14, 30, zone=UTC)),
        ("1706711400000000", at(2024, 1, 31, 14, 30, zone=UTC)),
        ("1706711400000000000", at(2024, 1, 31, 14, 30, zone=UTC)),
    ],
)
def test_a_time_is_read_as_it_is_written(text: str, instant: datetime) -> None:
    read = instant_of(text)
    assert read == instant
    assert (read.tzinfo is None) == (instant.tzinfo is None)


@pytest.mark.parametrize(
    "text", ["", "soon", "11:34", "2024-13-01", "31/31/2024", "12", "1.5", "31-Foo-2024", "2024"]
)
def test_invalid_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date; allowed: 2026-11-20"):
        instant_of(text)


@pytest.mark.parametrize(
    ("text", "order"),
    [("31/01/2024", "day"), ("01/31/2024", "month"), ("03/04/2024", None), ("31.01.2024", None)],
)
def test_a_day_above_12_shows_the_order(text: str, order: str | None) -> None:
    assert order_shown(text) == order


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("1234.5", ".", "1234.5"),
        ("1,234.50", ".", "1234.5"),
        ("12,34,567", ".", "1234567"),
        ("1'234.5", ".", "1234.5"),
        ("1.234,5", ",", "1234.5"),
        ("1\u00a0234,5", ",", "1234.5"),
        ("0,5", ",", "0.5"),
        ("$1,234.50", ".", "1234.5"),
        ("98,50 %", ",", "98.5"),
        ("58.41M", ".", "58410000"),
        ("1.5e+08", ".", "150000000"),
        ("-0.54%", ".", "-0.54"),
    ],
)
def test_a_number_keeps_its_digits(text: str, mark: str, number: str) -> None:
    assert number_of(text, mark) == Decimal(number)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["null", "NaN", "N/A", "-", "--", "None"])
def test_words_for_nothing_are_nothing(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize("text", ["x", "1,2,3", "1_000", "0x10", "12.3.4", "USD"])
def test_invalid_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number_of(text)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1.5", "."),
        ("1,5", ","),
        ("1,234", None),
        ("1.234", None),
        ("0.125", "."),
        ("1,234,567", "."),
        ("1.234.567", ","),
        ("1.234,5", ","),
        ("1,234.5", "."),
        ("1500.125", "."),
        ("7", None),
    ],
)
def test_a_cell_may_show_the_decimal_mark(text: str, mark: str | None) -> None:
    assert mark_shown(text) == mark


@pytest.mark.parametrize(
    ("name", "field"),
    [("<OPEN>", "open"), ("Close/Last", "price"), ("Vol.", "volume"), ("CLOSE* ", "price"),
     ("prev_close", "previous_close"), ("Adj Close", None), ("Open (USD)", "open")],
)  # fmt: skip
def test_columns_are_known_by_their_names(name: str, field: str | None) -> None:
    assert field_of(name) == field


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("AAPL.csv", "AAPL"),
        ("aapl.us.txt", "AAPL"),
        ("aapl_us_d.csv", "AAPL"),
        ("BRK-B_1m.csv.gz", "BRK-B"),
        ("VOD.L.csv", "VOD.L"),
        ("vod.uk.txt", "VOD.L"),
        ("EURUSD=X.parquet", "EURUSD=X"),
        ("AAPL_daily (1).csv", "AAPL"),
        ("two words.csv", None),
    ],
)
def test_a_file_is_named_by_its_symbol(name: str, symbol: str | None) -> None:
    assert symbol_of_file(Path(name)) == symbol


def test_symbols_are_written_as_yahoo_does() -> None:
    assert [symbol_of(text) for text in ("aapl", "AAPL.US", "BTC/USD", "SAP.DE")] == [
        "AAPL",
        "AAPL",
        "BTC-USD",
        "SAP.DE",
    ]


def test_date_and_time_may_stand_in_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(
        "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
        "20240131,093000,1,2,1,2,5\n20240131,093100,2,3,2,3,6\n"
    )
    bars = [bar for bar in open_files([path], Asked()).ticks() if bar.bar == "1m"]
    assert [bar.timestamp[11:16] for bar in bars] == ["14:30", "14:31"]
