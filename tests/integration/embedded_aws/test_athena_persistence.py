"""Tables, partitions and results survive a kill of the emulator; the engine's end is reported."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from embedded_aws.process import EmulatorProcess
from rigs.emulated import Emulated, EmulatedClients
from tests.integration.embedded_aws.test_athena_api import SLOW
from tests.local_support.lake import PARQUET, TICKS, Lake, ticks_of
from tests.patience import PATIENCE_SECONDS


def started(database: Path) -> tuple[EmulatorProcess, EmulatedClients]:
    process = EmulatorProcess(0, database)
    process.wait_until_ready()
    return process, EmulatedClients(process.endpoint, process.keys)


def engine_of(emulator: int) -> int:
    """The engine's process, a child of the emulator's."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if parent == emulator and b"embedded_aws.athena.engine" in command:
            return int(path.parent.name)
    raise AssertionError("there is no engine")


def test_a_kill_loses_nothing_of_the_lake(tmp_path: Path) -> None:
    process, clients = started(tmp_path / "aws.sqlite")
    try:
        lake = Lake(clients)
        lake.make_table("ticks", TICKS, {"date": "string"}, serde=PARQUET)
        lake.make_view("prices", "SELECT price FROM ticks")
        lake.put_parquet("ticks/run/part", ticks_of(("A", "1", "2.5")))
        place = lake.address("ticks/run/")
        lake.run(f"ALTER TABLE ticks ADD PARTITION (date = '2024-01-02') LOCATION '{place}'")
        done = lake.run("SELECT price FROM prices")["QueryExecutionId"]
        slow = lake.start(SLOW)
        _kill_engine_while(lake, slow, process.pid)
        again = lake.start(SLOW)  # by an engine that is new
        os.kill(process.pid, signal.SIGKILL)
        process.stop()
        process, clients = started(tmp_path / "aws.sqlite")
        lake.glue, lake.athena, lake.s3 = clients.glue, clients.athena, clients.s3
        assert lake.results(done) == [["price"], ["2.50000000"]]
        cut_off = lake.ended(again)["Status"]
        assert cut_off["State"] == "FAILED"
        assert "the emulator ended while the query ran" in cut_off["StateChangeReason"]
        lake.s3.create_bucket(Bucket=lake.bucket)  # as provisioning does at each start
        assert lake.rows("SELECT price, date FROM ticks") == [["2.50000000", "2024-01-02"]]
        assert lake.rows("SELECT * FROM prices") == [["2.50000000"]]
    finally:
        process.stop()


LONG = "rpad('a', 100000000, 'ab')"
TWICE = f"regexp_replace(regexp_replace({LONG}, '(a|b)+?', 'a'), '(a|b)+?', 'b')"
DEAF = f"SELECT length({TWICE})"
"""Half a minute of planning, which DuckDB's interrupt does not end."""


def test_a_statement_that_does_not_heed_its_stop_ends_soon(emulated: Emulated) -> None:
    lake = Lake(emulated.clients)
    number = lake.start(DEAF)
    _wait_until_it_runs(lake, number)
    engine = engine_of(emulated.pid)
    lake.athena.stop_query_execution(QueryExecutionId=number)
    assert lake.ended(number)["Status"]["State"] == "CANCELLED"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{engine}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lake.rows("SELECT 1") == [["1"]]
    assert engine_of(emulated.pid) != engine
    assert lake.ended(number)["Status"]["State"] == "CANCELLED"


def test_a_statement_that_is_nested_too_deeply_is_a_syntax_error(emulated: Emulated) -> None:
    lake = Lake(emulated.clients)
    for deep in ("(" * 400 + "1" + ")" * 400, "1+" * 20000 + "1"):
        reason = lake.reason(f"SELECT {deep}")
        assert reason == "SYNTAX_ERROR: the statement is nested too deeply"
    assert lake.rows("SELECT ((1))") == [["1"]]


def _wait_until_it_runs(lake: Lake, number: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = lake.athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]
        if found["Status"]["State"] == "RUNNING":
            return
        assert found["Status"]["State"] == "QUEUED", found["Status"]
        time.sleep(0.02)
    raise AssertionError("the query did not begin")


def _kill_engine_while(lake: Lake, number: str, emulator: int) -> None:
    _wait_until_it_runs(lake, number)
    os.kill(engine_of(emulator), signal.SIGKILL)
    status = lake.ended(number)["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == "INTERNAL_ERROR: the query engine ended by itself"
