"""Bars built tick by tick against bars grouped by pandas, over several markets' odd days."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import BarBuilder, place_of
from chalicelib.domain.ticks import Tick
from tests.oracles import bars as oracle

# exchange_calendars 4.13 calls what pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

MARKETS = {
    "XNYS": ("AAPL", "America/New_York"),
    "XLON": ("VOD.L", "Europe/London"),
    "XHKG": ("0700.HK", "Asia/Hong_Kong"),
    "24/7": ("BTC-USD", "UTC"),
    "24/5": ("EURUSD=X", "Europe/London"),
    "CME": ("ES=F", "America/New_York"),
}
SPANS = [  # market, first day, days
    ("XNYS", "2026-11-25", 4),  # Thanksgiving, half day, weekend
    ("XNYS", "2026-03-06", 4),  # summer time begins
    ("XNYS", "2026-10-30", 4),  # and ends
    ("XLON", "2026-12-23", 3),  # half day, Christmas
    ("XLON", "2026-03-27", 4),
    ("XHKG", "2026-02-13", 4),  # half day before the lunar new year
    ("24/7", "2026-02-27", 3),
    ("24/5", "2026-03-09", 4),  # the week after summer time begins in New York
    ("CME", "2026-03-09", 4),
]
Case = tuple[str, list[Tick]]


def make_ticks(market: str, first_day: str, days: int, seed: int, *, fields: bool) -> list[Tick]:
    """Some 800 ticks, in whole cents: bursts, and one soon after every half hour on the clock.

    The latter hit each session's first minute, and the first after its close.
    """
    source = np.random.default_rng(seed)
    start = pd.Timestamp(first_day, tz="UTC")
    bursts = source.integers(0, days * 86_400_000_000, 300)
    half_hours = np.arange(days * 48) * 1_800_000_000 + 3_000_000
    bursts = np.unique(np.concatenate([bursts, bursts + 7_000_000, half_hours]))
    prices = np.round(100 * np.exp(np.cumsum(source.normal(0, 0.002, len(bursts)))), 2)
    volumes = np.maximum(np.cumsum(source.integers(-20, 200, len(bursts))), 0)
    symbol, zone = MARKETS[market]
    return [
        Tick(
            symbol=symbol,
            timestamp=f"{start + pd.Timedelta(microseconds=int(at)):%Y-%m-%dT%H:%M:%S.%fZ}",
            price=Decimal(f"{price:.2f}"),
            volume=Decimal(int(volume)),
            open=Decimal("99.5") if fields else None,
            high=Decimal(f"{price + 3:.2f}") if fields else None,
            low=Decimal(f"{price - 3:.2f}") if fields else None,
            exchange_timezone=zone,
        )
        for at, price, volume in zip(bursts, prices, volumes, strict=True)
    ]


@pytest.fixture(
    scope="module",
    params=[(*span, fields) for span in SPANS for fields in (False, True)],
    ids=lambda param: f"{param[0]}-{param[1]}-{'fields' if param[3] else 'prices'}",
)
def case(request: pytest.FixtureRequest) -> Case:
    market, first_day, days, fields = request.param
    return market, make_ticks(market, first_day, days, seed=days, fields=fields)


def built(ticks: Sequence[Tick], interval: str) -> list[Bar]:
    builder = BarBuilder()
    for tick in ticks:
        builder.add(tick)
    running = [bar for bar in (builder.minute, builder.day) if bar is not None]
    return [bar for bar in (*builder.closed, *running) if bar.interval == interval]


def as_rows(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    return [
        {
            "start": pd.Timestamp(bar.start),
            "session_date": bar.session_date,
            "extended": bar.extended,
            "ticks": bar.ticks,
            **{name: float(getattr(bar, name)) for name in ("open", "high", "low", "close")},
            "volume": float(bar.volume or 0),
        }
        for bar in bars
    ]


def assert_same(ours: Sequence[Bar], theirs: pd.DataFrame) -> None:
    rows = as_rows(ours)
    assert rows == theirs[list(rows[0])].to_dict("records")


def test_minute_bars(case: Case) -> None:
    market, ticks = case
    assert_same(built(ticks, "1m"), oracle.minute_bars(ticks, market))


def test_day_bars(case: Case) -> None:
    market, ticks = case
    assert_same(built(ticks, "1d"), oracle.day_bars(ticks, market))


def test_every_tick_falls_into_its_hour(case: Case) -> None:
    market, ticks = case
    expected = oracle.placed(ticks, market)
    places = [place_of(tick) for tick in ticks]
    assert [pd.Timestamp(place.hour.start) for place in places] == expected["hour"].tolist()
    assert [place.extended for place in places] == expected["extended"].tolist()
    assert [place.date for place in places] == expected["session_date"].tolist()


def test_hour_bars_are_their_minutes_folded(case: Case) -> None:
    market, ticks = case
    hours = oracle.hour_bars(ticks, market)
    minutes = oracle.minute_bars(ticks, market)
    starts = oracle.placed(ticks, market).groupby(["minute", "extended"])["hour"].first()
    hour = pd.Series(starts.loc[list(zip(minutes["start"], minutes["extended"], strict=True))])
    folded = minutes.groupby([hour.to_numpy(), "extended"]).agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        ticks=("ticks", "sum"),
    )
    pd.testing.assert_frame_equal(
        folded.reset_index(names=["start", "extended"]),
        hours[["start", "extended", *folded.columns]],
    )


def test_the_oracle_by_hand() -> None:
    """Three ticks around New York's open, one after its close."""
    given = [("14:29:59", 10, 5), ("14:30:01", 12, 105), ("14:30:59", 11, 135), ("21:00:01", 9, 0)]
    ticks = [
        Tick(
            symbol="AAPL",
            timestamp=f"2026-11-20T{at}.000000Z",
            price=Decimal(price),
            volume=Decimal(volume),
        )
        for at, price, volume in given
    ]
    minutes = oracle.minute_bars(ticks, "XNYS")
    assert minutes["start"].dt.strftime("%H:%M").tolist() == ["14:29", "14:30", "21:00"]
    assert minutes["volume"].tolist() == [0, 135, 0]
    assert minutes["extended"].tolist() == [True, False, True]
    assert minutes[["open", "high", "low", "close"]].to_numpy().tolist() == [
        [10, 10, 10, 10],
        [12, 12, 11, 11],
        [9, 9, 9, 9],
    ]
    hours = oracle.hour_bars(ticks, "XNYS")
    assert hours["start"].dt.strftime("%H:%M").tolist() == ["13:30", "14:30", "21:00"]
    days = oracle.day_bars(ticks, "XNYS")
    assert days[["session_date", "open", "high", "low", "close", "volume"]].to_numpy().tolist() == [
        ["2026-11-20", 12, 12, 11, 11, 135]
    ]
