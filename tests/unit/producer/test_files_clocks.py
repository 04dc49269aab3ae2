"""Local times without an offset, where clocks are put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.files.asked import Asked
from producer.files.opening import open_files
from producer.wire import WireTick

BERLIN = "Europe/Berlin"


def read(path: Path, times: list[str], columns: str = "price") -> list[WireTick]:
    """The ticks of a file whose n-th row has price n."""
    rows = [f"{time},{','.join([str(n)] * len(columns.split(',')))}\n"
            for n, time in enumerate(times, 1)]  # fmt: skip
    path.write_text(f"timestamp,{columns}\n" + "".join(rows))
    return list(open_files([path], Asked(timezone=BERLIN)).ticks())


def on(day: int, *clocks: str) -> list[str]:
    """Times of a day of October 2026; clocks are put back on the 25th, from 03:00 to 02:00."""
    return [f"2026-10-{day} {clock}:00" for clock in clocks]


def utc(ticks: list[WireTick]) -> list[str]:
    return [tick.timestamp[11:16] for tick in ticks]


def test_an_hour_that_comes_twice_is_two_hours(tmp_path: Path) -> None:
    times = on(25, "01:40", "02:00", "02:20", "02:40", "02:10", "02:20", "02:50", "03:00", "03:20")
    ticks = read(tmp_path / "BTC-EUR.csv", times)
    assert [int(tick.price) for tick in ticks] == list(range(1, 10))
    assert utc(ticks) == [
        "23:40", "00:00", "00:20", "00:40", "01:10", "01:20", "01:50", "02:00", "02:20",
    ]  # fmt: skip


def test_hours_that_stand_still_are_two_hours(tmp_path: Path) -> None:
    times = on(25, "00:00", "01:00", "02:00", "02:00", "03:00", "04:00")
    bars = read(tmp_path / "BTC-EUR.csv", times, "open,high,low,close,volume")
    hours = [bar for bar in bars if bar.bar == "1h"]
    assert utc(hours) == ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00"]


def test_passes_are_not_detected_in_rows_with_the_newest_first(tmp_path: Path) -> None:
    times = on(25, "03:10", "02:50", "02:20", "02:40", "02:30", "02:10", "01:50")
    ticks = read(tmp_path / "BTC-EUR.csv", times)
    assert utc(ticks) == ["23:50", "00:10", "00:20", "00:30", "00:40", "00:50", "02:10"]


def test_rows_of_the_same_second_are_of_one_pass(tmp_path: Path) -> None:
    ticks = read(tmp_path / "BTC-EUR.csv", on(25, "02:10", "02:10", "02:20"))
    assert utc(ticks) == ["00:10", "00:20"]
    assert ticks[0].price == 2


@pytest.mark.parametrize(
    "times",
    [
        on(24, "02:00", "02:20", "02:40", "02:00", "02:20", "02:40"),
        [*on(25, "02:00", "02:20"), *on(26, "02:00"), *on(25, "02:00", "02:20")],
    ],
    ids=["on another day", "in two pieces that overlap"],
)
def test_times_that_go_back_otherwise_are_the_same_times_again(
    tmp_path: Path, times: list[str]
) -> None:
    ticks = read(tmp_path / "BTC-EUR.csv", times)
    assert len(ticks) == 3
    assert utc(ticks)[:2] == ["00:00", "00:20"]


def test_times_with_an_offset_are_taken_as_they_are(tmp_path: Path) -> None:
    times = ["2026-10-25 02:20:00+02:00", "2026-10-25 02:10:00+01:00", "2026-10-25 02:10:00+02:00"]
    assert utc(read(tmp_path / "BTC-EUR.csv", times)) == ["00:10", "00:20", "01:10"]
