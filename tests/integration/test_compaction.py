"""Compaction over the emulator: Parquet against what our own reading of the raw objects gives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.bootstrap import Services, aws_lake
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import minutes_of
from chalicelib.domain.raw_lines import unpack
from chalicelib.domain.sources import Sources, parse_sources
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.domain.wire import decode
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.lake import compact_plan, compact_run
from chalicelib.services.lake.compact import Compact
from chalicelib.services.lake.lake_sql import TABLES
from chalicelib.services.lake.stores import CompactedPeriod, LakeStores
from chalicelib.services.query_engine import QueryStatus
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.settings import Settings
from producer.sources.archive import Recording
from producer.sources.objects import Folder
from rigs.emulated import Emulated, EmulatedClients
from tests.patience import eventually

NOW = datetime(2026, 11, 19, 8, tzinfo=UTC)
Row = tuple[str | None, ...]
Ends = Callable[[list[str]], bool]
"""Returns whether a run ends now, given its calls so far."""

TICKS = (
    'SELECT symbol, "timestamp", price, open, high, low, previous_close, volume, currency,'
    ' exchange_timezone, market_state, source, mode, "date" FROM '
)


class Lake:
    """A stage of its own: ingest fills it, compaction works on it, statements read it."""

    def __init__(self, emulated: Emulated) -> None:
        self.settings: Settings = emulated.provisioned()
        self.services = Services(self.settings, clients=emulated.clients)
        self.clients: Any = emulated.clients
        self.stores: LakeStores = aws_lake(self.settings, emulated.clients)
        self.now = NOW
        self._numbers = iter(range(1000, 10**9))

    def ingest(self, *records: tuple[datetime, bytes], again: int = 0) -> None:
        """A batch, as ingest takes it; the last `again` records come again with the next one."""
        numbered = [
            Incoming(str(n), "shardId-0", str(n), at, payload)
            for n, (at, payload) in zip(self._numbers, records, strict=False)
        ]
        self.services.ingest(numbered, time.monotonic() + 3600)
        if again:
            self.services.ingest(numbered[-again:], time.monotonic() + 3600)

    def compact(self, day: str | None = None) -> Any:
        """One run."""
        return Compact(self.stores, lambda: self.now)(day, "test", time.monotonic() + 3600)

    def parts(self) -> dict[str, CompactedPeriod]:
        """The days of ticks."""
        return self.stores.catalog.parts(TABLES[0])

    def files(self, day: str) -> list[str]:
        """Keys of the Parquet files of a day's ticks."""
        bucket = self.settings.archive_bucket
        place = self.parts()[day].location.removeprefix(f"s3://{bucket}/")
        listed = self.clients.s3.list_objects_v2(Bucket=bucket, Prefix=place)["Contents"]
        return [entry["Key"] for entry in listed]

    def scanned(self, sql: str) -> int:
        """The bytes that a statement scans."""
        return self.ended(self.stores.engine.start(sql)).bytes_scanned

    def ended(self, query_id: str) -> QueryStatus:
        """Return a finished query. Fails with the reason of a failed one."""

        def look() -> QueryStatus | None:
            status = self.stores.engine.status(query_id)
            assert status is not None
            return status if status.ended else None

        ended = eventually(look)
        assert ended is not None
        assert ended.state == "succeeded", ended.reason
        return ended

    def ask(self, sql: str) -> list[Row]:
        """A statement's rows. Fails with its reason."""
        query_id = self.stores.engine.start(sql)
        self.ended(query_id)
        rows: list[Row] = []
        token: str | None = None
        while True:
            page = self.stores.engine.rows(query_id, page_token=token)
            rows += page.rows
            token = page.next_token
            if token is None:
                return rows

    def counts(self) -> dict[str, int]:
        """Rows of all_ticks by day."""
        found = self.ask('SELECT "date", count(*) FROM all_ticks GROUP BY "date"')
        return {str(day): int(count or 0) for day, count in found}

    def expected(self) -> list[Tick]:
        """The valid ticks of all raw objects by our own reading, in the order of the stream."""
        bucket, s3 = self.settings.archive_bucket, self.clients.s3
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="raw/date=").get("Contents", [])
        keys = sorted((e["Key"] for e in listed), key=lambda k: int(k.split("-")[-1].split(".")[0]))
        found: dict[tuple[str, str], Tick] = {}
        for key in keys:
            for line, arrival in unpack(s3.get_object(Bucket=bucket, Key=key)["Body"].read()):
                assert arrival is not None
                for tick in decode(line, arrival).ticks:
                    sources = SOURCES.get(tick.symbol)
                    if sources is None or not sources.refusal(tick.source, tick.timestamp):
                        found[tick.symbol, tick.timestamp] = tick
        return list(found.values())


def row_of(tick: Tick) -> Row:
    """A tick as a statement gives it."""
    numbers = (tick.price, tick.open, tick.high, tick.low, tick.previous_close, tick.volume)
    return (
        tick.symbol,
        tick.timestamp,
        *(None if number is None else f"{number:.8f}" for number in numbers),
        tick.currency,
        tick.exchange_timezone,
        tick.market_state,
        tick.source,
        tick.mode,
        place_of(tick).date,
    )


def wire(at: datetime, symbol: str, price: object, **more: object) -> bytes:
    """A tick on the wire."""
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({"symbol": symbol, "timestamp": stamp, "price": price, **more}).encode()


def a_day_and_a_half(start: datetime) -> Iterator[tuple[datetime, bytes]]:
    """Ticks of several markets over midnight, with all that may be odd about them."""
    zones = {
        "AAPL": {"exchange_timezone": "America/New_York", "currency": "USD"},
        "vod.l": {"exchange_timezone": "Europe/London", "market_state": "REGULAR"},
        "0700.HK": {"exchange_timezone": "Asia/Hong_Kong"},
        "BTC-USD": {},
        "EURUSD=X": {"market_state": "REGULAR"},
        "ES=F": {"exchange_timezone": "America/New_York"},
        "TCS.NS": {"exchange_timezone": "Asia/Kolkata"},
        "7203.T": {"exchange_timezone": "Asia/Tokyo", "market_state": "PREPRE"},
    }
    for n in range(150):
        at = start + timedelta(minutes=14 * n, seconds=n % 7)
        for place, (symbol, more) in enumerate(zones.items()):
            price = round(100 + place + (n % 13) / 7, 4)
            told = {"split": "3:2"} if n % 40 == place else {}
            volume = n * 100 - (50 if n % 9 == 0 else 0)
            yield at, wire(at, symbol, price, volume=volume, **more, **told)
        yield at, wire(at + timedelta(seconds=3), "AAPL", 101.5, volume=n * 100 + 7)
        zone = {"exchange_timezone": "America/New_York"}
        yield at, wire(at, "SWITCHED", 200, volume=n * 1000, source="yfinance", **zone)
        named = {"source": "alpaca"} if n % 5 else {}
        yield at, wire(at + timedelta(seconds=n % 2), "SWITCHED", 201, volume=n, **named, **zone)
        yield at, odd(n, at)


def odd(n: int, at: datetime) -> bytes:
    """One of the odd records."""
    stamp = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return [
        b"no json at all",
        b'{"symbol":"STAMPLESS","price":7}\n{"symbol":"STAMPLESS","price":8}',
        f'[{{"symbol":"ARRAY","price":{n}.5,"timestamp":"{stamp}"}},{{"price":3}}]'.encode(),
        f'{{"symbol":"EXPO","price":1.5e2,"timestamp":"{stamp}","split":"2:1"}}'.encode(),
        f'{{"symbol" : "SPACED", "price" : 1.5e2, "timestamp" : "{to_text(at)}"}}'.encode(),
        f'{{"symbol":"TWICE","price":5,"timestamp":"{to_text(at)}","price":6}}'.encode(),
        wire(at, "ZERO", 0),
        wire(at + timedelta(minutes=10), "AHEAD", 5),
        wire(at, "LABEL", 5, currency=7),
        wire(at, "FOREIGN", 5, source="simulator" if n < 20 else "yfinance"),
        f'{{"symbol":"FINE","price":"1.123456785","timestamp":"{stamp}"}}'.encode(),
        json.dumps({"symbol": "BAR", "bar": "1d", "price": 1, "open": 1, "high": 1, "low": 1,
                    "timestamp": "2026-11-18T00:00:00Z"}).encode(),
        wire(at, "HIGHLOW", 5, high=1, low=2),
        wire(at, "BIG", 5, volume=10**17),
        wire(at, "RETURN", 5, volume=n).replace(b",", b",\r"),
        wire(at, "PIECES", 5) + b"\r" + wire(at, "PIECES", 6),
        b'[{"symbol":"LATIN","price":5,"name":"\xe9"},' + wire(at, "ASCII", 6) + b"]",
        wire(at, "SPLIT", 5, split="5/1"),
    ][n % 18]  # fmt: skip


SOURCES = {
    "FOREIGN": Sources("simulator"),
    "SWITCHED": parse_sources(
        "yfinance,2026-11-18T16:00:00.000000Z alpaca,2026-11-18T20:30:00.000000Z yfinance"
        ",2026-11-18T22:00:00.000000Z alpaca,2026-11-19T12:00:00.000000Z yfinance"
    ),
}


@pytest.fixture(scope="module")
def lake(emulated: Emulated) -> Lake:
    """Everything of a day and a half, in batches of which some come again."""
    made = Lake(emulated)
    first, switches = SOURCES["SWITCHED"].parts()
    line = SymbolEntry(symbol="SWITCHED", added_at=to_text(NOW), source=first, switches=switches)
    made.services.stores.symbols.pin(line)
    records = list(a_day_and_a_half(datetime(2026, 11, 18, 13, tzinfo=UTC)))
    for start in range(0, len(records), 90):
        made.ingest(*records[start : start + 90], again=40 if start % 180 else 0)
    at, stamp = records[5][0], records[0][0]
    made.ingest((at, wire(stamp, "AAPL", 1)), (at, wire(stamp, "AAPL", 2)))
    return made


def same(found: Iterable[Row], wanted: Sequence[Row]) -> None:
    """The same rows, each once; what differs is shown."""
    found = list(found)
    assert sorted(set(found) - set(wanted), key=str)[:5] == []
    assert sorted(set(wanted) - set(found), key=str)[:5] == []
    assert len(found) == len(wanted)


def test_the_view_reads_raw_objects_as_ingest_did(lake: Lake) -> None:
    same(lake.ask(TICKS + "all_ticks"), [row_of(tick) for tick in lake.expected()])


def test_compaction_gives_each_valid_tick_once_and_readers_see_no_change(lake: Lake) -> None:
    before = lake.counts()
    done = lake.compact()
    wanted = [row_of(tick) for tick in lake.expected()]
    finished = [row for row in wanted if str(row[-1]) <= "2026-11-18"]
    assert done.days == tuple(sorted({str(row[-1]) for row in finished}))
    same(lake.ask(TICKS + "ticks"), finished)
    same(lake.ask(TICKS + "all_ticks"), wanted)
    assert lake.counts() == before
    told = {
        (tick.symbol, tick.timestamp, tick.split)
        for tick in lake.expected()
        if tick.split and place_of(tick).date <= "2026-11-18"
    }
    assert {"EXPO", "TCS.NS", "AAPL"} < {symbol for symbol, *_ in told}
    assert set(lake.ask("SELECT symbol, \"timestamp\", split FROM ticks WHERE split <> ''")) == told


def same_minutes(lake: Lake, until: str) -> int:
    """The minute bars are those of our own rules, for the days up to one; how many there are."""
    by_day: dict[tuple[str, str], list[Tick]] = {}
    for tick in sorted(lake.expected(), key=lambda t: t.timestamp):
        if place_of(tick).date <= until:
            by_day.setdefault((place_of(tick).date, tick.symbol), []).append(tick)
    wanted = [
        (bar.symbol, bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ticks,
         bar.source, bar.extended, bar.session_date)
        for ticks in by_day.values() for bar in minutes_of([], ticks)
    ]  # fmt: skip
    names = 'symbol, "start", open, high, low, close, volume, ticks, source, extended, "date"'
    found = [
        (*row[:2], *(None if cell is None else Decimal(cell) for cell in row[2:7]),
         int(row[7] or 0), row[8], row[9] == "true", row[10])
        for row in lake.ask(f"SELECT {names} FROM bars_1m")
    ]  # fmt: skip
    assert sorted(set(found) ^ set(wanted), key=str)[:6] == []
    assert len(found) == len(wanted)
    return len(found)


def test_minute_bars_are_those_that_detection_builds(lake: Lake) -> None:
    lake.now = NOW + timedelta(days=1)
    lake.compact()
    assert same_minutes(lake, "2026-11-19") > 1000


def test_a_late_object_has_its_day_compacted_again(lake: Lake) -> None:
    late = datetime(2026, 11, 18, 15, 0, 1, tzinfo=UTC)
    arrival = datetime(2026, 11, 21, 20, tzinfo=UTC)
    runs = {day: part.run for day, part in lake.parts().items()}
    lake.ingest((arrival, wire(late, "AAPL", 77)), (arrival, b'{"symbol":"msft","price":3}'))
    lake.now = NOW + timedelta(days=3)
    lake.compact()
    now = {day: part.run for day, part in lake.parts().items()}
    assert now["2026-11-18"] != runs["2026-11-18"]
    assert lake.parts()["2026-11-18"].arrivals == ("2026-11-21",)
    wanted = [row_of(tick) for tick in lake.expected()]
    same(lake.ask(TICKS + "all_ticks"), wanted)


def _lines(lake: Lake) -> set[tuple[bytes, datetime | None]]:
    """Every raw line with its arrival."""
    return {line for key in _keys(lake, "raw/") for line in unpack(_body(lake, key))}


def _keys(lake: Lake, prefix: str) -> list[str]:
    pages = lake.clients.s3.get_paginator("list_objects_v2").paginate(
        Bucket=lake.settings.archive_bucket, Prefix=prefix
    )
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def _body(lake: Lake, key: str) -> bytes:
    body: bytes = lake.clients.s3.get_object(Bucket=lake.settings.archive_bucket, Key=key)[
        "Body"
    ].read()
    return body


class _Archive(Folder):
    """The bucket as `producer replay s3://...` reads it."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(Path("the archive"))
        self._lake = lake

    def listing(self) -> Iterator[str]:
        return iter(_keys(self._lake, "raw/"))

    def body(self, key: str) -> bytes:
        return _body(self._lake, key)


def _replayed(lake: Lake) -> list[Any]:
    return list(Recording(_Archive(lake), (), None, None).ticks())


def test_a_run_merges_raw_objects_and_no_reader_sees_a_change(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was written a moment ago has been surveyed all the same: nothing else writes here.
    monkeypatch.setattr(compact_run, "OVERLAP", timedelta(days=-1))
    lake.now = NOW + timedelta(days=4)
    lines, replayed, keys = _lines(lake), _replayed(lake), _keys(lake, "raw/")
    rows, telling = lake.ask(TICKS + "all_ticks"), len(_keys(lake, "readings/"))
    raw = lake.ask('SELECT DISTINCT symbol, price, "timestamp" FROM raw_ticks')
    done = lake.compact()
    merged = _keys(lake, "raw/")
    assert len(merged) == len(keys) - done.merged + sum("merged-" in key for key in merged)
    assert len(merged) == len({key.rpartition("/")[0] for key in keys}), "one object an hour"
    assert len(_keys(lake, "readings/")) < telling
    assert (_lines(lake), _replayed(lake)) == (lines, replayed)
    same(lake.ask(TICKS + "all_ticks"), rows)
    same(lake.ask('SELECT DISTINCT symbol, price, "timestamp" FROM raw_ticks'), raw)
    marks = lake.stores.catalog.marks()
    assert lake.stores.objects.changed(marks.surveyed_until, marks.lately).hours == {}
    lake.compact("2026-11-18")  # from merged objects, and checked against them
    same(lake.ask(TICKS + "all_ticks"), rows)


def test_a_small_day_is_one_sorted_file(lake: Lake) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    (key,) = lake.files("2026-11-18")
    body = lake.clients.s3.get_object(Bucket=lake.settings.archive_bucket, Key=key)["Body"].read()
    file = parquet.ParquetFile(pyarrow.BufferReader(body))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    table = file.read(columns=["symbol", "timestamp"]).to_pydict()
    keys = list(zip(table["symbol"], table["timestamp"], strict=True))
    assert keys == sorted(keys)
    assert len(set(table["symbol"])) > 7


def test_up_to_a_hundred_symbols_have_folders_on_a_day_of_many_ticks(
    emulated: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact_plan, "FOLDER_TICKS", 2)
    lake = Lake(emulated)
    at = datetime(2026, 11, 17, 15, tzinfo=UTC)
    times = [at + timedelta(days=day, microseconds=n) for day in (0, 1) for n in (1, 2)]
    lake.ingest(*((t, wire(t, f"S{n}", n + 1)) for t in times[:2] for n in range(2)))
    lake.ingest(*((t, wire(t, f"S{n}", n + 1)) for t in times[2:] for n in range(101)))
    assert lake.compact().ticks == 206
    series = [key.partition("series=")[2].partition("/")[0] for key in lake.files("2026-11-17")]
    assert sorted(series) == ["S0", "S1"]
    assert "series=" not in lake.files("2026-11-18")[0]
    same(lake.ask(TICKS + "all_ticks"), [row_of(tick) for tick in lake.expected()])


def test_small_months_are_one_file_each_that_readers_open(emulated: Emulated) -> None:
    lake = Lake(emulated)
    days = [datetime(2026, 8, 20, 15, tzinfo=UTC) + timedelta(days=n) for n in range(0, 24, 2)]
    arrival = datetime(2026, 11, 18, 15, tzinfo=UTC)
    lake.ingest(*((arrival, wire(day, symbol, 5)) for day in days for symbol in ("A", "B", "C")))
    wanted = [row_of(tick) for tick in lake.expected()]
    assert lake.compact().ticks == 36
    opened = 'SELECT count(DISTINCT "$path"), count(*) FROM ticks_by_month'
    assert lake.ask(opened) == [("2", "36")]
    assert lake.stores.catalog.marks().months == ("2026-08", "2026-09")
    same(lake.ask(TICKS + "all_ticks"), wanted)
    same(lake.ask(TICKS + "ticks"), wanted)
    assert lake.ask("SELECT count(*) FROM all_ticks WHERE \"date\" = '2026-08-22'") == [("3",)]
    assert lake.scanned("SELECT count(*) FROM all_ticks") < 0.3 * lake.scanned(
        "SELECT count(*) FROM ticks"
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_thousand_days_are_compacted_each_once_over_several_runs(emulated: Emulated) -> None:
    lake = Lake(emulated)
    days = [datetime(2020, 1, 1, 15, tzinfo=UTC) + timedelta(days=n) for n in range(2000)]
    arrival = datetime(2026, 11, 18, 15, tzinfo=UTC)
    for first in range(0, len(days), 500):
        lake.ingest(*((arrival, wire(day, "A", 5)) for day in days[first : first + 500]))
    done: list[str] = []
    for _ in range(100):
        deadline = time.monotonic() + 120  # some batches' time
        run = Compact(lake.stores, lambda: lake.now)(None, "test", deadline)
        done += run.days
        if not run.left:
            break
    assert sorted(done) == [day.date().isoformat() for day in days]
    assert lake.compact().days == ()
    assert lake.ask("SELECT count(*) FROM all_ticks") == [("2000",)]
    assert lake.ask('SELECT count(DISTINCT "month") FROM ticks_by_month') == [("66",)]


BARS = 'SELECT symbol, "start", open, high, low, close, volume, source FROM bars_'


def bar(day: str, close: object, symbol: str = "HIST", **more: object) -> bytes:
    """A daily bar on the wire."""
    given = {"symbol": symbol, "bar": "1d", "timestamp": f"{day}T00:00:00Z", "price": close,
             "open": 5, "high": 9.5, "low": 1, "volume": 100, **more}  # fmt: skip
    return json.dumps(given).encode()


def test_historical_bars_are_each_once_in_sql_before_and_after_compaction(
    emulated: Emulated,
) -> None:
    lake = Lake(emulated)
    at = datetime(2026, 11, 18, 15, tzinfo=UTC)
    hour = {"bar": "1h", "timestamp": "2026-11-18T14:30:00.000000Z"}
    lake.ingest(
        (at, bar("2025-05-01", 2)),
        (at, bar("2025-05-02", 3) + b"\n" + bar("2026-05-04", "4.25", volume=None)),
        (at, bar("2025-05-01", 2.5, timestamp="2025-05-01T00:00:00+00:00")),
        (at, b"[" + bar("2025-05-05", 6) + b"," + wire(at, "HIST", 7) + b"]"),
        (at, bar("2025-05-06", 0)),
        (at, bar("2025-05-07", 5, source="simulator")),
        (at, bar("2025-05-08", 5, source="yfinance")),
        (at, bar("2025-05-09", 5).replace(b": 5,", b": 5e0,")),
        (at, bar("", 6, **hour)),
        again=3,
    )
    lake.ingest((at + timedelta(minutes=1), bar("2025-05-02", 3.5)))
    daily = [
        (day, close)
        for day, close in (
            ("2025-05-01", "2.5"), ("2025-05-02", "3.5"), ("2025-05-05", "6"), ("2025-05-07", "5"),
            ("2025-05-09", "5"), ("2026-05-04", "4.25"),
        )
    ]  # fmt: skip

    def look() -> None:
        found = lake.ask(BARS + '1d ORDER BY "start"')
        assert [(row[1], Decimal(row[5] or 0)) for row in found] == [
            (f"{day}T00:00:00.000000Z", Decimal(close)) for day, close in daily
        ]

    look()
    by_ticks = "SELECT ticks, count(*) FROM all_prices GROUP BY ticks ORDER BY 1"
    assert lake.ask(by_ticks) == [("0", "6"), ("1", "1")]
    assert lake.ask("SELECT count(*) FROM raw_ticks WHERE symbol = 'HIST'") == [("0",)]
    lake.compact()
    look()
    assert [row[1] for row in lake.ask(BARS + "1h")] == [hour["timestamp"]]
    assert lake.ask('SELECT "year", count(*) FROM history_1d GROUP BY 1 ORDER BY 1') == [
        ("2025", "5"),
        ("2026", "1"),
    ]
    lake.now += timedelta(days=1)
    lake.ingest((at + timedelta(hours=30), bar("2026-05-04", 8)))
    daily[-1] = ("2026-05-04", "8")
    look()
    lake.compact()
    look()


class Crash(BaseException):
    """The process is gone."""


class Breaking:
    """Clients whose run ends at a call: before it is made, or when its answer is lost."""

    def __init__(self, emulated: Emulated, ends: Ends, look: Callable[[], None]) -> None:
        self.clients = EmulatedClients(emulated.endpoint, emulated.keys)
        self._calls: list[str] = []
        self._ends = ends
        self._look = look
        for service in ("athena", "dynamodb", "glue", "s3"):
            client = getattr(self.clients, service)
            client.meta.events.register(f"before-call.{service}", self._step)
            client.meta.events.register(f"after-call.{service}", self._step)

    def _step(self, model: Any, event_name: str, **_: Any) -> None:
        self._calls.append(f"{event_name.split('-')[0]} {model.name}")
        if model.name in EFFECTS:
            self._look()
        if self._ends(self._calls):
            raise Crash


EFFECTS = {"BatchCreatePartition", "BatchUpdatePartition", "UpdateTable"}
"""Calls that readers could notice."""


def _broken_off(emulated: Emulated, points: Iterable[Ends]) -> Lake:
    """The lake of runs that broke off, one after the other, until one ended: readers saw none."""
    lake = Lake(emulated)
    at = datetime(2026, 11, 18, 15, tzinfo=UTC)
    times = [at + timedelta(hours=6 * n) for n in range(5)]
    lake.ingest(*((t, wire(t, symbol, 100)) for t in times for symbol in ("A", "B-USD")), again=4)
    wanted = lake.counts()

    def look() -> None:
        assert lake.counts() == wanted

    for ends in points:
        stores = aws_lake(lake.settings, Breaking(emulated, ends, look).clients)
        lake.now += timedelta(minutes=17)
        try:
            Compact(stores, lambda: lake.now)(None, "breaks", time.monotonic() + 3600)
        except Crash:
            continue
        break
    lake.now += timedelta(minutes=17)
    lake.compact()
    return lake


def test_runs_that_break_off_where_it_matters_leave_readers_nothing_to_see(
    emulated: Emulated,
) -> None:
    lake = _broken_off(
        emulated,
        [
            lambda calls: calls.count("after BatchCreatePartition") == 2,  # ticks have moved
            lambda calls: calls[-1] == "before UpdateTable",
        ],
    )
    assert set(lake.parts()) == {"2026-11-18"}
    _assert_whole(lake)


def _assert_whole(lake: Lake) -> None:
    """Each tick once, and in the bars of the compacted days as well."""
    same(lake.ask(TICKS + "all_ticks"), [row_of(tick) for tick in lake.expected()])
    counts = lake.counts()
    bars = lake.ask('SELECT "date", sum(ticks) FROM bars_1m GROUP BY "date" ORDER BY "date"')
    assert bars == [(day, str(counts[day])) for day in sorted(lake.parts())]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_runs_may_break_off_at_every_call(emulated: Emulated) -> None:
    """Each run comes one call further than the last one; days pass meanwhile."""
    points = 0

    def each() -> Iterator[Ends]:
        nonlocal points
        for points in range(1000):
            yield lambda calls, n=points: len(calls) > n  # type: ignore[misc]

    lake = _broken_off(emulated, each())
    assert 100 < points < 999, "a run came to its end, having been broken off at every call"
    assert set(lake.parts()) >= {"2026-11-18"}
    _assert_whole(lake)


def test_two_runs_side_by_side_and_a_reader(emulated: Emulated) -> None:
    lake = Lake(emulated)
    at = datetime(2026, 11, 18, 15, tzinfo=UTC)
    lake.ingest((at, wire(at, "A", 1)), (at + timedelta(hours=12), wire(at, "B", 2)), again=1)
    wanted = lake.counts()
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(Compact(lake.stores, lambda: NOW), None, owner, time.monotonic() + 3600)
            for owner in ("one", "two")
        ]
        while not all(run.done() for run in runs):
            assert lake.counts() == wanted
    assert sorted(run.result().busy for run in runs) == [False, True]
    assert lake.counts() == wanted
    assert set(lake.parts()) == {"2026-11-18"}
