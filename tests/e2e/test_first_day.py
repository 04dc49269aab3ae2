"""A data engineer's first day: own files, made by pandas and in yfinance's forms, taken through one
system by the commands of the documentation, in the order of a day. Each step is a test; later
ones count on what earlier ones stored.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest

from rigs.running_system import ROOT, System, running_system
from tests.local_support.system import local_system
from tests.oracles.crosses import crosses
from tests.patience import PATIENCE_SECONDS, eventually

PRICES = ["open", "high", "low", "close"]
SYMBOLS = [f"S{number:02d}" for number in range(30)]
DAYS = pd.bdate_range("2021-01-04", periods=506)
MINUTES = pd.bdate_range("2024-03-07", periods=2)
SWINGS = pd.bdate_range("2019-01-07", periods=50)


def walk(seed: int, length: int, step: int) -> pd.DataFrame:
    """Bars that touch, in whole cents."""
    dice = np.random.default_rng(seed)
    closes = (20_000 + dice.integers(-step, step + 1, length).cumsum()).clip(500) / 100
    opens = np.concatenate([[200.0], closes[:-1]])
    highs = np.maximum(opens, closes) + dice.integers(0, 50, length) / 100
    lows = np.minimum(opens, closes) - dice.integers(0, 50, length) / 100
    volumes = dice.integers(1, 10**6, length)
    table = {"Open": opens, "High": highs, "Low": lows, "Close": closes, "Volume": volumes}
    return pd.DataFrame(table).round(2)


def minutes() -> pd.DataFrame:
    """781 bars of a minute, as pandas has them: two sessions and the first minute of a third."""
    starts = [day + pd.Timedelta(minutes=570 + n) for day in MINUTES for n in range(390)]
    starts.append(MINUTES[-1] + pd.Timedelta(days=3, minutes=570))
    index = pd.DatetimeIndex(starts, name="Datetime").tz_localize("America/New_York")
    return walk(100, len(starts), 20).set_index(index)


def portfolio() -> dict[str, pd.DataFrame]:
    """Thirty symbols by day; the last began a year later, as some do."""
    frames = {
        symbol: walk(seed, len(DAYS), 300).set_index(DAYS.rename("Date"))
        for seed, symbol in enumerate(SYMBOLS)
    }
    frames[SYMBOLS[-1]] = frames[SYMBOLS[-1]].iloc[250:]
    return frames


def swings() -> pd.DataFrame:
    """Days of which averages cross often."""
    return walk(20, len(SWINGS), 900).set_index(SWINGS.rename("Date"))


class Desk:
    """The engineer's folder and terminal, beside a running system."""

    def __init__(self, folder: Path, system: System) -> None:
        self.folder = folder
        self.system = system

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command with the environment that docs/local.md names: AWS_REGION, not the other."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=kept
            | {
                "AWS_ENDPOINT_URL": self.system.aws,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": self.system.keys.access_key,
                "AWS_SECRET_ACCESS_KEY": self.system.keys.secret_key,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def produced(self, *command: str) -> str:
        """Return the output of a producer into the system's stream, which has to succeed."""
        ended = self.run("producer", *command, "--stream", "ticktape-local-ticks")
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    def table(self, path: str) -> pd.DataFrame:
        """A CSV of the API in pandas, by the line of docs/examples.md; empty before any price."""
        try:
            return pd.read_csv(self.system.api + path, parse_dates=["timestamp"])
        except HTTPError as error:
            if error.code == 404:
                return pd.DataFrame()
            raise

    def alerts(self, symbol: str) -> list[dict[str, Any]]:
        """Crosses of a symbol, oldest first."""
        found = self.system.get(f"/alerts?symbol={symbol}&start=2019-01-01&limit=1000")["alerts"]
        found.sort(key=lambda alert: alert["timestamp"])
        return [alert for alert in found if alert["condition"].endswith("_cross")]

    def compacted(self) -> str:
        """Return the output of a finished compaction; the system's own may hold the lease first."""

        def attempt() -> str:
            ended = self.run("local", "compact", "--api", self.system.api)
            assert ended.returncode == 0 or "another run holds the lease" in ended.stderr, (
                ended.stderr
            )
            return ended.stdout

        return eventually(attempt)

    def query(self, statement: str) -> str:
        """The first value of a statement."""
        ended = self.run("local", "sql", statement, "--api", self.system.api)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()[1]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("own")
    history = folder / "history"
    history.mkdir()
    minutes().to_csv(history / "AAPL.csv")
    wide = pd.concat(portfolio(), axis=1, names=["Ticker", "Price"]).swaplevel(axis=1)
    wide.sort_index(axis=1).to_csv(history / "download.csv")
    swings().to_csv(folder / "KO.csv")
    swings().to_csv(folder / "PEP.csv")
    with running_system("--source", "none", "--alerts", "every-tick") as system:
        yield Desk(folder, system)
        system.process.send_signal(2)
        assert system.process.wait(PATIENCE_SECONDS) == 0
        said = system.log.read_text()
        assert [
            line for line in said.splitlines() if "Traceback" in line or "pool is" in line
        ] == []


def test_a_folder_of_files_becomes_history_by_one_command(desk: Desk) -> None:
    said = desk.produced("backfill", "--file", str(desk.folder / "history"))
    assert "AAPL.csv: 781 rows of 1m bars of AAPL" in said
    rows = sum(map(len, portfolio().values()))
    assert f"download.csv: {rows:,} rows of 1d bars of S00, S01" in said


def test_every_day_of_every_symbol_is_in_one_table(desk: Desk) -> None:
    wanted = portfolio()
    path = f"/prices?symbols={','.join(SYMBOLS)}&interval=1d&start=2021-01-01&format=csv"
    rows = sum(map(len, wanted.values()))
    assert eventually(lambda: len(desk.table(path)) == rows)
    for symbol, frame in desk.table(path).groupby("symbol"):
        expected = wanted[str(symbol)]
        assert frame["timestamp"].dt.tz_localize(None).tolist() == expected.index.tolist()
        for name in (*PRICES, "volume"):
            assert frame[name].tolist() == expected[name.title()].tolist()


def test_minutes_have_their_own_highs_and_volumes_and_the_day_has_their_sum(desk: Desk) -> None:
    frame = minutes()
    path = "/prices/AAPL?interval={}&start=2024-03-01&format=csv"
    assert eventually(lambda: len(desk.table(path.format("1m"))) == len(frame))
    stored = desk.table(path.format("1m"))
    for name in (*PRICES, "volume"):
        assert stored[name].tolist() == frame[name.title()].tolist()
    days = desk.table(path.format("1d"))
    by_day = frame.groupby(frame.index.date)
    assert days["volume"].tolist() == by_day["Volume"].sum().tolist()
    assert days["high"].tolist() == by_day["High"].max().tolist()


def test_a_replayed_file_alerts_nobody_until_it_is_asked_to(desk: Desk) -> None:
    closes = [f"{close:.2f}" for close in swings()["Close"]]
    wanted = [cross.kind for cross in crosses(closes, 5, 20)]
    assert len(wanted) >= 4
    desk.produced("replay", str(desk.folder / "KO.csv"), "--symbols", "KO")
    desk.produced("replay", str(desk.folder / "PEP.csv"), "--symbols", "PEP", "--alerts")
    both = ("KO", "PEP")
    assert eventually(lambda: [len(desk.alerts(symbol)) for symbol in both] == [len(wanted)] * 2)
    for symbol in both:
        assert [alert["condition"] for alert in desk.alerts(symbol)] == wanted
    assert eventually(lambda: all(alert["notified_at"] for alert in desk.alerts("PEP")))
    assert [alert["notified_at"] for alert in desk.alerts("KO")] == [None] * len(wanted)
    assert eventually(lambda: desk.system.get("/health")["detect_lag_seconds"] == 0)


def test_ticks_of_another_source_are_refused_until_the_symbol_is_forgotten(
    desk: Desk,
) -> None:
    live = {"symbol": "KO", "price": 61.5, "timestamp": "2026-11-20T15:30:00Z", "source": "mine"}
    line = desk.folder / "live.ndjson"
    line.write_text(json.dumps(live) + "\n")

    def entry() -> dict[str, Any]:
        listed = desk.system.get("/symbols")["symbols"]
        return next((one for one in listed if one["symbol"] == "KO"), {})

    desk.produced("replay", str(line))
    assert eventually(lambda: "mine" in (entry().get("problem") or ""))
    forgotten = desk.run("local", "forget", "KO", "--api", desk.system.api)
    assert forgotten.returncode == 0, forgotten.stderr
    desk.produced("replay", str(line))
    latest = "/prices/KO?interval=tick&start=2026-11-20&format=csv"
    assert eventually(lambda: len(desk.table(latest)) == 1)
    assert desk.table(latest)["price"].tolist() == [61.5]


def test_compaction_does_each_day_once_and_sql_and_reports_have_everything(desk: Desk) -> None:
    bars = sum(map(len, portfolio().values())) + 3  # AAPL's days
    desk.compacted()
    assert desk.compacted().startswith("compacted 0 days")
    ticks = 2 * len(SWINGS) + 1
    assert desk.query("SELECT count(*) FROM all_ticks") == str(ticks)
    assert desk.query("SELECT count(*) FROM bars_1d WHERE symbol <> 'AAPL'") == str(bars - 3)
    token = {"Authorization": f"Bearer {desk.system.token}", "Content-Type": "application/json"}
    asked = {"parameters": {"symbol": "S00", "start": "2021-01-01", "end": "2024-01-01"}}
    request = Request(
        f"{desk.system.api}/reports/volatility", json.dumps(asked).encode(), headers=token
    )
    with urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        run = json.load(answer)["run_id"]
    path = f"/reports/runs/{run}"
    assert eventually(lambda: desk.system.get(path)["state"] == "succeeded")
    with urlopen(f"{desk.system.api}{path}?format=csv", timeout=PATIENCE_SECONDS) as answer:
        assert len(pd.read_csv(io.BytesIO(answer.read()))) == len(DAYS)


def test_commands_need_a_choice_between_two_systems(desk: Desk) -> None:
    with local_system("--source", "none", "--data", "none", "--no-page") as other:
        other.ready()
        ended = desk.run("local", "sql", "SELECT 1")
        assert ended.returncode == 2
        for port in (desk.system.api.rsplit(":", 1)[1], str(other.api_port)):
            assert port in ended.stderr
        assert "choose one with --api URL or --data DIR" in ended.stderr
        assert desk.query("SELECT 1") == "1"
