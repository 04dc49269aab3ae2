"""Replays a recording at N times its speed, or as fast as the sink accepts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

from chalicelib.domain.times import from_text
from producer.errors import UsageError
from producer.files import opening
from producer.files.asked import Asked
from producer.sources import archive, lake
from producer.sources.objects import Bucket, Folder
from producer.sources.recording import Recording
from producer.status import Status
from producer.wire import WireTick

_BATCH = 500
_SLICE_SECONDS = 0.5


def open_recording(
    path: str | Path,
    symbols: Sequence[str],
    since: date | None = None,
    until: date | None = None,
    *,
    alerts: bool = False,
    database: str | None = None,
    asked: Asked | None = None,
    stop: threading.Event | None = None,
) -> Recording:
    """Open a recording.

    It is a file, a folder (of files, of a raw archive or of compacted days), or
    `s3://bucket/prefix`. A file's format follows from the ending of its name or from its first
    character. `since` and `until` are included: days of arrival in a raw archive, trading days
    otherwise. If `alerts`, the ticks' alerts are sent. `database` is the Glue database that knows
    the current files of compacted days. `asked` says how to read files, with or without alerts.
    Once `stop` is set, an archive yields no more ticks, and files are not sorted. Raises UsageError
    if there is no such file, or none that can be replayed.
    """
    is_remote = str(path).startswith("s3://")
    file = Path(path)
    if not is_remote and not file.exists():
        raise UsageError(f"{path}: there is no such file")
    if is_remote or (file.is_dir() and not opening.is_folder_of_files(file)):
        objects = Bucket(str(path)) if is_remote else Folder(file)
        if not lake.is_lake(str(path)):
            return archive.Recording(objects, symbols, since, until, alerts=alerts, stop=stop)
        current = lake.locations(database) if database and is_remote else None
        return lake.Recording(
            objects, symbols, since, until, alerts=alerts, current=current, stop=stop
        )
    if since or until:
        raise UsageError(f"--from and --to are for archives; {path} is a file")
    asked = asked or Asked(symbols=tuple(symbols), alerts=alerts)
    return opening.open_files([file], asked, stop)


def check(path: str | Path, symbols: Sequence[str], asked: Asked | None = None) -> None:
    """Check that `path` can be replayed for `symbols` (if empty, for all symbols in it). Reads the
    whole file. Raises UsageError with the reason in one line."""
    open_recording(path, symbols, asked=asked).check()


class Replay:
    """Replays a recording, as fast as possible if `speed` is None. The first `skip` ticks are
    omitted, since an earlier run's spool already holds them."""

    recorded = True
    needs_hygiene = False

    def __init__(
        self,
        recording: Recording,
        speed: float | None,
        status: Status,
        skip: int = 0,
        *,
        name: str = "replay",
    ) -> None:
        self.name = name
        self._recording = recording
        self._speed = speed
        self._status = status
        self._given = skip

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield the whole recording, paced by its timestamps. Stops once `stop` is set."""
        for note in self._recording.notes:
            self._status.note(note)
        ticks = islice(self._recording.ticks(), self._given, None)
        for batch in in_batches(ticks) if self._speed is None else paced(ticks, self._speed, stop):
            if stop.is_set():  # ticks of an interrupted sort may be missing
                break
            self._say()
            yield batch
            self._given += len(batch)
        self._say()
        passed_over = self._recording.unreadable
        if passed_over.repeats:
            self._status.dropped["repeat"] += passed_over.repeats
        if passed_over:
            self._status.dropped["unreadable"] += passed_over.count
            self._status.problem(f"{passed_over.count} lines skipped; {passed_over.first}")

    def _say(self) -> None:
        total = self._recording.total
        progress = self._given / total if total else None
        if self.name == "replay":
            self._status.say("replaying", progress)
        else:
            self._status.say("sending history", progress)


def in_batches(ticks: Iterable[WireTick]) -> Iterator[Sequence[WireTick]]:
    """Yield the ticks in batches of 500. The last batch may be shorter."""
    rest = iter(ticks)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def paced(
    ticks: Iterable[WireTick], speed: float, stop: threading.Event
) -> Iterator[Sequence[WireTick]]:
    """Yield each tick when it is due: one real second plays `speed` recorded seconds. Stops once
    `stop` is set."""
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
