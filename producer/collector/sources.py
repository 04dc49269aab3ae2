"""The collector's source and symbols, which environment variables name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from producer.collector.settings import Settings
from producer.errors import StoreError
from producer.hours import MarketHours
from producer.source_plans import SourcePlans
from producer.sources import simulator, yahoo
from producer.sources.resumable import Resumable
from producer.status import Status
from producer.watchlist import DefaultList, TrackedList


class Followed(DefaultList):
    """The followed symbols without duplicates; the environment's symbols come first. `current`
    holds the symbols that the last call of `symbols` returned."""

    def __init__(self, own: Sequence[str], tracked: TrackedList) -> None:
        super().__init__(own, lambda: tracked, at_call=1)
        self._table = tracked
        self.current: Sequence[str] = ()

    @property
    def invalid(self) -> Sequence[str]:
        """Return the tracked symbols that are invalid and therefore skipped."""
        return self._table.invalid

    def drops(self, symbol: str) -> bool:
        """Return whether the symbols table says that a symbol is not followed. Return False if the
        table does not answer."""
        return self._table.is_current and super().drops(symbol)

    def symbols(self) -> Sequence[str]:
        """Return the symbols to follow. The symbols table is read at most every 5 seconds.

        Raises StoreError if the tracked symbols have never been read: without them a run would drop
        its state about them.
        """
        symbols = super().symbols()
        if not self._table.is_known:
            raise StoreError("the tracked symbols cannot be read: this run collects nothing")
        self.current = symbols
        return symbols


class Sourcing:
    """Makes the source of a container. `steady` returns seconds that count while the container is
    frozen. `now` returns the time of day."""

    def __init__(
        self,
        settings: Settings,
        client: Any,
        status: Status,
        hours: MarketHours,
        steady: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._client = client
        self._status = status
        self._hours = hours
        self._steady = steady
        self._now = now

    def kind(self, before: str) -> str:
        """Return the kind of source: `yfinance` or `simulator`.

        `auto` tries Yahoo once and keeps the result, since a symbol's series never mixes sources.
        `before` holds an earlier result.
        """
        if self._settings.source != "auto":
            return self._settings.source
        if before:
            return before
        from producer.sources import auto

        answers = auto.yahoo_answers(self._status, threading.Event())
        return "yfinance" if answers else "simulator"

    def make(self, kind: str, patience: Callable[[], float]) -> tuple[Resumable, Followed]:
        """Make a source and its followed symbols. `patience` returns the seconds that a run has
        left."""
        return self._simulator() if kind == "simulator" else self._yahoo(patience)

    def _simulator(self) -> tuple[Resumable, Followed]:
        followed = self._followed("simulator", simulator.SYMBOLS)
        interval = self._settings.options.interval or simulator.DEFAULT_INTERVAL_SECONDS
        return simulator.Simulator(followed, interval=interval, say=self._status.say), followed

    def _yahoo(self, patience: Callable[[], float]) -> tuple[Resumable, Followed]:
        from producer.sources import yfinance_poll

        self._status.note(yahoo.TERMS)
        followed = self._followed("yfinance", yfinance_poll.SYMBOLS)
        source = yfinance_poll.YfinancePoll(
            followed,
            self._status,
            self._hours,
            interval=self._settings.options.interval or yfinance_poll.DEFAULT_INTERVAL_SECONDS,
            patience=patience,
            now=self._steady,
            clock=self._now,
        )
        return source, followed

    def _followed(self, kind: str, default: tuple[str, ...]) -> Followed:
        own = default if self._settings.symbols is None else self._settings.symbols
        plans = SourcePlans(kind, self._now)
        tracked = TrackedList(self._settings.table, self._client, self._status, plans, self._steady)
        return Followed(own, tracked)
