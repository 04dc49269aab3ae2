"""The producer: ticks per second into a Kinesis endpoint that accepts everything and stores
nothing.

It is compared with a plain loop of put_record, one tick per call, over the same ticks and endpoint.

Rounds alternate, since shared machines drift. Bias: the endpoint is near and never throttles. So
the loop pays less for each call than it would in a region far away, and neither side retries.

    python -m bench producer_throughput
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from bench.feeds import wire_tick
from bench.measuring import resident_mb, timed
from bench.null_aws import null_aws
from producer.outbox import Outbox
from producer.pipeline import Pipeline
from producer.sender import Sender
from producer.sinks.kinesis import KinesisSink
from producer.status import Status
from producer.wire import WireTick, encode

ROUNDS = 3
LOOP_TICKS = 1_500
PRODUCER_TICKS = 50_000
MEMORY_TICKS = 1_000_000
TARGET_RATIO = 30
TARGET_GROWTH_MB = 10
_CASES = {
    "producer_throughput": (25, 20, PRODUCER_TICKS),
    "producer_throughput_1_tick_a_record": (25, 1, PRODUCER_TICKS // 3),
    "producer_throughput_500_symbols": (500, 1, PRODUCER_TICKS),
}


class Ticks:
    """A source that generates the requested number of ticks on demand."""

    name = "bench"
    recorded = True
    needs_hygiene = False

    def __init__(self, symbols: int, count: int) -> None:
        self._symbols = [f"S{number:03}" for number in range(symbols)]
        self._polls = count // symbols

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield the ticks in batches of one poll."""
        for poll in range(self._polls):
            if stop.is_set():
                return
            yield [tick(symbol, poll) for symbol in self._symbols]


def tick(symbol: str, number: int) -> WireTick:
    """Return a tick with all of Yahoo's fields. A thousand consecutive ticks share a second."""
    second, micros = divmod(number, 1000)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{micros:06}"
    return wire_tick(symbol, number, f"2026-11-20T{clock}Z")


def loop() -> float:
    """Return the ticks per second of a loop of put_record with one tick per call."""
    import boto3

    client: Any = boto3.client("kinesis")
    began = time.perf_counter()
    for number in range(LOOP_TICKS):
        made = tick("S001", number)
        client.put_record(StreamName="ticks", Data=encode(made), PartitionKey=made.symbol)
    return LOOP_TICKS / (time.perf_counter() - began)


def produce(symbols: int, ticks_per_record: int, count: int) -> float:
    """Return the ticks per second through the whole producer, from source to acknowledgement."""
    sink = KinesisSink("ticks", ticks_per_record)
    status = Status(lambda event, message: print(event, message, file=sys.stderr))
    outbox = Outbox(sink.key)
    sender = Sender(outbox, sink, status, random.Random(1))
    began = time.perf_counter()
    outcome = Pipeline(Ticks(symbols, count), outbox, sender, status).run(threading.Event(), 5)
    assert (outcome.ticks, outcome.left) == (count // symbols * symbols, 0)
    return outcome.ticks / (time.perf_counter() - began)


def memory_growth_mb() -> float:
    """Return how many MB of memory a million ticks need beyond their first fifth. In that fifth the
    queue between source and sink (100,000 lines) has been full once."""
    warm = MEMORY_TICKS // 5
    produce(25, 20, warm)
    before = resident_mb()
    produce(25, 20, MEMORY_TICKS - warm)
    return resident_mb() - before


def measure() -> list[dict[str, object]]:
    """Return the benchmark's results."""
    with null_aws():
        cases: dict[str, Callable[[], float]] = {"loop": loop}
        for name, (symbols, together, count) in _CASES.items():
            cases[name] = lambda s=symbols, k=together, n=count: produce(s, k, n)  # type: ignore[misc]
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, run in cases.items():
                found[name].append(run())
        growth = memory_growth_mb()
    baseline = median(found.pop("loop"))
    return [*(_result(name, rates, baseline) for name, rates in found.items()), _memory(growth)]


def _result(name: str, rates: list[float], baseline: float) -> dict[str, object]:
    ratio = median(rates) / baseline
    made = timed(name, "ticks/s", rates, None)
    made |= {"baseline": round(baseline), "ratio": round(ratio, 1)}
    if name == "producer_throughput":
        made |= {
            "target": f"at least {TARGET_RATIO} times put_record",
            "holds": ratio >= TARGET_RATIO,
        }
    return made


def _memory(growth: float) -> dict[str, object]:
    return {
        "name": "producer_memory_growth",
        "value": round(growth, 1),
        "unit": "MB over a million ticks",
        "target": f"at most {TARGET_GROWTH_MB}",
        "holds": growth <= TARGET_GROWTH_MB,
    }
