"""GET /indicators against TA-Lib over the whole recording, whatever part of it is asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import talib

from tests.api_support import Client, FakeServices, aapl_ticks, fill, make_ticks, walk

QUERY = "sma=5,20&ema=12&rsi=14&macd=12,26,9&bbands=20,2&atr=14"


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    fill(services, make_ticks(600))
    return Client(services)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    ticks = aapl_ticks()
    close = np.array([float(tick.price) for tick in ticks])
    high = np.array([float(tick.high or 0) for tick in ticks])
    low = np.array([float(tick.low or 0) for tick in ticks])
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    return {
        "sma_5": talib.SMA(close, 5),
        "sma_20": talib.SMA(close, 20),
        "ema_12": talib.EMA(close, 12),
        "rsi_14": talib.RSI(close, 14),
        "macd_12_26_9": macd,
        "macd_signal_12_26_9": signal,
        "macd_histogram_12_26_9": histogram,
        "bbands_upper_20_2": upper,
        "bbands_middle_20_2": middle,
        "bbands_lower_20_2": lower,
        "atr_14": talib.ATR(high, low, close, 14),
    }


def _compare(rows: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    days = [tick.timestamp[:10] for tick in aapl_ticks()]
    for row in rows:
        at = days.index(row["timestamp"][:10])
        for name, values in expected.items():
            want = float(values[at])
            if math.isnan(want):
                assert row[name] is None, (name, at)
            else:
                assert float(row[name]) == pytest.approx(want, abs=2e-8), (name, at)


def test_the_whole_series_is_talibs(client: Client, expected: dict[str, Any]) -> None:
    rows = client.get(f"/indicators/AAPL?{QUERY}&interval=1d&limit=5000").json["indicators"]
    assert len(rows) == 506
    assert list(rows[0]) == ["timestamp", *expected]
    _compare(rows, expected)


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_a_part_has_the_values_of_the_whole(
    client: Client, expected: dict[str, Any], sort: str
) -> None:
    query = f"/indicators/AAPL?{QUERY}&interval=1d&start=2016-05-02&end=2016-07-01&sort={sort}"
    rows = client.get(query).json["indicators"]
    assert len(rows) == 43
    _compare(rows, expected)


def test_pages_have_the_values_of_the_whole(client: Client) -> None:
    query = f"/indicators/AAPL?{QUERY}&interval=1d"
    whole = client.get(f"{query}&limit=5000").json["indicators"]
    assert list(walk(client, f"{query}&limit=60", "indicators")) == whole


def test_ticks_have_averages_too(client: Client, expected: dict[str, Any]) -> None:
    rows = client.get("/indicators/AAPL?sma=5,20&rsi=14&interval=tick&limit=5000").json
    names = ("sma_5", "sma_20", "rsi_14")
    _compare(rows["indicators"], {name: expected[name] for name in names})


def test_vwap_restarts_with_each_session(client: Client) -> None:
    bars = client.get("/prices/TEST?interval=5m&limit=5000").json["prices"]
    path = "/indicators/TEST?vwap=session&interval=5m&start=2026-11-20T12:00:00Z"
    rows = client.get(path).json["indicators"]
    typical = [(bar["high"] + bar["low"] + bar["close"]) / 3 * bar["volume"] for bar in bars]
    for row in rows:
        at = [bar["timestamp"] for bar in bars].index(row["timestamp"]) + 1
        want = sum(typical[:at]) / sum(bar["volume"] for bar in bars[:at])
        assert float(row["vwap"]) == pytest.approx(float(want), abs=2e-8)


def test_csv_has_one_column_a_value(client: Client) -> None:
    answer = client.get("/indicators/AAPL?bbands=20,2.5&interval=1d&format=csv&limit=25")
    assert answer.body.splitlines()[0] == (
        b"timestamp,bbands_upper_20_2.5,bbands_middle_20_2.5,bbands_lower_20_2.5"
    )
    assert answer.rows[18]["bbands_upper_20_2.5"] == ""
    assert float(answer.rows[19]["bbands_upper_20_2.5"]) > 128
