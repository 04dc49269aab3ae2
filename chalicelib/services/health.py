"""What a monitor asks: store, newest price and producer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire import MAX_AHEAD
from chalicelib.services.stores import PriceStore, ProducerStatus, Stores

KEPT_SECONDS = 2
"""How long an answer is kept: whoever asks more often, without a key, costs no more reads."""

LISTED_SECONDS = 30
"""How long the list of symbols is kept where it is long, and the number of batches given up on."""

LOOKED_AT = 25
"""Symbols whose states and prices are read."""

_LONG_LIST = 100
_AT_ONCE = 8

ENDED = "ended"

Value = TypeVar("Value")


class Producing(msgspec.Struct, frozen=True):
    """What the producer that reported last says of itself, `age_seconds` ago.

    `progress` is the share of its history that was sent, from 0 to 1. `problem` and `dropped` name
    symbols, so they stay empty where reading needs a token: this answer needs none.
    """

    command: str
    source: str
    state: str
    progress: Decimal | None
    time: str
    age_seconds: int
    problem: str | None
    dropped: Mapping[str, int]


class Health(msgspec.Struct, frozen=True):
    """Ages and counts inform and never fail: a market may be closed. `symbols` counts those seen,
    `given_up` the batches that wait to be redriven; None where that cannot be told.

    `detect_lag_seconds` is how long ago the oldest price came that detect has not processed, 0
    where it has processed all; of LOOKED_AT symbols, as `last_tick`.
    """

    status: str
    stage: str
    version: str
    symbols: int
    last_tick: str | None
    last_tick_age_seconds: int | None
    detect_lag_seconds: int
    given_up: int | None
    producer: Producing | None


class HealthCheck:
    """Answers what a monitor asks, from what it read at most KEPT_SECONDS ago.

    A look takes a Query, two BatchGetItem, a Query for each of LOOKED_AT symbols and, once in
    LISTED_SECONDS, a listing of the failures bucket. It raises what the stores raise, and keeps
    nothing of that.
    """

    def __init__(
        self, stores: Stores, clock: Callable[[], datetime], *, stage: str, is_closed: bool
    ) -> None:
        """`is_closed` says that reading needs a token."""
        self._stores = stores
        self._clock = clock
        self._stage = stage
        self._is_closed = is_closed
        self._answer = Kept[Health](clock)
        self._seen = Kept[list[str]](clock)
        self._given_up = Kept[int | None](clock)

    def __call__(self, version: str) -> Health:
        """The answer; `version` is the API's."""
        return self._answer.get(lambda: self._look(version), lambda _: KEPT_SECONDS)

    def _look(self, version: str) -> Health:
        seen = self._seen.get(self._list, _seconds_to_keep)
        looked_at = spread(seen, LOOKED_AT)
        states = self._stores.state.get_many(looked_at) if looked_at else {}
        ticks = [state.last_timestamp for state in states.values() if state.last]
        newest = max(ticks, default=None)
        now = self._clock()
        return Health(
            status="ok",
            stage=self._stage,
            version=version,
            symbols=len(seen),
            last_tick=newest,
            last_tick_age_seconds=_age_seconds(now, newest) if newest else None,
            detect_lag_seconds=_detect_lag(self._stores.prices, looked_at, states, now),
            given_up=self._given_up.get(self._stores.failures.count, lambda _: LISTED_SECONDS),
            producer=_producing(self._stores.producers.statuses(), now, self._is_closed),
        )

    def _list(self) -> list[str]:
        return [entry.symbol for entry in self._stores.symbols.listed("seen")]


class Kept(Generic[Value]):
    """A value that is read anew when it has aged."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: tuple[Value, datetime] | None = None

    def get(self, read: Callable[[], Value], seconds: Callable[[Value], float]) -> Value:
        """The value, which is kept for so many seconds after it was read."""
        now = self._clock()
        if self._kept is None or now >= self._kept[1]:
            value = read()
            self._kept = value, now + timedelta(seconds=seconds(value))
        return self._kept[0]


def _seconds_to_keep(symbols: list[str]) -> float:
    """A short list costs next to nothing, and grows while a system starts."""
    return LISTED_SECONDS if len(symbols) > _LONG_LIST else 0


def spread(symbols: Sequence[str], count: int) -> list[str]:
    """At most `count` symbols at equal distances, the first among them; the same each time."""
    most = min(count, len(symbols))
    return [symbols[place * len(symbols) // most] for place in range(most)]


def _detect_lag(
    prices: PriceStore, symbols: Sequence[str], states: Mapping[str, State], now: datetime
) -> int:
    def first_waiting(symbol: str) -> str | None:
        state = states.get(symbol)
        return prices.arrival_after(symbol, state.last_timestamp if state and state.last else None)

    if not symbols:
        return 0
    with ThreadPoolExecutor(min(_AT_ONCE, len(symbols))) as pool:
        arrivals = [arrival for arrival in pool.map(first_waiting, symbols) if arrival]
    return max((_age_seconds(now, arrival) for arrival in arrivals), default=0)


def _producing(statuses: list[ProducerStatus], now: datetime, is_closed: bool) -> Producing | None:
    """The one that reported last; one that has ended only if no other is running. Reports from the
    future do not count: they would stay the last ones."""
    latest = to_text(now + MAX_AHEAD)
    known = [status for status in statuses if status.time <= latest]
    if not known:
        return None
    last = max(known, key=lambda status: (status.state != ENDED, status.time))
    return Producing(
        command=last.command,
        source=last.source,
        state=last.state,
        progress=last.progress,
        time=last.time,
        age_seconds=_age_seconds(now, last.time),
        problem=None if is_closed else last.problem,
        dropped={} if is_closed else last.dropped,
    )


def _age_seconds(now: datetime, written: str) -> int:
    return max(0, int((now - from_text(written)).total_seconds()))
