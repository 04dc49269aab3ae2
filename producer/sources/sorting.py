"""Ticks of an archive in order, however many they are: an external merge sort.

What is in memory is sorted once it weighs MOST_HELD, and written to a file of its own (a run); the
runs are merged as they are read. So an hour that fits is sorted as a list is, and no file is made.
Runs are temporary files without a name, which nobody else can open.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import takewhile
from threading import Event
from typing import IO, Self

import msgspec

from producer.errors import UsageError
from producer.wire import WireTick

MOST_HELD = 512 << 20
"""Bytes, about: some 400,000 ticks."""

TICK_SIZE = 900
"""Bytes that a tick takes in memory, about, beside its texts."""

MOST_RUNS = 64
"""That are read at one time; so many are merged into one."""

Entry = tuple[str, datetime, int, int, WireTick]
"""A tick's timestamp, its record's arrival, its number among all, that of its line, the tick.

The number is each entry's own, so no two entries are equal before it.
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Sorter:
    """Entries that are put in, in any order, and come out in theirs, or not all of them once
    `stop` is set. A context manager, which deletes the runs."""

    def __init__(self, name: str, stop: Event) -> None:
        self._name = name
        self._stop = stop
        self._held: list[Entry] = []
        self._weight = 0
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, entry: Entry, weight: int) -> None:
        """One more, of so many bytes. Raises UsageError where there is no room for a run."""
        self._held.append(entry)
        self._weight += weight
        if self._weight >= MOST_HELD:
            self._spill()

    def in_order(self) -> Iterator[Entry]:
        """All of them; to be asked for once."""
        self._held.sort()
        entries = heapq.merge(*map(_read, self._runs), self._held) if self._runs else self._held
        return takewhile(self._goes_on, entries)

    def _goes_on(self, _: Entry) -> bool:
        return not self._stop.is_set()

    def _spill(self) -> None:
        self._held.sort()
        self._runs.append(self._written(self._held))
        self._held, self._weight = [], 0
        if len(self._runs) == MOST_RUNS:
            merged = self._written(heapq.merge(*map(_read, self._runs)))
            for run in self._runs:
                run.close()
            self._runs = [merged]

    def _written(self, entries: Iterable[Entry]) -> IO[bytes]:
        try:
            run = tempfile.TemporaryFile(prefix="replay-")  # noqa: SIM115 - closed with the sorter
            self._files.enter_context(run)
            run.writelines(_encode(entry) + b"\n" for entry in takewhile(self._goes_on, entries))
            run.flush()
        except OSError as error:
            raise no_room(self._name, error) from error
        return run


def _read(run: IO[bytes]) -> Iterator[Entry]:
    run.seek(0)
    return map(_decode, run)


def no_room(name: str, error: OSError) -> UsageError:
    """For a run that cannot be written."""
    return UsageError(
        f"{name}: putting its ticks into order needs room in {tempfile.gettempdir()} (TMPDIR): "
        f"{error.strerror or error}"
    )
