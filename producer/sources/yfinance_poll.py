"""Live prices by asking Yahoo, symbol by symbol, every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

from producer.errors import SourceError
from producer.sources import yahoo
from producer.status import Status
from producer.wire import Bar, WireTick
from producer.workers import Workers

SYMBOLS = (
    "AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "AVGO", "TSLA", "LLY", "JPM", "WMT", "V",
    "UNH", "XOM", "MA", "ORCL", "COST", "HD", "PG", "JNJ", "NFLX", "BAC", "CRM", "KO", "AMD",
)  # fmt: skip
DEFAULT_INTERVAL_SECONDS = 15.0
WORKERS = 8
POLL_DEADLINE_SECONDS = 12.0
HISTORY_DEADLINE_SECONDS = 30.0


class YfinancePoll:
    """Each symbol's quote every `interval` seconds, after its history."""

    name = "yfinance"
    recorded = False

    def __init__(
        self, symbols: Sequence[str], status: Status, *, interval: float, history: bool = True
    ) -> None:
        self._symbols = list(symbols or SYMBOLS)
        self._status = status
        self._interval = interval
        self._history = history
        self._quotes: Workers[WireTick] = Workers(WORKERS)
        self._bars: Workers[list[WireTick]] = Workers(WORKERS)

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """History of all symbols, then a batch a poll. Raises SourceError when none is known."""
        if self._history:
            yield from self._histories(stop)
        while not stop.is_set():
            began = time.monotonic()
            yield self._poll(stop)
            stop.wait(max(0.0, self._interval - (time.monotonic() - began)))

    def _histories(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        self._status.say("fetching history")
        spans: tuple[tuple[str, Bar], ...] = (("1d", "1m"), ("2y", "1d"))
        for period, bar in spans:
            fetch = partial(yahoo.bars, period=period, bar=bar)
            answers = self._bars.ask(fetch, self._symbols, HISTORY_DEADLINE_SECONDS, stop)
            for symbol, answer in answers.items():
                if isinstance(answer, Exception):
                    self._status.problem(f"{symbol}: no history: {answer}")
                else:
                    yield answer

    def _poll(self, stop: threading.Event) -> list[WireTick]:
        answers = self._quotes.ask(yahoo.quote, self._symbols, POLL_DEADLINE_SECONDS, stop)
        ticks = []
        for symbol, answer in answers.items():
            if isinstance(answer, WireTick):
                ticks.append(answer)
            elif isinstance(answer, yahoo.UnknownSymbol):
                self._leave_out(symbol, answer)
            elif not stop.is_set():
                self._status.problem(f"{symbol}: no price: {answer}")
        self._status.say("live" if ticks else "no prices")
        return ticks

    def _leave_out(self, symbol: str, error: Exception) -> None:
        self._status.problem(f"{error}; it is left out")
        self._symbols.remove(symbol)
        if not self._symbols:
            raise SourceError("Yahoo knows none of the symbols")
