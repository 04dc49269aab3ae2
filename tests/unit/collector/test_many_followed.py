"""Many symbols: history continues by symbol from container to container without delaying prices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest

from producer.collector import engine
from producer.records import Record
from producer.sources import yahoo
from producer.sources.yfinance_poll import YfinancePoll
from producer.throttling import TokenBucket
from producer.wire import WireTick
from tests.patience import eventually
from tests.producer_support.collecting import (
    CLOSED,
    ENVIRONMENT,
    Container,
    Killed,
    World,
    next_minute,
    world_of,
)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
RARELY = ENVIRONMENT | {"COLLECTOR_INTERVAL": "60"}
NAMES = tuple(f"S{number:03}" for number in range(100))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose requests wait for tokens, in its time."""
    with world_of(monkeypatch) as made:

        def take(bucket: TokenBucket, count: int, stop: threading.Event) -> bool:
            while (seconds := bucket.missing_seconds(count)) and not stop.is_set():
                made.advance(min(1.0, seconds))
            bucket._tokens -= 0 if stop.is_set() else count
            return not stop.is_set()

        monkeypatch.setattr(TokenBucket, "take", take)
        made.track(*NAMES)
        yield made


def chosen(world: World, how: str) -> Callable[[], Container]:
    """The container of the next run."""
    if how == "cold":
        return lambda: Container(world, RARELY)
    made = [Container(world, RARELY) for _ in range(2 if how == "two" else 1)]

    def next_one() -> Container:
        made.append(made.pop(0))
        return made[-1]

    return next_one


@pytest.mark.parametrize("how", ["warm", "two", "cold"])
@pytest.mark.parametrize("is_open", [True, False])
def test_history_of_many_symbols_continues_in_any_container_without_delaying_prices(
    world: World, how: str, is_open: bool
) -> None:
    world.now = world.now if is_open else CLOSED
    begun, first = world.seconds, dict[str, float]()
    quote = world.quote

    def noted(symbol: str) -> WireTick:
        first.setdefault(symbol, world.seconds - begun)
        return quote(symbol)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yahoo, "quote", noted)
        following = chosen(world, how)
        for _ in range(5):
            following().run()
            next_minute(world)
    assert world.histories.keys() == set(NAMES)
    assert world.histories.total() <= 2 * len(NAMES) + 5 * 16  # a run's end cuts off eight at most
    assert len(world.memory["with_history"]) == len(NAMES)
    assert first.keys() == set(NAMES)
    assert max(first.values()) <= len(NAMES) + 60
    if not is_open:
        assert set(world.asked.values()) == {1}


def test_new_symbols_without_end_do_not_hold_up_the_prices_of_others(world: World) -> None:
    world.untrack(*NAMES)
    world.track("AAPL")
    warm = Container(world, RARELY)
    asked = []
    for turn in range(4):
        warm.run()
        next_minute(world)
        asked.append(world.asked["AAPL"])
        world.untrack(*[f"N{turn - 1}{number}" for number in range(80)])
        world.track(*[f"N{turn}{number}" for number in range(80)])
    assert all(after > before for before, after in pairwise(asked))


def test_history_delivered_by_a_killed_run_is_not_fetched_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, polls = Container(world, RARELY), iter(range(3))
    poll = YfinancePoll._poll

    def polled(source: YfinancePoll, due: Sequence[str], stop: threading.Event) -> list[WireTick]:
        eventually(lambda: not killed._collector.status.pending())
        if next(polls) == 2:
            killed.kill()
        return poll(source, due, stop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(YfinancePoll, "_poll", polled)
        with pytest.raises(Killed):
            killed.run()
    delivered = world.memory["with_history"]
    assert len(delivered) >= 16  # each poll comes after the history of eight
    world.advance(60)
    next_minute(world)
    Container(world, RARELY).run()
    assert {world.histories[name] for name in delivered} == {2}
    assert len(world.memory["with_history"]) > len(delivered)


def test_a_symbol_whose_history_waits_for_the_sink_holds_back_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = world.sink.send

    def refusing(records: Sequence[Record]) -> list[str | None]:
        taken = [record for record in records if record.key != NAMES[0]]
        send(taken)
        return [
            "ProvisionedThroughputExceededException" * (one not in taken) or None for one in records
        ]

    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(world.sink, "send", refusing)
    cold = Container(world, RARELY)
    world.on_poll = lambda: None
    cold.run()
    assert world.histories[NAMES[0]] == 2
    assert NAMES[0] not in world.memory["with_history"]
    assert len(world.memory["with_history"]) > 8


def test_a_symbol_that_is_added_while_others_wait_for_history_has_its_price_within_a_minute(
    world: World,
) -> None:
    warm = Container(world, RARELY)
    warm.run()
    next_minute(world)
    assert len(world.memory["with_history"]) < len(NAMES)
    world.track("ZZZ")
    warm.run()
    assert world.asked["ZZZ"] > 0
