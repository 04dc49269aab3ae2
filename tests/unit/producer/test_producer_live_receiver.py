"""The thread that receives a stream begins again, whatever ended it."""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

from producer.hours import Always
from producer.sources import yfinance_live
from producer.sources.pushed.source import Pushed
from producer.status import Status
from producer.watchlist import FixedList
from tests.producer_support.frames import pricing


class _Random(random.Random):
    """Chooses the shortest waits."""

    def random(self) -> float:
        return 0.01


class _Session:
    """Fails twice before it brings a frame."""

    def __init__(self, feed: Any, _status: Any, listener: Any, **_named: Any) -> None:
        self._feed = feed
        self._listener = listener
        self.runs = 0

    def follow(self, symbols: Any) -> None:
        """Every list is fine."""

    def run(self, stop: threading.Event) -> None:
        self.runs += 1
        if self.runs < 3:
            raise ValueError(f"broken {self.runs}")
        frame = pricing(id="AAPL", price=189.5, time=1_800_000_000_000)
        for message in self._feed.read(frame):
            self._listener.take(message)
        stop.wait(60)


def test_a_receiver_that_fails_is_reported_and_starts_again() -> None:
    said: list[str] = []
    make: Any = _Session
    source = Pushed(
        yfinance_live.service(),
        FixedList(["AAPL"]),
        Status(lambda _event, message: said.append(message)),
        Always(),
        interval=0.01,
        history=False,
        rng=_Random(1),
        make_session=make,
    )
    stop = threading.Event()
    batches = itertools.islice(source.batches(stop), 2000)
    ticks = next(batch for batch in batches if batch)
    stop.set()
    assert [tick.symbol for tick in ticks] == ["AAPL"]
    assert source._session.runs == 3  # type: ignore[attr-defined]
    receiver = [message for message in said if "receiver" in message]
    assert receiver
    assert all("the receiver of Yahoo's stream failed" in message for message in receiver)
