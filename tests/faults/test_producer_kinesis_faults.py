"""Nothing is lost, repeated or disordered, whatever the stream and the process go through."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from producer.wire import encode
from tests.patience import PATIENCE_SECONDS
from tests.producer_support import aws
from tests.producer_support.doubles import make_wire_tick, run_producer

SYMBOLS = [f"SYM{number:02}" for number in range(25)]
SINGLY = ("--ticks-per-record", "1")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with aws.moto_server() as endpoint:
        yield endpoint


@pytest.fixture
def stream(moto: str, request: pytest.FixtureRequest) -> str:
    name = f"ticks-{abs(hash(request.node.name))}"
    aws.make_stream(moto, name)
    return name


def recorded(folder: Path, count: int) -> Path:
    """A recording of `count` ticks of 25 symbols."""
    path = folder / "ticks.ndjson"
    ticks = (
        make_wire_tick(SYMBOLS[number % 25], number // 25, volume=Decimal(number))
        for number in range(count)
    )
    path.write_bytes(b"".join(encode(tick) + b"\n" for tick in ticks))
    return path


def expected(path: Path) -> dict[str, list[str]]:
    times: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        tick = json.loads(line)
        times.setdefault(tick["symbol"], []).append(tick["timestamp"])
    return times


def times_of(ticks: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {symbol: [tick["timestamp"] for tick in mine] for symbol, mine in ticks.items()}


def once_each(ticks: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """First arrivals, after checking that each repeat is the same tick, byte for byte."""
    first: dict[str, dict[str, dict[str, Any]]] = {}
    for symbol, mine in ticks.items():
        seen = first.setdefault(symbol, {})
        for tick in mine:
            assert seen.setdefault(tick["timestamp"], tick) == tick
    return {symbol: list(seen) for symbol, seen in first.items()}


def refused_at_random(moto: str, stream: str, path: Path) -> dict[str, list[str]]:
    """Return what arrives if nearly a third of the records are refused at first."""
    faults = aws.FaultyKinesis(moto, withholding=0.3)
    faults.start()
    done = run_producer(
        "replay", str(path), *SINGLY, "--stream", stream, **aws.variables(faults.endpoint)
    )
    faults.stop()
    assert done.returncode == 0, done.stderr
    assert faults.withheld > 0.2 * sum(map(len, expected(path).values()))
    return times_of(aws.ticks_by_symbol(moto, stream))


def test_a_third_of_the_records_refused_changes_nothing(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 1_250)
    assert refused_at_random(moto, stream, path) == expected(path)


@pytest.mark.long
def test_a_third_of_ten_thousand_refused_changes_nothing(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 10_000)
    assert refused_at_random(moto, stream, path) == expected(path)


def away_for(
    seconds: float, moto: str, stream: str, path: Path, spool: Path
) -> dict[str, list[str]]:
    """Return what arrives, once each, if the stream is unavailable for a time."""
    faults = aws.FaultyKinesis(moto)
    gone = threading.Event()
    faults.on_request = lambda count: gone.set() if count == 20 else None
    faults.start()
    process = aws.start_producer(
        "replay", str(path), *SINGLY, "--stream", stream, "--spool", str(spool),
        **aws.variables(faults.endpoint),
    )  # fmt: skip
    began = time.monotonic()
    assert gone.wait(PATIENCE_SECONDS)
    faults.stop()
    time.sleep(seconds)
    faults.start()
    _, err = process.communicate(timeout=300)
    faults.stop()
    assert process.returncode == 0, err
    events = [json.loads(line) for line in err.splitlines()]
    problems = [event["message"] for event in events if event["event"] == "problem"]
    assert any("trying again" in problem for problem in problems)
    assert len(problems) <= 2 + (time.monotonic() - began) / 10
    return once_each(aws.ticks_by_symbol(moto, stream))


def test_a_stream_that_is_away_for_seconds_gets_everything(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 1_250)
    assert away_for(3, moto, stream, path, tmp_path / "spool.db") == expected(path)


@pytest.mark.long
def test_a_stream_that_is_away_for_a_minute_gets_everything(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 10_000)
    assert away_for(60, moto, stream, path, tmp_path / "spool.db") == expected(path)


def test_lost_answers_repeat_identical_ticks_and_keep_the_order(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 1_000)
    faults = aws.FaultyKinesis(moto, losing_answers=0.2)
    faults.start()
    done = run_producer(
        "replay", str(path), *SINGLY, "--stream", stream, **aws.variables(faults.endpoint)
    )
    faults.stop()
    assert done.returncode == 0, done.stderr
    assert faults.lost_answers > 0
    assert once_each(aws.ticks_by_symbol(moto, stream)) == expected(path)


def killed(
    times: int, moto: str, stream: str, path: Path, spool: Path, *packing: str
) -> dict[str, list[str]]:
    """Return what arrives, once each, if the producer is killed at random moments of its work and
    then comes to its end."""
    faults = aws.FaultyKinesis(moto, withholding=0.2)
    faults.start()
    arguments = ["replay", str(path), "--stream", stream, "--spool", str(spool)]
    arguments += packing or SINGLY
    rng = random.Random(times)
    for _ in range(times):
        process = aws.start_producer(*arguments, **aws.variables(faults.endpoint))
        working = threading.Event()
        at = faults.requests + rng.randint(1, 12)
        faults.on_request = lambda count, at=at, working=working: (  # type: ignore[misc]
            working.set() if count >= at else None
        )
        while not working.wait(0.05) and process.poll() is None:
            pass
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)
        if process.returncode == 0:
            break
    done = run_producer(*arguments, **aws.variables(faults.endpoint))
    faults.stop()
    assert done.returncode == 0, done.stderr
    ticks = aws.ticks_by_symbol(moto, stream)
    repeats = sum(map(len, ticks.values())) - sum(map(len, expected(path).values()))
    assert repeats <= times * len(SYMBOLS) * (int(packing[1]) if packing else 1)
    return once_each(ticks)


def test_a_killed_producer_goes_on_where_it_was(moto: str, stream: str, tmp_path: Path) -> None:
    path = recorded(tmp_path, 1_000)
    assert killed(2, moto, stream, path, tmp_path / "spool.db") == expected(path)


def test_a_killed_producer_loses_no_tick_that_waited_for_others(
    moto: str, stream: str, tmp_path: Path
) -> None:
    packing = ("--ticks-per-record", "10", "--flush-seconds", "0.2")
    path = recorded(tmp_path, 2_500)
    assert killed(2, moto, stream, path, tmp_path / "spool.db", *packing) == expected(path)


@pytest.mark.long
def test_a_producer_that_is_killed_ten_times_goes_on_where_it_was(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path = recorded(tmp_path, 10_000)
    assert killed(10, moto, stream, path, tmp_path / "spool.db") == expected(path)


def test_the_next_producer_sends_a_stopped_ones_unsent_ticks(
    moto: str, stream: str, tmp_path: Path
) -> None:
    path, spool = recorded(tmp_path, 500), tmp_path / "spool.db"
    faults = aws.FaultyKinesis(moto)
    arguments = [
        "replay",
        str(path),
        *SINGLY,
        "--stream",
        stream,
        "--spool",
        str(spool),
        "--drain",
        "0.5",
    ]
    process = aws.start_producer(*arguments, **aws.variables(faults.endpoint))
    _until_pending(process, 500)
    said = aws.end(process, signal.SIGTERM)
    assert process.returncode == 0
    assert "500 kept in the spool for the next start" in said
    faults.start()
    done = run_producer(*arguments, **aws.variables(faults.endpoint))
    faults.stop()
    assert "500 lines of an earlier run are sent first" in done.stderr
    sent = once_each(aws.ticks_by_symbol(moto, stream))
    assert sent == expected(path)


def test_without_a_spool_what_is_lost_is_said(moto: str, stream: str, tmp_path: Path) -> None:
    path = recorded(tmp_path, 100)
    faults = aws.FaultyKinesis(moto)
    process = aws.start_producer(
        "replay",
        str(path),
        *SINGLY,
        "--stream",
        stream,
        "--drain",
        "0.2",
        **aws.variables(faults.endpoint),
    )
    _until_pending(process, 100)
    said = aws.end(process, signal.SIGINT)
    assert process.returncode == 1
    assert "100 not delivered: lost (see --spool)" in said


def _until_pending(process: subprocess.Popen[bytes], lines: int) -> None:
    """Wait until its status reports `lines` waiting lines."""
    assert process.stderr is not None
    while json.loads(process.stderr.readline()).get("pending") != lines:
        pass
