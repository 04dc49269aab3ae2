"""The collector's source and symbols, as the environment says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from producer.collector.following import Followed
from producer.collector.settings import Settings
from producer.hours import MarketHours
from producer.source_plans import SourcePlans
from producer.sources import simulator, yahoo
from producer.sources.resumable import Resumable
from producer.status import Status
from producer.watchlist import TrackedList


class Sourcing:
    """Makes the source of a container.

    `steady` returns seconds that count while the container is frozen, `now` the time of day.
    """

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
        """Return `yfinance` or `simulator`.

        `auto` tries Yahoo once and then keeps its choice, which `before` holds: a symbol's series
        never mixes sources.
        """
        if self._settings.source != "auto":
            return self._settings.source
        if before:
            return before
        from producer.sources import auto

        answers = auto.yahoo_answers(self._status, threading.Event())
        return "yfinance" if answers else "simulator"

    def make(self, kind: str, patience: Callable[[], float]) -> tuple[Resumable, Followed]:
        """Make the source of a kind and its followed symbols. `patience` returns the seconds that a
        run has left."""
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
