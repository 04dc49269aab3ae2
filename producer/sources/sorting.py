"""Sorts ticks of an archive: an external merge sort for any number of ticks.

Ticks are sorted in memory up to MOST_HELD and written to a file (a run). The runs are merged as
they are read. An hour that fits into memory is sorted without a file. Runs are temporary files
without a name, so that no other user can open them.
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
"""The approximate most bytes in memory: some 400,000 ticks."""

TICK_SIZE = 900
"""The approximate bytes of a tick in memory, without its texts."""

MOST_RUNS = 64
"""The most runs read at a time; this many are merged into one."""

Entry = tuple[str, datetime, int, int, WireTick]
"""A tick's timestamp, its record's arrival, its number, its line's number, the tick.

The number is unique, so that comparing entries never reaches the tick.
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Sorter:
    """Sorts entries; as a context manager it deletes its temporary files at the end. Once `stop` is
    set, some entries may be omitted."""

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
        """Add an entry of `weight` bytes. Raises UsageError if a temporary file cannot be
        written."""
        self._held.append(entry)
        self._weight += weight
        if self._weight >= MOST_HELD:
            self._spill()

    def in_order(self) -> Iterator[Entry]:
        """Yield all entries in order. It can be called only once."""
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
    """Return the error to raise if a temporary file cannot be written."""
    return UsageError(
        f"{name}: putting its ticks into order needs room in {tempfile.gettempdir()} (TMPDIR): "
        f"{error.strerror or error}"
    )
