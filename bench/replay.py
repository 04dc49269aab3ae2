"""Replays a recording through the whole chain on one machine.

It measures the seconds from the start of `python -m producer replay` until the last cross of the
averages is marked as notified. There are three ways: through Kinesis, through Kinesis with up to a
thousand ticks per record, and through SQS.

    python -m bench replay

The baseline sends only the same system's requests again, eight at a time, to a fresh emulator, as
in `bench.chain`. Bias, against us: the baseline lacks the producer's requests, and the emulator's
messages to the topic's subscriber.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from bench.chain import SUBSCRIBES, answered, driven
from bench.recorded_local import recorded_system
from embedded_aws.environment import variables_of
from infra import resources
from rigs.running_system import ROOT, System

ROWS = 2_148
"""Trading days of about eight and a half years."""

SYMBOL = "REPLAYED"
SEED = 15
LAST_DAY = date(2026, 10, 30)
FAST, SLOW = 5, 20
TARGET_SECONDS = 10.0
END_SECONDS = 300.0
POLL_SECONDS = 0.5

WAYS: dict[str, tuple[str, ...]] = {
    "kinesis": ("--sink", "kinesis"),
    "packed": ("--sink", "kinesis", "--ticks-per-record", "1000"),
    "sqs": ("--sink", "sqs"),
}
"""The producer's options by way."""


class Day(msgspec.Struct, frozen=True):
    """A row of the recording. Prices are in cents."""

    date: date
    open: int
    high: int
    low: int
    close: int
    volume: int


def days_of(count: int = ROWS, seed: int = SEED) -> list[Day]:
    """Return a random walk with one row per weekday. The last row is on LAST_DAY."""
    dice = random.Random(seed)
    dates: list[date] = []
    day = LAST_DAY
    while len(dates) < count:
        if day.weekday() < 5:
            dates.append(day)
        day -= timedelta(days=1)
    close, days = 15_000, []
    for day in reversed(dates):
        first = round(close * dice.gauss(1, 0.004))
        close = round(first * dice.gauss(1.0002, 0.013))
        high = round(max(first, close) * (1 + abs(dice.gauss(0, 0.004))))
        low = round(min(first, close) * (1 - abs(dice.gauss(0, 0.004))))
        days.append(Day(day, first, high, low, close, dice.randrange(10**6, 10**8)))
    return days


def write(path: Path, days: Sequence[Day]) -> None:
    """Write the recording as a CSV file in the format of Yahoo's downloads."""
    lines = ["Date,Open,High,Low,Close,Volume"]
    for day in days:
        prices = ",".join(
            f"{cents / 100:.2f}" for cents in (day.open, day.high, day.low, day.close)
        )
        lines.append(f"{day.date},{prices},{day.volume}")
    path.write_text("\n".join(lines) + "\n")


def crosses(closes: Sequence[int], fast: int = FAST, slow: int = SLOW) -> list[int]:
    """Return the indexes of the closes at which the averages cross. There the difference of the
    averages, computed in fractions, changes its sign."""
    found: list[int] = []
    before = 0
    for end in range(slow, len(closes) + 1):
        difference = Fraction(sum(closes[end - fast : end]), fast) - Fraction(
            sum(closes[end - slow : end]), slow
        )
        sign = (difference > 0) - (difference < 0)
        if sign and before and sign != before:
            found.append(end - 1)
        before = sign or before
    return found


def seconds_of(way: str, path: Path, wanted: int) -> tuple[float, float]:
    """Return two times in seconds. The first is until `wanted` crosses are notified. The second is
    how long the same requests take alone."""
    ingest = "sqs" if way == "sqs" else "kinesis"
    with recorded_system("--ingest", ingest, "--alerts", "every-tick") as (system, requests):
        began = time.monotonic()
        produced = _start_producer(way, path, system)
        _await_crosses(system, wanted)
        took = time.monotonic() - began
        produced.wait(30)
    asked = [request for request in requests if SUBSCRIBES not in request.body]
    warm = sum(request.at < began for request in asked)
    return took, driven(asked[:warm], asked[warm:], [], [], ingest)


def _start_producer(way: str, path: Path, system: System) -> subprocess.Popen[bytes]:
    names = resources.load()
    variables = {
        **variables_of(system.aws, system.keys),
        "TICKS_STREAM": names.name("ticks"),
        "TICKS_QUEUE_URL": f"{system.aws}/123456789012/{names.name('ticks.fifo')}",
    }
    command = [sys.executable, "-m", "producer", "replay", str(path), "--speed", "max", "--alerts"]
    return subprocess.Popen(
        [*command, "--symbols", SYMBOL, *WAYS[way]],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _await_crosses(system: System, wanted: int) -> None:
    deadline = time.monotonic() + END_SECONDS
    while (found := _notified(system)) < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found} of {wanted} crosses within {END_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    if found > wanted:
        raise RuntimeError(f"{found} crosses, where the recording has {wanted}")


def _notified(system: System) -> int:
    alerts = answered(system, f"/alerts?symbol={SYMBOL}&limit=5000").get("alerts", [])
    crossed = [alert for alert in alerts if alert["condition"].endswith("_cross")]
    return sum(alert["notified_at"] is not None for alert in crossed)


def measure() -> list[dict[str, Any]]:
    """Return one result for each way from producer to ingest."""
    days = days_of()
    wanted = len(crosses([day.close for day in days]))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.csv"
        write(path, days)
        for way in WAYS:
            took, same = seconds_of(way, path, wanted)
            found.append(_result(way, took, same, wanted))
    return found


def _result(way: str, took: float, same: float, wanted: int) -> dict[str, Any]:
    return {
        "name": f"replay: {ROWS:,} daily rows, {way}",
        "value": round(took, 1),
        "unit": f"s until the last of {wanted} crosses is notified",
        "baseline": round(same, 1),
        "ratio": round(took / same, 2),
        "target": f"below {TARGET_SECONDS:g} s",
        "holds": took < TARGET_SECONDS,
    }
