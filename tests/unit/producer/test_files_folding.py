"""Hours and days of files: where sessions are cut by a file's end, rows repeat, or hours extend."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from producer.files import joining
from producer.files.asked import Asked
from producer.files.csv_file import CsvFile
from producer.files.opening import open_files
from producer.files.recording import FileRecording
from producer.sources.replay import Replay
from producer.status import Status
from producer.wire import WireTick, line_of

HEADER = "timestamp,open,high,low,close,volume\n"
SESSION = datetime(2024, 3, 5, 14, 30, tzinfo=UTC)
SYDNEY = datetime(2024, 1, 31, 23, tzinfo=UTC)
"""Ten in the morning of 1 February: the session has two dates in UTC."""


def row(start: datetime, price: int, volume: int = 10) -> str:
    return f"{start:%Y-%m-%dT%H:%M:%SZ},{price},{price + 1},{price - 1},{price},{volume}\n"


def minutes(start: datetime, count: int, step: int = 1) -> list[str]:
    """Rows of which the n-th has price 100 + n."""
    return [row(start + timedelta(minutes=step * n), 100 + n) for n in range(count)]


def written(path: Path, rows: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(rows))
    return path


def backfilled(*paths: Path, **asked: object) -> list[WireTick]:
    return list(open_files(paths, Asked(history=True, **asked)).ticks())  # type: ignore[arg-type]


def of(bars: list[WireTick], interval: str) -> list[WireTick]:
    return sorted((bar for bar in bars if bar.bar == interval), key=lambda bar: bar.timestamp)


def last_copies(bars: list[WireTick]) -> dict[tuple[str | None, str], WireTick]:
    """The bars as they are stored: of each the copy that was sent last."""
    return {(bar.bar, bar.timestamp): bar for bar in bars}


@pytest.mark.parametrize("names", [["a", "b", "c"], ["c", "a", "b"]])
@pytest.mark.parametrize("open_at_once", [200, 1])
@pytest.mark.parametrize("history", [True, False])
def test_a_session_in_several_files_makes_the_bars_of_one_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    open_at_once: int,
    history: bool,
) -> None:
    monkeypatch.setattr(joining, "_MOST_OPEN", open_at_once)
    rows = minutes(SYDNEY, 360)
    parts = rows[:60], [*rows[60:200], *rows[300:]], rows[200:300]
    whole = written(tmp_path / "whole" / "CBA.AX.csv", rows)
    for name, part in zip(names, parts, strict=True):
        written(tmp_path / "parts" / name / "CBA.AX.csv", part)
    asked = Asked(history=history)
    cut = last_copies(list(open_files([tmp_path / "parts"], asked).ticks()))
    assert cut == last_copies(list(open_files([whole], asked).ticks()))
    day = cut["1d", "2024-02-01T00:00:00.000000Z"]
    assert (day.folded, day.open, day.price, day.volume) == (360, 100, 459, 3600)


def test_only_files_that_share_time_are_read_side_by_side(tmp_path: Path) -> None:
    paths = []
    for number, minute in enumerate((0, 390, 389, 1000)):
        start = SESSION + timedelta(minutes=minute)
        paths.append(written(tmp_path / f"{number}" / "AAPL.csv", minutes(start, 390)))
    recordings = [FileRecording(CsvFile(path), Asked(history=True), alone=False) for path in paths]
    for recording in recordings:
        recording.check()
    runs = list(joining._overlapping(recordings))
    assert runs == [recordings[:3], recordings[3:]]


def test_files_of_different_symbols_are_not_joined(tmp_path: Path) -> None:
    for symbol in ("AAPL", "MSFT", "IBM"):
        written(tmp_path / f"{symbol}.csv", minutes(SESSION, 390))
    bars = backfilled(tmp_path)
    assert [bar.symbol for bar in bars if bar.bar == "1d"] == ["AAPL", "IBM", "MSFT"]
    symbols = [bar.symbol for bar in bars]
    assert symbols == sorted(symbols)


def test_files_that_overlap_count_each_bar_once_and_the_last_copy(tmp_path: Path) -> None:
    first = written(tmp_path / "a" / "AAPL.csv", minutes(SESSION, 390))
    second = written(
        tmp_path / "b" / "AAPL.csv", [row(SESSION + timedelta(minutes=389), 700, 11)] * 2
    )
    bars = backfilled(first, second, bar="1m")
    (day,) = of(bars, "1d")
    assert (day.folded, day.price, day.high, day.volume) == (390, 700, 701, 3901)
    stored = last_copies(bars)[
        "1m", f"{SESSION + timedelta(minutes=389):%Y-%m-%dT%H:%M:%S}.000000Z"
    ]
    assert stored.price == 700


def test_rows_that_stand_twice_in_a_file_count_once(tmp_path: Path) -> None:
    rows = minutes(SESSION, 390)
    once = backfilled(written(tmp_path / "once" / "AAPL.csv", rows))
    path = written(tmp_path / "twice" / "AAPL.csv", [*rows, *rows[200:]])
    assert last_copies(backfilled(path)) == last_copies(once)
    status = Status(lambda _event, _message: None)
    recording = open_files([path], Asked(history=True))
    sent = [tick for batch in Replay(recording, None, status).batches(threading.Event())
            for tick in batch]  # fmt: skip
    assert len(sent) == len(once)
    assert dict(status.dropped) == {"repeat": 190}


def test_the_last_row_of_a_repeated_day_counts_in_both_commands(tmp_path: Path) -> None:
    rows = ["2024-01-02,1,2,1,2,10\n", "2024-01-03,2,3,2,3,10\n", "2024-01-03,2,4,2,4,20\n",
            "2024-01-04,5,5,5,5,10\n"]  # fmt: skip
    path = written(tmp_path / "MSFT.csv", rows)
    replayed = list(open_files([path], Asked()).ticks())
    assert [tick.price for tick in replayed] == [2, 4, 5]
    assert [tick.previous_close for tick in replayed] == [None, 2, 4]
    assert [bar.price for bar in backfilled(path)] == [2, 4, 5]


@pytest.mark.parametrize("step", [5, 15, 30, 60])
def test_a_bar_of_several_minutes_that_starts_at_the_close_is_extended(
    tmp_path: Path, step: int
) -> None:
    """From 04:00 to 20:00 in New York, labelled by the start: 200 in regular hours alone."""
    starts = [datetime(2026, 3, 3, 9, tzinfo=UTC) + timedelta(minutes=n)
              for n in range(0, 960, step)]  # fmt: skip
    opens = SESSION.time()
    closes = datetime(2026, 3, 3, 21, tzinfo=UTC)
    prices = [100 if at.time() < opens else 200 if at < closes else 300 for at in starts]
    path = written(tmp_path / "AAPL.csv", [row(*pair) for pair in zip(starts, prices, strict=True)])
    (day,) = of(backfilled(path), "1d")
    assert (day.open, day.high, day.price) == (200, 201, 200)
    assert day.folded == (390 // step if step < 60 else 6)
    hours = {bar.timestamp[11:16]: bar for bar in of(backfilled(path), "1h") if bar.folded}
    if step < 60:
        assert (hours["20:30"].price, hours["20:30"].folded) == (200, 30 // step)
        assert (hours["21:00"].open, hours["21:00"].folded) == (300, 60 // step)


def test_the_closing_price_in_a_row_of_its_own_belongs_to_the_day(tmp_path: Path) -> None:
    """Yahoo adds such a row, without volume, to the session that is just over."""
    rows = [*minutes(SESSION, 78, step=5), "2024-03-05T21:00:00Z,500,500,500,500,0\n"]
    (day,) = of(backfilled(written(tmp_path / "AAPL.csv", rows)), "1d")
    assert (day.price, day.folded) == (500, 79)


@pytest.mark.parametrize(("first_hour", "opens_at", "bars"), [(9, 109, 7), (8, 110, 6)])
def test_a_bar_that_spans_the_open_is_regular_if_it_is_its_sessions_first(
    tmp_path: Path, first_hour: int, opens_at: int, bars: int
) -> None:
    starts = [datetime(2026, 3, day, hour + 5, tzinfo=UTC) for day in (3, 4)
              for hour in range(first_hour, 16)]  # fmt: skip
    rows = [row(at, 95 + at.hour) for at in starts]
    days = of(backfilled(written(tmp_path / "AAPL.csv", rows)), "1d")
    assert [(day.open, day.folded) for day in days] == [(opens_at, bars)] * 2


def test_bars_as_ticks_count_volume_as_their_ticks_count(tmp_path: Path) -> None:
    closes = datetime(2024, 3, 5, 21, tzinfo=UTC)
    path = written(tmp_path / "AAPL.csv", minutes(closes - timedelta(minutes=10), 4, step=5))
    ticks = open_files([path], Asked(rows_as="ticks")).ticks()
    assert [tick.volume for tick in ticks] == [10, 20, 10, 20]


@pytest.mark.parametrize("beside", [False, True])
def test_minutes_of_ndjson_in_any_order_make_the_same_day(tmp_path: Path, beside: bool) -> None:
    bars = [bar for bar in backfilled(written(tmp_path / "AAPL.csv", minutes(SESSION, 390)))
            if bar.bar == "1m"]  # fmt: skip
    lines = [line_of(bar).payload.decode() for bar in reversed(bars)]
    paths = [tmp_path / "one.ndjson", tmp_path / "two.ndjson"]
    paths[0].write_text("\n".join(lines[:200] if beside else lines))
    paths[1].write_text("\n".join(lines[200:]) if beside else json.dumps({}))
    (day,) = of(backfilled(*(paths if beside else paths[:1])), "1d")
    assert (day.folded, day.open, day.price) == (390, 100, 489)
    assert day.volume == Decimal(3900)
