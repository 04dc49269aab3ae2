"""Merging raw objects: what readers take of the archive stays the same, wherever a run breaks off.

`taken` reads the archive by the rules of chalicelib/lake/raw_ticks.sql, batch by batch.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import pytest

from chalicelib.domain.archive_layout import is_merged
from chalicelib.domain.errors import OutOfTime
from chalicelib.domain.raw_lines import Line, pack_lines, unpack
from chalicelib.services.lake import merge, merge_weight
from chalicelib.services.lake.merge import Merge, Merged
from chalicelib.services.lake.merge_plan import MOST_BYTES, groups, merged_name, numbered
from chalicelib.services.lake.merge_weight import MOST_MEMORY
from chalicelib.services.lake.stores import RawHour, RawObject

HOUR = "date=2026-11-18/hour=15/"
AT = datetime(2026, 11, 18, 15, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


class Archive:
    """RawObjects in memory. `around` is called before and after each change."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.around: Callable[[], None] = lambda: None

    def batch(
        self, first: int, last: int, lines: Sequence[Line], readings: Sequence[dict[str, str]] = ()
    ) -> None:
        """A batch as ingest writes it."""
        digest = f"{crc32(b'numbers'):08x}" * (1 + first % 2)  # half as long in earlier versions
        name = f"{HOUR}shardId-0-{first}.{digest}-{last}.json.gz"
        if readings:
            text = "".join(json.dumps(row) + "\n" for row in readings)
            self.objects["readings/" + name] = gzip.compress(text.encode())
        self.objects["raw/" + name] = pack_lines(lines)

    def names(self, root: str) -> list[str]:
        return sorted(key.removeprefix(root) for key in self.objects if key.startswith(root))

    def hours(self, first: str, last: str, before: str) -> Iterator[RawHour]:
        self.around()
        objects = [RawObject(n, len(self.objects["raw/" + n])) for n in self.names("raw/")]
        yield RawHour(tuple(objects), tuple(self.names("readings/")))

    def read(self, root: str, names: Sequence[str]) -> list[bytes]:
        self.around()
        return [self.objects[root + name] for name in names]

    def put(self, root: str, name: str, body: bytes) -> None:
        self.around()
        self.objects[root + name] = body
        self.around()

    def delete(self, root: str, names: Sequence[str]) -> None:
        for name in names:  # S3 deletes many at once, in no order and not at one moment
            self.around()
            self.objects.pop(root + name, None)
        self.around()

    def lines(self) -> set[Line]:
        return {
            line for name in self.names("raw/") for line in unpacked(self.objects["raw/" + name])
        }

    def rows(self, name: str) -> tuple[dict[str, str], ...]:
        body = self.objects.get("readings/" + name)
        return rows_of(body) if body else ()

    def copy(self) -> Archive:
        """The same objects in another archive, which nothing watches."""
        other = Archive()
        other.objects = self.objects.copy()
        return other

    def merge(self) -> int:
        merged = Merged()
        Merge(self, lambda _: None)("2026-11-18", "2026-11-18", "", merged)
        return merged.objects


@lru_cache(1000)
def unpacked(body: bytes) -> tuple[Line, ...]:
    """The lines of an object, which tests read after each step of a run."""
    return tuple(unpack(body))


@lru_cache(1000)
def ticks_of(body: bytes) -> tuple[dict[str, Any], ...]:
    """The decoded lines of an object."""
    return tuple(json.loads(line) for line, _ in unpacked(body))


@lru_cache(1000)
def rows_of(body: bytes) -> tuple[dict[str, str], ...]:
    """The decoded readings of an object."""
    return tuple(json.loads(row) for row in gzip.decompress(body).splitlines())


def taken(archive: Archive) -> dict[tuple[str, str], tuple[str, str]]:
    """Price and source of the tick that SQL takes for each identity."""
    copies: dict[tuple[str, str], list[Any]] = {}
    for name in archive.names("raw/"):
        rows = [row for row in archive.rows(name) if "bar" not in row]
        told = {(row["symbol"], row["timestamp"]) for row in rows}
        for tick in ticks_of(archive.objects["raw/" + name]):
            identity = tick["symbol"].upper(), tick["timestamp"]
            if identity not in told and "bar" not in tick and float(tick["price"]) > 0:
                stamp = tick.get("sent_at")
                rank = (_number(name), stamp is not None, stamp or "", float(tick["price"]))
                copies.setdefault(identity, []).append((rank, str(tick["price"]), tick["source"]))
    for name in archive.names("readings/"):
        for row in archive.rows(name):
            if "refused" not in row and "bar" not in row:
                rank = (_number(name), False, "", float(row["price"]))
                identity = row["symbol"], row["timestamp"]
                copies.setdefault(identity, []).append((rank, row["price"], row["source"]))
    return {identity: max(found)[1:] for identity, found in copies.items()}


def _number(name: str) -> int:
    return int(name.split("-")[-1].split(".")[0])


def line(symbol: str, second: int, price: float, **more: Any) -> Line:
    stamp = f"2026-11-18T15:00:{second:02}.000000Z"
    tick = {"symbol": symbol, "timestamp": stamp, "price": price, "source": "s", **more}
    return json.dumps(tick).encode(), AT + timedelta(seconds=second, milliseconds=second)


def numbers_of(names: Sequence[str]) -> list[str]:
    """Names of merged objects without folder, digest and suffix."""
    pattern = HOUR + r"(merged-\d+)\.[0-9a-f]{16}(-\d+)\.json\.gz"
    found = [re.fullmatch(pattern, name) for name in names]
    return ["".join(match.groups()) if match else "" for match in found]


def reading(symbol: str, second: int, price: float | None) -> dict[str, str]:
    row = {"symbol": symbol, "timestamp": f"2026-11-18T15:00:{second:02}.000000Z"}
    if price is None:
        return {**row, "refused": "yes"}
    return {**row, "price": str(price), "source": "s", "mode": "live"}


def test_the_batches_of_an_hour_become_one_object_of_the_same_lines() -> None:
    archive = Archive()
    for number in range(30):
        archive.batch(number, number, [line("A", number, 5 + number), line("b", number, 7)])
    lines, ticks = archive.lines(), taken(archive)
    assert archive.merge() == 30
    (name,) = archive.names("raw/")
    assert numbers_of([name]) == ["merged-0-29"]
    assert (archive.lines(), taken(archive)) == (lines, ticks)
    assert archive.names("readings/") == []
    assert archive.merge() == 0, "what is merged is left alone"


def test_batches_that_earlier_versions_named_are_merged_with_later_ones() -> None:
    archive = Archive()
    archive.batch(3, 9, [line("A", 3, 5)])
    archive.objects[f"raw/{HOUR}shardId-0-1-2.json.gz"] = pack_lines([line("A", 1, 5)])
    lines = archive.lines()
    archive.merge()
    assert numbers_of(archive.names("raw/")) == ["merged-1-9"]
    assert archive.lines() == lines


def test_a_batch_that_comes_later_joins_the_merged_ones() -> None:
    archive = Archive()
    for number in range(4):
        archive.batch(number, number, [line("A", number, 5)])
    archive.merge()
    archive.batch(9, 9, [line("A", 9, 6)])
    lines = archive.lines()
    archive.merge()
    assert numbers_of(archive.names("raw/")) == ["merged-0-9"]
    assert archive.lines() == lines


def test_the_later_batchs_contradicting_copy_stays() -> None:
    archive = Archive()
    archive.batch(1, 1, [line("A", 1, 900, sent_at="2026-11-18T15:00:59.000000Z")])
    archive.batch(2, 2, [line("A", 1, 5)])
    archive.merge()
    assert taken(archive)["A", "2026-11-18T15:00:01.000000Z"][0] == "5"


def test_the_later_batchs_contradicting_bar_stays_beside_a_tick_of_that_time() -> None:
    archive = Archive()
    hour = {"bar": "1h", "open": 1, "high": 9, "low": 1}
    archive.batch(1, 1, [line("A", 1, 6, **hour, sent_at="2026-11-18T15:00:59.000000Z")])
    archive.batch(2, 2, [line("A", 1, 5, **hour), line("A", 1, 7)])
    archive.batch(3, 3, [line("B", 1, 5, **hour)], [{**reading("B", 1, None), "bar": "1h"}])
    archive.merge()
    (name,) = archive.names("raw/")
    told = {(row["symbol"], row["bar"]): row.get("price") for row in archive.rows(name)}
    assert told == {("A", "1h"): "5", ("B", "1h"): None}
    assert taken(archive)["A", "2026-11-18T15:00:01.000000Z"][0] == "7"


def test_a_refused_copy_does_not_come_back() -> None:
    archive = Archive()
    archive.batch(1, 1, [line("A", 1, 5)])
    archive.batch(2, 2, [line("A", 1, 6)], [reading("A", 1, None)])
    archive.batch(3, 3, [line("B", 1, 6)], [reading("B", 1, None)])
    archive.merge()
    assert [price for price, _ in taken(archive).values()] == ["5"]


def test_bytes_bound_a_group_and_numbers_never_cross() -> None:
    sizes = [MOST_BYTES // 2, MOST_BYTES // 3, MOST_BYTES // 2, 10, 2 * MOST_BYTES, 10, 20]
    objects = [
        RawObject(f"{HOUR}s-{n}-{n}.json.gz", size) for n, size in reversed([*enumerate(sizes)])
    ]
    found = [[one.first for one in group] for group in groups(RawHour(tuple(objects), ()))]
    assert found == [[0, 1], [2, 3], [5, 6]]


def test_files_of_others_and_of_merging_alone_are_left() -> None:
    names = ("notes.txt", "x.json.gz", "merged-1-2.json.gz", "merged-3-4.json.gz")
    hour = RawHour(tuple(RawObject(HOUR + name, 1) for name in names), ())
    assert groups(hour) == []
    assert [is_merged(f"raw/{HOUR}{name}") for name in names] == [False, False, True, True]


def test_an_object_that_cannot_be_read_keeps_its_neighbours_as_they_are() -> None:
    archive = Archive()
    archive.batch(1, 1, [line("A", 1, 5)])
    archive.batch(2, 2, [line("A", 2, 5)])
    archive.objects[f"raw/{HOUR}shardId-0-3-3.json.gz"] = b"no gzip"
    before = dict(archive.objects)
    assert archive.merge() == 0
    assert archive.objects == before


def _allow(monkeypatch: pytest.MonkeyPatch, memory: int) -> None:
    for module in (merge, merge_weight):
        monkeypatch.setattr(module, "MOST_MEMORY", memory)


def test_a_group_that_takes_much_memory_is_split_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive()
    for number in range(7):
        readings = [reading("A", second, 5) for second in range(20)] if number % 2 else []
        archive.batch(number, number, [line("A", number, 5, note=" " * 5_000)], readings)
    lines, ticks = archive.lines(), taken(archive)
    _allow(monkeypatch, 130_000)  # a batch takes 22,000 bytes, one with readings 58,000
    archive.merge()
    assert numbers_of(archive.names("raw/")) == ["merged-0-2", "merged-3-4", "merged-5-6"]
    assert (archive.lines(), taken(archive)) == (lines, ticks)
    assert archive.merge() == 0


@pytest.mark.parametrize("large", ["lines", "readings"])
def test_an_object_that_takes_much_memory_alone_is_left_with_a_warning(
    large: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive()
    for number in range(5):
        note = " " * 50_000 if number == 2 and large == "lines" else ""
        many = 200 if number == 2 and large == "readings" else 0
        readings = [reading("A", second, 5) for second in range(many)]
        archive.batch(number, number, [line("A", number, 5, note=note)], readings)
    left = archive.names("raw/")[2]
    lines = archive.lines()
    _allow(monkeypatch, 100_000)
    assert archive.merge() == 4
    *merged, alone = archive.names("raw/")
    assert (numbers_of(merged), alone) == (["merged-0-1", "merged-3-4"], left)
    assert archive.lines() == lines
    assert f"{left} is not merged: it would take over 100000 bytes" in caplog.text


def test_a_merged_name_tells_the_numbers_and_the_members_apart() -> None:
    """Senders number a queue's messages, so that many objects may have equal numbers."""
    stored = [RawObject(f"{HOUR}queue-7.{number:016x}-7.json.gz", 1) for number in range(4)]
    group = [one for one in map(numbered, stored) if one is not None]
    name = merged_name(group)
    assert numbers_of([name]) == ["merged-7-7"]
    assert merged_name(group[::-1]) == name
    assert merged_name(group[1:]) != name
    named = numbered(RawObject(name, 1))
    assert named is not None
    assert (named.first, named.last, is_merged(name)) == (7, 7, True)


def _same_numbers(archive: Archive, batches: Iterable[int]) -> None:
    """Batches of a third of MOST_BYTES, whose numbers are all the same."""
    for number in batches:
        note = random.Random(number).randbytes(MOST_BYTES // 3).hex()  # packs to a half
        name = f"{HOUR}queue-7.{number:08x}-7.json.gz"
        archive.objects["raw/" + name] = pack_lines([line("A", number, 5, note=note)])


def test_groups_of_equal_numbers_keep_all_their_lines_and_let_later_ones_be_merged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    archive = Archive()
    _same_numbers(archive, range(4))
    lines = archive.lines()
    archive.merge()
    assert archive.lines() == lines
    _same_numbers(archive, range(4, 8))
    archive.batch(8, 8, [line("B", 1, 5)])
    archive.batch(9, 9, [line("B", 2, 5)])
    lines = archive.lines()
    archive.merge()
    assert archive.lines() == lines
    assert all(map(is_merged, archive.names("raw/")))
    assert "not merged" not in caplog.text
    assert archive.merge() == 0


class Racing(Archive):
    """The objects of another one; something happens before the first of them is written."""

    def __init__(self, of: Archive, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.objects = of.objects
        self._meanwhile = [meanwhile]

    def put(self, root: str, name: str, body: bytes) -> None:
        while self._meanwhile:
            self._meanwhile.pop()()
        super().put(root, name, body)


@pytest.mark.parametrize("are_merged", [False, True])
def test_two_runs_that_merge_an_hour_at_one_time_lose_no_line(are_merged: bool) -> None:
    archive = Archive()
    for number in (1, 3, 9):
        archive.batch(number, number, [line("A", number, 5)])
    if are_merged:
        archive.merge()
        archive.batch(5, 5, [line("A", 5, 5)])
    lines: set[Line] = set()

    def another_run() -> None:
        archive.batch(6, 6, [line("A", 6, 5)], [reading("A", 6, 4)])
        lines.update(archive.lines())
        archive.merge()

    Racing(archive, another_run).merge()
    assert len(lines) == 4 + are_merged
    assert archive.lines() == lines
    assert taken(archive)["A", "2026-11-18T15:00:06.000000Z"][0] == "4"
    archive.batch(7, 7, [line("A", 7, 5)])
    archive.merge()
    assert numbers_of(archive.names("raw/")) == ["merged-1-9"]
    assert archive.lines() == lines | {line("A", 7, 5)}


def test_merging_ends_when_time_does() -> None:
    archive = Archive()
    for number in range(3):
        archive.batch(number, number, [line("A", number, 5)])

    def need(_: float) -> None:
        raise OutOfTime("no time")

    with pytest.raises(OutOfTime):
        Merge(archive, need)("2026-11-18", "2026-11-18", "", Merged())
    assert len(archive.names("raw/")) == 3


class Record(NamedTuple):
    """A record of a stream: its line, and whether ingest refuses it or tells how to read it."""

    line: Line
    refused: bool
    told: bool


def random_archive(seed: int) -> Archive:
    """Batches of one stream, redelivered in part, with copies of ticks that contradict."""
    draw = random.Random(seed)
    records = [_some_record(draw) for _ in range(draw.randint(4, 14))]
    archive = Archive()
    first = 0
    while first < len(records):
        last = min(first + draw.randint(0, 3), len(records) - 1)
        batch = records[first : last + 1]
        archive.batch(first, last, [record.line for record in batch], list(_readings(batch)))
        first = max(
            0, last + 1 - draw.choice([0, 0, 1, 2]) if last + 1 < len(records) else last + 1
        )
    return archive


def _some_record(draw: random.Random) -> Record:
    more = {}
    if draw.random() < 0.5:
        more["sent_at"] = f"2026-11-18T15:01:0{draw.randint(0, 2)}.000000Z"
    if draw.random() < 0.1:
        more["bar"] = "1m"
    price = draw.choice([0, 1, 2, 3.5])
    made = line(draw.choice("AbC"), draw.randint(0, 2), price, **more)
    refused = "bar" not in more and (price == 0 or draw.random() < 0.2)
    return Record(made, refused, draw.random() < 0.2)


def _readings(batch: Sequence[Record]) -> Iterator[dict[str, str]]:
    """Yield ingest's readings of a batch: of contradicting copies the later valid one."""
    copies: dict[tuple[str, int], list[Record]] = {}
    for record in batch:
        tick = json.loads(record.line[0])
        if "bar" not in tick:
            identity = tick["symbol"].upper(), int(tick["timestamp"][17:19])
            copies.setdefault(identity, []).append(record)
    for identity, found in copies.items():
        valid = [json.loads(record.line[0])["price"] for record in found if not record.refused]
        differ = len({record.line[0] for record in found}) > 1
        if differ or any(record.refused or record.told for record in found):
            yield reading(*identity, valid[-1] if valid else None)


@pytest.mark.parametrize(
    ("seed", "memory"),
    [*((seed, MOST_MEMORY) for seed in range(12)), *((seed, 20_000) for seed in (0, 1, 2, 4, 5))],
)
def test_readers_see_no_change_wherever_a_run_breaks_off(
    seed: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With little memory, merge in parts of two or three batches."""
    _allow(monkeypatch, memory)
    whole = random_archive(seed)
    lines, ticks = whole.lines(), taken(whole)
    for point in itertools.count():
        archive = whole.copy()
        steps = iter(range(10_000))

        def around(archive: Archive = archive, point: int = point) -> None:
            assert archive.lines() == lines
            assert taken(archive) == ticks
            if next(steps) == point:  # noqa: B023 - used within this round alone
                raise Crash

        archive.around = around
        try:
            archive.merge()
        except Crash:
            archive.merge()  # which looks, too
            if memory == MOST_MEMORY:  # otherwise the next run may make other parts
                assert len(archive.names("raw/")) == 1
                assert set(archive.names("readings/")) <= set(archive.names("raw/"))
            assert (archive.lines(), taken(archive)) == (lines, ticks)
        else:
            break
    assert point > 5 or len(whole.names("raw/")) == 1
