"""The recording that is replayed is the same each time, and its crosses are those of the oracle."""

from __future__ import annotations

from pathlib import Path

from bench.replay import ROWS, SYMBOL, crosses, days_of, write
from producer.sources.replay import open_recording
from tests.oracles import crosses as oracle


def test_the_recording_is_the_same_each_time() -> None:
    days = days_of()
    assert len(days) == ROWS
    assert days == days_of()
    assert all(day.low <= min(day.open, day.close) for day in days)
    assert all(day.high >= max(day.open, day.close) for day in days)


def test_its_crosses_are_those_of_the_oracle() -> None:
    closes = [day.close for day in days_of(400)]
    expected = [cross.position for cross in oracle.crosses(closes, 5, 20)]
    assert len(expected) > 10
    assert crosses(closes) == expected


def test_it_is_replayed_row_by_row(tmp_path: Path) -> None:
    days = days_of(30)
    write(tmp_path / "days.csv", days)
    ticks = list(open_recording(tmp_path / "days.csv", (SYMBOL,)).ticks())
    assert [round(tick.price * 100) for tick in ticks] == [day.close for day in days]
