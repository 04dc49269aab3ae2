"""The thread that receives Yahoo's stream begins again, whatever ended it."""

from __future__ import annotations

import itertools
import queue
import random
import threading
from typing import Any

from producer.backoff import Backoff
from producer.hours import Always
from producer.sources.yfinance_live import YfinanceLive
from producer.status import Status
from producer.watchlist import FixedList
from tests.producer_support.frames import pricing


class _Socket:
    """Fails twice before it brings a frame."""

    def __init__(self) -> None:
        self.runs = 0

    def follow(self, symbols: Any) -> None:
        """Every list is fine."""

    def run(self, frames: queue.Queue[str | bytes], stop: threading.Event) -> None:
        self.runs += 1
        if self.runs < 3:
            raise ValueError(f"broken {self.runs}")
        frames.put(pricing(id="AAPL", price=189.5, time=1_800_000_000_000))
        stop.wait(60)


def test_a_receiver_that_fails_is_reported_and_starts_again() -> None:
    said: list[str] = []
    socket = _Socket()
    source = YfinanceLive(
        FixedList(["AAPL"]),
        Status(lambda _event, message: said.append(message)),
        Always(),
        history=False,
        socket=socket,  # type: ignore[arg-type]
        restart=Backoff(0.01, 0.01, random.Random(1)),
    )
    stop = threading.Event()
    batches = itertools.islice(source.batches(stop), 200)
    ticks = next(batch for batch in batches if batch)
    stop.set()
    assert [tick.symbol for tick in ticks] == ["AAPL"]
    assert socket.runs == 3
    assert all("the receiver of Yahoo's stream failed" in message for message in said)
    assert len(said) >= 1
