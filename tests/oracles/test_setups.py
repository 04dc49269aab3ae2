"""The page's twenty set-ups on AAPL's recorded days, against TA-Lib and pandas, and against cases
worked by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import talib

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import Watch
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.when.leaf_values import leaf_value
from chalicelib.domain.when.nodes import leaves_of
from chalicelib.domain.when.reading import read_text, tree_of
from chalicelib.domain.when.writing import leaf_text
from chalicelib.services.rules.preview import Preview
from chalicelib.services.stores import Stores
from tests.factories import NEVER, decimal
from tests.fakes import fake_stores

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "aapl-daily-2015-2017.csv"
WORKED = list(csv.DictReader((ROOT / "tests/data/aapl-setups.csv").read_text().splitlines()))
SHOWN = Watch((), 5, 20)
EVER = ("AAPL", None, None)
SETUPS = {one["name"]: one for one in json.loads((ROOT / "frontend" / "setups.json").read_text())}


@pytest.fixture(scope="module")
def stores() -> Stores:
    """The recorded days as history."""
    made = fake_stores()
    names = ("open", "high", "low", "close", "volume")
    bars = [
        Bar(
            symbol="AAPL",
            interval="1d",
            start=f"{row['date'][:10]}T00:00:00.000000Z",
            session_date=row["date"][:10],
            **{name: decimal(row[name]) for name in names},  # type: ignore[arg-type]
        )
        for row in csv.DictReader(DATA.read_text(encoding="utf-8").splitlines())
    ]
    made.bars.write_history(bars, "2026-11-20T00:00:00.000000Z", NEVER)
    return made


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    found = pd.read_csv(DATA)
    return found.set_index(found.date.str[:10])


def _line(function: Callable[..., Any], frame: pd.DataFrame, *rest: Any) -> pd.Series:
    return pd.Series(function(frame.close.to_numpy(dtype=float), *rest), frame.index)


def _sma(frame: pd.DataFrame, window: int) -> pd.Series:
    return frame.close.rolling(window).mean()


def _up(one: pd.Series, other: pd.Series | float) -> pd.Series:
    before = other.shift() if isinstance(other, pd.Series) else other
    return (one > other) & (one.shift() <= before)


def _down(one: pd.Series, other: pd.Series | float) -> pd.Series:
    return _up(-one, -other)


def _high(frame: pd.DataFrame, window: int) -> pd.Series:
    return frame.high.rolling(window).max()


def _loud(frame: pd.DataFrame, times: float) -> pd.Series:
    return frame.volume > times * frame.volume.rolling(20).mean()


def _band(frame: pd.DataFrame, deviations: float) -> pd.Series:
    return _sma(frame, 20) + deviations * frame.close.rolling(20).std(ddof=0)


def _squeeze(frame: pd.DataFrame) -> pd.Series:
    arrays = (frame[name].to_numpy(dtype=float) for name in ("high", "low", "close"))
    reach = 1.5 * pd.Series(talib.ATR(*arrays, 20), frame.index)
    middle = _line(talib.EMA, frame, 20)
    return (_band(frame, 2) < middle + reach) & (_band(frame, -2) > middle - reach)


def _macd(frame: pd.DataFrame) -> list[pd.Series]:
    lines = talib.MACD(frame.close.to_numpy(dtype=float), 12, 26, 9)
    return [pd.Series(line, frame.index) for line in lines]


HOLDS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "Golden cross 50/200": lambda f: _up(_sma(f, 50), _sma(f, 200)),
    "Death cross 50/200": lambda f: _down(_sma(f, 50), _sma(f, 200)),
    "Above the 50-day average": lambda f: _up(f.close, _sma(f, 50)),
    "Below the 200-day average": lambda f: _down(f.close, _sma(f, 200)),
    "Oversold bounce": lambda f: _up(_line(talib.RSI, f, 14), 30),
    "Overbought": lambda f: _up(_line(talib.RSI, f, 14), 70),
    "Dip in an uptrend": lambda f: (_line(talib.RSI, f, 2) < 10) & (f.close > _sma(f, 200)),
    "Breakout of 20 days": lambda f: f.close > _high(f, 20).shift(),
    "Breakdown of 20 days": lambda f: f.close < f.low.rolling(20).min().shift(),
    "Breakout on volume": lambda f: (f.close > _high(f, 20).shift()) & _loud(f, 1.5),
    "52-week high": lambda f: f.close > _high(f, 252).shift(),
    "Ten percent below the high": lambda f: _down(100 * (f.close / _high(f, 252) - 1), -10.0),
    "Squeeze": _squeeze,
    "Out of the bands": lambda f: _up(f.close, _band(f, 2)),
    "Back into the bands": lambda f: _up(f.close, _band(f, -2)),
    "MACD turns up": lambda f: _up(_macd(f)[2], 0),
    "MACD turns up from below": lambda f: _up(_macd(f)[0], _macd(f)[1]) & (_macd(f)[0] < 0),
    "Gap and go": lambda f: (
        (100 * (f.open / f.close.shift() - 1) > 1) & (f.close > f.open) & _loud(f, 1)
    ),
    "Three higher closes": lambda f: (f.close.diff() > 0).rolling(3).sum() == 3,
    "Pullback to the 20-day average": lambda f: (
        _down(f.close, _line(talib.EMA, f, 20)) & (_sma(f, 50) > _sma(f, 50).shift(10))
    ),
}


def _rule(name: str) -> Rule:
    setup = SETUPS[name]
    given = {"symbol": "AAPL", "interval": setup["interval"], "when": setup["when"]}
    return parse_rule(given, "r1")


def test_there_are_twenty_set_ups_each_with_an_oracle() -> None:
    assert len(SETUPS) == 20
    assert set(SETUPS) == set(HOLDS)
    assert all(set(one) == {"name", "about", "interval", "when"} for one in SETUPS.values())


@pytest.mark.parametrize("name", SETUPS)
def test_a_set_up_fires_when_its_oracle_begins_to_hold(
    stores: Stores, days: pd.DataFrame, name: str
) -> None:
    found = Preview(stores, SHOWN)(_rule(name), *EVER)
    holds = HOLDS[name](days).astype(bool)
    begins = holds & ~holds.shift(fill_value=False)
    assert [alert.timestamp[:10] for alert in found.alerts] == list(days.index[begins])
    assert 0 < len(found.alerts) < 60 or name in ("Golden cross 50/200", "Death cross 50/200")


@pytest.mark.parametrize("name", SETUPS)
def test_a_set_up_fires_on_the_day_that_was_worked_by_hand(stores: Stores, name: str) -> None:
    """Both days of the case have the values that were worked from their definitions."""
    case = [row for row in WORKED if row["setup"] == name]
    rule = _rule(name)
    fires = [alert.timestamp[:10] for alert in Preview(stores, SHOWN)(rule, *EVER).alerts]
    before, day = sorted({row["date"] for row in case})
    assert ((before in fires), (day in fires)) == (False, name != "Death cross 50/200")
    leaves = {leaf_text(leaf): leaf for leaf in leaves_of(tree_of(rule.when or ""))}
    assert {row["value"] for row in case} >= set(leaves)
    for row in case:
        leaf = leaves.get(row["value"]) or leaves_of(read_text(f"{row['value']} > 0"))[0]
        value = leaf_value(leaf)
        bars = stores.bars.bars("AAPL", "1d", None, f"{row['date']}T23:59:59.000000Z", limit=600)
        found = [value(bar) for bar in bars.rows][-1]
        assert float(found or 0) == pytest.approx(float(row["figure"]), abs=6e-5)
