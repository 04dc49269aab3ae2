"""Archives of more ticks than fit into memory, as a source of a replay."""

from __future__ import annotations

import gzip
import random
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chalicelib.domain import raw_lines
from chalicelib.domain.raw_lines import ArchivedLine, pack
from producer.errors import UsageError
from producer.sources import archive, lake, lake_rows, recording, sorting
from producer.sources.objects import Folder
from producer.sources.replay import Replay
from producer.status import Status
from producer.wire import WireTick
from tests.factories import instant

HOUR = Path("raw/date=2026-11-20/hour=15")
DAY = Path("ticks/date=2026-11-20/run=a")
LINE = '{"symbol":"AAPL","price":1,"timestamp":"2026-11-20T15:30:00.000000Z"}\n'


class Watched(Folder):
    """A folder that counts what is read, and asks for the end with the second object."""

    def __init__(self, path: Path, stop: threading.Event | None = None) -> None:
        super().__init__(path)
        self._stop = stop
        self.read = 0

    def body(self, key: str) -> bytes:
        self._count()
        return super().body(key)

    def file(self, key: str, place: Path, /) -> Path:
        self._count()
        return super().file(key, place)

    def _count(self) -> None:
        self.read += 1
        if self._stop is not None and self.read == 2:
            self._stop.set()


def archived(root: Path, *, symbols: int = 5, ticks: int = 400) -> Path:
    """An hour of two shards: ticks out of order, at the same instant, again, corrected, of another
    source, and folded bars; some by a program of another make."""
    chance = random.Random(7)
    for shard in (0, 1):
        lines = [_line(chance, symbols, at) for at in range(ticks)]
        _put(root / HOUR / f"shardId-{shard:012}-{1000 + shard}-{ticks}.json.gz", pack(lines))
    foreign = "".join(LINE.replace('"price":1', f'"price":{at}') for at in range(20))
    _put(root / HOUR / "x.json.gz", gzip.compress(foreign.encode()))
    return root


def _line(chance: random.Random, symbols: int, at: int) -> ArchivedLine:
    arrival = instant(at + chance.randint(-15, 3))
    tick: dict[str, Any] = {
        "symbol": f"S{chance.randrange(symbols)}",
        "price": chance.randint(1, 9),
        "timestamp": instant(at // 20 * 20 - 400).isoformat(),
    }
    if chance.random() < 0.3:
        tick["source"] = chance.choice(["yfinance", "another"])
    if chance.random() < 0.3:
        tick |= {"bar": "1h", "open": 1, "high": 9, "low": 1, "folded": chance.randint(1, 3)}
    return ArchivedLine(msgspec.json.encode(tick), arrival - timedelta(microseconds=at % 3))


def _put(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def compacted(root: Path, name: str = "x", rows: int = 50, **columns: pa.Array) -> Path:
    """A day as compact writes it: sorted by symbol, all prices decimals."""
    table = {
        "symbol": pa.array([f"S{n * 3 // rows}" for n in range(rows)]),
        "timestamp": pa.array(
            [f"2026-11-20T15:{n * 7 % 60:02}:00.000000Z" for n in range(rows)], pa.string()
        ),
        "price": pa.array([Decimal(n + 1) for n in range(rows)], pa.decimal128(20, 8)),
    }
    (root / DAY).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table | columns), root / DAY / name)
    return root


def hours(root: Path, stop: threading.Event | None = None) -> archive.Recording:
    return archive.Recording(Folder(root), [], None, None, stop=stop)


def days(root: Path) -> lake.Recording:
    return lake.Recording(Folder(root), [], None, None)


def replayed(found: archive.Recording | lake.Recording) -> tuple[list[WireTick], int]:
    return list(found.ticks()), found.unreadable.count


def few_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of some ten ticks; three of them are merged into one."""
    monkeypatch.setattr(sorting, "MOST_HELD", 10_000)
    monkeypatch.setattr(sorting, "MOST_RUNS", 3)
    monkeypatch.setattr(lake_rows, "MOST_HELD", 1_000)
    monkeypatch.setattr(lake_rows, "ROWS_OF_A_RUN", 4)


def test_an_hour_that_is_sorted_in_files_is_replayed_as_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = archived(tmp_path)
    ticks, refused = replayed(hours(root))
    assert len(ticks) > 100
    assert refused > 50
    few_held(monkeypatch)
    assert replayed(hours(root)) == (ticks, refused)


def test_a_day_that_is_sorted_in_files_is_replayed_as_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = pa.decimal128(20, 8)
    for number, name in enumerate("xyz"):  # each tick three times, at another price
        prices = pa.array([Decimal(row + number + 1) for row in range(50)], price)
        root = compacted(tmp_path, name, price=prices)
    monkeypatch.setattr("producer.files.bounded_parquet.ROWS_AT_ONCE", 5)
    ticks, _ = replayed(days(root))
    assert len(ticks) == 150
    assert ticks == sorted(ticks, key=lambda one: (one.timestamp, one.symbol))
    few_held(monkeypatch)
    assert replayed(days(root))[0] == ticks


def test_memory_does_not_grow_with_the_objects_of_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "MOST_HELD", 200_000)
    monkeypatch.setattr(raw_lines, "MOST_UNPACKED", 100_000)  # GzipFile makes room for so many
    for number in range(8):
        _put(tmp_path / HOUR / f"{number}.json.gz", gzip.compress((LINE * 1_000).encode()))
    tracemalloc.start()
    try:
        assert len(list(hours(tmp_path).ticks())) == 1
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows_of_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = compacted(tmp_path, rows=30_000)  # some 6 MB
    monkeypatch.setattr(lake_rows, "MOST_HELD", 300_000)
    monkeypatch.setattr(lake_rows, "ROWS_OF_A_RUN", 100)
    before, most = pa.default_memory_pool().bytes_allocated(), 0
    for _ in days(root).ticks():
        most = max(most, pa.default_memory_pool().bytes_allocated())
    assert most - before < 2_500_000


def test_an_object_of_empty_lines_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_lines, "MOST_UNPACKED", 1_000_000)
    body = gzip.compress(b"\n" * 200_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in raw_lines.each_line(body)) == 200_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_runs_of_an_hour_have_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, room = archived(tmp_path / "archive"), tmp_path / "room"
    room.mkdir()
    few_held(monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    ticks = hours(root).ticks()
    next(ticks)
    assert list(room.iterdir()) == []


def test_runs_of_a_day_are_closed_to_others_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, room = compacted(tmp_path / "lake"), tmp_path / "room"
    room.mkdir()
    few_held(monkeypatch)
    monkeypatch.setattr("producer.files.bounded_parquet.ROWS_AT_ONCE", 5)
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    ticks = days(root).ticks()
    next(ticks)
    (folder,) = room.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob("run-*"))
    list(ticks)
    assert list(room.iterdir()) == []


@pytest.mark.parametrize("kind", ["hour", "day"])
def test_runs_without_disk_space_are_reported_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    found = hours(archived(tmp_path)) if kind == "hour" else days(compacted(tmp_path))
    few_held(monkeypatch)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(pa.ipc, "new_stream", full)
    with pytest.raises(UsageError, match=r"\(TMPDIR\): No space left on device") as refused:
        list(found.ticks())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["hour", "day"])
def test_a_replay_ends_while_it_reads_an_archive(tmp_path: Path, kind: str) -> None:
    stop = threading.Event()
    for name in ("a", "b", "c"):
        _put(tmp_path / HOUR / f"{name}.json.gz", gzip.compress(LINE.encode()))
        compacted(tmp_path, name)
    found = Watched(tmp_path / ("raw" if kind == "hour" else "ticks"), stop)
    reading = archive.Recording if kind == "hour" else lake.Recording
    source = Replay(
        reading(found, [], None, None, stop=stop), None, Status(lambda _event, _message: None)
    )
    assert list(source.batches(stop)) == []
    assert found.read == (2 if kind == "hour" else 3)


def test_a_replay_that_ends_within_an_hour_gives_no_tick_of_an_unfinished_instant(
    tmp_path: Path,
) -> None:
    root, stop = archived(tmp_path), threading.Event()
    whole, _ = replayed(hours(root))
    given: list[WireTick] = []
    for tick in hours(root, stop).ticks():
        given.append(tick)
        if len(given) == 10:
            stop.set()
    assert given == whole[: len(given)]
    assert len(given) < len(whole)


@pytest.mark.parametrize("kind", ["hour", "day"])
def test_archives_of_too_many_symbols_are_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(recording, "MOST_SYMBOLS", 2)
    found = hours(archived(tmp_path)) if kind == "hour" else days(compacted(tmp_path))
    with pytest.raises(UsageError, match="more than 2 symbols; name some with --symbols"):
        list(found.ticks())


def test_a_line_of_the_archive_that_no_record_can_have_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_IN_LINE", 100)
    long = LINE.replace("AAPL", "A" * 100)
    _put(tmp_path / HOUR / "x.json.gz", gzip.compress((long + LINE).encode()))
    found = hours(tmp_path)
    assert len(list(found.ticks())) == 1
    assert found.unreadable.first == "line 1: it has more than 100 bytes"


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("price", ["1.5"], "price is dictionary<.*>; allowed: decimal"),
        ("price", [1.5], "price is double; allowed: decimal"),
        ("timestamp", [7], "timestamp is int64; allowed: text"),
        ("source", [b"\xff"], "cannot be read as Parquet: Invalid UTF8"),
    ],
)
def test_columns_that_compact_does_not_write_are_named_in_a_line(
    tmp_path: Path, column: str, values: list[Any], said: str
) -> None:
    root = compacted(tmp_path, rows=1, **{column: pa.array(values)})
    with pytest.raises(UsageError, match=said) as refused:
        list(days(root).ticks())
    assert "\n" not in str(refused.value)


def odd_cells() -> Iterator[tuple[str, pa.Array]]:
    price = pa.decimal128(38, 8)
    yield "symbol", pa.array([None, "S1"])
    yield "symbol", pa.array(["no symbol", "S1"])
    yield "timestamp", pa.array(["soon", "2026-11-20T15:00:00.000000Z"])
    yield "timestamp", pa.array(["2026-11-20T15:00:00Z", "2026-11-20T15:00:00.000000Z"])
    yield "price", pa.array([None, Decimal(1)], price)
    yield "price", pa.array([Decimal(-1), Decimal(1)], price)
    yield "volume", pa.array([Decimal("9" * 29), Decimal(1)], price)


@pytest.mark.parametrize(("column", "values"), list(odd_cells()))
def test_invalid_rows_of_a_day_are_skipped_and_counted(
    tmp_path: Path, column: str, values: pa.Array
) -> None:
    found = days(compacted(tmp_path, rows=2, **{column: values}))
    ticks, refused = replayed(found)
    assert (len(ticks), refused) == (1, 1)
    assert column in found.unreadable.first.replace("1E+29", "volume")


def test_an_object_that_is_larger_than_memory_is_passed_over(tmp_path: Path) -> None:
    _put(tmp_path / HOUR / "a.json.gz", gzip.compress(LINE.encode()))
    hole = tmp_path / HOUR / "b.json.gz"
    with hole.open("wb") as file:
        file.truncate(1 << 40)
    found = hours(tmp_path)
    assert len(list(found.ticks())) == 1
    assert "b.json.gz: has more than 134,217,728 bytes" in found.unreadable.first


def test_a_file_of_a_lake_that_is_larger_than_compaction_writes_is_refused(tmp_path: Path) -> None:
    hole = tmp_path / DAY / "a"
    hole.parent.mkdir(parents=True)
    with hole.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UsageError, match=r"run=a/a: has more than 4,294,967,296 bytes"):
        list(days(tmp_path).ticks())
