"""Indicators by hand, at their edges, and bar by bar against whole series."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import indicators
from tests.indicator_series import over

PRICES = st.decimals(min_value="0.01", max_value="99999", places=2)


def test_sma_by_hand() -> None:
    assert over(indicators.SMA(3), [1.0, 2.0, 6.0, 4.0]) == [None, None, 3.0, 4.0]


def test_ema_by_hand_is_seeded_with_the_mean() -> None:
    assert over(indicators.EMA(3), [1.0, 2.0, 6.0, 5.0, 4.0]) == [None, None, 3.0, 4.0, 4.0]


def test_rsi_by_hand() -> None:
    # changes +1 -1 | +2: gains 0.5 then 1.25, losses 0.5 then 0.25
    result = over(indicators.RSI(2), [10.0, 11.0, 10.0, 12.0])
    assert result[:2] == [None, None]
    assert result[2:] == pytest.approx([50, 100 * 1.25 / 1.5])


def test_rsi_of_rising_prices_is_100_and_of_falling_ones_0() -> None:
    assert over(indicators.RSI(2), [1.0, 2.0, 3.0])[-1] == 100
    assert over(indicators.RSI(2), [3.0, 2.0, 1.0])[-1] == 0


def test_rsi_starts_when_flat_prices_move() -> None:
    assert over(indicators.RSI(2), [5.0, 5.0, 5.0, 6.0]) == [None, None, None, 100.0]


def test_the_fast_average_of_macd_is_seeded_on_the_slow_one_s_last_bars() -> None:
    # EMA(1) is the price itself, SMA-seeded EMA(2) on bars 0..1 is 1.5, then 1.5 + (4 - 1.5) * 2/3
    values = over(indicators.MACD(fast=1, slow=2, signal=1), [1.0, 2.0, 4.0])
    assert values[0] is None
    assert [value.macd for value in values if value] == pytest.approx([0.5, 4 - 19 / 6])
    assert [value.histogram for value in values if value] == [0, 0]


@given(prices=st.lists(PRICES, min_size=1, max_size=40), window=st.integers(1, 10))
def test_an_average_is_the_float_nearest_to_the_exact_one(
    prices: list[Decimal], window: int
) -> None:
    for end, mean in enumerate(over(indicators.SMA(window), prices), 1):
        if mean is not None:
            assert mean == float(sum(map(Fraction, prices[end - window : end])) / window)


class Unread(deque[int]):
    """A window that nothing may read as a whole."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("the whole window is read")


@pytest.mark.parametrize("name", ["SMA", "Bollinger"])
def test_a_further_price_does_not_read_the_window_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"chalicelib.domain.indicators.{name.lower()}")
    prices, made = [Decimal(n) for n in range(30)], getattr(indicators, name)
    expected = over(made(7), prices)
    monkeypatch.setattr(module, "deque", Unread)
    assert over(made(7), prices) == expected


def test_bollinger_uses_the_population_deviation() -> None:
    last = over(indicators.Bollinger(8), [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])[-1]
    assert last == indicators.Bands(upper=9.0, middle=5.0, lower=1.0)


def test_bollinger_bands_of_flat_prices_meet() -> None:
    last = over(indicators.Bollinger(), [0.1] * 20)[-1]
    assert last == indicators.Bands(0.1, 0.1, 0.1)


def test_atr_takes_the_gap_from_the_close_before() -> None:
    bars = [(10.0, 9.0, 9.5), (12.0, 11.0, 11.5), (11.0, 8.0, 8.0)]
    assert over(indicators.ATR(2), bars) == [None, None, (2.5 + 3.5) / 2]


def test_vwap_restarts_with_each_session() -> None:
    bars: list[tuple[float, float, float, float | None, str]] = [
        (11.0, 9.0, 10.0, 0.0, "2026-11-19"),
        (11.0, 9.0, 10.0, 100.0, "2026-11-19"),
        (21.0, 19.0, 20.0, 300.0, "2026-11-19"),
        (99.0, 99.0, 99.0, None, "2026-11-19"),
        (31.0, 29.0, 30.0, 5.0, "2026-11-20"),
    ]
    assert over(indicators.VWAP(), bars) == [None, 10.0, 17.5, 17.5, 30.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: indicators.SMA(0), "window is 0"),
        (lambda: indicators.EMA(-1), "window is -1"),
        (lambda: indicators.RSI(0), "window is 0"),
        (lambda: indicators.ATR(0), "window is 0"),
        (lambda: indicators.Bollinger(0), "window is 0"),
        (lambda: indicators.MACD(0, 26, 9), "fast is 0"),
        (lambda: indicators.MACD(12, 26, 0), "signal is 0"),
        (lambda: indicators.MACD(26, 26, 9), "fast must be below slow"),
    ],
)
def test_a_window_without_sense_is_refused_by_name(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


PRICE_INDICATORS: list[Callable[[], Any]] = [
    lambda: indicators.SMA(5),
    lambda: indicators.EMA(5),
    lambda: indicators.RSI(5),
    lambda: indicators.MACD(3, 6, 4),
    lambda: indicators.Bollinger(5),
]


@given(prices=st.lists(PRICES, min_size=1, max_size=60))
def test_the_first_value_comes_after_the_lookback(prices: list[Decimal]) -> None:
    for make in PRICE_INDICATORS:
        indicator = make()
        values = [indicator.update(price) for price in prices]
        assert all(value is None for value in values[: indicator.lookback])
        if not isinstance(indicator, indicators.RSI):
            assert all(value is not None for value in values[indicator.lookback :])


@given(prices=st.lists(PRICES, min_size=5, max_size=60))
def test_values_stay_where_their_definitions_keep_them(prices: list[Decimal]) -> None:
    lowest, highest = float(min(prices)), float(max(prices))
    for value in over(indicators.SMA(5), prices)[4:]:
        assert value is not None
        assert lowest - 1e-9 <= value <= highest + 1e-9
    for strength in over(indicators.RSI(5), prices):
        assert strength is None or 0 <= strength <= 100
    for bands in over(indicators.Bollinger(5), prices)[4:]:
        assert bands is not None
        assert bands.lower <= bands.middle <= bands.upper
