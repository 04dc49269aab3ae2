"""Recordings: CSV of days and NDJSON."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from producer.errors import UsageError
from producer.sources.replay import Replay, check, open_recording
from producer.status import Status
from producer.wire import WireTick
from tests.producer_support.doubles import AAPL_DAYS


def written(folder: Path, text: str, name: str = "days.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def ticks_of(path: Path, *symbols: str) -> list[WireTick]:
    return list(open_recording(path, symbols).ticks())


def test_a_file_of_days_gives_a_tick_a_row_at_the_close_of_new_york() -> None:
    ticks = ticks_of(AAPL_DAYS, "AAPL")
    assert len(ticks) == 506
    first, summer = ticks[0], next(t for t in ticks if t.timestamp.startswith("2015-07-01"))
    assert first == WireTick(
        symbol="AAPL",
        timestamp="2015-02-17T21:00:00.000000Z",
        price=Decimal("127.830002"),
        open=Decimal("127.489998"),
        high=Decimal("128.880005"),
        low=Decimal("126.919998"),
        volume=Decimal(63152400),
        exchange_timezone="America/New_York",
        market_state="REGULAR",
        source="replay",
        mode="backfill",
    )
    assert summer.timestamp == "2015-07-01T20:00:00.000000Z"
    assert ticks[1].previous_close == first.price


def test_columns_may_have_any_case_and_an_index_without_a_name(tmp_path: Path) -> None:
    path = written(tmp_path, ",Volume,CLOSE,Open\n2026-11-20,12.5,10,9\n")
    (tick,) = ticks_of(path, "X")
    assert (tick.timestamp, tick.price, tick.open, tick.volume) == (
        "2026-11-20T21:00:00.000000Z",
        Decimal(10),
        Decimal(9),
        Decimal("12.5"),
    )


def test_a_day_without_a_session_has_the_same_close(tmp_path: Path) -> None:
    path = written(tmp_path, "Date,Close\n2026-11-21,1\n2026-11-27,2\n")
    assert [tick.timestamp[11:16] for tick in ticks_of(path, "X")] == ["21:00", "21:00"]


@pytest.mark.parametrize(
    ("symbol", "close"),
    [("VOD.L", "16:30:00.000000"), ("0700.HK", "08:00:00.000000"), ("BTC-USD", "23:59:59.999999")],
)
def test_symbols_of_other_markets_have_their_own_close(
    tmp_path: Path, symbol: str, close: str
) -> None:
    path = written(tmp_path, "Date,Close\n2026-11-20,1\n")
    assert ticks_of(path, symbol)[0].timestamp == f"2026-11-20T{close}Z"


def test_rows_with_a_time_of_day_stand_at_that_time(tmp_path: Path) -> None:
    rows = "Datetime,Close\n2026-11-20 09:31:00-05:00,1\n2026-11-20 09:32:00,2\n"
    ticks = ticks_of(written(tmp_path, rows), "X")
    assert [tick.timestamp[11:19] for tick in ticks] == ["14:31:00", "14:32:00"]
    assert [tick.previous_close for tick in ticks] == [None, None]


def test_symbols_of_a_column_are_merged_in_the_order_of_time(tmp_path: Path) -> None:
    rows = "symbol,date,close\nb,2026-11-20,3\nb,2026-11-19,2\na,2026-11-19,1\n"
    path = written(tmp_path, rows)
    ticks = ticks_of(path)
    assert [(tick.symbol, tick.price) for tick in ticks] == [
        ("B", Decimal(2)),
        ("A", Decimal(1)),
        ("B", Decimal(3)),
    ]
    assert ticks[2].previous_close == 2
    assert [tick.symbol for tick in ticks_of(path, "A")] == ["A"]


def test_a_sorted_table_and_an_unsorted_one_replay_alike(tmp_path: Path) -> None:
    rows = [f"2026-11-{day},{day}\n" for day in range(10, 21)]
    forward = written(tmp_path, "date,close\n" + "".join(rows), "forward.csv")
    backward = written(tmp_path, "date,close\n" + "".join(reversed(rows)), "backward.csv")
    replayed = []
    for path in (forward, backward):
        recording = open_recording(path, ["X"])
        recording.check()
        replayed.append(list(recording.ticks()))
    assert replayed[0] == replayed[1]
    assert [tick.price for tick in replayed[0]] == list(range(10, 21))


def test_rows_without_a_price_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "date,close\n2026-11-18,\n2026-11-19,x\n2026-11-20,1\nsoon,2\n")
    recording = open_recording(path, ["X"])
    assert len(list(recording.ticks())) == 1
    assert recording.unreadable.count == 3
    assert recording.unreadable.first == "line 2: the close is missing or not above 0"


@pytest.mark.parametrize("order", [1, -1], ids=["oldest first", "newest first"])
@pytest.mark.parametrize(
    ("close", "known"), [("-37.63", False), ("0", False), ("what", False), ("", True)]
)
def test_a_previous_close_is_not_that_of_a_row_further_back(
    tmp_path: Path, close: str, known: bool, order: int
) -> None:
    """Oil closed below 0 on 20 April 2020. A row without a price is a day without trading."""
    rows = [
        "2020-04-17,18.27\n",
        f"2020-04-20,{close}\n",
        "2020-04-21,10.01\n",
        "2020-04-22,13.78\n",
    ]
    path = written(tmp_path, "date,close\n" + "".join(rows[::order]))
    ticks = ticks_of(path, "CL=F")
    assert [str(tick.price) for tick in ticks] == ["18.27", "10.01", "13.78"]
    before = Decimal("18.27") if known else None
    assert [tick.previous_close for tick in ticks] == [None, before, Decimal("10.01")]


@pytest.mark.parametrize(
    ("text", "symbols", "message"),
    [
        ("date,open\n2026-11-20,1\n", ["X"], "a close column is needed; columns found: date, open"),
        ("close,open\n1,1\n", ["X"], "a date column is needed"),
        ("", ["X"], "a date column is needed; columns found: none"),
        ("date,close\n", ["X"], "there is no row that can be replayed"),
        ("date,close\nsoon,1\n", ["X"], "line 2: 'soon' is not a date"),
        ("date,close\n2026-11-20,1\n", [], "no symbol column, so exactly one symbol is needed"),
        ("date,close,symbol\n2026-11-20,1,A\n", ["B"], "has no B; it has: A"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_in_one_line(
    tmp_path: Path, text: str, symbols: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check(written(tmp_path, text), symbols)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        check(tmp_path / "none.csv", [])
    with pytest.raises(UsageError, match="no raw archive of those days"):
        check(tmp_path, [])


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    for name in ("days.csv", "ticks.ndjson", "days"):
        path = tmp_path / name
        path.write_bytes(bytes(range(128, 256)))
        with pytest.raises(UsageError):
            check(path, ["X"])


@pytest.mark.parametrize(("alerts", "mode"), [(False, "backfill"), (True, "replay")])
def test_a_file_alerts_nobody_unless_it_is_asked_to(
    tmp_path: Path, alerts: bool, mode: str
) -> None:
    line = '{"symbol":"AAPL","timestamp":"2026-11-20T15:30:00Z","price":1,"mode":"live"}\n'
    for path in (AAPL_DAYS, written(tmp_path, line, "ticks.ndjson")):
        ticks = open_recording(path, ["AAPL"], alerts=alerts).ticks()
        assert {tick.mode for tick in ticks} == {mode}


def test_ndjson_keeps_source_and_digits(tmp_path: Path) -> None:
    line = (
        '{"symbol":"aapl","timestamp":"2026-11-20T15:30:00Z","price":189.8400001,'
        '"source":"yfinance","mode":"live","sent_at":"2026-11-20T15:30:01.000000Z"}\n'
    )
    path = tmp_path / "ticks.ndjson.gz"
    path.write_bytes(gzip.compress((line + "not json\n").encode()))
    recording = open_recording(path, [])
    (tick,) = recording.ticks()
    assert (tick.symbol, str(tick.price), tick.timestamp) == (
        "AAPL",
        "189.8400001",
        "2026-11-20T15:30:00.000000Z",
    )
    assert (tick.source, tick.mode) == ("yfinance", "backfill")
    assert recording.unreadable.count == 1


def test_recorded_bars_stay_backfill(tmp_path: Path) -> None:
    line = '{"symbol":"A","timestamp":"2026-11-20T00:00:00.000000Z","price":1,"bar":"1d"}\n'
    (tick,) = ticks_of(written(tmp_path, line, "bars.ndjson"))
    assert (tick.bar, tick.mode) == ("1d", "backfill")


def test_speed_paces_by_the_recorded_times(tmp_path: Path) -> None:
    rows = "".join(f"2026-11-20T15:30:{second:02}Z,1\n" for second in range(0, 50, 10))
    path = written(tmp_path, "time,close\n" + rows)
    replay = Replay(open_recording(path, ["X"]), 200.0, Status(lambda _event, _message: None))
    began = time.monotonic()
    assert sum(len(batch) for batch in replay.batches(threading.Event())) == 5
    assert time.monotonic() - began >= 0.2


def test_a_paced_replay_ends_when_it_is_stopped(tmp_path: Path) -> None:
    path = written(tmp_path, "date,close\n2026-11-19,1\n2026-11-20,2\n")
    replay = Replay(open_recording(path, ["X"]), 1.0, Status(lambda _event, _message: None))
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert sum(len(batch) for batch in replay.batches(stop)) == 1  # the next is a day away


def test_progress_is_what_the_sink_has_of_a_recording(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-01T00:{n // 60:02}:{n % 60:02}Z,1\n" for n in range(1000))
    status = Status(lambda _event, _message: None)
    recording = open_recording(written(tmp_path, "time,close\n" + rows), ["X"])
    recording.check()
    batches = Replay(recording, None, status).batches(threading.Event())
    next(batches)
    assert status.progress == 0
    next(batches)
    assert status.progress == 0.5
    status.sent_ticks, status.pending = 300, lambda: 200
    assert status.progress == 0.3
    assert next(batches, None) is None
    assert status.progress == 0.6


def parquet(folder: Path, columns: dict[str, list[Any]]) -> Path:
    path = folder / "recording.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("index", ["Date", "__index_level_0__"])
def test_parquet_of_days_is_read_as_a_csv_is(tmp_path: Path, index: str) -> None:
    days = [datetime(2026, 11, 19), datetime(2026, 11, 20)]  # noqa: DTZ001 - as pandas writes it
    path = parquet(tmp_path, {"Close": [10.1, 10.2], "Volume": [1.5, 2.5], index: days})
    check(path, ["X"])
    ticks = ticks_of(path, "X")
    assert [tick.timestamp[:16] for tick in ticks] == ["2026-11-19T21:00", "2026-11-20T21:00"]
    assert (str(ticks[1].price), str(ticks[1].volume)) == ("10.2", "2.5")
    assert ticks[1].previous_close == Decimal("10.1")


def test_parquet_of_ticks_keeps_their_fields(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        {
            "symbol": ["A", "B"],
            "timestamp": ["2026-11-20T15:30:00.000001Z", "2026-11-20T00:00:00.000000Z"],
            "price": [Decimal("1.5"), Decimal("2.5")],
            "previous_close": [Decimal("1.4"), None],
            "source": ["yfinance", None],
        },
    )
    ticks = {tick.symbol: tick for tick in ticks_of(path)}
    assert ticks["A"].previous_close == Decimal("1.4")
    assert (ticks["A"].source, ticks["B"].source) == ("yfinance", "replay")
    assert ticks["B"].timestamp == "2026-11-20T00:00:00.000000Z"


def test_a_file_that_only_ends_like_parquet_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "no parquet", "days.parquet")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        check(path, ["X"])


def test_a_replay_tells_how_much_of_the_file_was_given(tmp_path: Path) -> None:
    days = "".join(f"2026-11-{day:02},{day}\n" for day in range(1, 21))
    for path, symbols in (
        (written(tmp_path, "date,close\n" + days), ("A",)),
        (
            written(
                tmp_path,
                "".join(
                    f'{{"symbol":"{symbol}","price":1,"timestamp":"2026-11-20T15:{n:02}:00Z"}}\n'
                    for n in range(20)
                    for symbol in "AB"
                ),
                "ticks.ndjson",
            ),
            ("A",),
        ),
    ):
        recording = open_recording(path, symbols)
        recording.check()
        assert recording.total == 20
        status = Status(lambda _event, _message: None)
        shares = []
        for batch in Replay(recording, 1e9, status, skip=10).batches(threading.Event()):
            assert len(batch) == 1
            shares.append(status.progress)
        assert shares == [pytest.approx(given / 20, abs=0.001) for given in range(10, 20)]
