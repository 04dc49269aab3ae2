"""What the tables hold after detection, ticks late and in odd batches, is what pandas makes of all
the ticks together."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.ticks import Tick
from tests.oracles import bars as oracle
from tests.oracles.test_bars_pandas import MARKETS, as_rows, make_ticks
from tests.unit.domain.watched import Watched

# exchange_calendars 4.13 calls what pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

CASES = [  # market, first day, days, ticks a batch
    ("XNYS", "2026-11-25", 3, 1),
    ("XNYS", "2026-03-06", 4, 40),
    ("XHKG", "2026-02-13", 4, 7),
    ("24/5", "2026-03-09", 3, 40),
]


def disordered(ticks: list[Tick], seed: int) -> list[Tick]:
    """One tick in ten comes up to thirty places late."""
    source = random.Random(seed)
    late = [
        (at + source.randint(1, 30) if source.random() < 0.1 else at, at)
        for at in range(len(ticks))
    ]
    return [ticks[at] for _, at in sorted(late)]


def stored(watched: Watched, symbol: str, interval: str) -> list[Bar]:
    """Bars of the table, with the running one."""
    page = watched.stores.bars.bars(symbol, interval, None, None, limit=100_000)
    state = watched.stores.state.get(symbol)
    assert state is not None
    return [*page.rows, *state.running(interval)]


def rows_of(frame: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """The oracle's rows."""
    found: list[dict[str, Any]] = frame[names].to_dict("records")
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_late_ticks_in_any_batches_make_the_same_bars(case: tuple[str, str, int, int]) -> None:
    market, first_day, days, batch = case
    symbol, _ = MARKETS[market]
    ticks = make_ticks(market, first_day, days, seed=5, fields=False)
    watched = Watched()
    watched.feed(disordered(ticks, seed=batch), batch)
    for interval, theirs in (
        ("1m", oracle.minute_bars(ticks, market)),
        ("1d", oracle.day_bars(ticks, market)),
    ):
        rows = as_rows(stored(watched, symbol, interval))
        assert rows == rows_of(theirs, list(rows[0]))
    hours = as_rows(stored(watched, symbol, "1h"))
    running = pd.Timestamp(place_of(ticks[-1]).hour.start)
    theirs = oracle.hour_bars(ticks, market)
    names = ["start", "open", "high", "low", "close", "volume", "ticks"]
    finished = rows_of(theirs[theirs["start"] < running], names)
    assert [{name: row[name] for name in names} for row in hours] == finished
