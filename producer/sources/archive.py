"""Replays the raw archive: `raw/date=.../hour=.../*.json.gz`, on S3 or in a folder.

The archive holds each record at least once, by arrival. So each hour is sorted by time (in files if
it does not fit into memory), and each tick is kept once. Lines are read as ingest read them at
their arrival. Lines quarantined then do not pass now, and a tick without a timestamp gets the same
one.

Ticks whose source differs from their series' were quarantined, too. If a series has changed its
source, the archive lists its sources. The series' ticks carry that list, so that an empty stage
accepts them. Any other series has the source that arrives first, so a recording should start where
its series started.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from threading import Event

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.archive_layout import (
    ENDING,
    QUARANTINE,
    READINGS,
    Told,
    arrival_day,
    is_sources_key,
    parsed,
    read_sources,
)
from chalicelib.domain.bars import Bar
from chalicelib.domain.errors import TickError
from chalicelib.domain.raw_lines import Line, each_line
from chalicelib.domain.sources import Sources, parse_sources
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Mode, Tick, family
from chalicelib.domain.times import EPOCH
from chalicelib.domain.wire import decode
from producer.errors import UsageError
from producer.sources.ndjson import tick_of
from producer.sources.objects import Objects
from producer.sources.recording import Symbols, Unreadable
from producer.sources.sorting import TICK_SIZE, Entry, Sorter
from producer.wire import WireTick, tick_of_action

_Entry = tuple[datetime, int, int, WireTick]
"""A tick with its record's arrival, its line's number and its maximum size in bytes."""

MOST_IN_LINE = 10 << 20
"""The most bytes of a line; Kinesis accepts no larger record."""

_OTHERS = {QUARANTINE.rstrip("/"), READINGS.rstrip("/"), "ticks"}
_CLOCK = timedelta(seconds=10)
"""A stream's clock goes back by less than this."""


class Recording:
    """The ticks of some symbols (all if none are given) that arrived from `since` to `until`,
    inclusive. Their alerts are recorded, and sent only with `alerts`."""

    def __init__(
        self,
        objects: Objects,
        symbols: Sequence[str],
        since: date | None,
        until: date | None,
        *,
        alerts: bool = False,
        stop: Event | None = None,
    ) -> None:
        self._stop = stop or Event()
        self._mode: Mode = "replay" if alerts else "backfill"
        self._objects = objects
        self._symbols = frozenset(symbols)
        self._since = since or date.min
        self._until = until or date.max
        self.unreadable = Unreadable()
        self.notes: tuple[str, ...] = ()
        self.total: int | None = None  # unknown until the whole recording is read

    def check(self) -> None:
        """Raise UsageError if the archive has no object of the requested days."""
        if next(self._keys(), None) is None:
            raise UsageError(f"{self._objects.name}: no raw archive of those days is there")

    def ticks(self) -> Iterator[WireTick]:
        """Yield ticks by the hour of arrival, then by timestamp. If a tick is repeated, the last
        one to arrive counts. Ends early once `stop` is set."""
        series = _Series(self._objects.name)
        self._tell(series)
        for _, names in groupby(self._keys(), key=lambda name: name.rpartition("/")[0]):
            with Sorter(self._objects.name, self._stop) as hour:
                self._collect(names, hour, series)
                for _, same in groupby(hour.in_order(), key=itemgetter(0)):
                    ticks = self._each_once(same, series)
                    if self._stop.is_set():  # the hour or the instant may be incomplete
                        return
                    yield from ticks

    def _tell(self, series: _Series) -> None:
        for key in filter(is_sources_key, self._objects.listing()):
            try:
                for told in read_sources(self._objects.body(key)):
                    series.tell(told)
            except (OSError, ValueError) as error:
                self.unreadable.add(0, ValueError(f"{key}: {error}"))

    def _collect(self, names: Iterable[str], hour: Sorter, series: _Series) -> None:
        arrived = (entry for name in sorted(names, key=_place_of) for entry in self._ticks_of(name))
        for place, (arrival, number, size, tick) in enumerate(_steady(arrived)):
            if self._stop.is_set():
                return
            if tick.action is None:  # actions begin no series
                series.see(tick, arrival, place)
            hour.add((tick.timestamp, arrival, place, number, tick), size)
        series.end_of_hour()

    def _each_once(self, entries: Iterable[Entry], series: _Series) -> Iterable[WireTick]:
        """Return the ticks of one instant that count, in the order of their first arrival."""
        found: dict[tuple[str, str | None, Action | None], WireTick] = {}
        for _, _, _, number, tick in entries:
            refusal = series.refusal(tick)
            if refusal is not None:
                self.unreadable.add(number, ValueError(refusal))
                continue
            key = tick.symbol, tick.bar, tick.action
            if key not in found or _takes_the_place_of(found[key], tick):
                tick.sources = series.told(tick.symbol)
                found[key] = tick
        return found.values()

    def _keys(self) -> Iterator[str]:
        for key in self._objects.listing():
            day = _day_of(key)
            if day is not None and self._since <= day <= self._until:
                yield key

    def _ticks_of(self, key: str) -> Iterator[_Entry]:
        for number, (line, arrival) in enumerate(self._lines(key), 1):
            if self._stop.is_set():
                return
            ticks = list(self._read(line, arrival, number))
            for tick in ticks:
                tick.mode = self._mode if tick.is_live else "backfill"
                if not self._symbols or tick.symbol in self._symbols:
                    yield arrival or EPOCH, number, TICK_SIZE + len(line) // len(ticks), tick

    def _read(self, line: bytes, arrival: datetime | None, number: int) -> Iterator[WireTick]:
        if len(line) > MOST_IN_LINE:
            self.unreadable.add(number, ValueError(f"it has more than {MOST_IN_LINE:,} bytes"))
            return
        if arrival is not None:
            decoded = decode(line, arrival)
            for rejected in decoded.rejected:
                self.unreadable.add(number, ValueError(rejected.reason))
            yield from map(_of_tick, decoded.ticks)
            yield from map(_of_bar, decoded.bars)
            yield from map(tick_of_action, decoded.actions)
            return
        try:  # ingest did not write this file
            yield tick_of(line)
        except (msgspec.MsgspecError, TickError, ValueError) as error:
            self.unreadable.add(number, error)

    def _lines(self, key: str) -> Iterator[Line]:
        if self._stop.is_set():
            return iter(())
        try:
            return each_line(self._objects.body(key))
        except (OSError, EOFError, zlib.error) as error:
            self.unreadable.add(0, ValueError(f"{key}: {error}"))
            return iter(())


class _Series:
    """The sources of each symbol's series, as in ingest. They are the sources that the archive
    lists, else the source that arrived first."""

    def __init__(self, name: str) -> None:
        self._known = Symbols(name)
        self._sources: dict[str, Sources] = {}
        self._told: dict[str, tuple[str, int]] = {}
        self._hour: dict[str, tuple[datetime, int, str]] = {}

    def see(self, tick: WireTick, arrival: datetime, place: int) -> None:
        """Record the source of a tick of this hour. A symbol's first tick (by arrival, then by
        place) sets the symbol's source. Raises UsageError for too many symbols."""
        self._known.see(tick.symbol)
        if tick.source is None or tick.symbol in self._sources:
            return
        first = self._hour.get(tick.symbol)
        if first is None or (arrival, place) < first[:2]:
            self._hour[tick.symbol] = arrival, place, family(tick.source)

    def end_of_hour(self) -> None:
        """Record that all ticks of this hour were seen."""
        for symbol, (_, _, source) in self._hour.items():
            self._sources.setdefault(symbol, Sources(source))
        self._hour.clear()

    def tell(self, told: Told) -> None:
        """Take the list of a symbol's sources from a line of the archive.

        A list is ignored unless it is newer than the known one: its series began later, or its
        series is the same and the list is longer.
        """
        place = told.since, told.number
        if place >= self._told.get(told.symbol, place):
            self._told[told.symbol] = place
            self._sources[told.symbol] = parse_sources(told.sources)

    def told(self, symbol: str) -> str | None:
        """Return the sources of a series that has switched, as ticks name them; else None."""
        known = self._sources.get(symbol)
        return known.text() if known is not None and known.switches else None

    def refusal(self, tick: WireTick) -> str | None:
        """Return why a tick or bar of a finished hour does not belong to its series. Return None if
        it does."""
        known = self._sources.get(tick.symbol)
        if tick.source is None or known is None:
            return None
        return known.refusal(tick.source, tick.timestamp)


def _place_of(name: str) -> tuple[str, int]:
    """Return the sort key of an hour's object: its shard and its first sequence number."""
    found = parsed(name)
    return (f"{found.folder}{found.origin}-", found.first) if found else (name, 0)


def _steady(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """Yield entries in the stream's order, with arrivals that do not go back.

    A stream's clock may go back a little (docs/decisions/0225-sequence-numbers-order-records.md).
    Such an arrival is replaced by the previous one.
    """
    before = EPOCH
    for arrival, number, size, tick in entries:
        before = before if timedelta(0) < before - arrival < _CLOCK else arrival
        yield before, number, size, tick


def _takes_the_place_of(earlier: WireTick, later: WireTick) -> bool:
    """Return whether the later tick or bar replaces the earlier one, as in ingest. A folded bar
    replaces only a folded bar that was made of as many bars or fewer."""
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
    """Return the day of arrival in a key of the raw archive; None for any other key."""
    if _OTHERS & set(key.split("/")) or not key.endswith(ENDING):
        return None
    try:
        return date.fromisoformat(arrival_day(key))
    except ValueError:
        return None
