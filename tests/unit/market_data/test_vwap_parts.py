"""VWAP of a part of a series is that of the whole, however long the session is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.times import to_text
from chalicelib.services.market_data.indicator_tables import IndicatorTables
from chalicelib.services.market_data.queries import Interval, PriceQuery
from chalicelib.services.market_data.series import Series
from chalicelib.services.market_data.studies import Study
from tests.factories import NEVER, make_tick
from tests.unit.domain.watched import ARRIVAL, Watched

MINUTES: dict[Interval, int] = {"15m": 15, "1h": 60}


@pytest.mark.parametrize("interval", MINUTES)
@pytest.mark.parametrize(
    ("symbol", "zone", "first", "hours"),
    [
        ("X.DE", "Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("EURUSD=X", "Europe/London", datetime(2026, 11, 19, 22, tzinfo=UTC), 31),
    ],
)
def test_the_last_bar_of_a_long_session_has_its_vwap_alone_as_in_the_whole(
    symbol: str, zone: str, first: datetime, hours: int, interval: Interval
) -> None:
    watched = Watched()
    watched.feed([make_tick(symbol=symbol, timestamp=to_text(first), exchange_timezone=zone)])
    base = 60 if interval == "1h" else 1
    starts = [first + timedelta(minutes=n) for n in range(0, hours * 60, base)]
    tick = make_tick(symbol=symbol, timestamp=to_text(starts[-1]), exchange_timezone=zone)
    date = place_of(tick).date
    first_tick = make_tick(symbol=symbol, timestamp=to_text(first), exchange_timezone=zone)
    assert place_of(first_tick).date == date
    bars = [_bar(symbol, "1h" if base == 60 else "1m", at, first, date) for at in starts]
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    last = to_text(starts[-1] - timedelta(minutes=MINUTES[interval] - base))
    series = Series(watched.stores)
    tables = IndicatorTables(series)
    query = PriceQuery(symbol=symbol, interval=interval, limit=1, descending=True)
    part = tables.table(query, series.known(symbol), [Study("vwap")])
    query = PriceQuery(symbol=symbol, interval=interval, limit=5_000)
    whole = tables.table(query, series.known(symbol), [Study("vwap")])
    assert part.rows == whole.rows[-1:]
    assert part.rows[0]["timestamp"] == last


def _bar(symbol: str, interval: str, at: datetime, first: datetime, date: str) -> Bar:
    """Dear and much traded in the session's first hour, cheap and little traded after it."""
    is_first = at - first < timedelta(hours=1)
    price = Decimal(200 if is_first else 100)
    return Bar(
        symbol=symbol,
        interval=interval,
        start=to_text(at),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1000 if is_first else 10),
        session_date=date,
        closed=True,
    )
