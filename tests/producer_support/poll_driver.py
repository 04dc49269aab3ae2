"""A process that polls Yahoo as the producer does, with a shorter deadline and circuit breaker.

Its arguments are symbols, the seconds between polls, and the seconds until a poll's deadline. It
writes accepted ticks and states to stdout as JSON lines.
"""

from __future__ import annotations

import json
import signal
import sys
import threading

from producer.hours import Always
from producer.hygiene import Hygiene
from producer.sources.yfinance_poll import YfinancePoll
from producer.status import Status
from producer.throttling import CircuitBreaker
from producer.watchlist import FixedList
from producer.wire import encode


def main() -> None:
    """Poll until SIGTERM."""
    symbols, interval, deadline = sys.argv[1].split(","), float(sys.argv[2]), float(sys.argv[3])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    status = Status(lambda event, text: print(json.dumps({event: text}), flush=True))
    hygiene = Hygiene(status.drop)
    poll = YfinancePoll(
        FixedList(symbols),
        status,
        Always(),
        interval=interval,
        history=False,
        breaker=CircuitBreaker(first_seconds=0.5, most_seconds=2),
        deadline_seconds=deadline,
    )
    for batch in poll.batches(stop):
        for tick in batch:
            for passed in hygiene.passing(tick):
                print(encode(passed).decode(), flush=True)
        print(json.dumps({"state": status.state, "dropped": status.dropped}), flush=True)


if __name__ == "__main__":
    main()
