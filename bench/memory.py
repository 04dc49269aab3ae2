"""Memory that a handler needs for a batch of 10,000 records, without that of importing `app`.

A fresh process imports `app`, reads the event from JSON as Lambda's runtime does, and calls the
handler. The result is its highest resident memory minus that after the import, so it includes the
event and botocore's clients. It runs two batches, since a container processes many.

    python -m bench memory
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import feeds, ingest_cpu, stored
from bench.detect_cpu import forget_states, state_before, without_alerts
from bench.measuring import output_of, resident_mb
from bench.our_app import our_app
from rigs.invocations import LambdaContext

RECORDS = 10_000
BATCHES = 2
NEW = RECORDS // len(feeds.SYMBOLS)
"""Ticks per symbol in a batch of detect."""

MOST_MB = 128
FUNCTIONS = ("ingest_kinesis", "detect")


def stream_batch() -> dict[str, Any]:
    """Return an event of the prices table's stream with RECORDS changes, the most for one
    invocation. Each change is the newest item of a batch."""
    rows = stored.ticks(RECORDS)
    items = []
    for number in range(RECORDS):
        age = NEW - 1 - number // len(feeds.SYMBOLS)
        when = rows.when(RECORDS - 1 - age)
        item = stored.tick_item(feeds.SYMBOLS[number % len(feeds.SYMBOLS)], age, when)
        items.append({**item, "complete_from": {"S": when}})
    return feeds.stream_event(items)


def measure() -> list[dict[str, Any]]:
    """Return the benchmark's results."""
    events = {"ingest_kinesis": feeds.kinesis_event(RECORDS), "detect": stream_batch()}
    with our_app() as app, tempfile.TemporaryDirectory() as folder:
        ingest_cpu.seen(app.aws)
        app.aws.store("prices", RECORDS)
        states = [without_alerts(state_before(s, NEW)) for s in feeds.SYMBOLS]
        answer = {"Responses": {"state": states}, "UnprocessedKeys": {}}
        app.aws.answer("BatchGetItem", "state", answer)
        results = []
        for function in FUNCTIONS:
            file = Path(folder) / f"{function}.json"
            file.write_text(json.dumps(events[function]))
            results.append(result(function, grown_mb(function, file)))
    return results


def grown_mb(function: str, file: Path) -> float:
    """Return by how many MB the memory of a fresh process grows. Raises RuntimeError with the
    process's output if it fails."""
    command = [sys.executable, "-m", "bench.memory", function, str(file)]
    return float(output_of(command, Path(__file__).resolve().parents[1], {}, 300).split()[-1])


def child(function: str, file: Path) -> float:
    """Process BATCHES events in the fresh process. Return by how many MB its memory grew."""
    import app

    before = resident_mb()
    for _ in range(BATCHES):
        forget_states()
        event = json.loads(file.read_bytes())
        answer = getattr(app, function)(event, LambdaContext())
        assert answer == {"batchItemFailures": []}, answer
        del event  # Lambda's runtime releases the event before it reads the next
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 - before


def result(function: str, grown: float) -> dict[str, Any]:
    """Return the result of one function."""
    return {
        "name": f"memory_{function}_{RECORDS}_records",
        "value": round(grown, 1),
        "unit": "MB above import",
        "target": f"under {MOST_MB} MB",
        "holds": grown < MOST_MB,
    }


if __name__ == "__main__":
    print(child(sys.argv[1], Path(sys.argv[2])))
