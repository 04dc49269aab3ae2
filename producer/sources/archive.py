"""The raw archive as a recording: `raw/date=.../hour=.../*.json.gz`, on S3 or in a folder.

The archive holds each record at least once and by arrival, so each hour is put into the order of
time, each tick once. Lines are read as ingest read them, at the time at which the stream took them:
what was quarantined then does not pass now, and a tick without a timestamp gets the one it got.
Ticks of another source than their series were quarantined, too. A series has the source that is
named first, by arrival, so a recording should begin where its series began.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import TickError
from chalicelib.domain.raw_lines import unpack
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Tick, family
from chalicelib.domain.times import EPOCH
from chalicelib.domain.wire import decode
from producer.errors import UsageError
from producer.sinks import aws
from producer.sources.ndjson import tick_of
from producer.sources.recording import Unreadable
from producer.wire import Mode, WireTick

_Entry = tuple[datetime, int, WireTick]
"""A tick with its record's arrival and the number of its line."""

_NAME = re.compile(r"(.*-)([0-9]+)(?:\.[0-9a-f]{8})?-[0-9]+\.json\.gz", re.DOTALL)
_CLOCK = timedelta(seconds=10)
"""A stream's clock goes back by less than this."""


class Objects(Protocol):
    """Where the archive lies."""

    @property
    def name(self) -> str:
        """What people read."""

    def listing(self) -> Iterator[str]:
        """Keys below the archive's root, in order."""

    def body(self, key: str) -> bytes:
        """An object's bytes."""


class Folder:
    """An archive that was copied to disk."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def listing(self) -> Iterator[str]:
        """Paths relative to the folder."""
        found = (path for path in self._path.rglob("*") if path.is_file())
        return iter(sorted(path.relative_to(self._path).as_posix() for path in found))

    def body(self, key: str) -> bytes:
        """A file's bytes."""
        return (self._path / key).read_bytes()


class Bucket:
    """An archive on S3, `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        self.name = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._client: Any = aws.client("s3")

    def listing(self) -> Iterator[str]:
        """Keys of the bucket below the prefix. Raises UsageError when it cannot be listed."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        try:
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (BotoCoreError, ClientError) as error:
            raise UsageError(f"{self.name}: {aws.why(error)}") from error

    def body(self, key: str) -> bytes:
        """An object's bytes."""
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body


class Recording:
    """Ticks of some symbols (all when none are given) that arrived from `since` to `until`,
    both days included. Their alerts are recorded, and sent only where `alerts` asks for it."""

    def __init__(
        self,
        objects: Objects,
        symbols: Sequence[str],
        since: date | None,
        until: date | None,
        *,
        alerts: bool = False,
    ) -> None:
        self._mode: Mode = "replay" if alerts else "backfill"
        self._objects = objects
        self._symbols = frozenset(symbols)
        self._since = since or date.min
        self._until = until or date.max
        self.unreadable = Unreadable()
        self.notes: tuple[str, ...] = ()
        self.total: int | None = None  # only reading all of it would tell

    def check(self) -> None:
        """Raises UsageError when the archive has no object of those days."""
        if next(self._keys(), None) is None:
            raise UsageError(f"{self._objects.name}: no raw archive of those days is there")

    def ticks(self) -> Iterator[WireTick]:
        """By the hour of arrival, within it by timestamp; the last to arrive of a tick counts."""
        series = _Series()
        for _, names in groupby(self._keys(), key=lambda name: name.rpartition("/")[0]):
            in_order = sorted(names, key=_place_of)
            entries = (entry for name in in_order for entry in self._ticks_of(name))
            arrived = sorted(_steady(entries), key=itemgetter(0))
            hour: dict[tuple[str, str | None, str], WireTick] = {}
            for _, number, tick in arrived:
                refusal = series.refusal(tick)
                if refusal is not None:
                    self.unreadable.add(number, refusal)
                    continue
                key = tick.symbol, tick.bar, tick.timestamp
                if key not in hour or _takes_the_place_of(hour[key], tick):
                    hour[key] = tick
            yield from sorted(hour.values(), key=lambda tick: tick.timestamp)

    def _keys(self) -> Iterator[str]:
        for key in self._objects.listing():
            day = _day_of(key)
            if day is not None and self._since <= day <= self._until:
                yield key

    def _ticks_of(self, key: str) -> Iterator[_Entry]:
        for number, (line, arrival) in enumerate(self._lines(key), 1):
            for tick in self._read(line, arrival, number):
                tick.mode = "backfill" if tick.bar else self._mode
                if not self._symbols or tick.symbol in self._symbols:
                    yield arrival or EPOCH, number, tick

    def _read(self, line: bytes, arrival: datetime | None, number: int) -> Iterator[WireTick]:
        if arrival is not None:
            decoded = decode(line, arrival)
            for rejected in decoded.rejected:
                self.unreadable.add(number, ValueError(rejected.reason))
            yield from map(_of_tick, decoded.ticks)
            yield from map(_of_bar, decoded.bars)
            return
        try:  # a file that ingest did not write
            yield tick_of(line)
        except (msgspec.MsgspecError, TickError, ValueError) as error:
            self.unreadable.add(number, error)

    def _lines(self, key: str) -> list[tuple[bytes, datetime | None]]:
        try:
            return unpack(self._objects.body(key))
        except (OSError, EOFError, zlib.error) as error:
            self.unreadable.add(0, ValueError(f"{key}: {error}"))
            return []


class _Series:
    """The source of each symbol's series: the first that was named, as ingest has it."""

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}

    def refusal(self, tick: WireTick) -> TickError | None:
        """Why a tick or bar does not belong into its series; None where it does."""
        if tick.source is None:
            return None
        mine = self._sources.setdefault(tick.symbol, family(tick.source))
        if family(tick.source) == mine:
            return None
        return TickError("source", tick.source, f"{mine}, as in the whole series")


def _place_of(name: str) -> tuple[str, int]:
    """The order of an hour's objects: those of a shard by their first sequence number."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 0)


def _steady(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """Entries in the order of the stream, of which none arrives a little before the one before it:
    a stream's clock may go back (docs/decisions/0225-sequence-numbers-order-records.md)."""
    before = EPOCH
    for arrival, number, tick in entries:
        before = before if timedelta(0) < before - arrival < _CLOCK else arrival
        yield before, number, tick


def _takes_the_place_of(earlier: WireTick, later: WireTick) -> bool:
    """As ingest would have it: a folded bar only where none, or one of no more bars, is stored."""
    return not later.folded or bool(earlier.folded and earlier.folded <= later.folded)


def _of_tick(tick: Tick) -> WireTick:
    given = msgspec.structs.asdict(tick)
    source = given.pop("source")
    return WireTick(**given, source=None if source == UNKNOWN_SOURCE else source)


def _of_bar(bar: Bar) -> WireTick:
    return WireTick(
        symbol=bar.symbol,
        timestamp=bar.start,
        price=bar.close,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        volume=bar.volume,
        source=None if bar.source == UNKNOWN_SOURCE else bar.source,
        bar=bar.interval,  # type: ignore[arg-type]  # ingest takes these three only
        folded=bar.folded or None,
    )


def _day_of(key: str) -> date | None:
    """The day of arrival in a key of the raw archive; None for any other key."""
    parts = key.split("/")
    day = next((part.removeprefix("date=") for part in parts if part.startswith("date=")), "")
    if {"quarantine", "readings", "ticks"} & set(parts) or not key.endswith(".json.gz"):
        return None
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None
