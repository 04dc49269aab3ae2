"""Indicators against TA-Lib, over a real series and 200 random ones."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import talib

from chalicelib.domain import indicators
from tests.indicator_series import over

TOLERANCE = 1e-9
DATA = Path(__file__).parents[1] / "data" / "aapl-daily-2015-2017.csv"

Columns = dict[str, list[Decimal]]


def _apple() -> Columns:
    rows = list(csv.DictReader(DATA.read_text(encoding="utf-8").splitlines()))
    return {name: [Decimal(row[name]) for row in rows] for name in ("high", "low", "close")}


def _random(seed: int) -> Columns:
    """A walk of 60 to 400 bars in whole cents; every third one moves on half of the bars only."""
    source = np.random.default_rng(seed)
    steps = source.normal(0, source.uniform(0.001, 0.05), source.integers(60, 401))
    if seed % 3 == 0:
        steps *= source.integers(0, 2, len(steps))
    closes = np.maximum(source.uniform(1, 1000) * np.exp(np.cumsum(steps)), 0.01)
    above, below = source.uniform(1, 1.02, (2, len(closes)))
    high, low = closes * above, closes / below
    return {
        name: [Decimal(f"{value:.2f}") for value in values]
        for name, values in (("high", high), ("low", low), ("close", closes))
    }


@pytest.fixture(scope="module", params=["AAPL", "random"])
def series(request: pytest.FixtureRequest) -> list[Columns]:
    return [_apple()] if request.param == "AAPL" else [_random(seed) for seed in range(200)]


def _array(values: Sequence[Decimal]) -> np.ndarray:
    return np.array([float(value) for value in values])


def _line(values: Sequence[object], name: str) -> list[float | None]:
    return [None if value is None else getattr(value, name) for value in values]


def assert_agrees(ours: Sequence[float | None], theirs: np.ndarray, first: int) -> None:
    """Both start on bar `first` and lie within the tolerance from there on."""
    assert [value is None for value in ours] == [n < first for n in range(len(ours))]
    assert np.array_equal(np.isnan(theirs), np.arange(len(theirs)) < first)
    assert np.abs(np.array(ours[first:]) - theirs[first:]).max() <= TOLERANCE


@pytest.mark.parametrize("window", [2, 5, 20, 50])
def test_sma(series: list[Columns], window: int) -> None:
    for columns in series:
        expected = talib.SMA(_array(columns["close"]), window)
        assert_agrees(over(indicators.SMA(window), columns["close"]), expected, window - 1)


@pytest.mark.parametrize("window", [2, 12, 20])
def test_ema(series: list[Columns], window: int) -> None:
    for columns in series:
        expected = talib.EMA(_array(columns["close"]), window)
        assert_agrees(over(indicators.EMA(window), columns["close"]), expected, window - 1)


@pytest.mark.parametrize("window", [14, 30])
def test_rsi(series: list[Columns], window: int) -> None:
    for columns in series:
        expected = talib.RSI(_array(columns["close"]), window)
        assert_agrees(over(indicators.RSI(window), columns["close"]), expected, window)


@pytest.mark.parametrize("windows", [(12, 26, 9), (3, 10, 4)])
def test_macd(series: list[Columns], windows: tuple[int, int, int]) -> None:
    first = windows[1] + windows[2] - 2
    for columns in series:
        expected = talib.MACD(_array(columns["close"]), *windows)
        values = over(indicators.MACD(*windows), columns["close"])
        for name, theirs in zip(("macd", "signal", "histogram"), expected, strict=True):
            assert_agrees(_line(values, name), theirs, first)


@pytest.mark.parametrize(("window", "deviations"), [(20, 2.0), (10, 1.5)])
def test_bollinger(series: list[Columns], window: int, deviations: float) -> None:
    for columns in series:
        expected = talib.BBANDS(_array(columns["close"]), window, deviations, deviations)
        values = over(indicators.Bollinger(window, deviations), columns["close"])
        for name, theirs in zip(("upper", "middle", "lower"), expected, strict=True):
            assert_agrees(_line(values, name), theirs, window - 1)


@pytest.mark.parametrize("window", [5, 14])
def test_atr(series: list[Columns], window: int) -> None:
    for columns in series:
        bars = (columns["high"], columns["low"], columns["close"])
        expected = talib.ATR(*map(_array, bars), window)
        assert_agrees(over(indicators.ATR(window), zip(*bars, strict=True)), expected, window)


def test_flat_prices_have_no_rsi_where_talib_says_zero() -> None:
    flat = [Decimal("10.5")] * 20
    assert talib.RSI(_array(flat), 14)[14:].tolist() == [0.0] * 6
    assert over(indicators.RSI(14), flat) == [None] * 20
