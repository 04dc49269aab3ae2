"""Files as programs and brokers export them: each of tests/data/forms holds the same five days."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from producer.errors import UsageError
from producer.files.asked import Asked
from producer.files.opening import open_files
from producer.sources.recording import Recording
from producer.wire import WireTick
from tests.producer_support.doubles import ROOT

FORMS = ROOT / "tests" / "data" / "forms"
DAYS = ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]
ROWS = [  # open, high, low, close, volume
    ("1187.04", "1189.1", "1186.5", "1188.35", "1234567"),
    ("1188.9", "1190.25", "1188", "1189.5", "2345678"),
    ("1189.5", "1191", "1187.25", "1187.75", "1500000"),
    ("1187", "1188.5", "1185.75", "1186.25", "987654"),
    ("1186.5", "1188.125", "1184", "1187.5", "3000001"),
]

LONE = {  # files of one symbol that do not name it
    "pandas": "pandas.csv",
    "pandas without an index name": "pandas_unnamed_index.csv",
    "pandas, packed": "pandas.csv.gz",
    "pandas, Parquet": "pandas.parquet",
    "yfinance's Ticker.history": "yfinance_history.csv",
    "Yahoo's download with Adj Close and a null row": "yahoo_download.csv",
    "Nasdaq, dollars, newest first": "nasdaq.csv",
    "Investing.com, thousands, volumes in millions": "investing.csv",
    "Interactive Brokers by ib_insync": "interactive_brokers.csv",
    "Interactive Brokers, compact dates": "interactive_brokers_compact.csv",
    "semicolons, decimal commas": "european.csv",
    "German names, euros, the encoding of Windows": "german.csv",
    "day first, shown by days above 12": "day_first.csv",
    "thousands separators": "thousands.csv",
    "India's National Stock Exchange": "indian.csv",
    "Excel's sep line": "excel.csv",
    "Excel's Unicode text": "excel_unicode.txt",
    "tabs and a byte order mark": "tabs.tsv",
    "MetaTrader": "metatrader.csv",
    "Google Finance, a time of day on each day": "google_finance.csv",
    "epoch seconds": "epoch_seconds.csv",
    "epoch milliseconds": "epoch_milliseconds.csv",
    "epoch microseconds": "epoch_microseconds.csv",
    "epoch nanoseconds": "epoch_nanoseconds.csv",
    "epoch milliseconds of midnight in New York": "epoch_new_york.csv",
}
NAMED = {  # files that name AAPL, by a column, a header or their own name
    "yfinance, three lines of header": "yfinance_three_lines.csv",
    "yfinance, two lines of header": "yfinance_two_lines.csv",
    "Stooq's download, by its file's name": "aapl_us_d.csv",
    "Stooq's bulk files": "folder/aapl.us.txt",
    "quantmod": "quantmod.csv",
}
SEVERAL = {  # AAPL, and MSFT at half its prices
    "yfinance by ticker": "yfinance_by_ticker.csv",
    "yfinance by price": "yfinance_wide.csv",
    "yfinance, Parquet": "yfinance_wide.parquet",
    "yfinance, stacked": "yfinance_stacked.csv",
    "Kaggle, Name": "kaggle_name.csv",
    "Kaggle, Ticker": "kaggle_ticker.csv",
    "Kaggle, Stock": "kaggle_stock.csv",
    "a folder of files named by symbol": "folder",
}

UNEVEN = ("yfinance by ticker", "yfinance by price")  # MSFT has nothing on the last day


def opened(name: str, *symbols: str, **asked: object) -> Recording:
    return open_files([FORMS / name], Asked(symbols=symbols, **asked))  # type: ignore[arg-type]


def figures(ticks: list[WireTick]) -> list[tuple[str, ...]]:
    return [
        tuple(f"{value:f}" for value in (t.open, t.high, t.low, t.price, t.volume)) for t in ticks
    ]


@pytest.mark.parametrize("form", LONE)
def test_a_file_of_one_symbol_loads_as_daily_bars(form: str) -> None:
    bars = list(opened(LONE[form], "AAPL", history=True).ticks())
    assert [bar.timestamp for bar in bars] == [f"{day}T00:00:00.000000Z" for day in DAYS]
    assert figures(bars) == ROWS
    assert {(bar.symbol, bar.bar, bar.mode) for bar in bars} == {("AAPL", "1d", "backfill")}


@pytest.mark.parametrize("form", NAMED)
def test_a_file_that_names_its_symbol_needs_no_symbols_flag(form: str) -> None:
    bars = list(opened(NAMED[form], history=True).ticks())
    assert figures(bars) == ROWS
    assert {bar.symbol for bar in bars} == {"AAPL"}


@pytest.mark.parametrize("form", [*LONE, *NAMED])
def test_the_same_file_replays_as_a_tick_a_day_at_the_close(form: str) -> None:
    ticks = list(opened((LONE | NAMED)[form], "AAPL").ticks())
    assert [tick.timestamp for tick in ticks] == [f"{day}T21:00:00.000000Z" for day in DAYS]
    assert figures(ticks) == ROWS
    assert {(tick.bar, tick.mode) for tick in ticks} == {(None, "backfill")}


@pytest.mark.parametrize("form", SEVERAL)
def test_a_file_of_several_symbols_keeps_them_apart(form: str) -> None:
    bars = list(opened(SEVERAL[form], history=True).ticks())
    assert figures([bar for bar in bars if bar.symbol == "AAPL"]) == ROWS
    halves = [bar.price * 2 for bar in bars if bar.symbol == "MSFT"]
    closes = [Decimal(row[3]) for row in ROWS]
    assert halves == closes[: len(halves)]
    assert len(halves) == (4 if form in UNEVEN else 5)


def test_history_out_of_order_goes_symbol_by_symbol_so_that_records_are_large(
    tmp_path: Path,
) -> None:
    header, *rows = (FORMS / "kaggle_name.csv").read_text().splitlines()
    path = tmp_path / "both.csv"
    path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    bars = open_files([path], Asked(history=True)).ticks()
    assert [bar.symbol for bar in bars] == ["AAPL"] * 5 + ["MSFT"] * 5
    stamps = [tick.timestamp for tick in open_files([path], Asked()).ticks()]
    assert stamps == sorted(stamps)


def test_columns_named_by_symbols_are_closes() -> None:
    recording = opened("closes_by_symbol.csv", history=True)
    bars = [bar for bar in recording.ticks() if bar.symbol == "AAPL"]
    assert [(f"{bar.price:f}", bar.open == bar.high == bar.low == bar.price) for bar in bars] == [
        (row[3], True) for row in ROWS
    ]
    assert recording.notes[0].endswith(
        "10 rows of 1d bars of AAPL, MSFT; open, high and low are the close"
    )


def test_lines_of_text_above_the_header_are_left_out() -> None:
    bars = list(opened("crypto_data_download.csv", history=True).ticks())
    assert figures(bars) == ROWS
    assert {bar.symbol for bar in bars} == {"BTC-USD"}


def test_a_null_row_is_passed_over_and_shown_with_its_line() -> None:
    recording = opened("yahoo_download.csv", "AAPL")
    assert len(list(recording.ticks())) == 5
    assert recording.unreadable.count == 1
    assert recording.unreadable.first == "line 4: the close is missing or not above 0"


def test_a_folder_names_the_files_that_it_passes_over() -> None:
    recording = opened("folder", history=True)
    recording.check()
    assert [note.split(":")[0] for note in recording.notes[:2]] == ["MSFT.csv", "aapl.us.txt"]
    assert recording.notes[2].startswith("1 files skipped; ")
    assert "empty.csv: there is no row that can be replayed" in recording.notes[2]


def test_symbols_choose_among_the_files_of_a_folder() -> None:
    assert {tick.symbol for tick in opened("folder", "MSFT").ticks()} == {"MSFT"}
    with pytest.raises(UsageError, match="no file has TSLA; there are: AAPL, MSFT"):
        opened("folder", "TSLA").check()


def test_a_folder_replays_in_the_order_of_time() -> None:
    stamps = [tick.timestamp for tick in opened("folder").ticks()]
    assert stamps == sorted(stamps)
    assert len(stamps) == 10


AMBIGUOUS = "Date,Close\n03/04/2024,1\n04/04/2024,2\n"


@pytest.mark.parametrize(
    ("day_first", "first", "said"),
    [
        (False, "2024-03-04", "read month first, since none in the file tells (--day-first reads"),
        (True, "2024-04-03", "read day first, since none in the file tells"),
    ],
)
def test_dates_that_do_not_tell_are_read_as_asked_and_said_so(
    tmp_path: Path, day_first: bool, first: str, said: str
) -> None:
    path = tmp_path / "days.csv"
    path.write_text(AMBIGUOUS)
    recording = open_files([path], Asked(symbols=("X",), history=True, day_first=day_first))
    assert next(recording.ticks()).timestamp[:10] == first
    assert said in recording.notes[1]


def test_one_day_above_12_tells_for_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text("Date,Close\n03/04/2024,1\n13/04/2024,2\n")
    recording = open_files([path], Asked(symbols=("X",), history=True))
    assert [tick.timestamp[:10] for tick in recording.ticks()] == ["2024-04-03", "2024-04-13"]
    assert len(recording.notes) == 1


@pytest.mark.parametrize(
    "digits", ["0.1", "189.84000001", "123456789012.12345678", "0.00000001", "1e-05"]
)
def test_prices_keep_their_digits(tmp_path: Path, digits: str) -> None:
    path = tmp_path / "days.csv"
    path.write_text(f"Date,Close\n2024-01-02,{digits}\n")
    (tick,) = open_files([path], Asked(symbols=("X",))).ticks()
    assert tick.price == Decimal(digits)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,Close\n2024-01-02,1\n", "exactly one symbol is needed"),
        ("When,Close\n2024-01-02,1\n", "a date column is needed; columns found: When, Close"),
        ("Date,Adj Close\n2024-01-02,1\n", "a close column is needed; columns found: Date, Adj"),
        ("Date,Close,Name\n2024-01-02,1,Apple Inc.\n", "line 2: symbol: 'Apple Inc.'"),
    ],
)
def test_a_file_that_needs_something_says_what_in_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "days.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        open_files([path], Asked()).check()
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_weekly_rows_are_not_taken_for_days(tmp_path: Path) -> None:
    path = tmp_path / "weeks.csv"
    path.write_text("Date,Close\n" + "".join(f"2024-01-{day:02},1\n" for day in range(1, 31, 7)))
    with pytest.raises(UsageError, match="weeks or months apart"):
        open_files([path], Asked(symbols=("X",))).check()
    assert len(list(open_files([path], Asked(symbols=("X",), bar="1d")).ticks())) == 5


def test_months_that_may_be_days_are_refused_with_the_flag_that_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    rows = "".join(f"0{day}/02/2024,1,2,1,2,10\n" for day in range(1, 6))
    path.write_text(f"Date,Open,High,Low,Close,Volume\n{rows}")
    with pytest.raises(UsageError, match=r"weeks or months apart.*try it with --day-first"):
        open_files([path], Asked(symbols=("X",))).check()
    found = open_files([path], Asked(symbols=("X",), day_first=True, history=True)).ticks()
    assert [bar.timestamp[:10] for bar in found] == [f"2024-02-0{day}" for day in range(1, 6)]


def test_a_note_names_the_symbols_that_were_asked_for() -> None:
    recording = open_files([FORMS / "yfinance_wide.csv"], Asked(symbols=("MSFT",), history=True))
    recording.check()
    assert recording.notes[0].endswith(" of MSFT")
