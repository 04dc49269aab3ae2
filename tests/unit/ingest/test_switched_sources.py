"""A series has one source at a time, whatever the containers have cached and however ticks come."""

from __future__ import annotations

import base64
import random
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.domain.archive_layout import Told
from chalicelib.domain.errors import Conflict, SourceError
from chalicelib.domain.sources import AHEAD_SECONDS, Sources, parse_sources
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.ingest import known_symbols
from chalicelib.services.ingest.ingest import Ingest
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.symbol_stores import SymbolEntry
from chalicelib.services.symbols.forgetting import Forget
from chalicelib.services.symbols.lists import SymbolLists
from chalicelib.services.symbols.switching import SourceSwitch
from tests.factories import NEVER, at, instant, payload, wire
from tests.fakes import FakeEraser, fake_stores

FIRST_MINUTE = at(360)
"""The first instant of a switch that is made at START."""


class World:
    """Containers of ingest over the same stores, at `now` seconds after START."""

    def __init__(self, containers: int = 2) -> None:
        self.now = 0.0
        self.stores: Any = fake_stores()
        self.containers = [Ingest(self.stores, self.clock) for _ in range(containers)]
        self.switch = SourceSwitch(self.stores.symbols, self.clock)
        self._number = 0

    def clock(self) -> datetime:
        return instant(self.now)

    def put(self, source: str, start: str | None = None) -> None:
        """PUT /symbols/AAPL with a source."""
        SymbolLists(self.stores.symbols, self.clock).track("AAPL")
        self.switch("AAPL", source, start)

    def record(self, *ticks: dict[str, Any]) -> Incoming:
        self._number += 1
        name = f"{self._number:09d}"
        return Incoming(name, "shardId-000000000000", name, self.clock(), payload(*ticks))

    def send(self, source: str, seconds: float, container: int = 0, **fields: Any) -> bool:
        """Deliver one tick; return whether it was stored."""
        tick = wire(1, seconds, source=source, **fields)
        done = self.containers[container]([self.record(tick)], NEVER)
        assert (done.stored, done.quarantined) in ((1, 0), (0, 1))
        return done.stored == 1

    @property
    def sources(self) -> Sources:
        line: SymbolEntry = self.stores.symbols.find_many("seen", ["AAPL"])["AAPL"]
        return line.known_sources

    def stored(self) -> list[tuple[str, str]]:
        page = self.stores.prices.ticks("AAPL", None, None, limit=100_000)
        return [(one.tick.timestamp, one.tick.source) for one in page.rows]

    def told(self) -> list[Told]:
        """Return the lists that the archive was told, in the order of time."""
        return [one for told in self.stores.archive.sources.values() for one in told]

    def quarantined(self) -> dict[tuple[str, str], str]:
        """Return the reasons of refused ticks, by timestamp and source."""
        found = {}
        for parts in self.stores.archive.quarantine.values():
            for part in parts:
                tick = msgspec.json.decode(base64.b64decode(part.payload))
                found[to_text(from_text(tick["timestamp"])), tick["source"]] = part.reason
        return found


def test_a_tick_belongs_to_the_source_at_its_own_time_whenever_it_comes() -> None:
    world = World()
    assert world.send("yfinance", 0)
    world.put("alpaca")
    assert world.sources == parse_sources(f"yfinance,{FIRST_MINUTE} alpaca")
    assert not world.send("alpaca", 10)
    world.now = 400
    assert world.send("alpaca", 360)
    assert world.send("yfinance", 359.9)
    assert not world.send("yfinance", 360)
    assert not world.send("alpaca", 359)
    reasons = world.quarantined()
    assert f"alpaca, the source from {FIRST_MINUTE} on" in reasons[at(360), "yfinance"]
    assert f"yfinance, the source before {FIRST_MINUTE}" in reasons[at(359), "alpaca"]


@pytest.mark.parametrize("seconds", [1, 60, 121, 289])
def test_a_container_that_cached_the_line_before_the_switch_does_not_trust_it_too_far(
    seconds: float,
) -> None:
    """It keeps a complete line for five minutes, and ticks may be dated five minutes ahead."""
    world = World()
    packed = world.record(wire(1, 0, source="yfinance"), wire(1, 1, source="yfinance"))
    world.containers[1]([packed], NEVER)
    reads: list[str] = []
    find = world.stores.symbols.find_many

    def noted(name: str, symbols: Any) -> Any:
        reads.append(name)
        return find(name, symbols)

    for now in range(0, 290, 10):
        world.now = now
        if now <= seconds < now + 10:
            world.now = seconds
            world.put("alpaca")
            world.stores.symbols.find_many = noted
        assert world.send("yfinance", now + 2, container=1)
    assert reads == []
    (switch,) = world.sources.switches
    ahead = (from_text(switch.timestamp) - instant(0)).total_seconds()
    world.now = max(290, ahead - 299)
    assert world.send("yfinance", ahead - 1, container=1)
    assert not world.send("yfinance", ahead, container=1)


def test_an_hours_old_backlog_is_decided_as_it_would_have_been_in_time() -> None:
    world = World()
    assert world.send("yfinance", 0)
    world.put("alpaca")
    world.now = 400
    assert world.send("alpaca", 400, container=1)
    late = world.record(wire(1, 380, source="yfinance"), wire(2, 350, source="yfinance"))
    world.now = 4 * 3600
    done = world.containers[0]([late], NEVER)
    assert (done.stored, done.quarantined) == (1, 1)


def test_a_switch_that_is_not_fixed_yet_is_replaced_or_taken_back() -> None:
    world = World()
    world.send("yfinance", 0)
    world.put("alpaca", at(3600))
    world.put("binance", at(1200))
    assert world.sources.text() == f"yfinance,{at(1200)} binance"
    world.now = 600
    world.put("yfinance")
    assert world.sources.text() == "yfinance"


def test_a_switch_that_is_fixed_is_followed_by_the_next_one() -> None:
    world = World()
    world.send("yfinance", 0)
    world.put("alpaca")
    world.now = 1
    world.put("yfinance")
    assert world.sources.text() == f"yfinance,{at(360)} alpaca,{at(420)} yfinance"


def test_the_same_switch_again_changes_nothing() -> None:
    world = World()
    world.send("yfinance-live", 0)
    world.put("yfinance")
    assert world.sources.text() == "yfinance-live"
    world.put("alpaca")
    known = world.sources
    world.now = 90
    world.put("alpaca")
    assert world.sources == known


def test_a_series_that_has_no_price_yet_begins_with_the_source_given() -> None:
    world = World()
    world.put("alpaca")
    assert not world.send("yfinance", 0)
    assert world.send("alpaca", 1)
    assert world.sources == Sources("alpaca")


def test_a_series_of_unnamed_ticks_continues_with_the_source_given() -> None:
    world = World()
    assert world.send("", 0)
    world.put("alpaca")
    assert not world.send("yfinance", 1)
    assert world.send("alpaca", 2)
    assert world.send("", 3)


@pytest.mark.parametrize("start", [359, 361, 299])
def test_a_switch_has_to_be_a_whole_minute_and_far_enough_ahead(start: float) -> None:
    world = World()
    with pytest.raises(SourceError, match="from"):
        world.switch.check("alpaca", at(start))


@pytest.mark.parametrize("source", ["", "unknown", "a,b", "a" * 65])
def test_a_source_has_the_form_of_a_label(source: str) -> None:
    with pytest.raises(SourceError, match="source"):
        World().switch.check(source, None)


def test_a_series_changes_its_source_some_fifty_times_at_most() -> None:
    world = World()
    world.send("yfinance", 0)
    for n in range(54):
        world.now = 600 * n
        world.put(("alpaca", "yfinance")[n % 2])
    world.now += 600
    with pytest.raises(Conflict, match="54 times"):
        world.put("a" * 64)


def test_historical_bars_belong_to_the_source_at_their_start() -> None:
    world = World()
    world.send("yfinance", 0)
    world.put("alpaca")
    world.now = 1000
    history = {"bar": "1m", "open": 1, "high": 2, "low": 1, "source": "alpaca"}
    bars = [wire(2, 60 * n, **history) for n in (5, 6, 7)]
    done = world.containers[0]([world.record(*bars)], NEVER)
    assert (done.bars, done.quarantined) == (2, 1)


def test_the_archive_is_told_switches_that_cannot_be_replaced_any_more() -> None:
    world = World()
    world.send("yfinance", 0)
    world.put("alpaca", at(3600))
    world.now = 1000
    world.send("yfinance", 1000)
    assert world.stores.archive.sources == {}
    world.now = 3590
    for container in (0, 1, 0):
        world.send("yfinance", 3590, container)
    assert world.told() == [Told("AAPL", world.sources.text())]


def test_thousands_of_lists_in_a_record_are_told_in_one_object() -> None:
    """Each list for itself took a request to S3, one after the other, before any price."""
    world = World()
    ticks = [wire(1, 0, symbol=f"Z{n}", source="b", sources=f"a,{at(-600)} b") for n in range(1000)]
    sizes: list[int] = []
    world.stores.archive.put_sources = lambda told: sizes.append(len(told))
    for container in world.containers:
        assert container([world.record(*ticks)], NEVER).taken == 1000
    assert sizes == [1000, 1000]


def test_parsed_lists_are_kept_up_to_a_number_of_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 20,000 symbols took 240 MB."""
    monkeypatch.setattr(known_symbols, "MAX_SWITCHES", 10)
    world = World(containers=1)
    told = f"a,{at(-600)} b,{at(-540)} a,{at(-480)} b"
    ticks = [wire(1, 0, symbol=f"Z{n}", source="b", sources=told) for n in range(20)]
    parsed = world.containers[0]._known._sources
    for _ in range(2):
        done = world.containers[0]([world.record(*ticks)], NEVER)
        assert (done.stored, done.quarantined) == (20, 0)
        assert len(parsed._kept) <= 3


def test_a_series_that_began_again_is_told_with_its_beginning() -> None:
    world = World()
    assert world.send("yfinance", 0)
    world.put("alpaca")
    world.now = 1000
    assert world.send("alpaca", 1000)
    first = world.sources.text()
    for now, source in ((2000, "coinbase"), (3000, "binance")):
        world.now = now
        Forget(world.stores, FakeEraser(world.stores), lambda _: None, world.clock)("AAPL", NEVER)
        world.now += 100
        for container in (0, 1):
            assert world.send(source, now + 100 + container, container)
    assert world.told() == [
        Told("AAPL", first),
        Told("AAPL", "coinbase", at(2000)),
        Told("AAPL", "binance", at(3000)),
    ]
    assert len(world.stores.archive.sources) == 3


def test_a_recording_of_several_sources_is_taken_by_an_empty_stage_only() -> None:
    told = f"yfinance,{at(-600)} alpaca"
    world = World()
    assert world.send("yfinance", -700, sources=told)
    assert world.send("alpaca", -600, sources=told)
    assert world.sources.text() == told
    other = World()
    assert other.send("yfinance", -800)
    assert not other.send("alpaca", -600, sources=told)
    assert not World().send("alpaca", -600, sources="alpaca,soon")


class Traffic:
    """Two sources that send the same symbol, a stream that delays, reorders and repeats records,
    and someone who changes the source now and then."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = World(containers=3)
        self.sent: set[tuple[str, str]] = set()
        self._waiting: list[tuple[float, Incoming]] = []

    def run(self, seconds: float) -> None:
        """The time, and a last hour in which everything that waits is delivered."""
        first = [wire(1, n, source="yfinance") for n in range(2)]
        self.world.containers[0]([self.world.record(*first)], NEVER)
        self.sent |= {(at(n), "yfinance") for n in range(2)}
        while self.world.now < seconds:
            self.world.now += self.dice.choice([1, 7, 20, 45, 130])
            self._emit()
            if self.dice.random() < 0.05:
                self._switch()
            self._deliver(self.world.now)
        while self._waiting:
            self.world.now += 60
            self._deliver(self.world.now)

    def _switch(self) -> None:
        minute = timedelta(minutes=self.dice.randrange(6, 30))
        start = to_text(self.world.clock() + minute)[:17] + "00.000000Z"
        soonest = to_text(self.world.clock() + timedelta(seconds=AHEAD_SECONDS))
        given = start if self.dice.random() < 0.5 and start >= soonest else None
        self.world.put(self.dice.choice(["yfinance", "alpaca", "binance"]), given)

    def _emit(self) -> None:
        ticks = []
        for source in ("yfinance", "alpaca", "binance"):
            ahead = self.dice.choice([0, 0, 0, -3, -90, -900, 2, 240])
            moment = round(self.world.now + ahead)
            ticks.append(wire(1, moment, source=source))
            self.sent.add((at(moment), source))
        groups = [ticks] if self.dice.random() < 0.5 else [[tick] for tick in ticks]
        for group in groups:
            record = self.world.record(*group)
            for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
                delay = self.dice.choice([0, 0, 1, 60, 290, 2000])
                self._waiting.append((self.world.now + delay, record))

    def _deliver(self, until: float) -> None:
        due = [record for when, record in self._waiting if when <= until]
        self._waiting = [one for one in self._waiting if one[0] > until]
        self.dice.shuffle(due)
        while due:
            count = self.dice.randrange(1, 5)
            batch, due = due[:count], due[count:]
            self.dice.choice(self.world.containers)(batch, NEVER)


@pytest.mark.parametrize("seed", range(25))
def test_each_tick_is_stored_once_or_in_quarantine_with_its_reason(seed: int) -> None:
    traffic = Traffic(seed)
    traffic.run(5000)
    world = traffic.world
    sources = world.sources
    fitting = {one for one in traffic.sent if sources.refusal(one[1], one[0]) is None}
    assert world.stored() == sorted(fitting)
    refused = {one: sources.refusal(one[1], one[0]) for one in traffic.sent - fitting}
    quarantined = world.quarantined()
    assert quarantined.keys() == refused.keys()
    assert all("source" in reason for reason in quarantined.values())
    told = [one.number for one in world.told()]
    assert max(told, default=0) <= len(sources.switches)
