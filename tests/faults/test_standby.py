"""A standby under silences, returns, restarts and several producers: no tick is doubled, and each
change of the source is recorded with its cause."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.domain.sources import Sources
from chalicelib.domain.standby import Standby
from chalicelib.domain.ticks import family
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.ingest.ingest import Ingest
from chalicelib.services.ingest.plan import Incoming
from chalicelib.services.symbols.lists import SymbolLists
from chalicelib.services.symbols.standing_by import Claims as Decisions
from chalicelib.services.symbols.switching import SourceSwitch
from producer.claims import CLAIM_SECONDS, STEADY_SECONDS, Claims
from producer.sources import binance, coinbase
from producer.status import Status
from producer.wire import WireTick, line_of
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from tests.factories import NEVER, payload, wire
from tests.fakes import fake_stores
from tests.producer_support.pushed_driver import START, Driver

SYMBOL = "BTC-USDT"
AFTER = 240
HALF_AN_HOUR = 1800
MOST_DELAY = 90
SLACK = 600
"""Seconds for a claim, the six minutes ahead and the whole minute."""


class Stage:
    """Two containers of ingest, and the API, at `seconds` after START."""

    def __init__(self, first: str, second: str) -> None:
        self.seconds = 0.0
        self.stores: Any = fake_stores()
        self.containers = [Ingest(self.stores, self.clock) for _ in range(2)]
        self.decide = Decisions(self.stores, self.clock)
        self._number = self.returns = 0
        self.first_sent: list[float] = []
        SymbolLists(self.stores.symbols, self.clock).track(SYMBOL)
        switch = SourceSwitch(self.stores.symbols, self.clock)
        switch(SYMBOL, first, None)
        switch.stand_by(SYMBOL, Standby(first, second, AFTER))

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def ingest(self, bodies: Sequence[bytes], container: int = 0) -> None:
        records = []
        for body in bodies:
            self._number += 1
            name = f"{self._number:09d}"
            records.append(Incoming(name, "shardId-0", name, self.clock(), body))
        if records:
            assert not self.containers[container](records, NEVER).failed

    def ask(self, source: str, symbols: Sequence[str]) -> list[str]:
        """POST /standby."""
        before = self.sources
        granted = [one.symbol for one in self.decide(source, symbols) if one.granted]
        if self.sources != before and source == before.first:
            self.returns += 1
        elif self.sources != before:
            come = [one for one in self.first_sent if one < self.seconds - MOST_DELAY]
            assert self.seconds - max(come, default=0.0) >= AFTER
        return granted

    def items(self) -> list[dict[str, dict[str, str]]]:
        """The list of tracked symbols, as producers read it."""
        (line,) = self.stores.symbols.listed("tracked")
        given = {"source": line.source, "switches": line.switches, "standby": line.standby}
        found = {name: {"S": value} for name, value in given.items() if value is not None}
        return [{**found, "symbol": {"S": SYMBOL}}]

    @property
    def sources(self) -> Sources:
        found: Sources = self.stores.symbols.find(SYMBOL).known_sources
        return found

    def stored(self) -> list[tuple[str, str]]:
        page = self.stores.prices.ticks(SYMBOL, None, None, limit=100_000)
        return [(one.tick.timestamp, one.tick.source) for one in page.rows]


class Producer:
    """A producer of one source; a restart forgets what it had received."""

    def __init__(self, stage: Stage, own: str) -> None:
        self.stage, self.own = stage, own
        self.is_silent = False
        self.restart()

    def restart(self) -> None:
        status = Status(lambda *_: None)
        self.claims = Claims(self.own, self.stage.ask, status, lambda: self.stage.seconds)
        self._learnt = self._claimed = float("-inf")

    def step(self) -> bytes | None:
        """Receive a tick, and return what is sent of it."""
        now, plans = self.stage.seconds, self.claims.plans
        if now - self._learnt >= 5:
            self._learnt = now
            plans.learn(self.stage.items())
        sent = None
        if not self.is_silent and not plans.is_anothers(SYMBOL):
            tick = WireTick(
                symbol=SYMBOL,
                timestamp=to_text(self.stage.clock()),
                price=Decimal(1),
                source=self.own,
            )
            if self.own == self.stage.sources.first:
                self.stage.first_sent.append(now)
            sent = None if plans.refuses(tick) else payload(wire_of(tick))
        if now - self._claimed >= CLAIM_SECONDS:
            self._claimed = now
            self.claims.claim()
        return sent


def wire_of(tick: WireTick) -> dict[str, Any]:
    return wire(1, None, symbol=tick.symbol, source=tick.source, timestamp=tick.timestamp)


def check(stage: Stage, sent: set[tuple[str, str]]) -> None:
    """Each tick that fits is stored once, and each change has its cause and its half hour."""
    sources = stage.sources
    stored = stage.stored()
    assert len({timestamp for timestamp, _ in stored}) == len(stored)
    assert stored == sorted(one for one in sent if sources.refusal(one[1], one[0]) is None)
    switches = sources.switches
    assert [one.cause for one in switches] == [
        ("silent", "steady")[n % 2] for n in range(len(switches))
    ]
    for before, after in pairwise(from_text(one.timestamp) for one in switches):
        assert (after - before).total_seconds() >= HALF_AN_HOUR


@pytest.mark.parametrize("seed", range(6))
def test_no_tick_is_doubled_and_the_standby_fills_each_long_silence(seed: int) -> None:
    dice = random.Random(seed)
    stage = Stage("coinbase", "binance")
    first, second = ([Producer(stage, own) for _ in range(2)] for own in ("coinbase", "binance"))
    sent: set[tuple[str, str]] = set()
    waiting: list[tuple[float, bytes]] = []
    silent_until, begins = 0.0, dice.uniform(0, 2000)
    while stage.seconds < 4 * 3600:
        stage.seconds += 30
        if stage.seconds > begins and stage.seconds < 2 * 3600:
            silent_until = stage.seconds + dice.choice([60, 200, 900, 4000])
            begins = silent_until + dice.uniform(100, 3000)
        for producer in (*first, *second):
            producer.is_silent = producer.own == "coinbase" and stage.seconds < silent_until
            if dice.random() < 0.005:
                producer.restart()
            if (body := producer.step()) is not None:
                sent.add((to_text(stage.clock()), producer.own))
                waiting += [
                    (stage.seconds + dice.choice([0, 0, 3, MOST_DELAY]), body)
                ] * dice.choice([1, 1, 2])
        due = [body for when, body in waiting if when <= stage.seconds]
        waiting = [one for one in waiting if one[0] > stage.seconds]
        dice.shuffle(due)
        stage.ingest(due, dice.randrange(2))
    stage.ingest([body for _, body in waiting])
    check(stage, sent)
    assert stage.sources.last == "coinbase"
    assert stage.returns * 2 == len(stage.sources.switches)
    moments = [from_text(timestamp) for timestamp, _ in stage.stored()]
    gaps = [(after - before).total_seconds() for before, after in pairwise(moments)]
    assert max(gaps) <= AFTER + HALF_AN_HOUR + SLACK


def test_a_stream_that_mutes_is_stood_in_for_by_another_service() -> None:
    """Coinbase's and Binance's parsers and sessions, each against a stand-in of its service."""
    stage = Stage("coinbase", "binance")
    services: dict[str, tuple[Driver, Claims]] = {}
    makers: dict[str, Any] = {
        "coinbase": (coinbase.service, lambda: CoinbaseProtocol((SYMBOL,))),
        "binance": (binance.service, lambda: BinanceProtocol((SYMBOL,))),
    }
    for own, (service, protocol) in makers.items():
        claims = Claims(own, stage.ask, Status(lambda *_: None), lambda: stage.seconds)
        watched = Planned(claims)
        driver = Driver(service, protocol, (SYMBOL,), gap_seconds=20, watchlist=watched)
        services[own] = driver, claims
    sent: set[tuple[str, str]] = set()
    changes = {1200: services["coinbase"][0].be_mute, 3000: services["coinbase"][0].return_}
    for until in range(30, 6600, 30):
        changes.get(until, lambda: None)()
        for driver, claims in services.values():
            claims.plans.learn(stage.items())
            given = len(driver.ticks)
            driver.run(until - driver.seconds)
            stage.seconds = max(stage.seconds, driver.seconds)
            claims.claim()
            for tick in driver.ticks[given:]:
                sent.add((tick.timestamp, tick.source or ""))
            stage.ingest([line_of(tick).payload for tick in driver.ticks[given:]])
    check(stage, sent)
    assert [(one.source, one.cause) for one in stage.sources.switches] == [
        ("binance", "silent"),
        ("coinbase", "steady"),
    ]
    by_source = {family(source) for _, source in stage.stored()}
    assert by_source == {"coinbase", "binance"}
    assert STEADY_SECONDS <= 600


class Planned:
    """A list of one symbol, whose turn the claims' plans know."""

    def __init__(self, claims: Claims) -> None:
        self._plans = claims.plans

    def symbols(self) -> Sequence[str]:
        return [] if self._plans.is_anothers(SYMBOL) else [SYMBOL]

    def drops(self, symbol: str) -> bool:
        return self.is_anothers(symbol)

    def is_anothers(self, symbol: str, /) -> bool:
        return self._plans.is_anothers(symbol)

    def refuses(self, tick: WireTick, /) -> bool:
        return self._plans.refuses(tick)
