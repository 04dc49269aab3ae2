"""Every value that a condition may name, against TA-Lib and pandas: real days and random ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from chalicelib.domain.bars import Bar
from chalicelib.domain.when.catalogue import CATALOGUE, bars_needed
from chalicelib.domain.when.leaf_values import leaf_value
from chalicelib.domain.when.nodes import Leaf, leaves_of
from chalicelib.domain.when.reading import read_text
from tests.factories import decimal

DATA = Path(__file__).parents[1] / "data" / "aapl-daily-2015-2017.csv"


def _apple() -> list[Bar]:
    rows = csv.DictReader(DATA.read_text(encoding="utf-8").splitlines())
    names = ("open", "high", "low", "close", "volume")
    found = []
    for at, row in enumerate(rows):
        day = f"2015-01-01T00:00:00.{at:06d}Z"
        fields = {name: decimal(row[name]) for name in names}
        found.append(_bar(day, str(at), fields))
    return found


def _bar(start: str, session: str, fields: dict[str, Any]) -> Bar:
    return Bar(symbol="AAPL", interval="1m", start=start, session_date=session, **fields)


def _random(seed: int) -> list[Bar]:
    """Four sessions of a walk in cents; some bars do not move."""
    source = np.random.default_rng(seed)
    steps = source.normal(0, 0.02, 240) * source.integers(0, 2, 240)
    closes = np.maximum(100 * np.exp(np.cumsum(steps)), 1)
    opens = closes * source.uniform(0.99, 1.01, 240)
    found = []
    for at, (opened, close) in enumerate(zip(opens, closes, strict=True)):
        day = date(2026, 11, 2) + timedelta(days=at // 60)
        high, low = max(opened, close) * 1.004, min(opened, close) * 0.995
        rows = {"open": opened, "high": high, "low": low, "close": close}
        fields: dict[str, Any] = {name: Decimal(f"{value:.2f}") for name, value in rows.items()}
        fields["volume"] = Decimal(int(source.integers(0, 10_000)))
        found.append(_bar(f"{day}T00:00:00.{at:06d}Z", str(day), fields))
    return found


SERIES = {"AAPL": _apple(), **{f"random {seed}": _random(seed) for seed in range(6)}}


def _frame(bars: list[Bar]) -> pd.DataFrame:
    names = ("open", "high", "low", "close", "volume")
    rows = {name: [float(getattr(bar, name)) for bar in bars] for name in names}
    return pd.DataFrame({**rows, "session": [bar.session_date for bar in bars]})


def _bands(part: int) -> Callable[[pd.DataFrame], np.ndarray]:
    return lambda f: talib.BBANDS(f.close.to_numpy(), 20, 2, 2)[part]


def _macd(part: int) -> Callable[[pd.DataFrame], np.ndarray]:
    return lambda f: talib.MACD(f.close.to_numpy(), 12, 26, 9)[part]


def _rsi(frame: pd.DataFrame) -> np.ndarray:
    """TA-Lib's, but unknown where nothing has moved."""
    flat = frame.close.diff().abs().rolling(10_000, min_periods=1).sum().to_numpy() == 0
    return np.where(flat, np.nan, talib.RSI(frame.close.to_numpy(), 14))


def _percent_b(frame: pd.DataFrame) -> pd.Series:
    upper, _, lower = (_bands(part)(frame) for part in range(3))
    width = upper - lower
    return pd.Series(np.where(width > 1e-9, (frame.close - lower) / width, np.nan))


def _vwap(frame: pd.DataFrame) -> pd.Series:
    typical = (frame.high + frame.low + frame.close) / 3
    traded = (typical * frame.volume).groupby(frame.session).cumsum()
    return traded / frame.volume.groupby(frame.session).cumsum()


def _before(frame: pd.DataFrame) -> pd.Series:
    """The last close of the session before."""
    last = frame.groupby("session", sort=False).close.last()
    return frame.session.map(last.shift())


def _gap(frame: pd.DataFrame) -> pd.Series:
    opened = frame.session.map(frame.groupby("session", sort=False).open.first())
    return 100 * (opened / _before(frame) - 1)


ORACLES: dict[str, Callable[[pd.DataFrame], object]] = {
    "close": lambda f: f.close,
    "open": lambda f: f.open,
    "high": lambda f: f.high,
    "low": lambda f: f.low,
    "volume": lambda f: f.volume,
    "close[3]": lambda f: f.close.shift(3),
    "sma(20)": lambda f: talib.SMA(f.close.to_numpy(), 20),
    "ema(20)": lambda f: talib.EMA(f.close.to_numpy(), 20),
    "rsi(14)": _rsi,
    "macd(12, 26, 9)": _macd(0),
    "macd_signal(12, 26, 9)": _macd(1),
    "macd_histogram(12, 26, 9)": _macd(2),
    "bb_upper(20, 2)": _bands(0),
    "bb_middle(20, 2)": _bands(1),
    "bb_lower(20, 2)": _bands(2),
    "bb_percent(20, 2)": _percent_b,
    "bb_width(20, 2)": lambda f: 100 * (_bands(0)(f) - _bands(2)(f)) / _bands(1)(f),
    "atr(14)": lambda f: talib.ATR(f.high.to_numpy(), f.low.to_numpy(), f.close.to_numpy(), 14),
    "vwap": _vwap,
    "mean(volume, 20)": lambda f: f.volume.rolling(20).mean(),
    "mean(close, 20)": lambda f: f.close.rolling(20).mean(),
    "highest(20)": lambda f: f.high.rolling(20).max(),
    "highest(close, 7)": lambda f: f.close.rolling(7).max(),
    "lowest(20)": lambda f: f.low.rolling(20).min(),
    "lowest(volume, 7)": lambda f: f.volume.rolling(7).min(),
    "change(5)": lambda f: 100 * f.close.pct_change(5),
    "gap": _gap,
    "day_change": lambda f: 100 * (f.close / _before(f) - 1),
    "from_high(50)": lambda f: 100 * (f.close / f.high.rolling(50).max() - 1),
    "sma(20)[2]": lambda f: pd.Series(talib.SMA(f.close.to_numpy(), 20)).shift(2),
}


def _leaf(text: str) -> Leaf:
    return leaves_of(read_text(f"{text} > 0"))[0]


def test_every_value_has_an_oracle() -> None:
    assert {_leaf(text).name for text in ORACLES} == set(CATALOGUE)


@pytest.mark.parametrize("text", ORACLES)
@pytest.mark.parametrize("name", SERIES)
def test_a_value_is_that_of_its_oracle(name: str, text: str) -> None:
    bars = SERIES[name]
    value = leaf_value(_leaf(text))
    ours = np.array([np.nan if one is None else float(one) for one in map(value, bars)])
    theirs = np.asarray(ORACLES[text](_frame(bars)), dtype=float)
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    known = ~np.isnan(ours)
    assert known.sum() > 20
    assert np.allclose(ours[known], theirs[known], rtol=1e-9, atol=2e-8)


@pytest.mark.parametrize("text", [text for text in ORACLES if text not in ("vwap", "gap")])
def test_a_value_depends_on_the_bars_that_it_is_said_to_need(text: str) -> None:
    bars, leaf = SERIES["AAPL"] * 3, _leaf(text)
    needed = bars_needed(leaf.name, leaf.numbers, "1d") + leaf.ago
    whole, late = leaf_value(leaf), leaf_value(leaf)
    for bar in bars[:300]:
        whole(bar)
    pairs = [(whole(bar), late(bar)) for bar in bars[300:]]
    assert all(one == other for one, other in pairs[needed - 1 :])
