"""What a monitor asks: store, newest price and producer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import msgspec

from chalicelib.domain.detection import State
from chalicelib.domain.times import from_text
from chalicelib.services.queries import MAX_QUOTES
from chalicelib.services.stores import PriceStore, ProducerStatus, Stores

_AT_ONCE = 8

ENDED = "ended"


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
    where it has processed all; of the first 100 symbols, as `last_tick`.
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


def health(
    stores: Stores, clock: Callable[[], datetime], *, stage: str, version: str, is_closed: bool
) -> Health:
    """Two Query calls, a BatchGetItem and a Query a symbol (of the first 100 symbols) and a listing
    of the failures bucket; raises what the store raises. `is_closed` says that reading needs a
    token."""
    seen = [entry.symbol for entry in stores.symbols.listed("seen")]
    states = stores.state.get_many(seen[:MAX_QUOTES]) if seen else {}
    ticks = [state.last_timestamp for state in states.values() if state.last]
    newest = max(ticks, default=None)
    now = clock()
    return Health(
        status="ok",
        stage=stage,
        version=version,
        symbols=len(seen),
        last_tick=newest,
        last_tick_age_seconds=_age_seconds(now, newest) if newest else None,
        detect_lag_seconds=_detect_lag(stores.prices, seen[:MAX_QUOTES], states, now),
        given_up=stores.failures.count(),
        producer=_producing(stores.producers.statuses(), now, is_closed),
    )


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
    """The one that reported last; one that has ended only if no other is running."""
    if not statuses:
        return None
    last = max(statuses, key=lambda status: (status.state != ENDED, status.time))
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
