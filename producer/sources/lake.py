"""Replays compacted days: `ticks/date=.../run=.../.../*` in Parquet, on S3 or in a folder.

Each run of compaction writes a day into its own folder, and Glue holds which folder is current.
Without Glue (no `--database`) a day must have only one run. A day's files are sorted by symbol;
here all ticks are merged by time. A few days are open at once, since the local dates of exchanges
overlap.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import NUMBERS, UNKNOWN_SOURCE, Mode, number, parse_symbol
from chalicelib.domain.times import is_instant
from producer.errors import UsageError
from producer.sinks import aws
from producer.sources.lake_rows import Day
from producer.sources.objects import Objects
from producer.sources.recording import Symbols, Unreadable
from producer.wire import WireTick

TABLE = "ticks"
_OVERLAP_DAYS = 2
"""Ticks of days this far apart do not overlap: local dates span 26 hours around UTC."""

_MOST_DAYS_OFF = 7
"""The most days between a tick and its folder's date: a tick of a long weekend counts to the next
session. Other ticks, which compaction never writes, would keep any number of days open at once."""


def is_lake(address: str) -> bool:
    """Return whether a folder or S3 address holds compacted ticks. Of the parts of the address
    called `raw` or `ticks`, the last one has to be `ticks`."""
    parts = [part for part in address.removeprefix("s3://").split("/") if part in ("raw", TABLE)]
    return bool(parts) and parts[-1] == TABLE


def locations(database: str) -> dict[str, str]:
    """Return the folder that Glue's table names for each day. Raises UsageError if the request
    fails."""
    from botocore.exceptions import BotoCoreError, ClientError

    pages = aws.client("glue").get_paginator("get_partitions")
    try:
        return {
            partition["Values"][0]: partition["StorageDescriptor"]["Location"]
            for page in pages.paginate(DatabaseName=database, TableName=TABLE)
            for partition in page["Partitions"]
        }
    except (BotoCoreError, ClientError) as error:
        raise UsageError(f"--database {database}: {aws.why(error)}") from error


class Recording:
    """The ticks of some symbols (all if none are given) and of some trading days. The days from
    `since` to `until` are included. Their alerts are recorded, and sent only with `alerts`."""

    def __init__(
        self,
        objects: Objects,
        symbols: Sequence[str],
        since: date | None,
        until: date | None,
        *,
        alerts: bool = False,
        current: dict[str, str] | None = None,
        stop: Event | None = None,
    ) -> None:
        self._stop = stop or Event()
        self._objects = objects
        self._known = Symbols(objects.name)
        self._symbols = list(symbols)
        self._since = since or date.min
        self._until = until or date.max
        self._mode: Mode = "replay" if alerts else "backfill"
        self._current = current
        self.unreadable = Unreadable()
        self.notes: tuple[str, ...] = ()
        self.total: int | None = None  # unknown until the whole recording is read

    def check(self) -> None:
        """Raise UsageError if there are no such days, or if a day has several runs."""
        if not self._days():
            raise UsageError(f"{self._objects.name}: no compacted day of those is there")

    def ticks(self) -> Iterator[WireTick]:
        """Yield all ticks in time order. Stops early once `stop` is set."""
        days = self._days()
        waiting = sorted(days)
        open_days: list[tuple[str, str, int, WireTick, Iterator[WireTick]]] = []
        opened = 0
        while waiting or open_days:
            while waiting and (not open_days or _may_overlap(waiting[0], open_days[0][0])):
                day = waiting.pop(0)
                rest = self._day(day, days[day])
                opened += 1
                _push(open_days, opened, rest)
            if self._stop.is_set():  # the day may have been read only in part
                return
            if open_days:
                _, _, order, tick, rest = heapq.heappop(open_days)
                yield tick
                _push(open_days, order, rest)

    def _days(self) -> dict[str, list[str]]:
        """Return the keys of the files of each day. Raises UsageError for a day with several
        runs."""
        found: dict[str, list[str]] = {}
        runs: dict[str, set[str]] = {}
        for key in self._objects.listing():
            values = _values(key)
            day = values.get("date", "")
            if not self._is_wanted(key, day):
                continue
            found.setdefault(day, []).append(key)
            runs.setdefault(day, set()).add(values.get("run", ""))
        for day, names in sorted(runs.items()):
            if len(names) > 1:
                raise UsageError(
                    f"{self._objects.name}: {day} has the runs {', '.join(sorted(names))}; "
                    "say with --database which Glue database knows the right one"
                )
        return found

    def _is_wanted(self, key: str, day: str) -> bool:
        name = key.rpartition("/")[2]
        try:
            if not self._since <= date.fromisoformat(day) <= self._until:
                return False
        except ValueError:
            return False
        if name[:1] in ("_", ".", "") or not _is_of(_values(key).get("series"), self._symbols):
            return False
        if self._current is None:
            return True
        location = self._current.get(day, "")
        return bool(location) and f"/{key}".find(_path(location)) >= 0

    def _day(self, day: str, keys: list[str]) -> Iterator[WireTick]:
        """Yield the ticks of one day in time order."""
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="replay-")))
            files = [self._file(key, folder / str(at)) for at, key in enumerate(keys)]
            yield from self._read(date.fromisoformat(day), files, folder)

    def _file(self, key: str, place: Path) -> Path:
        try:
            return self._objects.file(key, place)
        except OSError as error:
            raise UsageError(f"{self._objects.name}: {key}: {error}") from error

    def _read(self, day: date, files: list[Path], folder: Path) -> Iterator[WireTick]:
        read = Day(self._objects.name, self._symbols, folder, self._stop)
        for row in read.rows(files):
            try:
                yield _of_day(day, self._tick(row))
            except (msgspec.ValidationError, TickError, ValueError) as error:
                self.unreadable.add(0, error)

    def _tick(self, row: dict[str, Any]) -> WireTick:
        """Convert a row to a tick. Raises ValidationError, TickError or ValueError for a row that
        compaction never writes."""
        if row["source"] == UNKNOWN_SOURCE:
            row["source"] = None
        tick = msgspec.convert(row, WireTick)
        tick.mode = self._mode
        tick.symbol = parse_symbol(tick.symbol)
        if tick.price <= 0:
            raise ValueError("price is not above 0")
        if not is_instant(tick.timestamp):
            raise TickError("timestamp", tick.timestamp, "UTC with six digits of seconds and Z")
        for name in NUMBERS:
            value = getattr(tick, name)
            if value is not None:
                setattr(tick, name, number(value))
        self._known.see(tick.symbol)
        return tick


def _values(key: str) -> dict[str, str]:
    """Return the values of `date`, `run` and `series` in a key."""
    pairs = (part.partition("=") for part in key.split("/")[:-1])
    return {name: value for name, is_pair, value in pairs if is_pair}


def _is_of(series: str | None, symbols: Sequence[str]) -> bool:
    """Return whether a folder `series=...` can hold one of the symbols. A name encoded with `%`
    always can."""
    return series is None or not symbols or "%" in series or series in symbols


def _path(location: str) -> str:
    """Return `/ticks/date=.../run=.../`, the part that the keys of all objects at a location
    share."""
    path = "/" + location.removeprefix("s3://").partition("/")[2]
    return path if path.endswith("/") else path + "/"


def _may_overlap(day: str, timestamp: str) -> bool:
    return _days_off(date.fromisoformat(day), timestamp) > -_OVERLAP_DAYS


def _days_off(day: date, timestamp: str) -> int:
    return date.fromisoformat(timestamp[:10]).toordinal() - day.toordinal()


def _of_day(day: date, tick: WireTick) -> WireTick:
    """Return the tick. Raises TickError if the tick is more than _MOST_DAYS_OFF days from its
    folder's day."""
    if abs(_days_off(day, tick.timestamp)) > _MOST_DAYS_OFF:
        allowed = f"within {_MOST_DAYS_OFF} days of {day}, its folder's date"
        raise TickError("timestamp", tick.timestamp, allowed)
    return tick


def _push(
    heap: list[tuple[str, str, int, WireTick, Iterator[WireTick]]],
    order: int,
    rest: Iterator[WireTick],
) -> None:
    tick = next(rest, None)
    if tick is not None:
        heapq.heappush(heap, (tick.timestamp, tick.symbol, order, tick, rest))
