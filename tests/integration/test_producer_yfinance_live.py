"""Yahoo's stream over a real WebSocket server: closes, aborts, stalls and frames of all kinds."""

from __future__ import annotations

import json
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from producer.backoff import Backoff
from producer.sources.pushed.connection import Timings
from producer.sources.pushed.session import Session
from producer.sources.yfinance_live import YahooFeed
from producer.status import Status
from producer.throttling import CircuitBreaker
from tests.patience import PATIENCE_SECONDS, eventually
from tests.producer_support.doubles import ROOT, environment
from tests.producer_support.frames import abort, close, pricing, sends, silence, streaming

_LIVE = [
    *("stream", "--source", "yfinance-live", "--symbols", "AAPL,EURUSD=X"),
    *("--no-history", "--ignore-hours", "--sink", "stdout"),
]
NOW = int(time.time() * 1000)


def frame(price: float) -> str:
    """A frame with a price of AAPL."""
    return pricing(id="AAPL", price=price, time=NOW)


class Heard:
    """A listener that keeps the prices in a queue."""

    def __init__(self) -> None:
        self.prices: queue.Queue[float] = queue.Queue()

    def take(self, heard: Any) -> None:
        self.prices.put(float(heard.tick.price))

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


@contextmanager
def receiving(url: str, *, stall: float = 60, beat: float = 15) -> Iterator[Any]:
    """A session of ours in a thread; gives its prices, its problems and itself."""
    problems: list[str] = []
    status = Status(lambda _event, message: problems.append(message))
    heard: Any = Heard()
    ours = Session(
        YahooFeed(url, beat),
        status,
        heard,
        timings=Timings(stall=stall),
        backoff=Backoff(0.05, 0.2, random.Random(1)),
        breaker=CircuitBreaker(first_seconds=0.6, most_seconds=2),
    )
    ours.follow(["AAPL"])
    stop = threading.Event()
    thread = threading.Thread(target=ours.run, args=(stop,))
    thread.start()
    try:
        yield heard.prices, problems, ours
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize(("loss", "why"), [(close, "the connection was closed"), (abort, "")])
def test_a_lost_connection_is_made_again_and_subscribed_again(loss: Any, why: str) -> None:
    with streaming(sends([frame(1)], loss), sends([frame(2)])) as (url, script):
        with receiving(url) as (prices, problems, _):
            assert [prices.get(timeout=PATIENCE_SECONDS) for _ in range(2)] == [1, 2]
        assert script.subscriptions[:2] == [[{"subscribe": ["AAPL"]}]] * 2
    assert len(problems) == 1
    assert "the stream from Yahoo was lost" in problems[0]
    assert why in problems[0]


def test_a_silent_connection_is_closed_after_a_while() -> None:
    with (
        streaming(silence, sends([frame(3)])) as (url, _),
        receiving(url, stall=0.3) as (prices, problems, _),
    ):
        assert prices.get(timeout=PATIENCE_SECONDS) == 3
    assert "nothing came for 0.3 s" in problems[0]


def test_the_heartbeat_subscribes_again_and_follows_the_list() -> None:
    with streaming(silence) as (url, script), receiving(url, beat=0.2) as (_, _, ours):
        said = eventually(lambda: script.subscriptions)[0]
        eventually(lambda: said.count({"subscribe": ["AAPL"]}) >= 2)
        ours.follow(["MSFT"])
        eventually(lambda: {"subscribe": ["MSFT"]} in said)
    assert said.index({"unsubscribe": ["AAPL"]}) < said.index({"subscribe": ["MSFT"]})


def test_a_server_that_is_away_is_tried_again_without_a_busy_loop() -> None:
    with streaming(silence) as (url, _):
        pass
    began = time.process_time()
    with receiving(url) as (_, problems, _):
        time.sleep(1)
    assert problems
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("status", [429, 401])
def test_a_refusal_is_waited_out_longer_than_a_loss(status: int) -> None:
    with streaming(sends([frame(1)]), refusing=[status, status]) as (url, _):
        began = time.monotonic()
        with receiving(url) as (prices, problems, _):
            assert prices.get(timeout=PATIENCE_SECONDS) == 1
        assert time.monotonic() - began > 0.6 + 1.2
    assert str(status) in problems[0]


def test_the_command_turns_frames_into_ticks_and_survives_all_of_it() -> None:
    first = pricing(
        id="AAPL", price=189.84, time=NOW - 9000, currency="USD", market_hours=1,
        day_volume=1_234_567, day_high=190.1, day_low=187.5, change=1.94, open_price=188.0,
    )  # fmt: skip
    second = pricing(id="AAPL", price=189.9, time=NOW - 8000, previous_close=187.9)
    third = pricing(id="EURUSD=X", price=1.0567, time=NOW - 7000, market_hours=1)
    nan = pricing(id="AAPL", price=float("nan"), time=NOW - 6500)
    bad = ["{no json", json.dumps({"type": "pricing", "message": "%%%"}), '{"type": "hello"}']
    with streaming(sends([first, *bad], close), sends([second, nan], abort), sends([third])) as (
        url,
        script,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "producer", *_LIVE, "--live-url", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(),
            bufsize=0,
        )
        assert process.stdout is not None
        ticks = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert (ticks[0]["price"], ticks[0]["open"], ticks[0]["previous_close"]) == (189.84, 188, 187.9)
    assert (ticks[0]["high"], ticks[0]["low"], ticks[0]["volume"]) == (190.1, 187.5, 1_234_567)
    assert (ticks[0]["market_state"], ticks[0]["source"]) == ("REGULAR", "yfinance-live")
    assert (ticks[1]["price"], ticks[1]["previous_close"]) == (189.9, 187.9)
    assert (ticks[2]["symbol"], ticks[2]["price"]) == ("EURUSD=X", 1.0567)
    assert "volume" not in ticks[1]
    assert all(said[0] == {"subscribe": ["AAPL", "EURUSD=X"]} for said in script.subscriptions)
    last = [json.loads(line) for line in err.splitlines()][-2]
    assert last["dropped"] == {
        "bad frame: not JSON": 1,
        "bad frame: no PricingData": 1,
        "no price": 1,
    }
