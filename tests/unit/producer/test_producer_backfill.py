"""The messages of a backfill about symbols without history."""

from __future__ import annotations

import threading

import pytest

from producer.errors import SourceError
from producer.sources import yahoo
from producer.sources.yahoo_history import Backfill
from producer.status import Status
from producer.wire import WireTick
from tests.producer_support.doubles import make_wire_tick


@pytest.fixture(autouse=True)
def bars_of_all_but_nope(monkeypatch: pytest.MonkeyPatch) -> None:
    def bars(symbol: str, period: str, bar: str) -> list[WireTick]:
        assert (period, bar) == ("1mo", "1d")
        if symbol == "NOPE":
            raise yahoo.UnknownSymbol("NOPE: Yahoo knows no such symbol")
        return [make_wire_tick(symbol)]

    monkeypatch.setattr(yahoo, "bars", bars)


def backfill(*symbols: str) -> tuple[list[str], list[str]]:
    """Return the symbols whose bars came, and the messages."""
    told: list[str] = []
    source = Backfill(symbols, "1mo", "1d", Status(lambda _event, message: told.append(message)))
    came: list[str] = []
    try:
        for batch in source.batches(threading.Event()):
            came += [tick.symbol for tick in batch]
    except SourceError as error:
        told.append(f"failed: {error}")
    return sorted(came), told


def test_a_backfill_of_known_symbols_ends_in_order() -> None:
    assert backfill("AAPL", "MSFT") == (["AAPL", "MSFT"], [])


def test_a_backfill_fails_for_a_symbol_without_history_after_sending_the_others() -> None:
    assert backfill("AAPL", "NOPE") == (
        ["AAPL"],
        [
            "NOPE: Yahoo knows no such symbol; there is no history of it",
            "failed: no history for NOPE",
        ],
    )
