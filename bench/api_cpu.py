"""CPU of the API from Lambda's event to its response.

There are two requests: for 390 bars (a session) and for 500 ticks. The baseline is `Table.query`
and `json.dumps`. Both sides read the same rows from the same endpoint, a separate process. Bias:
the baseline returns the rows as stored, with floats for prices, and nothing else. Our handler also
checks the request and reads the symbol's state for the labels and the unfinished bar. It keeps
numbers exact and adds ETag and Cache-Control.

    python -m bench.api_cpu [--profile]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from bench import feeds
from bench.baseline import Baseline
from bench.detect_cpu import state_before, without_alerts
from bench.measuring import alternate, beside, profile, repeated, timed
from bench.our_app import TOPIC, OurApp, our_app
from rigs.invocations import LambdaContext

BARS, TICKS = 390, 500
STORED = 10_000
REPEATS = 5
ROUNDS = 9
TARGET = 3
SYMBOL = feeds.SYMBOLS[0]
_RESOURCE = "/prices/{symbol}"

Ask = Callable[[dict[str, Any]], dict[str, Any]]


def event(interval: str, limit: int) -> dict[str, Any]:
    """Return the event of a GET request for the newest `limit` rows of an interval."""
    query = {"interval": interval, "limit": str(limit), "sort": "desc"}
    return feeds.api_event(f"/prices/{SYMBOL}", _RESOURCE, SYMBOL, **query)


EVENTS = {f"{BARS}_bars": event("1m", BARS), f"{TICKS}_ticks": event("tick", TICKS)}


def prepare(ours: OurApp) -> None:
    """Store rows in the endpoint, and a state that includes all of them."""
    ours.aws.store("prices", STORED)
    ours.aws.store("bars", STORED)
    state = without_alerts(state_before(SYMBOL, 0))
    ours.aws.answer("GetItem", "state", {"Item": state})


def rows_of(response: dict[str, Any]) -> int:
    """Return the number of rows in a response. Raises AssertionError unless the status is 200."""
    assert response["statusCode"] == 200, response
    return len(json.loads(response["body"])["prices"])


def asker(ours: OurApp) -> Ask:
    """Return a function that sends an event to our handler and returns its response."""
    return lambda request: ours.handlers.app(request, LambdaContext())


def case(answer: Ask, asked: dict[str, Any]) -> Callable[[], None]:
    """Return a benchmark's case, which sends an event REPEATS times."""
    return repeated(REPEATS, lambda: answer(asked))


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    with our_app() as ours:
        prepare(ours)
        baseline = Baseline("prices", "bars", "archive", TOPIC)
        theirs = dict(zip(EVENTS, (baseline.bars, baseline.ticks), strict=True))
        cases: dict[str, Callable[[], None]] = {}
        for name, asked in EVENTS.items():
            assert rows_of(asker(ours)(asked)) == rows_of(theirs[name](asked))
            cases[f"ours {name}"] = case(asker(ours), asked)
            cases[f"theirs {name}"] = case(theirs[name], asked)
        found = alternate(cases, ROUNDS)
    ms = {name: [seconds / REPEATS * 1000 for seconds in taken] for name, taken in found.items()}
    unit = "ms CPU a request"
    return [
        beside(timed(f"api_cpu_{name}", unit, ms[f"ours {name}"], 2), ms[f"theirs {name}"], TARGET)
        for name in EVENTS
    ]


def profiled() -> None:
    """Print a profile of our handler."""
    with our_app() as ours:
        prepare(ours)
        for name, asked in EVENTS.items():
            print(name)
            profile(case(asker(ours), asked), 25)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        profiled()
    else:
        json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
        print()
