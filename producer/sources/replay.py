"""Replay: a recording from a file, at N times its speed or as fast as the sink takes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from chalicelib.domain.times import from_text
from producer.errors import UsageError
from producer.sources import csv_days, ndjson
from producer.sources.recording import Recording
from producer.status import Status
from producer.wire import WireTick

_BATCH = 500
_SLICE_SECONDS = 0.5


def open_recording(path: str | Path, symbols: Sequence[str]) -> Recording:
    """The recording in a file, by its name's ending or, failing that, by its first character.

    Raises UsageError when there is no such file, or none that can be replayed.
    """
    file = Path(path)
    if not file.exists():
        raise UsageError(f"{path}: there is no such file")
    if file.is_dir():
        raise UsageError(f"{path} is a folder; a CSV or NDJSON file is needed")
    if ndjson.is_ndjson(file):
        return ndjson.Recording(file, tuple(symbols))
    return csv_days.Recording(file, tuple(symbols))


def check(path: str | Path, symbols: Sequence[str]) -> None:
    """Whether `path` can be replayed for `symbols` (none: all that are in it).

    Reads the whole file. Raises UsageError with one line that says what is wrong.
    """
    open_recording(path, symbols).check()


class Replay:
    """The source over a recording. `speed` None is as fast as possible."""

    recorded = True
    name = "replay"

    def __init__(self, recording: Recording, speed: float | None, status: Status) -> None:
        self._recording = recording
        self._speed = speed
        self._status = status

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """All of the recording, paced by the differences of its timestamps."""
        self._status.say("replaying")
        ticks = self._recording.ticks()
        yield from in_batches(ticks) if self._speed is None else paced(ticks, self._speed, stop)
        passed_over = self._recording.unreadable
        if passed_over:
            self._status.dropped["unreadable"] += passed_over.count
            self._status.problem(f"{passed_over.count} lines passed over; {passed_over.first}")


def in_batches(ticks: Iterable[WireTick]) -> Iterator[Sequence[WireTick]]:
    """Batches of 500, the last one shorter."""
    batch: list[WireTick] = []
    for tick in ticks:
        batch.append(tick)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def paced(
    ticks: Iterable[WireTick], speed: float, stop: threading.Event
) -> Iterator[Sequence[WireTick]]:
    """Each tick when its time has come: `speed` recorded seconds pass in one of ours."""
    began = time.monotonic()
    first = None
    for tick in ticks:
        instant = from_text(tick.timestamp)
        first = first or instant
        due = began + (instant - first).total_seconds() / speed
        while (left := due - time.monotonic()) > 0:
            if stop.wait(min(left, _SLICE_SECONDS)):
                return
        yield [tick]
