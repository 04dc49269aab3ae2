"""Own files as history: a system that begins with `--history`, against pandas over the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import numpy as np
import pandas as pd
import pytest

from rigs.running_system import System, running_system
from tests.e2e.test_main_job import eventually

DAYS = pd.bdate_range("2024-03-05", periods=6)  # summer time begins on the 10th
NAMES = ["open", "high", "low", "close", "volume"]


def minutes(seed: int) -> pd.DataFrame:
    """Bars of every regular minute of six days, with exact decimals."""
    rng = np.random.default_rng(seed)
    starts = [day + pd.Timedelta(minutes=570 + n) for day in DAYS for n in range(390)]
    closes = (100_000 + rng.integers(-30, 31, len(starts)).cumsum()) / 1000
    opens = np.concatenate([[100.0], closes[:-1]])
    frame = pd.DataFrame(
        {
            "Open": opens,
            "High": np.maximum(opens, closes) + rng.integers(0, 9, len(starts)) / 1000,
            "Low": np.minimum(opens, closes) - rng.integers(0, 9, len(starts)) / 1000,
            "Close": closes,
            "Volume": rng.integers(0, 10_000, len(starts)),
        },
        index=pd.DatetimeIndex(starts, name="Datetime").tz_localize("America/New_York"),
    )
    return frame.round(3)


def resampled(frame: pd.DataFrame, rule: str, **how: Any) -> pd.DataFrame:
    """pandas' own bars, empty ones left out."""
    folded = frame.resample(rule, **how).agg(
        {"Open": "first", "High": "max", "Low": "min", "Close": "last", "Volume": "sum"}
    )
    return folded.dropna()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AAPL in minutes as yfinance gives them, and DAILY in days as Stooq does."""
    folder = tmp_path_factory.mktemp("files")
    minutes(1).to_csv(folder / "AAPL.csv")
    days = resampled(minutes(2), "1D")
    days.index = days.index.tz_localize(None).rename("Date")
    days.to_csv(folder / "daily.us.txt")
    return folder


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    """A running system that takes both before the simulator begins, all history stored."""
    arguments = ["--history", str(folder), "--source", "simulator", "--symbols", "ARBORO"]
    with running_system(*arguments) as system:
        eventually(lambda: len(rows(system, "AAPL", "1d")), lambda count: count == len(DAYS))
        eventually(lambda: len(rows(system, "DAILY", "1d")), lambda count: count == len(DAYS))
        yield system


def rows(system: System, symbol: str, interval: str) -> list[dict[str, Any]]:
    """All bars of a symbol; none while nothing has come."""
    try:
        answer = system.get(f"/prices/{symbol}?interval={interval}&limit=5000")
    except HTTPError as error:
        if error.code == 404:
            return []
        raise
    found: list[dict[str, Any]] = answer["prices"]
    return found


def same(answered: list[dict[str, Any]], frame: pd.DataFrame) -> bool:
    """Return whether bars equal those of a frame exactly; its index has their starts."""
    stamps = [f"{start.tz_convert('UTC'):%Y-%m-%dT%H:%M:%S.%fZ}" for start in frame.index]
    mine = [(bar["timestamp"], *(bar[name] for name in NAMES)) for bar in answered]
    theirs = list(zip(stamps, *(frame[name.title()] for name in NAMES), strict=True))
    return mine == theirs


@pytest.mark.parametrize(
    ("interval", "rule", "offset"),
    [("1m", "1min", None), ("5m", "5min", None), ("30m", "30min", None), ("1h", "1h", "30min")],
)
def test_imported_minutes_answer_as_pandas_folds_them(
    system: System, interval: str, rule: str, offset: str | None
) -> None:
    assert same(rows(system, "AAPL", interval), resampled(minutes(1), rule, offset=offset))


@pytest.mark.parametrize(("symbol", "seed"), [("AAPL", 1), ("DAILY", 2)])
def test_imported_days_answer_as_pandas_has_them(system: System, symbol: str, seed: int) -> None:
    days = resampled(minutes(seed), "1D")
    days.index = days.index.tz_localize(None).tz_localize("UTC")
    assert same(rows(system, symbol, "1d"), days)


def test_history_alerts_nobody_and_the_source_goes_on_after_it(system: System) -> None:
    ticks = eventually(lambda: len(rows(system, "ARBORO", "tick")), bool)
    assert ticks > 0
    everything = "start=2024-01-01&end=2024-12-31"
    for symbol in ("AAPL", "DAILY"):
        alerts = system.get(f"/alerts?symbol={symbol}&{everything}")["alerts"]
        assert alerts == []
    assert "AAPL.csv: 2,340 rows of 1m bars of AAPL" in system.log.read_text()
    assert "daily.us.txt: 6 rows of 1d bars of DAILY" in system.log.read_text()
