"""Answer health checks of monitors: ages of prices, lags, silent symbols and the producer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.times import from_text, to_text
from chalicelib.domain.wire import MAX_AHEAD
from chalicelib.services.delivery.lag import deliver_lag
from chalicelib.services.parallel import in_parallel
from chalicelib.services.stores import PriceStore, Stores
from chalicelib.services.symbol_stores import ProducerStatus
from chalicelib.services.symbols.silence import Silent

if TYPE_CHECKING:
    from chalicelib.domain.channels import StoredChannel

KEPT_SECONDS = 2
"""How long an answer is cached. Frequent calls without a key then cause no further reads."""

LISTED_SECONDS = 30
"""How long the number of dead-lettered batches is cached, and also a long list of symbols."""

DELIVERIES_SECONDS = 10
"""How long the lag of deliveries is cached. Each read of the lag takes up to 200 alerts."""

SILENT_SECONDS = 60
"""How long the silent symbols are cached. Each search for them reads up to 500 states."""

MOST_SAMPLED = 25
"""The most symbols whose states and prices are read."""

_LONG_LIST = 100
_AT_ONCE = 8

ENDED = "ended"

Value = TypeVar("Value")


class Producing(ProducerStatus, frozen=True, kw_only=True):
    """The producer's latest report and its age in seconds. `problem` and `dropped` may name
    symbols. They are left out if reading prices needs a token."""

    age_seconds: int


class Health(msgspec.Struct, frozen=True):
    """The health of a deployment. No age or count is a failure in itself: a market may be closed.

    `symbols` counts the symbols seen. `given_up` counts the dead-lettered batches to be redriven;
    None if unknown. `detect_lag_seconds` is the age of the oldest price that detect has not
    processed; 0 if there is none. This lag and `last_tick` cover at most MOST_SAMPLED symbols.
    `deliver_lag_seconds` is the longest time for which an attempt for one of the latest alerts has
    been due; 0 if none is due. `silent_symbols` counts the symbols that should trade and are
    silent. `silent` names at most MOST_SAMPLED of these. It is empty if reading prices needs a
    token.
    """

    status: str
    stage: str
    version: str
    symbols: int
    last_tick: str | None
    last_tick_age_seconds: int | None
    detect_lag_seconds: int
    deliver_lag_seconds: int
    given_up: int | None
    silent_symbols: int
    silent: Sequence[str]
    producer: Producing | None


class HealthCheck:
    """Answers health checks with data that is at most KEPT_SECONDS old.

    Each read takes a Query for the list of symbols, a BatchGetItem for states, one for reports, and
    a Query for each of MOST_SAMPLED symbols. Other data is read less often:
    - every DELIVERIES_SECONDS: a GetItem, and one to three Queries for the lag of deliveries;
    - every SILENT_SECONDS: two Queries, and a BatchGetItem for each hundred symbols;
    - every LISTED_SECONDS: the list of symbols if it is long, and a page of the failures bucket.
    Errors of the stores are raised, not cached.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Callable[[], datetime],
        channels: Callable[[], Sequence[StoredChannel]],
        silence: Callable[[], Sequence[Silent]],
        *,
        stage: str,
        is_closed: bool,
    ) -> None:
        """Create the check. `channels` returns the channels, `silence` the silent symbols;
        `is_closed` says whether reading prices needs a token."""
        self._stores = stores
        self._channels = channels
        self._clock = clock
        self._stage = stage
        self._is_closed = is_closed
        self._answer = Kept[Health](clock)
        self._seen = Kept[list[str]](clock)
        self._given_up = Kept[int | None](clock)
        self._undelivered = Kept[int](clock)
        self._find_silent = silence
        self._silent = Kept[Sequence[Silent]](clock)

    def __call__(self, version: str) -> Health:
        """Return the health of the deployment; `version` is the API's version."""
        return self._answer.get(lambda: self._read(version), lambda _: KEPT_SECONDS)

    def _read(self, version: str) -> Health:
        seen = self._seen.get(self._list, _seconds_to_keep)
        sampled = spread(seen, MOST_SAMPLED)
        states = self._stores.state.get_many(sampled) if sampled else {}
        sampled = [name for name in sampled if name not in states or not states[name].unreadable]
        ticks = [state.last_timestamp for state in states.values() if state.last]
        newest = max(ticks, default=None)
        now = self._clock()
        silent = self._silent.get(self._find_silent, lambda _: SILENT_SECONDS)
        names = [one.symbol for one in silent[:MOST_SAMPLED]]
        return Health(
            status="ok",
            stage=self._stage,
            version=version,
            symbols=len(seen),
            last_tick=newest,
            last_tick_age_seconds=_age_seconds(now, newest) if newest else None,
            detect_lag_seconds=_detect_lag(self._stores.prices, sampled, states, now),
            deliver_lag_seconds=self._undelivered.get(
                self._deliver_lag, lambda _: DELIVERIES_SECONDS
            ),
            given_up=self._given_up.get(self._stores.failures, lambda _: LISTED_SECONDS),
            silent_symbols=len(silent),
            silent=[] if self._is_closed else names,
            producer=_producing(self._stores.producers.statuses(), now, self._is_closed),
        )

    def _deliver_lag(self) -> int:
        stores = self._stores
        return deliver_lag(stores.alerts, stores.prices, self._channels(), self._clock())

    def _list(self) -> list[str]:
        return [entry.symbol for entry in self._stores.symbols.listed("seen")]


class Kept(Generic[Value]):
    """A cached value that is read again when it expires."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: tuple[Value, datetime] | None = None

    def get(self, read: Callable[[], Value], seconds: Callable[[Value], float]) -> Value:
        """Return the cached value. If it has expired, call `read` for a new one. `seconds` returns
        how long to cache the new value."""
        now = self._clock()
        if self._kept is None or now >= self._kept[1]:
            value = read()
            self._kept = value, now + timedelta(seconds=seconds(value))
        return self._kept[0]


def _seconds_to_keep(symbols: list[str]) -> float:
    """Return how long to cache the list of symbols. A short list is not cached: it costs little to
    read, and it grows while a system starts."""
    return LISTED_SECONDS if len(symbols) > _LONG_LIST else 0


def spread(symbols: Sequence[str], count: int) -> list[str]:
    """Return at most `count` evenly spaced symbols. The choice is always the same and includes the
    first symbol."""
    most = min(count, len(symbols))
    return [symbols[place * len(symbols) // most] for place in range(most)]


def _detect_lag(
    prices: PriceStore, symbols: Sequence[str], states: Mapping[str, State], now: datetime
) -> int:
    def first_waiting(symbol: str) -> str | None:
        state = states.get(symbol)
        return prices.arrival_after(symbol, state.last_timestamp if state and state.last else None)

    arrivals = [arrival for arrival in in_parallel(first_waiting, symbols, _AT_ONCE) if arrival]
    return max((_age_seconds(now, arrival) for arrival in arrivals), default=0)


def _producing(statuses: list[ProducerStatus], now: datetime, is_closed: bool) -> Producing | None:
    """Return the latest report of a producer that has not ended. If all producers have ended,
    return the latest report of all.

    Reports from the future are ignored, since they would remain the latest.
    """
    latest = to_text(now + MAX_AHEAD)
    known = [status for status in statuses if status.time <= latest]
    if not known:
        return None
    last = max(known, key=lambda status: (status.state != ENDED, status.time))
    told = msgspec.structs.asdict(last)
    if is_closed:
        told |= {"problem": None, "dropped": {}}
    return Producing(**told, age_seconds=_age_seconds(now, last.time))


def _age_seconds(now: datetime, written: str) -> int:
    return max(0, int((now - from_text(written)).total_seconds()))
