"""Long lists of symbols: each is asked in its turn, and none is dropped for ever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from producer.errors import SourceError
from producer.hours import Always
from producer.sources import yahoo
from producer.sources.yfinance_poll import YfinancePoll
from producer.status import Status
from producer.throttling import TokenBucket
from producer.turns import MOST_WAIT_SECONDS, Turns
from producer.watchlist import FixedList
from producer.wire import WireTick
from producer.workers import NotAsked, Workers
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import make_wire_tick


class Clock:
    """A clock that moves on request."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_longest_waiting_symbol_is_first_after_new_ones(clock: Clock) -> None:
    turns = Turns(15, clock)
    turns.asked("BC", 990)
    turns.asked("A", 995)
    assert turns.due("ABC") == []
    assert turns.wait_seconds("ABC") == 5
    clock.seconds = 1010
    assert turns.due("ABCD") == ["D", "B", "C", "A"]
    assert turns.wait_seconds("ABC") == 0


def test_waits_for_a_symbol_that_is_not_found_grow_to_six_hours(clock: Clock) -> None:
    turns = Turns(15, clock)
    waits = [turns.not_found("X") for _ in range(14)]
    assert waits[:5] == [15, 30, 60, 120, 240]
    assert waits[-1] == MOST_WAIT_SECONDS == 6 * 3600
    assert turns.is_put_off("X")
    clock.seconds += MOST_WAIT_SECONDS
    assert turns.due("X") == ["X"]
    assert not turns.is_put_off("X")
    turns.found("X")
    assert turns.not_found("X") == 15


def test_a_symbol_that_comes_back_to_the_list_is_new(clock: Clock) -> None:
    turns = Turns(15, clock)
    turns.not_found("X")
    turns.keep("A")
    assert turns.due("X") == ["X"]
    assert not turns.is_missing("X")


def test_unstarted_requests_are_distinguished_from_unanswered_ones() -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(_name: str) -> str:
        begun.set()
        release.wait(PATIENCE_SECONDS)
        return "late"

    answers = Workers[str](1).ask(slow, "AB", PATIENCE_SECONDS, begun)
    release.set()
    assert isinstance(answers["A"], TimeoutError)
    assert not isinstance(answers["A"], NotAsked)
    assert isinstance(answers["B"], NotAsked)


def test_threads_are_started_when_they_are_needed_and_end_with_their_workers() -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    used: dict[str, threading.Thread] = {}

    def alone(name: str) -> str:
        used[name] = threading.current_thread()
        return name

    def at_once(name: str) -> str:
        meeting.wait()
        return alone(name)

    workers, stop = Workers[str](8), threading.Event()
    for name in "ABC":
        assert workers.ask(alone, name, PATIENCE_SECONDS, stop) == {name: name}
    assert used["A"] is used["B"] is used["C"]
    assert workers.ask(at_once, "DEF", PATIENCE_SECONDS, stop) == {name: name for name in "DEF"}
    assert len(set(used.values())) == 3
    del workers
    for thread in used.values():
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def polled(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Iterator[list[str]], list[str]]]:
    """Poll a fixed list with a replaced quote; return each batch's symbols, and the messages."""

    def polled(
        symbols: list[str], quote: Callable[[str], WireTick], interval: float
    ) -> tuple[Iterator[list[str]], list[str]]:
        monkeypatch.setattr(yahoo, "quote", quote)
        told: list[str] = []
        poll = YfinancePoll(
            FixedList(symbols),
            Status(lambda _event, message: told.append(message)),
            Always(),
            interval=interval,
            history=False,
            deadline_seconds=PATIENCE_SECONDS,
        )
        poll._bucket = TokenBucket(1e6, 1e6)
        batches = ([tick.symbol for tick in batch] for batch in poll.batches(threading.Event()))
        return batches, told

    return polled


Polled = Callable[..., tuple[Iterator[list[str]], list[str]]]


def test_each_of_a_long_list_is_soon_asked_and_then_in_turn(polled: Polled) -> None:
    names = [f"S{number:03}" for number in range(150)]
    batches, _ = polled(names, make_wire_tick, interval=0.001)
    first = [next(batches) for _ in range(4)]  # 60, then at least 30 that have no quote yet
    assert max(len(batch) for batch in first) == 60
    assert {symbol for batch in first for symbol in batch} == set(names)
    more = Counter(symbol for _ in range(7) for symbol in next(batches))
    assert max(more.values()) - min(more.values()) <= 1
    assert set(more) == set(names)


def test_a_symbol_that_was_once_not_found_gets_its_prices(polled: Polled) -> None:
    asked: Counter[str] = Counter()

    def quote(symbol: str) -> WireTick:
        asked[symbol] += 1
        if symbol == "LATE" and asked[symbol] <= 3:
            raise yahoo.UnknownSymbol("LATE: Yahoo knows no such symbol")
        return make_wire_tick(symbol)

    batches, told = polled(["AAPL", "LATE"], quote, interval=0.01)
    assert next(batches) == ["AAPL"]
    while "LATE" not in next(batches):
        pass
    assert [message.rpartition("; ")[2] for message in told] == [
        "it is asked again in 0.01 s",
        "it is asked again in 0.02 s",
        "it is asked again in 0.04 s",
    ]


def test_a_list_that_yahoo_once_knew_does_not_end_the_source(polled: Polled) -> None:
    asked: Counter[str] = Counter()

    def quote(symbol: str) -> WireTick:
        asked[symbol] += 1
        if asked[symbol] == 2:
            raise yahoo.UnknownSymbol("AAPL: Yahoo knows no such symbol")
        return make_wire_tick(symbol)

    batches, _ = polled(["AAPL"], quote, interval=0.01)
    assert [next(batches) for _ in range(3)] == [["AAPL"], [], ["AAPL"]]


def test_a_list_of_which_yahoo_knows_nothing_ends_the_source(polled: Polled) -> None:
    def quote(symbol: str) -> WireTick:
        raise yahoo.UnknownSymbol(f"{symbol}: Yahoo knows no such symbol")

    batches, _ = polled(["NOPE", "NADA"], quote, interval=1)
    with pytest.raises(SourceError, match="none of the symbols"):
        list(batches)
