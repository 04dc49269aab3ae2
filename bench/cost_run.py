"""Counts the resources of a load. The app's handlers run over AWS in memory and are invoked as by
Lambda.

It runs one shard of the stream (or the queue), on its own clock, with that shard's share of
symbols. These are at most 500, since fuller batches would only be cheaper. History and warm-up are
not counted. Batches end with the window or when full. The changes of the prices table reach detect
through as many shards as the table would have partitions.
"""

from __future__ import annotations

import logging
import math
import random
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from unittest import mock

import msgspec

from bench.aws_calls import item_bytes
from bench.counting import Meter, TimedTransport
from chalicelib import bootstrap, handlers
from chalicelib.bootstrap import Services
from chalicelib.domain.times import to_text
from chalicelib.event_sources import EVENT_SOURCES
from chalicelib.services.ingest.known_symbols import LEARNT_SECONDS
from costs.counted import Counted
from costs.settings import Settings
from producer.sinks.sqs import GROUPS
from producer.wire import WireTick, encode
from rigs.invocations import LambdaContext, kinesis_event, sqs_event
from rigs.memory_aws.system import SETTINGS, Aws

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
FACTORY_START = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
"""The instant from which rigs.invocations counts arrivals."""

PUT_UNIT = 25 * 1024
MESSAGE_UNIT = 64 * 1024
CROSSES = ("golden_cross", "death_cross")
MINUTES = {"1m": 1, "5m": 5, "1h": 60}
HISTORY_BARS = 25
ITEM_OVERHEAD = 100
PARTITION_WRITES = 1000
PARTITION_BYTES = 10e9
MOST_TICKS = 30_000
MOST_SYMBOLS = 500
WARM_TICKS = 22
"""Ticks per symbol before counting starts, so that both averages exist."""


class Wave(msgspec.Struct, frozen=True):
    """Records that reach the stream together: their seconds since START, and their payloads."""

    at: float
    payloads: tuple[bytes, ...]
    ticks: int


class Walk:
    """The ticks of one symbol: a seeded random walk in cents, with all of Yahoo's fields. A
    symbol's walks start at the same price; with another `seed` they take another way."""

    def __init__(self, symbol: str, seed: str = "") -> None:
        self._symbol = symbol
        self._dice = random.Random(f"{symbol} {seed}")
        self._cents = random.Random(symbol).randint(2_000, 60_000)
        self._close = Decimal(self._cents) / 100
        self._low = self._high = self._cents
        self._volume = 1_000_000

    def tick(self, seconds: float) -> WireTick:
        """Return the next tick, at `seconds` after START."""
        step = max(1, round(self._cents * 0.0004))
        self._cents += self._dice.randint(-step, step)
        self._low, self._high = min(self._low, self._cents), max(self._high, self._cents)
        self._volume += self._dice.randint(0, 900)
        stamp = to_text(START + timedelta(seconds=seconds))
        return WireTick(
            symbol=self._symbol,
            timestamp=stamp,
            price=Decimal(self._cents) / 100,
            open=self._close,
            high=Decimal(self._high) / 100,
            low=Decimal(self._low) / 100,
            previous_close=self._close,
            volume=Decimal(self._volume),
            currency="USD",
            exchange_timezone="America/New_York",
            market_state="REGULAR",
            source="yfinance",
            mode="live",
            sent_at=stamp,
        )


def record_bytes() -> int:
    """Return how many bytes one tick takes on the wire."""
    return len(encode(Walk("S0001").tick(0.123456)))


def run(settings: Settings) -> Counted:
    """Count what one shard's share of a load uses after a warm-up."""
    shards = settings.shards_for(record_bytes() * settings.packed)
    share = settings.symbols / (shards if settings.ingest == "kinesis" else 1)
    symbols = max(1, min(MOST_SYMBOLS, round(share)))
    rig = _Rig(settings, max(1, round(_partitions(settings) * symbols / settings.symbols)))
    warm = WARM_TICKS * settings.interval_seconds + settings.flush_seconds
    seconds = max(120.0, 80 * settings.interval_seconds)
    seconds = min(seconds, max(60.0, MOST_TICKS * settings.interval_seconds / symbols))
    with rig.installed():
        rig.set_rules()
        names = [f"S{number:04}" for number in range(symbols)]
        rig.give_history(names)
        if settings.packed > 1:
            rig.pack(names)
        for wave in waves(settings, symbols, warm + seconds):
            if wave.at >= warm and not rig.counting:
                rig.start_counting()
            rig.take(wave)
        rig.finish()
    return rig.counted()


def _partitions(settings: Settings) -> int:
    """Return how many partitions DynamoDB gives the prices table, by its writes and gigabytes."""
    writes = settings.ticks_a_second / settings.packed / PARTITION_WRITES
    kept = settings.ticks_a_month * settings.prices_days / 30.4 * 500 / settings.packed
    return max(1, math.ceil(max(writes, kept / PARTITION_BYTES)))


def waves(settings: Settings, symbols: int, seconds: float) -> Iterator[Wave]:
    """Yield the records of each poll, in which every symbol has a tick. Packed records leave when
    due, since the symbols' first ticks are spread over the time that a record waits."""
    names = [f"S{number:04}" for number in range(symbols)]
    walks = [Walk(name) for name in names]
    waiting: list[list[WireTick]] = [[] for _ in names]
    packed, interval = settings.packed, settings.interval_seconds
    for number in range(int(seconds / interval)):
        at = number * interval
        due: list[list[WireTick]] = []
        for index, walk in enumerate(walks):
            waiting[index].append(walk.tick(at + index * 1e-6))
            if (number + index) % packed == packed - 1:
                due.append(waiting[index])
                waiting[index] = []
        if due:
            yield Wave(at, tuple(_payloads(settings, due)), sum(map(len, due)))


def _payloads(settings: Settings, records: Sequence[Sequence[WireTick]]) -> list[bytes]:
    if settings.ingest == "kinesis":
        return [b"\n".join(map(encode, record)) for record in records]
    groups: dict[int, list[bytes]] = {}
    for record in records:
        group = zlib.crc32(record[0].symbol.encode()) % GROUPS
        groups.setdefault(group, []).extend(map(encode, record))
    return [b"\n".join(lines) for lines in groups.values()]


class _Rig:
    """The handlers, their event sources and the clock of a run."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings = settings
        self._aws = Aws()
        self._meter = Meter(TimedTransport(self._aws))
        self._now = 0.0
        self._base = time.monotonic()
        chosen = msgspec.structs.replace(SETTINGS, alerts=settings.alerts)
        services = Services(chosen, self._clock, self._meter.transport)
        self._services = services
        self._partitions = partitions
        self._number = 0
        self._seen = self._sent = 0
        self._gathered: list[bytes] = []
        self._since = 0.0
        self._looked = 0.0
        self._stored_before = self._objects_before = 0
        self.counting = False

    def _clock(self) -> datetime:
        return START + timedelta(seconds=self._now)

    def _monotonic(self) -> float:
        return self._base + self._now

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Connect the handlers to this run's services and clock, and their logs to the meter."""
        log = logging.getLogger("ticktape")
        level, propagates = log.level, log.propagate
        log.addHandler(self._meter)
        log.setLevel(logging.INFO)
        log.propagate = False
        with (
            mock.patch.object(bootstrap, "get_services", return_value=self._services),
            mock.patch.object(time, "monotonic", self._monotonic),
        ):
            try:
                yield
            finally:
                log.removeHandler(self._meter)
                log.setLevel(level)
                log.propagate = propagates

    def set_rules(self) -> None:
        """Enable or disable the rules for crosses, as a user would through the API."""
        store = self._services.stores.rules
        crosses = self._settings.crosses
        for rule in self._services.defaults:
            if rule.condition in CROSSES and crosses == "off":
                store.write(store.table(), msgspec.structs.replace(rule, enabled=False))
            elif rule.condition in CROSSES and crosses != "tick":
                judged = msgspec.structs.replace(rule, interval=crosses, notify=True)
                store.write(store.table(), judged)

    def give_history(self, symbols: Sequence[str]) -> None:
        """Store minute bars that end close to the first tick, if rules use bars."""
        judged = [rule.interval for rule in self._services.defaults] + [self._settings.crosses]
        minutes = HISTORY_BARS * max(MINUTES.get(interval, 0) for interval in judged)
        for symbol in symbols if minutes else ():
            walk = Walk(symbol, "history")
            bars = [walk.tick(-60.0 * ago) for ago in range(1, minutes + 1)][::-1]
            for bar in bars:
                bar.bar, bar.mode = "1m", "backfill"
                bar.timestamp = f"{bar.timestamp[:17]}00.000000Z"
            self._ingest([b"\n".join(map(encode, bars))])

    def pack(self, symbols: Sequence[str]) -> None:
        """Send a packed record of each symbol, long enough ago that its ticks may share items
        now."""
        self._now = -2.0 * LEARNT_SECONDS
        for symbol in symbols:
            walk = Walk(symbol, "packed")
            self._ingest([b"\n".join(encode(walk.tick(self._now + at)) for at in (0, 1))])
        self.finish()
        self._now = 0.0

    def start_counting(self) -> None:
        """Set the counts to zero after the warm-up."""
        self.finish()
        self._meter.counted = Counted()
        self._stored_before = len(self._aws.tables["prices"].items)
        self._objects_before = len(self._aws.objects)
        self.counting = True

    def take(self, wave: Wave) -> None:
        """Receive records. First process the work that is due before them, then gather the records,
        and ingest full batches."""
        self._run_until(wave.at)
        self._now = wave.at
        self._book(wave)
        if not self._gathered:
            self._since = wave.at
        self._gathered += wave.payloads
        size = EVENT_SOURCES[f"ingest_{self._settings.ingest}"].batch_size
        while len(self._gathered) >= size:
            self._ingest(self._gathered[:size])
            self._gathered = self._gathered[size:]
        if self._settings.ingest == "sqs" and self._gathered:
            self.flush_ingest()

    def _book(self, wave: Wave) -> None:
        counted = self._meter.counted
        counted.ticks += wave.ticks
        counted.records += len(wave.payloads)
        sizes = [len(payload) for payload in wave.payloads]
        counted.put_units += sum(math.ceil(size / PUT_UNIT) for size in sizes)
        counted.rounded_gb += sum(math.ceil(size / 1024) for size in sizes) * 1024 / 1e9
        if self._settings.ingest == "sqs":  # an SQS request takes ten messages
            tens = [sizes[at : at + 10] for at in range(0, len(sizes), 10)]
            counted.queue_requests += sum(2 * math.ceil(sum(t) / MESSAGE_UNIT) + 1 for t in tens)

    def _run_until(self, at: float) -> None:
        while True:
            ingest = self._since + self._settings.ingest_window if self._gathered else math.inf
            changed = self._seen < len(self._aws.stream)
            detect = self._looked + self._settings.detect_window if changed else math.inf
            due = min(ingest, detect)
            if due > at:
                return
            self._now = max(self._now, due)
            if ingest <= detect:
                self.flush_ingest()
            else:
                self._detect()

    def flush_ingest(self) -> None:
        """Ingest the records that were gathered in the window."""
        batch, self._gathered = self._gathered, []
        self._ingest(batch)

    def _ingest(self, payloads: list[bytes]) -> None:
        if self._seen == len(self._aws.stream):
            self._looked = self._now
        make = kinesis_event if self._settings.ingest == "kinesis" else sqs_event
        offset = (START - FACTORY_START).total_seconds()
        event = make(payloads, self._number, self._now + offset)
        self._number += len(payloads)
        name = f"ingest_{self._settings.ingest}"
        handler = getattr(handlers, name)
        self._succeeded(self._meter.invoke(name, lambda: handler(event, LambdaContext("1"))))

    def _detect(self) -> None:
        changes = self._aws.stream[self._seen :]
        self._seen = len(self._aws.stream)
        self._looked = self._now
        shares: dict[int, list[dict[str, Any]]] = {}
        for change in changes:
            image = change["dynamodb"].get("NewImage", {})
            if "complete_from" in image:  # as the event source mapping filters
                share = zlib.crc32(image["symbol"]["S"].encode()) % self._partitions
                shares.setdefault(share, []).append(change)
        size = EVENT_SOURCES["detect"].batch_size
        for part in shares.values():
            for first in range(0, len(part), size):
                self._detect_batch({"Records": part[first : first + size]})
        self._deliver()

    def _detect_batch(self, event: dict[str, Any]) -> None:
        detect = handlers.detect
        self._succeeded(self._meter.invoke("detect", lambda: detect(event, LambdaContext("1"))))

    def _deliver(self) -> None:
        """Deliver new alerts, as the event source mapping of the alerts table does."""
        stream = self._aws.alert_stream
        new = [one for one in stream[self._sent :] if is_to_be_sent(one)]
        self._sent = len(stream)
        size = EVENT_SOURCES["deliver"].batch_size
        for first in range(0, len(new), size):
            event = {"Records": new[first : first + size]}
            self._succeeded(
                self._meter.invoke("deliver", partial(handlers.deliver, event, LambdaContext("1")))
            )

    @staticmethod
    def _succeeded(answer: dict[str, Any]) -> None:
        if answer["batchItemFailures"]:
            raise RuntimeError(f"the run failed: {answer}")

    def finish(self) -> None:
        """Process all records that were gathered, and all changes."""
        self._run_until(self._now + self._settings.ingest_window + self._settings.detect_window)

    def counted(self) -> Counted:
        """Return all counts, including the bytes that were stored while counting."""
        counted = self._meter.counted
        items = [*self._aws.tables["prices"].items.values()][self._stored_before :]
        counted.item_bytes = sum(item_bytes(item) + ITEM_OVERHEAD for item in items)
        objects = [*self._aws.objects.values()][self._objects_before :]
        counted.archive_bytes = sum(map(len, objects))
        counted.alerts = int(counted.units("calls", "deliver", "Publish"))
        return counted


def is_to_be_sent(record: dict[str, Any]) -> bool:
    """Return whether the event source mapping passes a record of the alerts table to deliver."""
    return bool(record["dynamodb"].get("NewImage", {}).get("outbox") == {"S": "new"})
