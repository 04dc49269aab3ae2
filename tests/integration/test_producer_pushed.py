"""Coinbase, Binance and Alpaca over real sockets: the command, and how it ends and says it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rigs.pushed_services.alpaca import KEY, SECRET, AlpacaProtocol
from rigs.pushed_services.binance import BinanceProtocol
from rigs.pushed_services.coinbase import CoinbaseProtocol
from rigs.pushed_services.server import StandIn, standing
from tests.patience import PATIENCE_SECONDS, eventually
from tests.producer_support.doubles import ROOT, environment, run_producer

KEYS = {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET}
SERVICES: dict[str, tuple[Any, str]] = {
    "coinbase": (lambda: CoinbaseProtocol(("BTC-USD",)), "BTC-USD"),
    "binance": (lambda: BinanceProtocol(("BTC-USDT",)), "BTC-USDT"),
    "alpaca": (AlpacaProtocol, "AAPL"),
}


class Running:
    """A producer's process: its lines of ticks and bars, and its messages."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self._pipes = process.stdout, process.stderr
        self._readers = [
            threading.Thread(target=_read, args=(pipe, into), daemon=True)
            for pipe, into in zip(self._pipes, (self.lines, self.told), strict=True)
        ]
        for reader in self._readers:
            reader.start()

    def stop(self) -> None:
        """End the process and read what it has said."""
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        for reader, pipe in zip(self._readers, self._pipes, strict=True):
            reader.join(PATIENCE_SECONDS)
            if pipe is not None:
                pipe.close()

    @property
    def ticks(self) -> list[dict[str, Any]]:
        """The ticks so far."""
        return [line for line in self.lines if "bar" not in line]

    @property
    def minutes(self) -> list[str]:
        """The starts of the historical minutes so far."""
        return [line["timestamp"] for line in self.lines if line.get("bar") == "1m"]


def _read(pipe: Any, into: list[dict[str, Any]]) -> None:
    into.extend(map(json.loads, pipe))


@contextmanager
def producing(name: str, service: StandIn, *more: str) -> Iterator[Running]:
    """`python -m producer stream` on a stand-in."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "producer", "stream", "--source", name, "--sink", "stdout"),
            *("--symbols", SERVICES[name][1], "--interval", "0.05", "--ignore-hours"),
            *("--live-url", service.stream_url, "--history-url", service.history_url, *more),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(**KEYS),
    )
    running = Running(process)
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("name", SERVICES)
def test_prices_come_live_after_a_kill_of_the_connection_and_with_their_history(name: str) -> None:
    make, symbol = SERVICES[name]
    now = datetime.now(UTC)
    with standing(make) as service:
        for minutes in range(10, 2, -1):
            service.market.trade(symbol, now - timedelta(minutes=minutes))
        with producing(name, service) as running:
            eventually(lambda: service.subscribed == {symbol})
            first = service.trade(symbol)
            eventually(lambda: len(running.ticks) == 1, lambda: running.told)
            service.garbage()
            service.abort()
            eventually(lambda: service.connections == 2 and service.subscribed)
            second = service.trade(symbol)
            eventually(lambda: len(running.ticks) == 2, lambda: running.told)
            eventually(lambda: len(running.minutes) >= 8, lambda: running.told)
            command = Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
        assert running.process.returncode == 0
    tick = running.ticks[0]
    assert [str(one["price"]) for one in running.ticks] == [
        f"{trade.price.normalize():f}" for trade in (first, second)
    ]
    assert (tick["symbol"], tick["source"], tick["mode"]) == (symbol, name, "live")
    assert tick["timestamp"] == first.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert len(set(running.minutes)) == len(running.minutes)
    assert SECRET.encode() not in command
    assert SECRET not in json.dumps(running.told)
    problems = [line["message"] for line in running.told if line["event"] == "problem"]
    assert any("was lost" in problem for problem in problems)
    last = [line for line in running.told if line["event"] == "status"][-1]
    assert sum(last["dropped"].values()) == 1
    assert last["gaps"]["filled_minutes"] > 0


def test_wrong_keys_end_the_command_with_a_sentence_that_does_not_show_them() -> None:
    with standing(AlpacaProtocol) as service:
        done = run_producer(
            *("stream", "--source", "alpaca", "--sink", "stdout", "--symbols", "AAPL"),
            *("--live-url", service.stream_url, "--history-url", service.history_url),
            **{**KEYS, "APCA_API_SECRET_KEY": "wrong-secret"},
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "python -m producer: Alpaca refuses: 402: auth failed "
        "(see APCA_API_KEY_ID and APCA_API_SECRET_KEY)"
    )
    assert "wrong-secret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (("--symbols", "BTC-USD,^GSPC"), KEYS, "--symbols: Alpaca has none of these"),
        ((), {}, "the environment has no APCA_API_KEY_ID and no APCA_API_SECRET_KEY"),
        (("--live-url", "ws://stream.example"), KEYS, "keys are sent over wss and https only"),
        (("--history-url", "http://data.example"), KEYS, "keys are sent over wss and https only"),
        (("--history-url", "ftp://127.0.0.1/"), KEYS, "keys are sent over wss and https only"),
        (
            ("--history-url", r"http://data.example\@127.0.0.1/"),
            KEYS,
            "keys are sent over wss and https only",
        ),
    ],
)
def test_keys_that_are_missing_or_would_travel_unencrypted_are_refused(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from producer.cli import main

    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, name, value)
    assert main(["stream", "--source", "alpaca", "--sink", "stdout", *arguments]) == 2
    assert told in capsys.readouterr().err
