"""Requests to history that do not end in time are given up, and others go on."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from producer.sources.pushed.history import Timely
from producer.wire import Bar, WireTick
from tests.patience import PATIENCE_SECONDS

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Dripping:
    """A history whose answers about MSFT do not end before `ended` is set."""

    most_minutes = 300
    served_at = NOW

    def __init__(self) -> None:
        self.ended = threading.Event()

    def bars(self, symbol: str, bar: Bar, start: datetime, end: datetime) -> list[WireTick]:
        """See History."""
        if symbol == "MSFT":
            self.ended.wait(PATIENCE_SECONDS)
        if symbol == "FOO":
            raise ValueError("no such symbol")
        return []


def bars(history: Timely, symbol: str) -> Any:
    return history.bars(symbol, "1m", NOW, NOW)


def test_an_answer_that_drips_is_given_up_and_the_next_symbol_is_asked() -> None:
    slow = Dripping()
    try:
        with pytest.raises(TimeoutError):
            bars(Timely(slow, 0.05), "MSFT")
        history = Timely(slow, PATIENCE_SECONDS)
        assert bars(history, "AAPL") == []
        with pytest.raises(ValueError, match="no such symbol"):
            bars(history, "FOO")
    finally:
        slow.ended.set()
    assert (history.most_minutes, history.served_at) == (300, NOW)
