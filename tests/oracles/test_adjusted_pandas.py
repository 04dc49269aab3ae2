"""Adjusted prices against pandas: AAPL's recorded days across its splits and dividends."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

from chalicelib.domain.bars import Bar
from tests.action_support import DIVIDENDS, SPLITS, aapl_actions, aapl_days, with_history
from tests.api_support import Client, FakeServices

PRICES = ["open", "high", "low", "close"]


def raw_frame(days: list[Bar]) -> pd.DataFrame:
    """The days as they were traded, as exact fractions."""
    rows = {
        bar.start[:10]: [Fraction(getattr(bar, name)) for name in (*PRICES, "volume")]
        for bar in days
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*PRICES, "volume"], dtype=object)


def factors(frame: pd.DataFrame, adjustment: str) -> tuple[pd.Series, pd.Series]:
    """The factors of prices and of volumes: of each day the product of those of later days."""
    splits, dividends = pd.Series(1, frame.index, object), pd.Series(1, frame.index, object)
    for day, ratio in SPLITS.items():
        new, old = map(int, ratio.split(":"))
        splits[day] = Fraction(new, old)
    for day, amount in DIVIDENDS.items():
        dividends[day] = 1 - Fraction(amount) / frame["close"].shift(1)[day]
    of_prices = 1 / splits if adjustment == "splits" else dividends / splits

    def of_later(each: pd.Series) -> pd.Series:
        return each[::-1].cumprod()[::-1].shift(-1, fill_value=1)

    return of_later(of_prices), of_later(splits)


@pytest.mark.parametrize("adjustment", ["splits", "all"])
def test_days_across_splits_are_what_pandas_makes_of_them(adjustment: str) -> None:
    services, days = FakeServices(), aapl_days()
    with_history(services, days, aapl_actions(days))
    answer = Client(services).get(f"/prices/AAPL?interval=1d&limit=5000&adjustment={adjustment}")
    assert (answer.json["adjustment"], len(answer.json["prices"])) == (adjustment, len(days))
    frame = raw_frame(days)
    prices, volumes = factors(frame, adjustment)
    for row in answer.json["prices"]:
        day = row["timestamp"][:10]
        for name in PRICES:
            exact = frame.loc[day, name] * prices[day]
            assert abs(Fraction(row[name]) - exact) <= Fraction(1, 2 * 10**8), (day, name)
        exact = frame.loc[day, "volume"] * volumes[day]
        assert abs(Fraction(row["volume"]) - exact) <= Fraction(1, 2 * 10**8)


def test_the_closes_around_a_split_fit_what_was_published() -> None:
    services, days = FakeServices(), aapl_days()
    with_history(services, days, aapl_actions(days))
    page = Client(services).get("/prices/AAPL?interval=1d&limit=5000&adjustment=splits").json
    closes = {row["timestamp"][:10]: float(row["close"]) for row in page["prices"]}
    yahoos = {"2014-06-06": 23.056071, "2014-06-09": 23.425, "2020-08-28": 124.807503}
    assert {day: closes[day] for day in yahoos} == pytest.approx(yahoos, abs=1e-5)


def test_averages_do_not_cross_at_a_split() -> None:
    services, days = FakeServices(), aapl_days()
    with_history(services, days, aapl_actions(days))
    path = "/indicators/AAPL?interval=1d&limit=5000&sma=2&adjustment=splits"
    found = Client(services).get(path).json["indicators"]
    rows = {row["timestamp"][:10]: row["sma_2"] for row in found}
    assert float(rows["2020-08-31"]) == pytest.approx((499.23 / 4 + 129.04) / 2)
    assert float(rows["2014-06-09"]) == pytest.approx((645.57 / 28 + 93.70 / 4) / 2)
