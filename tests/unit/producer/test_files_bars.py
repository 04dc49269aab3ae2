"""Intraday files: rows with open, high, low and close are bars, and never the session's figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.domain.times import from_text
from producer.errors import UsageError
from producer.files.asked import Asked, Label
from producer.files.csv_file import CsvFile
from producer.files.opening import open_files
from producer.files.recording import FileRecording
from producer.wire import WireTick

HEADER = "Datetime,Open,High,Low,Close,Volume\n"


def intraday(folder: Path, minutes: list[str], name: str = "AAPL.csv") -> Path:
    """A file whose n-th row has close 100 + n, a range of one above and below, and volume 10."""
    path = folder / name
    rows = [f"{at},{100 + n},{101 + n},{99 + n},{100 + n}.5,10\n" for n, at in enumerate(minutes)]
    path.write_text(HEADER + "".join(rows))
    return path


def clock(count: int, step: int, first: int = 570) -> list[str]:
    """`count` times of 2024-01-29 in New York, `step` minutes apart from the open on."""
    at = [first + step * n for n in range(count)]
    return [f"2024-01-29 {minute // 60:02}:{minute % 60:02}:00-05:00" for minute in at]


def read(path: Path, **asked: object) -> list[WireTick]:
    return list(open_files([path], Asked(**asked)).ticks())  # type: ignore[arg-type]


def of(bars: list[WireTick], interval: str) -> list[WireTick]:
    return [bar for bar in bars if bar.bar == interval]


def test_rows_a_minute_apart_are_minutes_and_said_to_be(tmp_path: Path) -> None:
    recording = open_files([intraday(tmp_path, clock(5, 1))], Asked())
    bars = of(list(recording.ticks()), "1m")
    assert recording.notes == ["AAPL.csv: 5 rows of 1m bars of AAPL"]
    assert [bar.timestamp[11:16] for bar in bars] == ["14:30", "14:31", "14:32", "14:33", "14:34"]
    assert (bars[0].open, bars[0].high, bars[0].low) == (100, 101, 99)
    assert (bars[0].price, bars[0].volume) == (Decimal("100.5"), 10)
    assert {(bar.mode, bar.folded) for bar in bars} == {("backfill", None)}


@pytest.mark.parametrize(
    ("step", "stored", "note"),
    [
        (1, {"1m", "1h", "1d"}, "1m bars of AAPL"),
        (5, {"1h", "1d"}, "5m bars of AAPL, stored as 1h and 1d (stored bars are 1m, 1h and 1d)"),
        (30, {"1h", "1d"}, "30m bars of AAPL, stored as 1h and 1d"),
        (60, {"1h", "1d"}, "1h bars of AAPL"),
        (120, {"1d"}, "2h bars of AAPL, stored as 1d"),
    ],
)
def test_bars_go_with_the_coarser_ones_that_they_make(
    tmp_path: Path, step: int, stored: set[str], note: str
) -> None:
    recording = open_files([intraday(tmp_path, clock(390 // step, step))], Asked())
    bars = list(recording.ticks())
    assert {bar.bar for bar in bars} == stored
    assert note in recording.notes[0]
    (day,) = of(bars, "1d")
    count = 390 // step
    assert (day.timestamp, day.folded) == ("2024-01-29T00:00:00.000000Z", count)
    assert (day.open, day.high, day.low) == (100, 100 + count, 99)
    assert (day.price, day.volume) == (100 + count - Decimal("0.5"), 10 * count)


def test_hours_are_anchored_at_the_open(tmp_path: Path) -> None:
    hours = of(read(intraday(tmp_path, clock(390, 1))), "1h")
    assert [hour.timestamp[11:16] for hour in hours] == [
        "14:30", "15:30", "16:30", "17:30", "18:30", "19:30", "20:30",
    ]  # fmt: skip
    assert [hour.folded for hour in hours] == [60] * 6 + [30]


def test_a_day_is_made_of_regular_hours_alone(tmp_path: Path) -> None:
    early = intraday(tmp_path, clock(690, 1, first=300))  # 05:00 to 16:30
    (day,) = of(read(early), "1d")
    assert (day.folded, day.open) == (391, 100 + 270)  # the minute of the close belongs to it


def test_unfinished_bars_are_left_to_live_ticks(tmp_path: Path) -> None:
    noon = datetime(2024, 1, 29, 17, tzinfo=UTC)
    grid = CsvFile(intraday(tmp_path, clock(150, 1)))
    bars = list(FileRecording(grid, Asked(), now=lambda: noon).ticks())
    assert [len(of(bars, interval)) for interval in ("1m", "1h", "1d")] == [150, 2, 0]


def test_minutes_with_gaps_are_minutes(tmp_path: Path) -> None:
    times = [time for n, time in enumerate(clock(60, 1)) if n % 3 != 1]
    assert len(of(read(intraday(tmp_path, times)), "1m")) == 40


def test_hours_that_begin_at_the_half_hour_are_hours(tmp_path: Path) -> None:
    times = [clock(1, 1)[0], *clock(6, 60, first=600)]
    assert [bar.timestamp[11:16] for bar in of(read(intraday(tmp_path, times)), "1h")][:3] == [
        "14:30",
        "15:00",
        "16:00",
    ]


def test_bars_in_any_order_of_rows_are_the_same(tmp_path: Path) -> None:
    path = intraday(tmp_path, clock(390, 1))
    header, *rows = path.read_text().splitlines()
    other = tmp_path / "reversed" / "AAPL.csv"
    other.parent.mkdir()
    other.write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert read(path) == read(other)


def test_a_row_at_midnight_among_hours_is_an_hour(tmp_path: Path) -> None:
    times = [f"2024-01-{30 if n > 23 else 29} {n % 24:02}:00:00" for n in range(48)]
    bars = of(read(intraday(tmp_path, times, "EURUSD=X.csv")), "1h")
    assert bars[24].timestamp == "2024-01-30T00:00:00.000000Z"
    assert [bar.timestamp for bar in bars] == sorted(bar.timestamp for bar in bars)


@pytest.mark.parametrize("symbol", ["BTC-USD", "EURUSD=X", "AAPL"])
@pytest.mark.parametrize("offset", ["+00:00", "-05:00", ""])
@pytest.mark.parametrize("rows_as", [None, "ticks"])
def test_no_row_of_an_hourly_file_moves_to_another_time(
    tmp_path: Path, symbol: str, offset: str, rows_as: str | None
) -> None:
    """The row at midnight was taken for a whole day, and stood at its end among later prices."""
    times = [f"2026-11-{day} {hour:02}:00:00{offset}" for day in (18, 19, 20) for hour in range(24)]
    sent = read(intraday(tmp_path, times, f"{symbol}.csv"), rows_as=rows_as)
    hours = of(sent, "1h") if rows_as is None else sent
    assert [tick.price for tick in hours] == [Decimal(f"{100 + n}.5") for n in range(72)]
    starts = [from_text(tick.timestamp) for tick in hours]
    assert {late - early for early, late in pairwise(starts)} == {timedelta(hours=1)}


def test_closes_at_midnight_among_others_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD=X.csv"
    path.write_text("time,close\n2024-01-29 23:00,1\n2024-01-30 00:00,2\n2024-01-30 01:00,3\n")
    assert [tick.timestamp[11:13] for tick in read(path)] == ["23", "00", "01"]


def test_bars_sent_as_ticks_have_the_close_at_their_end_and_nothing_of_the_session(
    tmp_path: Path,
) -> None:
    recording = open_files([intraday(tmp_path, clock(3, 1))], Asked(rows_as="ticks"))
    ticks = list(recording.ticks())
    assert recording.notes == ["AAPL.csv: 3 rows of 1m bars of AAPL, sent as ticks"]
    assert [tick.timestamp[11:] for tick in ticks][:2] == ["14:30:59.999999Z", "14:31:59.999999Z"]
    assert {(tick.open, tick.high, tick.low, tick.bar) for tick in ticks} == {(None,) * 4}
    assert [tick.volume for tick in ticks] == [10, 20, 30]
    assert {tick.mode for tick in ticks} == {"backfill"}


def test_the_volume_of_bars_sent_as_ticks_starts_again_with_each_session(tmp_path: Path) -> None:
    times = [*clock(2, 1), *(time.replace("-29 ", "-30 ") for time in clock(2, 1))]
    ticks = read(intraday(tmp_path, times), rows_as="ticks", bar="1m")
    assert [tick.volume for tick in ticks] == [10, 20, 10, 20]


def test_one_row_needs_the_length_of_its_bar(tmp_path: Path) -> None:
    path = intraday(tmp_path, clock(1, 1))
    with pytest.raises(UsageError, match="too few rows to tell how long its bars are; give --bar"):
        open_files([path], Asked()).check()
    assert {bar.bar for bar in read(path, bar="1h")} == {"1h", "1d"}


def test_rows_without_open_high_and_low_cannot_be_bars(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("Datetime,Close\n2024-01-29 09:30,1\n2024-01-29 09:31,2\n")
    with pytest.raises(UsageError, match=r"--as bars: .* has no open, high, low and close columns"):
        open_files([path], Asked(rows_as="bars")).check()
    assert [tick.bar for tick in read(path)] == [None, None]


def test_a_dirty_row_is_passed_over_and_the_first_is_shown(tmp_path: Path) -> None:
    path = intraday(tmp_path, clock(5, 1))
    lines = path.read_text().splitlines()
    lines[2] = "11:34,1,2,3,4,5"
    lines[4] = lines[4].replace(",104,102,", ",101,102,")
    path.write_text("\n".join(lines) + "\n")
    recording = open_files([path], Asked())
    assert len(of(list(recording.ticks()), "1m")) == 3
    assert recording.unreadable.count == 2
    assert recording.unreadable.first.startswith("line 3: '11:34' is not a date")


def test_a_bad_row_of_a_folder_is_shown_with_its_file(tmp_path: Path) -> None:
    for name in ("AAPL", "MSFT"):
        text = "Date,Close\n2024-01-29,1\n2024-01-30,2\n2024-01-31,3\n"
        (tmp_path / f"{name}.csv").write_text(text + ("what,4\n" if name == "MSFT" else ""))
    recording = open_files([tmp_path], Asked())
    assert len(list(recording.ticks())) == 6
    assert recording.unreadable.first.startswith("MSFT.csv, line 5: ")


def test_times_without_an_offset_are_the_exchanges_or_as_asked(tmp_path: Path) -> None:
    path = intraday(tmp_path, [time.removesuffix("-05:00") for time in clock(2, 1)])
    assert read(path)[0].timestamp[11:16] == "14:30"
    (first, *_) = of(read(path, timezone="Europe/Warsaw"), "1m")
    assert first.timestamp[11:16] == "08:30"


def test_a_label_names_the_source_of_all_or_of_some(tmp_path: Path) -> None:
    path = intraday(tmp_path, clock(2, 1))
    assert {bar.source for bar in read(path)} == {"replay"}
    assert {bar.source for bar in read(path, label=Label("yfinance"))} == {"yfinance"}
    other = Label("yfinance", frozenset(["MSFT"]))
    assert {bar.source for bar in read(path, label=other)} == {"replay"}
