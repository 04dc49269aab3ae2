"""Polls through the real yfinance: proxy, TLS, cookie, crumb, curl and parsing are all its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS, eventually
from tests.producer_support.doubles import ROOT, environment, run_producer
from tests.producer_support.yahoo import Answer, StandIn, chart, failure, meta

NOT_FOUND = failure(404, "Not Found", "No data found, symbol may be delisted")
_AAPL = [
    "--source",
    "yfinance",
    "--symbols",
    "AAPL",
    "--interval",
    "1",
    "--ignore-hours",
    "--sink",
    "stdout",
]
TOO_MANY = (429, "Too Many Requests")
_ZERO = "price not above 0"
_PUT_OFF = [
    f"NOPE: Yahoo knows no such symbol; it is asked again in {seconds} s"
    for seconds in (0.3, 0.6, 1.2)
]
_TIMED_OUT = "SLOW: no price: no answer in time"


@pytest.fixture
def yahoo(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path) as stand_in:
        yield stand_in


class Driver:
    """The lines that a polling process writes, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(json.loads(line))

    def end(self) -> None:
        self._process.terminate()
        self._reader.join(PATIENCE_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(PATIENCE_SECONDS)

    def ticks(self, symbol: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if line.get("symbol") == symbol]

    def problems(self) -> set[str]:
        return {line["problem"] for line in list(self.lines) if "problem" in line}

    def dropped(self) -> dict[str, int]:
        """Return the number of ticks dropped so far, by reason."""
        told = (line["dropped"] for line in reversed(list(self.lines)) if "dropped" in line)
        return next(told, {})

    def states(self) -> list[str]:
        return [line["state"] for line in list(self.lines) if "state" in line]

    def wait(self, condition: Callable[[], Any]) -> None:
        def holds() -> Any:
            assert self._process.poll() is None, "the driver ended"
            return condition()

        eventually(holds, lambda: self.lines[-20:])


@contextmanager
def polling(yahoo: StandIn, symbols: str, deadline: float = PATIENCE_SECONDS) -> Iterator[Driver]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.producer_support.poll_driver", symbols, "0.3", str(deadline)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(**yahoo.variables),
    )
    driver = Driver(process)
    try:
        yield driver
    finally:
        driver.end()


def test_one_symbols_trouble_does_not_touch_the_others(yahoo: StandIn) -> None:
    holiday = meta("HOLI", 50.0, time.time() - 86_400)
    over = threading.Event()

    def answer(symbol: str, query: dict[str, str]) -> Answer:
        if symbol == "SLOW":
            over.wait(PATIENCE_SECONDS)
        if symbol == "NOPE":
            return NOT_FOUND
        if symbol == "HOLI":
            return chart(holiday, [], [])
        if symbol == "ZERO":
            return chart(meta("ZERO", 0.0, time.time()), [], [])
        if symbol == "HTML":
            return 200, "<html>Will be right back</html>"
        return yahoo.moving(symbol, query)

    yahoo.chart_of = answer
    with polling(yahoo, "AAPL,NOPE,SLOW,HOLI,ZERO,HTML,^GSPC", deadline=3) as driver:
        driver.wait(lambda: len(driver.ticks("AAPL")) >= 2 and len(driver.ticks("^GSPC")) >= 2)
        driver.wait(lambda: driver.ticks("HOLI") and {"repeat", _ZERO} <= set(driver.dropped()))
        driver.wait(lambda: {*_PUT_OFF, _TIMED_OUT} <= driver.problems())
        asked = len(yahoo.charts())
        driver.wait(lambda: len(yahoo.charts()) > asked + 20)
        slow = driver.ticks("SLOW")  # before it is answered
        over.set()
    assert slow == driver.ticks("NOPE") == driver.ticks("ZERO") == []
    (holiday_tick,) = driver.ticks("HOLI")
    assert holiday_tick["price"] == 50
    assert any(problem.startswith("HTML: no price") for problem in driver.problems())


def test_a_storm_of_429_opens_the_circuit_until_it_is_over(yahoo: StandIn) -> None:
    with polling(yahoo, "AAPL,MSFT,NVDA") as driver:
        driver.wait(lambda: driver.ticks("AAPL"))
        yahoo.chart_of = lambda _symbol, _query: TOO_MANY
        driver.wait(lambda: driver.states()[-1].startswith("throttled by Yahoo until"))
        storm, began = len(yahoo.charts()), time.monotonic()
        time.sleep(4)
        asked, seconds = len(yahoo.charts()) - storm, time.monotonic() - began
        yahoo.chart_of = yahoo.moving
        calm = time.time()
        before = len(driver.ticks("MSFT"))
        driver.wait(lambda: len(driver.ticks("MSFT")) > before + 1)
    assert asked <= 8 + seconds  # a try after 0.5 s, 1 s and then every 2 s, of two requests each
    tried = [symbol for at, symbol in yahoo.charts() if at > calm]
    assert set(tried) == {"AAPL", "MSFT", "NVDA"}
    assert "Yahoo answers 429: too many requests" in driver.problems()


def test_a_401_is_answered_with_a_new_crumb(yahoo: StandIn) -> None:
    yahoo.needs_crumb = True
    with polling(yahoo, "AAPL") as driver:
        driver.wait(lambda: driver.ticks("AAPL"))
        yahoo.crumb = "crumb2"
        changed = len(driver.ticks("AAPL"))
        driver.wait(lambda: len(driver.ticks("AAPL")) > changed + 1)
    assert any("crumb=crumb2" in path for _, path in yahoo.requests)


def test_a_refusal_without_a_reason_does_not_make_a_symbol_unknown(yahoo: StandIn) -> None:
    left = iter(range(6))
    refusal = {"finance": {"result": None, "error": {"code": "Unauthorized"}}}

    def answer(symbol: str, query: dict[str, str]) -> Answer:
        refused = symbol == "MSFT" and next(left, None) is not None
        return (401, refusal) if refused else yahoo.moving(symbol, query)

    yahoo.chart_of = answer
    with polling(yahoo, "AAPL,MSFT") as driver:
        driver.wait(lambda: driver.ticks("MSFT"))
    assert any(problem.startswith("MSFT: no price") for problem in driver.problems())
    assert driver.ticks("AAPL")


def test_prices_are_exact_and_history_comes_first(yahoo: StandIn) -> None:
    now = time.time()
    fixed = meta("AAPL", 189.84, now - 5, regularMarketDayHigh=190.1, regularMarketDayLow=187.5)

    def answer(symbol: str, query: dict[str, str]) -> Answer:
        if query["interval"] == "1d":
            return yahoo.moving(symbol, query)
        minute = int(now) // 60 * 60
        starts = [minute - 120, minute - 60, minute]
        splits = {str(starts[0]): {"date": starts[0], "numerator": 4, "denominator": 1}}
        return chart(fixed, starts, [188.015, 188.3, 189.84], {"splits": splits})

    yahoo.chart_of = answer
    running = subprocess.Popen(
        [sys.executable, "-m", "producer", "stream", *_AAPL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(**yahoo.variables),
        bufsize=0,
    )
    assert running.stdout is not None
    lines: list[dict[str, Any]] = []
    while not lines or "bar" in lines[-1]:
        lines.append(json.loads(running.stdout.readline()))
    running.terminate()
    _, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 0
    events = [json.loads(line) for line in err.splitlines()]
    assert events[0]["event"] == "note"
    assert "personal use" in events[0]["message"]
    minutes = [line for line in lines if line.get("bar") == "1m"]
    days = [line for line in lines if line.get("bar") == "1d"]
    assert [bar["price"] for bar in minutes][:2] == [188.015, 188.3]
    assert (minutes[0]["high"], minutes[0]["low"]) == (188.025, 188.005)
    assert len(days) >= 8
    assert all(day["timestamp"].endswith("T00:00:00.000000Z") for day in days)
    assert {line["mode"] for line in minutes + days} == {"backfill"}
    tick = lines[-1]
    assert (tick["price"], tick["high"], tick["low"]) == (189.84, 190.1, 187.5)
    assert (tick["open"], tick["previous_close"], tick["volume"]) == (188.015, 188.84, 1_000_189)
    assert (tick["currency"], tick["exchange_timezone"]) == ("USD", "America/New_York")
    assert (tick["source"], tick["mode"], tick["split"]) == ("yfinance", "live", "4:1")


def test_days_are_followed_by_their_splits_and_dividends(yahoo: StandIn) -> None:
    days = [int(time.time()) // 86400 * 86400 - back * 86400 + 14 * 3600 for back in (9, 8, 7, 6)]

    def chart_of(symbol: str, query: dict[str, str]) -> Answer:
        splits = {str(days[3]): {"date": days[3], "numerator": 4, "denominator": 1}}
        dividends = {str(days[1]): {"date": days[1], "amount": 0.205}}
        told = {"splits": splits, "dividends": dividends}
        return chart(meta(symbol, 100.0, days[3]), days, [101.0, 102.0, 103.0, 104.0], told)

    yahoo.chart_of = chart_of
    done = run_producer(
        "backfill", "--symbols", "AAPL", "--period", "1mo", "--bar", "1d",
        "--sink", "stdout", **yahoo.variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["action" in line for line in lines] == [False] * 4 + [True] * 2
    dividend, split = lines[4:]
    assert (dividend["amount"], dividend["previous_close"]) == (0.82, 404)
    assert (split["action"], split["split"], split["source"]) == ("split", "4:1", "yfinance")
    assert split["ex_date"] == time.strftime("%Y-%m-%d", time.gmtime(days[3]))


def test_backfill_sends_a_period_of_bars_and_fails_for_a_symbol_without_any(yahoo: StandIn) -> None:
    usual = yahoo.chart_of

    def chart_of(symbol: str, query: dict[str, str]) -> Answer:
        return NOT_FOUND if symbol == "NOPE" else usual(symbol, query)

    yahoo.chart_of = chart_of
    done = run_producer(
        "backfill", "--symbols", "AAPL,NOPE", "--period", "1mo", "--bar", "1d",
        "--sink", "stdout", **yahoo.variables,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == "python -m producer: no history for NOPE"
    bars = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(bar["bar"], bar["mode"], bar["source"]) for bar in bars} == {
        ("1d", "backfill", "yfinance")
    }
    assert any("range=1mo" in path for _, path in yahoo.requests)
    times = [bar["timestamp"] for bar in bars if bar["symbol"] == "AAPL"]
    assert times == sorted(set(times))


def test_auto_takes_the_simulator_when_yahoo_does_not_answer(yahoo: StandIn) -> None:
    over = threading.Event()

    def hanging(_symbol: str, _query: dict[str, str]) -> Answer:
        over.wait(PATIENCE_SECONDS)
        return TOO_MANY

    yahoo.chart_of = hanging
    process = subprocess.Popen(
        [sys.executable, "-m", "producer", "stream", "--sink", "stdout", "--no-history"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(**yahoo.variables),
        bufsize=0,
    )
    assert process.stdout is not None
    tick = json.loads(process.stdout.readline())
    process.terminate()
    over.set()
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert tick["source"] == "simulator"
    notes = [json.loads(line).get("message", "") for line in err.splitlines()]
    assert notes[0] == "Yahoo did not answer within 5 s. Asking Coinbase instead."
    assert notes[1].startswith("Coinbase ")
    assert notes[1].endswith(" Showing simulated prices instead.")
