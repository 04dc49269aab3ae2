"""State passed between runs: refusals of history, jumps that wait to be confirmed, either sink."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from chalicelib.domain.times import from_text
from producer import building
from producer.collector.settings import load
from producer.sinks import aws
from producer.sources import yahoo
from producer.wire import WireTick
from tests.producer_support.collecting import (
    CLOSED,
    ENVIRONMENT,
    World,
    container,
    next_minute,
)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


class Refusing:
    """Yahoo refuses history, and notes when it was asked for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked: list[float] = []

    def __call__(self, _symbol: str, **_span: str) -> list[WireTick]:
        """Return bars like yahoo.bars."""
        self.asked.append(self._world.seconds)
        raise yahoo.Throttled("Yahoo answers 429: too many requests")

    def waits(self) -> list[float]:
        """Seconds between requests."""
        times = sorted(set(self.asked))
        return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("is_warm", [True, False])
@pytest.mark.parametrize("is_open", [True, False])
def test_history_that_is_refused_waits_ever_longer_though_prices_are_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, is_warm: bool, is_open: bool
) -> None:
    world.now = world.now if is_open else CLOSED
    refusing = Refusing(world)
    monkeypatch.setattr(yahoo, "bars", refusing)
    warm = container(world)
    for _ in range(60):
        (warm if is_warm else container(world)).run()
        next_minute(world)
    assert len(refusing.asked) <= 2 + 7  # two at first, then one tries after 1, 2, 4, 8, 15 ... min
    assert refusing.waits() == sorted(refusing.waits()) or max(refusing.waits()) >= 900
    assert refusing.waits()[3] >= 480, (refusing.asked, refusing.waits())
    assert len(world.times("AAPL")) > (100 if is_open else 0)
    assert world.memory["history_refusals"] >= 5
    monkeypatch.setattr(yahoo, "bars", world.bars)
    for _ in range(20):
        (warm if is_warm else container(world)).run()
        next_minute(world)
    assert world.histories == {"AAPL": 2, "MSFT": 2}
    assert (world.memory["history_refusals"], world.memory["refusals"]) == (0, 0)


def dear(world: World, price: int) -> Callable[[str], WireTick]:
    """Trades at a price, with the day before's close at 100."""

    def answer(symbol: str) -> WireTick:
        close = Decimal(100)
        return msgspec.structs.replace(
            world.trade(symbol), price=Decimal(price), previous_close=close
        )

    return answer


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_jump_is_confirmed_by_the_next_run_where_each_polls_once(
    world: World, is_warm: bool
) -> None:
    warm = container(world, COLLECTOR_INTERVAL="60")

    def run() -> list[str]:
        before = len(world.times("AAPL"))
        (warm if is_warm else container(world, COLLECTOR_INTERVAL="60")).run()
        next_minute(world)
        return world.times("AAPL")[before:]

    world.answers["AAPL"] = dear(world, 150)
    assert run() == []
    assert world.memory["suspects"].keys() == {"AAPL"}
    assert len(run()) == 2
    assert world.memory["suspects"] == {}
    prices = [tick["price"] for tick in world.ticks if tick["symbol"] == "AAPL"]
    assert prices == [150, 150]


def test_a_jump_that_the_next_run_does_not_confirm_is_dropped(world: World) -> None:
    world.answers["AAPL"] = dear(world, 150)
    container(world, COLLECTOR_INTERVAL="60").run()
    next_minute(world)
    world.answers["AAPL"] = dear(world, 101)
    container(world, COLLECTOR_INTERVAL="60").run()
    assert [tick["price"] for tick in world.ticks if tick["symbol"] == "AAPL"] == [101]
    assert world.memory["suspects"] == {}


def test_a_confirmed_jump_keeps_its_fields_across_runs(world: World) -> None:
    world.answers["AAPL"] = dear(world, 150)
    first = world.now
    for _ in range(2):
        container(world, COLLECTOR_INTERVAL="60").run()
        next_minute(world)
    tick = next(tick for tick in world.ticks if tick["symbol"] == "AAPL")
    assert from_text(tick["timestamp"]) == first
    assert (tick["previous_close"], tick["mode"], tick["source"]) == (100, "live", "yfinance")
    assert from_text(tick["sent_at"]) - first >= timedelta(seconds=60)


class Queue:
    """SQS, which takes every message."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """SendMessageBatch."""
        assert request["QueueUrl"] == "https://sqs/ticks.fifo"
        self.entries += request["Entries"]
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}


def test_a_queue_in_place_of_the_stream_gets_each_tick_once_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue()
    monkeypatch.setattr(aws, "client", lambda *_: queue)
    url = {"TICKS_STREAM": "", "TICKS_QUEUE_URL": "https://sqs/ticks.fifo"}
    world.sink = building.make_sink(load(ENVIRONMENT | url).options)  # type: ignore[assignment]
    for _ in range(2):
        container(world, **url).run()
        next_minute(world)
    lines = [line for entry in queue.entries for line in entry["MessageBody"].splitlines()]
    ticks = [json.loads(line) for line in lines]
    times = [tick["timestamp"] for tick in ticks if tick["symbol"] == "AAPL" and "bar" not in tick]
    assert times == sorted(set(times))
    assert len(times) == 8
    assert {entry["MessageGroupId"] for entry in queue.entries} <= {f"g{n}" for n in range(10)}
    identities = [entry["MessageDeduplicationId"] for entry in queue.entries]
    assert len(identities) == len(set(identities))


def test_refusals_of_history_before_the_open_hold_prices_back_for_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing, opens = Refusing(world), datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    monkeypatch.setattr(yahoo, "bars", refusing)
    warm = container(world)
    world.now = opens - timedelta(hours=3)
    asked: list[datetime] = []
    quote = world.quote

    def noted(symbol: str) -> WireTick:
        asked.append(world.now)
        return quote(symbol)

    monkeypatch.setattr(yahoo, "quote", noted)
    while world.now < opens + timedelta(minutes=15):
        warm.run()
        next_minute(world)
    assert len(refusing.asked) > 10
    assert next(at for at in asked if at >= opens) - opens <= timedelta(seconds=75)


@pytest.mark.parametrize("seconds_off", [(0, 0), (-60, 0), (-600, 0), (0, 40), (90, -90)])
def test_a_back_off_never_ends_early_whichever_container_goes_on(
    world: World, seconds_off: tuple[int, int]
) -> None:
    containers, asked = [container(world), container(world)], list[float]()

    def refuse(_symbol: str) -> WireTick:
        asked.append(world.seconds)
        raise yahoo.Throttled("Yahoo answers 429: too many requests")

    containers[0].run()
    next_minute(world)
    world.answers = {"AAPL": refuse, "MSFT": refuse}
    due = 0.0
    for number in range(40):
        before, chosen = len(asked), number % 2
        world.clock_is_off = timedelta(seconds=seconds_off[chosen])
        containers[chosen].run({})
        world.clock_is_off = timedelta()
        if len(asked) > before:
            assert asked[before] >= due
            kept = containers[chosen]._collector._engine._kept
            assert kept is not None
            due = world.seconds + kept.source.known.open_seconds
        world.advance(60.3 - world.now.second)
    assert 5 <= len(asked) <= 12


def test_a_single_request_that_gets_no_answer_does_not_close_the_circuit(world: World) -> None:
    def refuse(_symbol: str) -> WireTick:
        raise yahoo.Throttled("Yahoo answers 429: too many requests")

    def hang(_symbol: str) -> WireTick:
        raise TimeoutError("no answer within 12 s")

    warm = container(world)
    world.answers = {"AAPL": refuse, "MSFT": refuse}
    warm.run()
    world.answers = {"AAPL": hang, "MSFT": hang}
    for _ in range(10):
        next_minute(world)
        before = world.asked.total()
        warm.run()
        assert world.asked.total() <= before + 1
    assert world.memory["refusals"] == 1
    assert warm.metrics == {"CollectorRuns": 1, "CollectorThrottledRuns": 1}


def test_a_symbol_that_yahoo_does_not_find_while_its_exchange_is_open_is_said_to_be_so(
    world: World,
) -> None:
    def unknown(symbol: str) -> WireTick:
        raise yahoo.UnknownSymbol(f"{symbol}: Yahoo knows no such symbol")

    world.answers = {"AAPL": unknown, "MSFT": unknown}
    warm = container(world)
    for _ in range(4):
        state = warm.run()["state"]
        next_minute(world)
    assert state.startswith("not found by Yahoo, asked again at 2026-11-20T15:3")
