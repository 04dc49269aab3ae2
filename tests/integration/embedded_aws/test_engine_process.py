"""What becomes of queries that break the engine's limits. The engine is a stand-in that runs each
query until it is told the query's result, and never heeds a stop."""

from __future__ import annotations

import errno
import os
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from embedded_aws.athena.engine_limits import STOPPED, TIMED_OUT, EngineLimits, resident_bytes
from embedded_aws.athena.engine_process import ENDED, EngineProcess
from embedded_aws.environment import Keys
from tests.patience import PATIENCE_SECONDS

ENGINE = """
import json, sys
held = []
for line in sys.stdin:
    job = json.loads(line).get("run")
    if job is None:
        continue
    if job["query"] == "end":
        sys.exit(1)
    if job["query"] != "wait":
        print(json.dumps({"id": job["id"], "state": "RUNNING"}), flush=True)
    if job["query"] == "grow":
        held.append(bytearray(b"x" * 300_000_000))
    if job["query"] == "done":
        print(json.dumps({"id": job["id"], "state": "SUCCEEDED"}), flush=True)
"""
LIMITS = EngineLimits(stop_seconds=0.2, query_seconds=60.0, memory_bytes=10**12, look_seconds=0.02)


class Engine:
    """The process under test, and what it tells of its queries."""

    def __init__(self, limits: EngineLimits) -> None:
        self._told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.process = EngineProcess(
            lambda number, change: self._told.put((number, change)),
            Keys("a", "b"),
            limits,
            [sys.executable, "-c", ENGINE],
        )

    def run(self, number: str, query: str) -> None:
        self.process.run({"id": number, "query": query})

    def told(self) -> tuple[str, str, str | None]:
        """The next change: number, state, reason."""
        number, change = self._told.get(timeout=PATIENCE_SECONDS)
        return number, change["state"], change.get("reason")

    def close(self) -> None:
        found = self.process._process
        if found is not None:
            found.kill()
            found.wait()
            end = time.monotonic() + PATIENCE_SECONDS
            while not (found.stdout and found.stdout.closed):
                assert time.monotonic() < end
                time.sleep(0.01)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = Engine(msgspec.structs.replace(LIMITS, **getattr(request, "param", {})))
    yield made
    made.close()


def test_a_query_that_goes_on_after_a_stop_ends_the_process_and_the_next_starts_it(
    engine: Engine,
) -> None:
    engine.run("deaf", "go on")
    assert engine.told() == ("deaf", "RUNNING", None)
    engine.run("beside", "go on")
    assert engine.told() == ("beside", "RUNNING", None)
    engine.run("waiting", "wait")
    engine.process.stop_query("deaf")
    assert sorted(engine.told() for _ in range(2)) == [
        ("beside", "FAILED", STOPPED),
        ("deaf", "FAILED", STOPPED),  # no news to who stopped it
    ]
    engine.run("next", "done")
    assert engine.told() == ("next", "RUNNING", None)
    assert engine.told() == ("next", "SUCCEEDED", None)
    assert "waiting" in engine.process._running  # given to the new process


def test_a_query_that_waits_and_is_stopped_costs_no_other_its_process(engine: Engine) -> None:
    engine.run("beside", "go on")
    engine.run("waiting", "wait")
    assert engine.told() == ("beside", "RUNNING", None)
    engine.process.stop_query("waiting")
    late = time.monotonic() + 3 * LIMITS.stop_seconds
    while time.monotonic() < late:
        engine.run("next", "done")
        assert engine.told() == ("next", "RUNNING", None)
        assert engine.told() == ("next", "SUCCEEDED", None)


@pytest.mark.parametrize("engine", [{"query_seconds": 0.2}], indirect=True)
def test_a_query_that_takes_too_long_fails_as_on_athena(engine: Engine) -> None:
    engine.run("long", "go on")
    assert engine.told() == ("long", "RUNNING", None)
    assert engine.told() == ("long", "FAILED", TIMED_OUT)
    assert engine.told() == ("long", "FAILED", STOPPED)  # of no effect: it has failed


@pytest.mark.parametrize("engine", [{"memory_bytes": 200_000_000}], indirect=True)
def test_more_memory_than_the_limit_ends_the_process(engine: Engine) -> None:
    engine.run("small", "go on")
    assert engine.told() == ("small", "RUNNING", None)
    engine.run("large", "grow")
    assert engine.told() == ("large", "RUNNING", None)
    ended = sorted(engine.told() for _ in range(2))
    assert [(number, state) for number, state, _ in ended] == [
        ("large", "FAILED"),
        ("small", "FAILED"),
    ]
    assert all("EXCEEDED_MEMORY_LIMIT" in str(reason) for _, _, reason in ended)


def test_a_process_that_ends_by_itself_is_reported_without_retries(engine: Engine) -> None:
    engine.run("waiting", "wait")
    engine.run("last", "end")
    assert sorted(engine.told() for _ in range(2)) == [
        ("last", "FAILED", ENDED),
        ("waiting", "FAILED", ENDED),
    ]


def test_the_memory_of_a_process_that_has_ended_is_none() -> None:
    assert resident_bytes(2**22 + 1) == 0
    assert EngineLimits().memory_bytes <= 4 * 1024**3


def test_the_memory_of_a_process_that_ends_during_the_check_is_zero() -> None:
    gone = ProcessLookupError(errno.ESRCH, "No such process")
    with mock.patch.object(Path, "read_text", side_effect=gone):
        assert resident_bytes(os.getpid()) == 0
