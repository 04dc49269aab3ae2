"""The state of the collector that a container keeps between runs and saves in the table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

import msgspec

from chalicelib.domain.times import from_text, to_text
from producer.collector.memory_store import MemoryStore
from producer.collector.remembering import Memory, Reading
from producer.collector.sources import Followed
from producer.errors import LeaseOver
from producer.hygiene import PriceAndVolume
from producer.passing import Passing
from producer.records import Limits, Record
from producer.sinks.base import Sink
from producer.sources.resumable import Known, Resumable
from producer.status import Status
from producer.wire import Line, WireTick

_MOST_SUSPECTS = 100
_SECOND = timedelta(seconds=1)
_CLOCKS_DIFFER = 2 * _SECOND
"""DynamoDB's clock is known to one second, both when writing and when reading."""


class Recollection:
    """What a container keeps between the collector's runs.

    This is a source and its symbols, the state of `Passing`, the acknowledged ticks and the unsent
    lines. `save` may be called from any thread. A failure to save is reported, and the next call
    tries again.
    """

    def __init__(
        self,
        store: MemoryStore,
        status: Status,
        now: Callable[[], datetime],
        kind: str,
        source: Resumable,
        followed: Followed,
    ) -> None:
        self._store = store
        self._status = status
        self._now = now
        self._kind = kind
        self.followed = followed
        self._lock = threading.Lock()
        self._latest: dict[str, str] = {}
        self._sent: dict[str, tuple[str, str]] = {}
        self._saved = Memory()
        self._is_broken = False
        self.source = source
        self.passing = Passing(source, status.drop, clock=now)
        self.left: list[Line] = []
        self.waiting: Callable[[], set[str]] = set
        """Returns the symbols whose bars wait for the sink."""

    def recall(self, read: Reading) -> None:
        """Replace this container's state, which is outdated, with the state that another container
        left."""
        memory = read.memory
        if self.left:
            self._status.problem(f"{len(self.left):,} lines of an earlier run are lost")
        self.left = []
        self._saved = memory
        self._is_broken = bool(read.broken)
        self._latest, self._sent = dict(memory.latest), dict(memory.sent)
        self.waiting = set
        self.passing = Passing(
            self.source,
            self._status.drop,
            self._latest.copy(),
            self._now,
            memory.suspects,
            {name: _price_and_volume(texts) for name, texts in memory.sent.items()},
        )
        self.source.recall(_known(memory, self._store.at(self._now())))

    def forget_history(self) -> None:
        """Make the source fetch history again, since history holds the missed prices."""
        self.source.recall(msgspec.structs.replace(self.source.known, with_history=()))

    def forget_dropped(self) -> None:
        """Drop the state of symbols that are no longer followed. A symbol that returns counts as
        new."""
        drops = self._drops()
        self.source.forget(drops)
        self.passing.forget(drops)
        with self._lock:
            for known in (self._latest, self._sent):
                for name in list(filter(drops, known)):
                    del known[name]

    def forwarded(self, batch: Sequence[WireTick]) -> None:
        """Record a batch that was passed on. Symbols of which no tick has passed the filters still
        need a first quote."""
        ticks = {tick.symbol for tick in batch if tick.is_live}
        self.source.doubt(name for name in ticks if not self.passing.has_passed(name))

    def taken(self, records: Sequence[Record]) -> None:
        """Record which records the sink has acknowledged."""
        lines = [line for record in records for line in record.lines if not line.is_bar]
        with self._lock:
            for line in lines:
                if line.timestamp >= self._latest.get(line.symbol, ""):
                    self._latest[line.symbol] = line.timestamp
                    volume = "" if line.volume is None else str(line.volume)
                    self._sent[line.symbol] = str(line.price), volume

    def save(self, run: int) -> bool:
        """Write the memory if it has changed. Return whether the table has the current memory.

        Symbols that are no longer followed are dropped first. If the table does not say which
        symbols are followed, none is dropped.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        from producer.sinks import aws

        with self._lock:
            memory = self._memory()
            if memory == self._saved and not self._is_broken:
                return True
            try:
                is_written = self._store.write(memory, run)
            except (BotoCoreError, ClientError) as error:
                told = f"the collector's memory cannot be written: {aws.why(error)}"
                self._status.problem(told, error)
                return False
            if is_written:
                self._saved = memory
                self._is_broken = False
            return is_written

    def _memory(self) -> Memory:
        known, drops, now = self.source.known, self._drops(), self._store.at(self._now())
        saved = self._saved
        return Memory(
            source=self._kind,
            latest={name: time for name, time in self._latest.items() if not drops(name)},
            sent={name: texts for name, texts in self._sent.items() if not drops(name)},
            suspects=self._suspects(drops),
            with_history=tuple(name for name in self._delivered(known) if not drops(name)),
            answered=tuple(
                name for name in known.answered if name in self._latest and not drops(name)
            ),
            is_silent=known.is_silent,
            refusals=known.refusals,
            throttled_until=_until(known.open_seconds, now, saved.throttled_until),
            history_refusals=known.history_refusals,
            history_until=_until(known.history_open_seconds, now, saved.history_until),
        )

    def _drops(self) -> Callable[[str], bool]:
        """Return a function that says whether a symbol is no longer followed. It decides once for
        each symbol, since several parts of the state hold the symbol."""
        return cache(self.followed.drops)

    def _suspects(self, drops: Callable[[str], bool]) -> dict[str, WireTick]:
        """Return the unconfirmed jumps, at most _MOST_SUSPECTS, so that the item stays small."""
        waiting = self.passing.suspects
        kept = sorted(name for name in waiting if not drops(name))[:_MOST_SUSPECTS]
        return {name: waiting[name] for name in kept}

    def _delivered(self, known: Known) -> Sequence[str]:
        """Return the symbols whose history the sink has acknowledged completely."""
        waiting = self.waiting()
        return [name for name in known.with_history if name not in waiting]


class NotingSink:
    """A sink that sends only while `may_send` returns true, and reports the acknowledged
    records."""

    def __init__(
        self,
        sink: Sink,
        may_send: Callable[[], bool],
        taken: Callable[[Sequence[Record]], None],
    ) -> None:
        self._sink = sink
        self._may_send = may_send
        self._taken = taken
        self.name = sink.name
        self.limits: Limits = sink.limits

    def key(self, symbol: str) -> str:
        """See Sink.key."""
        return self._sink.key(symbol)

    def send(self, records: Sequence[Record]) -> Sequence[str | None]:
        """See Sink.send. Raises LeaseOver if another run may be sending by now."""
        if not self._may_send():
            raise LeaseOver("the run's lease is over")
        refused = self._sink.send(records)
        self._taken([one for one, why in zip(records, refused, strict=True) if why is None])
        return refused


def _until(seconds: float, now: datetime, saved: str) -> str:
    """Return the instant `seconds` from now as stored text; "" for 0 seconds.

    The instant is rounded up, since clocks are compared by the second. If the saved text differs by
    no more than clocks may, return the saved text.
    """
    if not seconds:
        return ""
    until = now + timedelta(seconds=seconds) + _CLOCKS_DIFFER
    if saved and abs(from_text(saved) - until) <= 2 * _CLOCKS_DIFFER:
        return saved
    return to_text(until.replace(microsecond=0) + _SECOND)


def _price_and_volume(texts: tuple[str, str]) -> PriceAndVolume:
    price, volume = texts
    return Decimal(price), Decimal(volume) if volume else None


def _known(memory: Memory, now: datetime) -> Known:
    return Known(
        with_history=memory.with_history,
        answered=memory.answered,
        is_silent=memory.is_silent,
        refusals=memory.refusals,
        open_seconds=_seconds(memory.throttled_until, now),
        history_refusals=memory.history_refusals,
        history_open_seconds=_seconds(memory.history_until, now),
    )


def _seconds(until: str, now: datetime) -> float:
    return max(0.0, (from_text(until) - now).total_seconds()) if until else 0.0
