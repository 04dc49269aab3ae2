"""CPU per tick of ingest, from Lambda's event to the handler's result, beside the baseline's.

Both sides take the same events of 25 symbols and write to the same endpoint, a separate process.
Bias: the endpoint is near and never throttles. The plain HTTP of this benchmark spares both sides
TLS, which costs the baseline more, as it makes more calls. The baseline's work is the same for each
record, so it gets the first SLICE records of a batch.

    python -m bench.ingest_cpu [--profile]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from bench import feeds
from bench.baseline import Baseline
from bench.measuring import alternate, beside, profile, repeated, timed
from bench.null_aws import NullAws
from bench.our_app import TOPIC, our_app
from rigs.invocations import LambdaContext

SIZES = (1, 100, 1_000, 10_000)
SLICE = 200
TICKS_A_ROUND = 2_000
ROUNDS = 5
TARGET_AT, TARGET = 1_000, 20

Event = dict[str, Any]


def seen(aws: NullAws) -> None:
    """Make the endpoint answer that the symbols are known, as for all batches but a symbol's
    first."""
    lines = [
        {
            "list": {"S": "seen"},
            "symbol": {"S": symbol},
            "added_at": {"S": "2026-11-20T14:30:00.000000Z"},
            "source": {"S": "yfinance"},
            "currency": {"S": "USD"},
        }
        for symbol in feeds.SYMBOLS
    ]
    answer = {"Responses": {"symbols": lines}, "UnprocessedKeys": {}}
    aws.answer("BatchGetItem", "symbols", answer)


def ours(app: Any, event: Event, repeats: int) -> Callable[[], None]:
    """Return a case in which our handler processes an event `repeats` times."""

    def ingest() -> None:
        assert app.ingest_kinesis(event, LambdaContext()) == {"batchItemFailures": []}

    return repeated(repeats, ingest)


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    with our_app() as (app, aws, _):
        seen(aws)
        baseline = Baseline("prices", "bars", "archive", TOPIC)
        cases: dict[str, Callable[[], None]] = {}
        ticks: dict[str, int] = {}
        for size in SIZES:
            event = feeds.kinesis_event(size)
            slice_ = {"Records": event["Records"][:SLICE]}
            repeats = max(1, min(SLICE, TICKS_A_ROUND // size))
            cases[f"ours {size}"], ticks[f"ours {size}"] = ours(app, event, repeats), size * repeats
            repeats = SLICE // len(slice_["Records"])
            cases[f"theirs {size}"] = repeated(repeats, partial(baseline.ingest, slice_))
            ticks[f"theirs {size}"] = len(slice_["Records"]) * repeats
        found = alternate(cases, ROUNDS)
    microseconds = {n: [s / ticks[n] * 1e6 for s in found[n]] for n in cases}
    return [result(n, microseconds[f"ours {n}"], microseconds[f"theirs {n}"]) for n in SIZES]


def result(size: int, mine: list[float], others: list[float]) -> dict[str, object]:
    """Return the result for one size of batch. Only the size TARGET_AT has a target."""
    is_target = size == TARGET_AT
    name = "ingest_cpu_per_tick" if is_target else f"ingest_cpu_per_tick_batch_{size}"
    return beside(timed(name, "µs CPU a tick", mine), others, TARGET if is_target else None)


def profiled() -> None:
    """Print a profile of our handler for batches of TARGET_AT records."""
    with our_app() as (app, aws, _):
        seen(aws)
        profile(ours(app, feeds.kinesis_event(TARGET_AT), 5), 40)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        profiled()
    else:
        json.dump(measure(), sys.stdout, indent=2, ensure_ascii=False)
        print()
