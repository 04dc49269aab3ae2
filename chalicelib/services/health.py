"""What a monitor asks: does the store answer, and how old is the newest price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.domain.times import from_text
from chalicelib.services.queries import MAX_QUOTES
from chalicelib.services.stores import Stores


class Health(msgspec.Struct, frozen=True):
    """Ages and counts inform and never fail: a market may be closed. `symbols` counts those seen,
    `given_up` the batches that wait to be redriven; None where that cannot be told.
    """

    status: str
    stage: str
    version: str
    symbols: int
    last_tick: str | None
    last_tick_age_seconds: int | None
    given_up: int | None


def health(stores: Stores, clock: Callable[[], datetime], *, stage: str, version: str) -> Health:
    """One Query, one BatchGetItem (of the first 100 symbols) and one listing of the failures
    bucket; raises what the store raises."""
    seen = [entry.symbol for entry in stores.symbols.listed("seen")]
    states = stores.state.get_many(seen[:MAX_QUOTES]) if seen else {}
    ticks = [state.last_timestamp for state in states.values() if state.last]
    newest = max(ticks, default=None)
    age = clock() - from_text(newest) if newest else None
    return Health(
        status="ok",
        stage=stage,
        version=version,
        symbols=len(seen),
        last_tick=newest,
        last_tick_age_seconds=None if age is None else max(0, int(age.total_seconds())),
        given_up=stores.failures.count(),
    )
