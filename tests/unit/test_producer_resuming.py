"""Live sources that are run again: they go on with what they know, and end when told to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from producer.hours import Always
from producer.sources import yahoo
from producer.sources.known import Known
from producer.sources.simulator import Simulator
from producer.sources.yfinance_poll import YfinancePoll
from producer.status import Status
from producer.throttling import CircuitBreaker
from producer.watchlist import FixedList
from producer.wire import WireTick
from producer.workers import Workers, without_cut
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import make_wire_tick

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def histories(batches: Iterator[Sequence[WireTick]]) -> Counter[tuple[str, str | None]]:
    """How often each symbol's bars of each length came, until `batches` ends."""
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
