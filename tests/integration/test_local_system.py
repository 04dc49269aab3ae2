"""`python -m local` from start to end: endings, restarts, kills and refusals."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.adapters.keys import Keys
from chalicelib.services.access.key_ring import KeyRing
from chalicelib.services.delivery.lanes import PARALLEL_SENDS
from tests.local_support.aws import clients_of
from tests.local_support.system import LocalSystem, all_gone, local_system, run_local
from tests.oracles.crosses import crosses, moves_above
from tests.patience import PATIENCE_SECONDS, eventually

AAPL = Path(__file__).resolve().parents[1] / "data" / "aapl-daily-2015-2017.csv"
ROWS = 200
RANGE = "limit=5000&start=2015-01-01&end=2017-12-31"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are watched through /proc"
)


def rows(system: LocalSystem) -> list[str]:
    found = system.get(f"/prices/AAPL?interval=tick&{RANGE}") or {"prices": []}
    return [row["timestamp"] for row in found["prices"]]


def alerts(system: LocalSystem) -> list[tuple[str, str]]:
    """Those that were sent, in order."""
    found = system.get(f"/alerts?symbol=AAPL&{RANGE}") or {"alerts": []}
    return sorted((a["timestamp"], a["condition"]) for a in found["alerts"] if a["notified_at"])


def producer(system: LocalSystem) -> tuple[str, str]:
    """Command and state of what `/health` calls the producer."""
    found = (system.get("/health") or {})["producer"] or {"command": "", "state": ""}
    return found["command"], found["state"]


def printed(system: LocalSystem) -> list[str]:
    return [line for line in system.output().splitlines() if line.startswith("alert ")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(number: signal.Signals) -> None:
    with local_system("--source", "simulator", "--data", "none") as system:
        system.ready()
        system.until(lambda: len(system.descendants()) == 2)
        children = system.descendants()
        assert system.end(number) == 0
        eventually(lambda: all_gone(children))
        text = system.output()
    assert f"http://127.0.0.1:{system.page_port}" in text
    assert f"http://127.0.0.1:{system.api_port}" in text
    assert "Write token:" in text
    assert "Traceback" not in text


def test_it_ends_by_itself() -> None:
    with local_system("--source", "none", "--data", "none", "--seconds", "1") as system:
        assert system.process.wait(PATIENCE_SECONDS) == 0


def child(system: LocalSystem, module: str) -> int:
    """The process number of a child that runs; 0 while there is none."""
    for pid in system.descendants():
        with contextlib.suppress(OSError):
            if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return pid
    return 0


def complaints(system: LocalSystem) -> list[str]:
    """Return the lines on stderr, except the producer's notes."""
    telling = ("python -m local:", "the producer ", "Traceback", "WARNING", "ERROR")
    return [line for line in system.output().splitlines() if line.startswith(telling)]


def test_a_killed_producer_is_started_again_and_a_killed_emulator_is_the_end() -> None:
    with local_system("--source", "simulator", "--data", "none") as system:
        system.ready()
        first = system.until(lambda: child(system, "producer"))
        system.until(lambda: system.get("/symbols") != {"symbols": []})
        os.kill(first, signal.SIGKILL)
        system.until(lambda: child(system, "producer") not in (0, first))
        assert complaints(system) == ["the producer was killed (SIGKILL); restarting it in 1 s"]
        os.kill(child(system, "embedded_aws.server"), signal.SIGKILL)
        assert system.process.wait(PATIENCE_SECONDS) == 1
        said = complaints(system)[1:]
        assert said == ["python -m local: embedded AWS was killed (SIGKILL)"], system.output()


def test_a_full_disk_is_one_line_and_status_1(tmp_path: Path) -> None:
    with local_system("--source", "simulator", "--data", str(tmp_path / "data")) as system:
        system.ready()
        system.until(lambda: system.get("/symbols") != {"symbols": []})
        emulator = child(system, "embedded_aws.server")
        resource.prlimit(emulator, resource.RLIMIT_FSIZE, (4096, 4096))
        assert system.process.wait(PATIENCE_SECONDS) == 1
        (line,) = complaints(system)
    assert line == (
        f"python -m local: {tmp_path}/data/aws.sqlite cannot be written any more: is the disk full?"
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """AAPL's first 200 rows."""
    path = tmp_path / "aapl.csv"
    path.write_text("".join(AAPL.read_text().splitlines(keepends=True)[: ROWS + 1]))
    return path


def expected_alerts(recording: Path) -> list[tuple[str, str]]:
    """(date, condition) by exact fractions, not by our code."""
    table = [line.split(",") for line in recording.read_text().splitlines()[1:]]
    dates, prices = [row[0] for row in table], [row[4] for row in table]
    found = [(dates[cross.position], cross.kind) for cross in crosses(prices, 5, 20)]
    moves = [(dates[position], "change_percent") for position in moves_above(prices, 5)]
    return sorted(found + moves)


def dated(system: LocalSystem) -> list[tuple[str, str]]:
    return [(timestamp[:10], condition) for timestamp, condition in alerts(system)]


def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, recording: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    every_tick = ("--alerts", "every-tick")
    replay = ("--source", "replay", "--file", str(recording), "--symbols", "AAPL", *data)
    expected = expected_alerts(recording)
    with local_system(*replay, "--speed", "max", *every_tick) as first:
        first.until(lambda: len(rows(first)) >= 60)
        children, before = first.descendants(), rows(first)
        first.end(signal.SIGKILL)
        printed_first = printed(first)
    with local_system(*replay, "--speed", "max", *every_tick) as second:
        second.ready()
        eventually(lambda: all_gone(children))
        assert rows(second)[: len(before)] == before
        second.until(lambda: dated(second) == expected)
        second.until(lambda: producer(second) == ("replay", "ended"))
        after, printed_second = rows(second), printed(second)
        assert second.end() == 0
    assert len(after) == len(set(after)) == ROWS
    assert after == sorted(after)
    assert len({*printed_first, *printed_second}) == len(expected)
    # Only messages that were out when the kill came, and not yet marked, may come again.
    assert len({*printed_first} & {*printed_second}) <= PARALLEL_SENDS
    with local_system("--source", "none", *data) as third:
        third.ready()
        assert rows(third) == after
        assert dated(third) == expected
        assert printed(third) == []


def test_keys_and_what_was_put_and_not_ingested_are_there_after_a_kill(tmp_path: Path) -> None:
    data = ("--source", "none", "--data", str(tmp_path / "data"))
    with local_system(*data) as first:
        first.ready()
        facts = first.facts()
        clients = clients_of(facts["aws"], first.keys())
        store = Keys(clients("dynamodb"), facts["environment"]["KEYS_TABLE"])
        KeyRing(store, lambda: datetime.now(UTC), "").create({"name": "mine", "scopes": ["admin"]})
        assert "stored key" not in first.output()
        kinesis = clients("kinesis")
        lines = [f'{{"symbol": "PUT{n}", "price": {n}.5}}'.encode() for n in range(1, 9)]
        kinesis.put_records(
            StreamName="ticktape-local-ticks",
            Records=[{"Data": line, "PartitionKey": line[12:16].decode()} for line in lines],
        )
        first.end(signal.SIGKILL)
    with local_system(*data) as second:
        second.ready()
        second.until(lambda: "1 stored key opens the API besides this token" in second.output())
        names = ",".join(f"PUT{n}" for n in range(1, 9))

        def prices() -> list[float]:
            quotes = (second.get(f"/quotes?symbols={names}") or {"quotes": []})["quotes"]
            return [float(quote["price"]) for quote in quotes if quote.get("price")]

        second.until(lambda: len(prices()) == 8)
        assert sorted(prices()) == [n + 0.5 for n in range(1, 9)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--nonsense"], "--nonsense"),
        (["--source", "replay", "--file", "no-such-file.csv"], "no-such-file.csv"),
        (["--symbols", "<script>", "--data", "none"], "<script>"),
    ],
)
def test_a_refusal_is_one_line_and_status_2(arguments: list[str], named: str) -> None:
    done = run_local("--api-port", "0", "--page-port", "0", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_system_refuses_the_ports_and_the_data_of_the_first(tmp_path: Path) -> None:
    data = ("--source", "none", "--data", str(tmp_path / "data"))
    with local_system(*data) as first:
        first.ready()
        port = str(first.api_port)
        taken = run_local("--api-port", port, "--page-port", "0", "--data", "none")
        assert (taken.returncode, f"--api-port {port}" in taken.stderr) == (2, True)
        used = run_local("--api-port", "0", "--page-port", "0", *data)
        assert (used.returncode, "in use by process" in used.stderr) == (2, True)
        assert len(used.stderr.strip().splitlines()) == 1
        assert first.get("/health")
