"""The memory that merging takes is bounded, whatever raw objects hold: `compact` has 256 MB."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import raw_lines, wire
from chalicelib.domain.raw_lines import Line
from chalicelib.services.lake import merge, merge_weight
from tests.unit.lake.test_merge import Archive, line, reading

ALLOWED = 6_000_000
BATCHES = 8
AT = datetime(2026, 11, 18, 15, tzinfo=UTC)


def _contradicting(batch: int) -> Iterator[Line]:
    """Ticks that every other batch has with another price."""
    for number in range(700):
        stamp = f"2026-11-18T15:00:00.{number:06}Z"
        tick = {"symbol": f"S{batch // 2}", "timestamp": stamp, "price": batch + 1}
        yield json.dumps(tick).encode(), AT + timedelta(microseconds=number)


def _short(batch: int) -> Iterator[Line]:
    for number in range(2500):
        yield b"%d" % (batch * 2500 + number), AT + timedelta(microseconds=number * batch)


def _long(batch: int) -> Iterator[Line]:
    yield line("A", batch, 5, note=" " * 700_000)


def _one(batch: int) -> Iterator[Line]:
    yield line("A", batch, 5)


def _told(batch: int, refused: bool = False) -> Iterator[dict[str, str]]:
    """Yield readings like those of an array of ticks without a timestamp, which is one line."""
    for number in range(1500):
        row = reading(f"S{batch}", 0, None if refused else 5)
        yield row | {"timestamp": f"2026-11-18T15:00:00.{number:06}Z"}


def _none(batch: int) -> Iterator[dict[str, str]]:
    return iter(())


@pytest.mark.parametrize(
    ("lines", "readings"),
    [
        (_contradicting, _none),
        (_short, _none),
        (_long, _none),
        (_one, _told),
        (_one, lambda batch: _told(batch, refused=True)),
    ],
    ids=["contradicting lines", "short lines", "long lines", "readings", "refused readings"],
)
def test_a_merge_fits_into_memory(
    lines: Callable[[int], Iterator[Line]],
    readings: Callable[[int], Iterator[dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = Archive()
    for batch in range(BATCHES):
        archive.batch(batch, batch, list(lines(batch)), list(readings(batch)))
    assert wire.decode(b"{}", AT).rejected, "what decoding loads is loaded"
    found = archive.lines()
    for module in (merge, merge_weight):
        monkeypatch.setattr(module, "MOST_MEMORY", ALLOWED)
    monkeypatch.setattr(raw_lines, "MOST_UNPACKED", ALLOWED // 3)  # GzipFile makes room for so many
    assert ALLOWED / 5 < _peak(archive.merge) < ALLOWED + 500_000
    assert 1 < len(archive.names("raw/")) < BATCHES
    assert archive.lines() == found


def _peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("readings", [False, True])
def test_an_object_that_unpacks_to_much_is_not_unpacked(readings: bool) -> None:
    archive = Archive()
    bomb = gzip.compress(bytes(1_000_000) * 60)  # 60 kB
    for number in range(3):
        archive.batch(number, number, [line("A", number, 5)], [reading("A", number, 5)])
        root = "readings/" if readings else "raw/"
        archive.objects[root + archive.names(root)[-1]] = bomb
    before = dict(archive.objects)
    assert _peak(archive.merge) < 2_000_000
    assert archive.objects == before
