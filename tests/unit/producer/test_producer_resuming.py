"""Live sources that are run again: they continue from their state, and end on request."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from producer.hours import Always
from producer.outbox import Outbox
from producer.pipeline import Pipeline
from producer.sender import Sender
from producer.sources import simulator, yahoo
from producer.sources.base import Source
from producer.sources.resumable import Known
from producer.sources.simulator import Simulator
from producer.sources.yfinance_poll import YfinancePoll
from producer.status import Status
from producer.throttling import CircuitBreaker
from producer.watchlist import FixedList
from producer.wire import Bar, WireTick
from producer.workers import Workers, without_cut
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import MemorySink, make_wire_tick

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def histories(batches: Iterator[Sequence[WireTick]]) -> Counter[tuple[str, str | None]]:
    """Count each symbol's bars of each length, until `batches` ends."""
    return Counter((batch[0].symbol, batch[0].bar) for batch in batches if batch and batch[0].bar)


def test_a_simulator_gives_the_rest_of_its_history_when_it_is_run_again() -> None:
    source = Simulator(FixedList(("A", "B")), interval=0.01, now=NOW.timestamp)
    stop = threading.Event()
    first = next(source.batches(stop))
    assert histories(iter([first])) == {("A", "1m"): 1}

    def until_ticks() -> Iterator[Sequence[WireTick]]:
        for batch in source.batches(stop):
            yield batch
            if source.known.with_history:
                return

    again = histories(until_ticks())
    assert again == {("B", "1m"): 1, ("A", "1d"): 1, ("B", "1d"): 1}
    assert source.known == Known(with_history=("A", "B"))


def make_poll(breaker: CircuitBreaker | None = None) -> YfinancePoll:
    return YfinancePoll(
        FixedList(("AAPL", "MSFT")),
        Status(lambda _event, _message: None),
        Always(),
        history=False,
        breaker=breaker,
        deadline_seconds=PATIENCE_SECONDS,
        patience=lambda: 1.0,
    )


def test_a_poll_that_an_end_cuts_off_says_nothing_about_its_symbols(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, release = threading.Event(), threading.Event()

    def quote(symbol: str) -> WireTick:
        if symbol == "MSFT":
            stop.set()
            release.wait(PATIENCE_SECONDS)
        return make_wire_tick(symbol)

    monkeypatch.setattr(yahoo, "quote", quote)
    source = make_poll()
    for _ in source.batches(stop):
        pass
    release.set()
    assert "MSFT" not in source.known.answered


def test_a_trial_that_an_end_cuts_off_does_not_close_the_circuit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, release = threading.Event(), threading.Event()

    def quote(symbol: str) -> WireTick:
        stop.set()
        release.wait(PATIENCE_SECONDS)
        return make_wire_tick(symbol)

    monkeypatch.setattr(yahoo, "quote", quote)
    source = make_poll()
    source.recall(Known(refusals=3))
    for _ in source.batches(stop):
        pass
    release.set()
    assert source.known.refusals == 3


def test_a_source_ends_when_its_turn_comes_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yahoo, "quote", make_wire_tick)
    polled = [len(batch) for batch in make_poll().batches(threading.Event())]
    assert polled == [2]


def test_a_circuit_is_resumed_for_no_longer_than_it_can_be_open() -> None:
    seconds = [100.0]
    breaker = CircuitBreaker(now=lambda: seconds[0])
    breaker.resume(2, 1e9)
    assert (breaker.refusals, breaker.open_seconds) == (2, 900)
    seconds[0] += 900
    assert breaker.is_half_open


def test_answers_that_were_cut_off_are_left_out() -> None:
    stop, release = threading.Event(), threading.Event()

    def ask(name: str) -> str:
        if name == "B":
            stop.set()
            release.wait(PATIENCE_SECONDS)
        return name

    answers = Workers[str](1).ask(ask, "AB", PATIENCE_SECONDS, stop)
    release.set()
    assert without_cut(answers, stop) in ({"A": "A"}, {})
    assert len(answers) == 2


class Tracked(FixedList):
    """A list that a test changes."""

    def __init__(self, *symbols: str) -> None:
        self.now = symbols

    def symbols(self) -> Sequence[str]:
        """Those of this moment."""
        return self.now

    def drops(self, symbol: str) -> bool:
        """Return whether it is not among them."""
        return symbol not in self.now


def sent_by(
    source: Source, tracked: Tracked, has_turned: Callable[[Sequence[WireTick]], bool]
) -> Counter[tuple[str, str | None]]:
    """Return what is sent of each symbol, by kind: tracked, then untracked, then tracked again."""
    lists = iter([("AAPL",), ("AAPL", "MSFT")])
    stop, sink = threading.Event(), MemorySink()
    status = Status(lambda _event, _message: None)
    outbox = Outbox(sink.key)
    batches = source.batches

    def changing(stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        for batch in batches(stop):
            yield batch
            if not has_turned(batch):
                continue
            tracked.now = next(lists, ())
            if not tracked.now:
                stop.set()

    source.batches = changing  # type: ignore[method-assign]
    sender = Sender(outbox, sink, status, random.Random(1))
    Pipeline(source, outbox, sender, status).run(stop, PATIENCE_SECONDS)
    return Counter((tick["symbol"], tick.get("bar")) for tick in sink.payloads)


def test_a_symbol_that_a_stream_follows_again_has_its_history_and_price_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def bars(symbol: str, period: str, bar: Bar) -> list[WireTick]:
        start = "2026-11-20T00:00:00.000000Z"
        prices: dict[str, Any] = dict.fromkeys(("open", "high", "low"), Decimal(100))
        return [make_wire_tick(symbol, bar=bar, mode="backfill", timestamp=start, **prices)]

    monkeypatch.setattr(yahoo, "quote", make_wire_tick)  # always its last trade
    monkeypatch.setattr(yahoo, "bars", bars)
    tracked = Tracked("AAPL", "MSFT")
    status = Status(lambda _event, _message: None)
    source = YfinancePoll(
        tracked, status, Always(), interval=0.01, deadline_seconds=PATIENCE_SECONDS
    )
    sent = sent_by(source, tracked, lambda batch: not (batch and batch[0].bar))
    assert sent == {
        ("AAPL", "1m"): 1,
        ("AAPL", "1d"): 1,
        ("AAPL", None): 1,
        ("MSFT", "1m"): 2,
        ("MSFT", "1d"): 2,
        ("MSFT", None): 2,
    }


def test_a_simulated_symbol_that_is_followed_again_has_its_history_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulator, "HISTORY_MINUTES", 3)
    monkeypatch.setattr(simulator, "HISTORY_DAYS", 3)
    tracked = Tracked("AAPL", "MSFT")
    source = Simulator(tracked, interval=0.001, now=NOW.timestamp)
    histories_given: list[tuple[str, str | None]] = []
    lists = iter([("AAPL",), ("AAPL", "MSFT"), ()])
    stop = threading.Event()
    for batch in islice(source.batches(stop), 1000):
        if batch and batch[0].bar:
            histories_given.append((batch[0].symbol, batch[0].bar))
        elif source.known.with_history == tracked.now:
            tracked.now = next(lists)
            if not tracked.now:
                stop.set()
    assert Counter(histories_given)["AAPL", "1d"] == 1
    assert Counter(histories_given)["MSFT", "1d"] == 2


def test_a_poll_gives_the_dividend_of_a_quotes_session_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()

    def quote(symbol: str) -> WireTick:
        tick = make_wire_tick(symbol, previous_close=Decimal(100))
        tick.dividend = Decimal("0.25") if symbol == "AAPL" else None
        return tick

    monkeypatch.setattr(yahoo, "quote", quote)
    source = make_poll()
    batches = [batch for _ in range(2) for batch in islice(source.batches(stop), 1)]
    actions = [tick.action for batch in batches for tick in batch if tick.action is not None]
    assert [(one.symbol, one.kind, one.amount) for one in actions] == [
        ("AAPL", "dividend", Decimal("0.25"))
    ]
    assert {tick.dividend for batch in batches for tick in batch} == {None}
