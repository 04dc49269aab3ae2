"""`auto` takes the first source that answers and has the symbols, and says which."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from producer.sources import auto
from producer.status import Status
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.server import standing

NO_NETWORK = ConnectionRefusedError(111, "Connection refused")


def chosen(
    monkeypatch: pytest.MonkeyPatch, symbols: Sequence[str], url: str, yahoo: Any = NO_NETWORK
) -> tuple[str, list[str]]:
    """Return the source that `auto` takes, and what it says."""
    said: list[str] = []
    monkeypatch.setattr(auto, "_ask", lambda answers: answers.put(yahoo))
    status = Status(lambda _event, message: said.append(message))
    return auto.first_to_answer(status, threading.Event(), symbols, url), said


def test_yahoo_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    source, said = chosen(monkeypatch, (), "http://127.0.0.1:9", "answered")
    assert source == "yfinance"
    assert "Yahoo" in said[0]


@pytest.mark.parametrize("symbols", [(), ("BTC-USD", "ETH-EUR")])
def test_coinbase_comes_next_for_its_own_symbols_and_pairs(
    monkeypatch: pytest.MonkeyPatch, symbols: Sequence[str]
) -> None:
    with standing(lambda: CoinbaseProtocol(("BTC-USD",))) as service:
        service.market.trade("BTC-USD", datetime.now(UTC))
        source, said = chosen(monkeypatch, symbols, service.history_url)
    assert source == "coinbase"
    assert said == [
        "Yahoo cannot be reached: the connection was refused. Asking Coinbase instead.",
        "Coinbase answers: showing its prices of crypto pairs",
    ]


def test_stocks_that_yahoo_does_not_give_are_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    source, said = chosen(monkeypatch, ("AAPL",), "http://127.0.0.1:9")
    assert source == "simulator"
    assert said == [
        "Yahoo cannot be reached: the connection was refused. Showing simulated prices instead."
    ]


def test_the_simulator_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing(lambda: CoinbaseProtocol(("BTC-USD",))) as service:
        service.failures = [429]
        source, said = chosen(monkeypatch, (), service.history_url)
    assert source == "simulator"
    assert said[1] == (
        "Coinbase gives no prices: Coinbase answers 429: too many requests. "
        "Showing simulated prices instead."
    )
