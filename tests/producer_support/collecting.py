"""Containers of the collector over tables in memory, in simulated time.

Minutes of the collector take milliseconds here: every wait only moves the clock.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.domain.times import to_text
from producer import building
from producer.collector import engine, function, tenure
from producer.collector.clocks import Clocks, SteadyClock
from producer.collector.collector import Collector
from producer.records import Record
from producer.reporting import JsonReporter
from producer.sinks import aws
from producer.sources import yahoo
from producer.sources.yfinance_poll import YfinancePoll
from producer.throttling import TokenBucket
from producer.wire import WireTick
from rigs.memory_aws.dynamodb import DynamoDB
from rigs.memory_aws.system import Aws
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import MemorySink

OPEN = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
"""A time on a Friday at which New York trades."""

CLOSED = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
ENVIRONMENT = {
    "STAGE": "test",
    "SYMBOLS_TABLE": "symbols",
    "TICKS_STREAM": "ticks",
    "COLLECTOR_SYMBOLS": "tracked",
}


class Killed(BaseException):
    """Lambda ends the container: no code of it runs any more."""


class World:
    """Yahoo, the tables, the sink and the simulated time."""

    def __init__(self) -> None:
        self.now = OPEN
        self.seconds = 1000.0
        self.clock_is_off = timedelta()
        self.tells_time = True
        self.aws = Aws()
        self.sink = MemorySink()
        self.asked: Counter[str] = Counter()
        self.histories: Counter[str] = Counter()
        self.answers: dict[str, Callable[[str], WireTick]] = {}
        self.on_poll: Callable[[], None] = lambda: None
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds
        for due, action in self.timers:
            if self.seconds >= due:
                action()

    def track(self, *symbols: str) -> None:
        """Track symbols as the page does."""
        for symbol in symbols:
            item = {"list": {"S": "tracked"}, "symbol": {"S": symbol}}
            self.aws.dynamodb.put_item(TableName="symbols", Item=item)

    def untrack(self, *symbols: str) -> None:
        """Untrack symbols as the page does."""
        for symbol in symbols:
            key = {"list": {"S": "tracked"}, "symbol": {"S": symbol}}
            self.aws.dynamodb.delete_item(TableName="symbols", Key=key)

    def quote(self, symbol: str) -> WireTick:
        """Return Yahoo's quote: a trade every ten seconds, unless `answers` has another one."""
        self.asked[symbol] += 1
        if symbol in self.answers:
            return self.answers[symbol](symbol)
        return self.trade(symbol)

    def trade(self, symbol: str) -> WireTick:
        """Return the last trade of a symbol."""
        traded = self.now - timedelta(seconds=self.now.second % 10, microseconds=0)
        return WireTick(
            symbol=symbol,
            timestamp=to_text(traded.replace(microsecond=0)),
            price=Decimal(100 + traded.minute % 5),
            volume=Decimal(int(traded.timestamp())),
            source="yfinance",
            mode="live",
            exchange_timezone="America/New_York",
        )

    def bars(self, symbol: str, period: str, bar: str) -> list[WireTick]:
        """Return Yahoo's history, which is one bar."""
        self.histories[symbol] += 1
        start = "2026-11-20T14:30:00.000000Z" if bar == "1m" else "2026-11-19T00:00:00.000000Z"
        return [
            WireTick(
                symbol=symbol,
                timestamp=start,
                price=Decimal(100),
                open=Decimal(100),
                high=Decimal(100),
                low=Decimal(100),
                volume=Decimal(1),
                source="yfinance",
                mode="backfill",
                bar="1m" if bar == "1m" else "1d",
            )
        ]

    def item(self, name: str, of: str = "collector") -> dict[str, Any]:
        """Return an item of the symbols table."""
        return dict(self.aws.tables["symbols"].items.get((of, name), {}))

    @property
    def memory(self) -> dict[str, Any]:
        """Return the collector's stored memory, which is empty at first."""
        item = self.item("memory")
        return dict(json.loads(item["memory"]["S"])) if item else {"latest": {}}

    @property
    def ticks(self) -> list[dict[str, Any]]:
        """Return the live ticks in the order in which the sink received them."""
        return [tick for tick in self.sink.payloads if "bar" not in tick]

    def times(self, symbol: str) -> list[str]:
        """Return the timestamps of a symbol's ticks in the order sent."""
        return [tick["timestamp"] for tick in self.ticks if tick["symbol"] == symbol]


class Container:
    """A warm container of the function. `kill` sets `alive` to False."""

    def __init__(self, world: World, environment: dict[str, str]) -> None:
        self.world = world
        self.alive = True
        self.lines: list[dict[str, Any]] = []
        self._collector = self._made(environment)

    def _made(self, environment: dict[str, str]) -> Collector:
        world, container = self.world, self
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws, "client", lambda *_: Client(container))
            patch.setattr(building, "make_sink", lambda _: Sink(container))
            clocks = Clocks(
                now=lambda: world.now + world.clock_is_off,
                steady=SteadyClock(lambda: world.seconds),
                after=self._after,
                sleep=world.advance,
            )
            return function.make(environment, JsonReporter(self), clocks)  # type: ignore[arg-type]

    def write(self, line: str) -> None:
        """Add a line to the log."""
        self.lines.append(json.loads(line))

    def flush(self) -> None:
        """Do nothing, since the log is not buffered."""

    @contextmanager
    def _after(self, seconds: float, action: Callable[[], None]) -> Iterator[None]:
        timer = (self.world.seconds + seconds, action)
        self.world.timers.append(timer)
        try:
            yield
        finally:
            self.world.timers.remove(timer)

    def run(self, event: dict[str, Any] | None = None, timeout: float = 90) -> dict[str, Any]:
        """Run the function as EventBridge starts it."""
        if event is None:
            event = {"time": self.world.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        ends = self.world.seconds + timeout
        return self._collector.run(event, Context(self.world, ends))

    def stop(self) -> None:
        """Stop the function as the process's stopping code does."""
        self._collector.stop()

    def kill(self) -> None:
        """Ignore everything that the container does from now on."""
        self.alive = False
        for _, action in self.world.timers:
            action()
        raise Killed

    @property
    def metrics(self) -> dict[str, int]:
        """Return the counts of the last run."""
        line = [line for line in self.lines if line.get("event") == "metrics"][-1]
        return {name: count for name, count in line.items() if name.startswith("Collector")}

    def said(self, event: str) -> list[str]:
        """Return the log messages of an event."""
        return [line["message"] for line in self.lines if line["event"] == event]


class Context:
    """The context that Lambda passes with an event."""

    def __init__(self, world: World, ends: float) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self._world = world
        self._ends = ends

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda stops the function."""
        return int((self._ends - self._world.seconds) * 1000)


class Client:
    """A container's DynamoDB client."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def get_paginator(self, operation: str) -> Any:
        """Return the paginator of Query."""
        assert operation == "query"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        """Return all items in one page."""
        return [self._dynamodb.query(**request)]

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Answer PutItem."""
        return self._dynamodb.put_item(**request)

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Answer GetItem, with the time of the answer in its metadata."""
        answer = self._dynamodb.get_item(**request)
        if not self._container.world.tells_time:
            return answer
        date = format_datetime(self._container.world.now, usegmt=True)
        return answer | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    @property
    def _dynamodb(self) -> DynamoDB:
        if not self._container.alive:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return self._container.world.aws.dynamodb


class Sink:
    """A container's access to the world's sink."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.name = "memory"
        self.limits = container.world.sink.limits

    def key(self, symbol: str) -> str:
        """Return the key that the world's sink gives a symbol."""
        return self._container.world.sink.key(symbol)

    def send(self, records: list[Record]) -> Any:
        """Send records, or nothing if the container is dead."""
        if not self._container.alive:
            raise RuntimeError("the container is dead")
        return self._container.world.sink.send(records)


@contextmanager
def world_of(patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a world in which Yahoo answers and pauses take no time."""
    world = World()

    def pause(_source: YfinancePoll, _stop: object, seconds: float) -> None:
        world.on_poll()
        world.advance(max(0.05, seconds))

    patch.setattr(yahoo, "quote", world.quote)
    patch.setattr(yahoo, "bars", world.bars)
    patch.setattr(YfinancePoll, "_pause", pause)
    patch.setattr(TokenBucket, "take", lambda *_: True)
    patch.setattr(engine, "DRAIN_SECONDS", PATIENCE_SECONDS)
    patch.setattr(tenure, "DRAIN_SECONDS", 1e6)  # sending takes no simulated time
    yield world


def container(world: World, **environment: str) -> Container:
    """Return a cold container with these settings besides the usual ones."""
    return Container(world, ENVIRONMENT | environment)


def next_minute(world: World) -> None:
    """Advance to the start of the next run."""
    world.advance(60 - world.now.second - world.now.microsecond / 1e6)
