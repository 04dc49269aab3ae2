"""The whole chain on one machine: ticks a second through `python -m local`, stream to detection,
beside a driver that sends the same requests to the same emulator with nothing around them; and how
long a tick takes from its event to the API.

    python -m bench.chain --seconds 60

The requests are those that the run itself made, sent again as they were, eight at a time, to a
fresh emulator, with the producer's PutRecords beside them. The emulator answers one request at a
time, so it bounds both. Bias: the driver signs nothing and reads no answer but its length.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

from bench.cost_run import Walk
from bench.local_system import ROOT, free_port
from bench.recorded_local import Request
from chalicelib.domain.times import from_text, to_text
from local import aws_environment, resources
from local.emulator.process import EmulatorProcess
from local.provision import Clients, provision
from producer.wire import WireTick, encode

TARGET_RATIO = 0.6
TARGET_SECONDS = 2.0
GUESSED_RATE = 400
"""Ticks a second, by which a run's ticks are chosen to take about as long as it is asked to."""

DRIVERS = 8
SUBSCRIBES = b"Action=Subscribe"
"""Left out of the driver: the run's subscriber is gone, and each message would wait for it."""

REQUEST_RECORDS = 500
END_SECONDS = 600.0
ASKED_SYMBOLS = 25
POLL_SECONDS = 0.05


def ticks_of(symbols: int, count: int) -> list[list[WireTick]]:
    """Polls of all symbols, a second apart, that end now."""
    polls = max(2, count // symbols)
    walks = [Walk(f"S{number:04}") for number in range(symbols)]
    start = datetime.now(UTC) - timedelta(seconds=polls)
    made = []
    for number in range(polls):
        poll = [walk.tick(0) for walk in walks]
        for tick in poll:
            tick.timestamp = to_text(start + timedelta(seconds=number))
            tick.mode, tick.source = "replay", "bench"
        made.append(poll)
    return made


class Running:
    """`python -m local` without a producer, its addresses, and what it asked of AWS."""

    def __init__(self, folder: Path) -> None:
        self._record = folder / "requests"
        self.api, self.aws = free_port(), free_port()
        command = [sys.executable, "-m", "bench.recorded_local", str(self._record)]
        command += ["--source", "none", "--data", "none", "--no-page"]
        command += ["--api-port", str(self.api), "--aws-port", str(self.aws)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self._log = (folder / "log").open("w+")
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )

    def get(self, path: str) -> Any:
        """The JSON at a path of the API; None while it has none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}{path}", timeout=20) as found:
                return json.load(found)
        except OSError:
            return None

    def wait(self, path: str = "/health") -> None:
        """Until the API answers. Raises RuntimeError with what the system said."""
        deadline = time.monotonic() + END_SECONDS
        while self.get(path) is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._log.seek(0)
                raise RuntimeError(f"python -m local: {self._log.read()[-800:]}")
            time.sleep(0.2)

    def requests(self) -> list[Request]:
        """End it; what it asked."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        if not self._record.exists():
            return []
        return msgspec.msgpack.decode(self._record.read_bytes(), type=list[Request])


@contextmanager
def running() -> Iterator[Running]:
    """A started system, ended in any case."""
    with tempfile.TemporaryDirectory() as folder:
        system = Running(Path(folder))
        try:
            system.wait()
            yield system
        finally:
            system.requests()


def kinesis(port: int) -> Any:
    """A client of the emulator's stream."""
    return Clients(variables_of(f"http://127.0.0.1:{port}"))("kinesis")


def variables_of(endpoint: str) -> dict[str, str]:
    """The environment of an emulator's clients."""
    variables: dict[str, str] = {}
    aws_environment.point_at(variables, endpoint)
    return variables


def put(client: Any, stream: str, polls: Sequence[Sequence[WireTick]]) -> None:
    """As the producer: a record a symbol and request, 500 records a request."""
    for poll in polls:
        for first in range(0, len(poll), REQUEST_RECORDS):
            part = poll[first : first + REQUEST_RECORDS]
            records = [{"Data": encode(tick), "PartitionKey": tick.symbol} for tick in part]
            client.put_records(StreamName=stream, Records=records)


def stream_name() -> str:
    """Of the local stage."""
    return resources.load().name("ticks")


def sustained(symbols: int, seconds: float) -> tuple[float, float]:
    """Ticks a second through the chain, and of the driver."""
    first, *polls = ticks_of(symbols, symbols + round(GUESSED_RATE * seconds))
    count = sum(map(len, polls))
    with running() as system:
        client = kinesis(system.aws)
        put(client, stream_name(), [first])  # handlers make their clients with their first batch
        _await_last(system, first)
        began = time.monotonic()
        producing = threading.Thread(target=put, args=(client, stream_name(), polls))
        producing.start()
        _await_last(system, polls[-1])
        chain = count / (time.monotonic() - began)
        producing.join()
        ended = time.monotonic()
        asked = [
            request
            for request in system.requests()
            if request.at <= ended and SUBSCRIBES not in request.body
        ]
    warm = sum(request.at < began for request in asked)
    return chain, count / driven(asked[:warm], asked[warm:], first, polls)


def _await_last(system: Running, last: Sequence[WireTick]) -> None:
    """Until detection has seen the last tick of every symbol; asked seldom, not to disturb."""
    for first in range(0, len(last), 100):
        wanted = {tick.symbol: tick.timestamp for tick in last[first : first + 100]}
        path = f"/quotes?symbols={','.join(wanted)}"
        deadline = time.monotonic() + END_SECONDS
        while True:
            quotes = (system.get(path) or {"quotes": []})["quotes"]
            if {q["symbol"]: q["timestamp"] for q in quotes} == wanted:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"not detected within {END_SECONDS:.0f} s: {quotes[:2]}")
            time.sleep(0.5)


def driven(
    before: Sequence[Request],
    asked: Sequence[Request],
    first: Sequence[WireTick],
    polls: Sequence[Sequence[WireTick]],
) -> float:
    """Seconds that the same requests take with nothing around them; those before are not timed."""
    emulator = EmulatorProcess(free_port(), None)
    try:
        emulator.wait_until_ready()
        clients = Clients(variables_of(emulator.endpoint))
        made = provision(clients, resources.load(), ingest="kinesis")
        arn, client = made["PRICES_STREAM_ARN"], clients("kinesis")
        _all_driven(emulator.port, [_moved(request, arn) for request in before], client, [first])
        moved = [_moved(request, arn) for request in asked]
        began = time.monotonic()
        _all_driven(emulator.port, moved, client, polls)
        return time.monotonic() - began
    finally:
        emulator.stop()


def _all_driven(
    port: int, asked: Sequence[Request], client: Any, polls: Sequence[Sequence[WireTick]]
) -> None:
    waiting, lock = iter(asked), threading.Lock()
    workers = [threading.Thread(target=put, args=(client, stream_name(), polls))]
    workers += [threading.Thread(target=_drive, args=(port, waiting, lock)) for _ in range(DRIVERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _moved(request: Request, stream_arn: str) -> Request:
    """The table's stream has another name in another emulator."""
    head, _, label = stream_arn.rpartition("/")
    at = request.body.find(head.encode() + b"/")
    if at < 0:
        return request
    first = at + len(head) + 1
    body = request.body[:first] + label.encode() + request.body[first + len(label) :]
    return msgspec.structs.replace(request, body=body)


def _drive(port: int, waiting: Iterator[Request], lock: threading.Lock) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        with lock:
            request = next(waiting, None)
        if request is None:
            connection.close()
            return
        with contextlib.suppress(http.client.HTTPException):
            connection.request(request.method, request.path, request.body, request.headers)
            connection.getresponse().read()


def latencies(symbols: int, rate: float, seconds: float) -> list[float]:
    """Seconds from a tick's event until the API quotes it, of one tick a second of some symbols,
    at `rate` ticks a second of all."""
    names = [f"S{number:04}" for number in range(symbols)]
    every = max(0.2, symbols / rate)
    sent: dict[str, float] = {}
    found: list[float] = []
    with running() as system:
        client = kinesis(system.aws)
        stop = threading.Event()

        def produce() -> None:
            walks = [Walk(name) for name in names]
            while not stop.is_set():
                began = time.monotonic()
                poll = [walk.tick(0) for walk in walks]
                for tick in poll:
                    tick.timestamp, tick.source = to_text(datetime.now(UTC)), "bench"
                put(client, stream_name(), [poll])
                stop.wait(max(0.0, every - (time.monotonic() - began)))

        producing = threading.Thread(target=produce)
        producing.start()
        end = time.monotonic() + seconds
        path = f"/quotes?symbols={','.join(names[:ASKED_SYMBOLS])}"
        while time.monotonic() < end:
            now = datetime.now(UTC)
            for quote in (system.get(path) or {"quotes": []})["quotes"]:
                stamp = quote["timestamp"]
                if sent.get(quote["symbol"]) != stamp:
                    sent[quote["symbol"]] = stamp
                    found.append((now - from_text(stamp)).total_seconds())
            time.sleep(POLL_SECONDS)
        stop.set()
        producing.join()
    return found


def results(seconds: float) -> list[dict[str, Any]]:
    """Both numbers of symbols, and the latency at a tenth of the lesser load."""
    found = []
    for symbols in (25, 1000):
        chain, driver = sustained(symbols, seconds)
        ratio = chain / driver
        found.append(
            {
                "name": f"chain: {symbols:,} symbols, sustained",
                "value": round(chain),
                "unit": "ticks/s",
                "baseline": round(driver),
                "ratio": round(ratio, 2),
                "target": f"at least {TARGET_RATIO} of the same calls alone",
                "holds": ratio >= TARGET_RATIO,
            }
        )
        found.append(_latency(symbols, latencies(symbols, chain / 10, seconds)))
    return found


def _latency(symbols: int, seconds: list[float]) -> dict[str, Any]:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {
        "name": f"chain: {symbols:,} symbols, event to API at a tenth of it",
        "value": round(cuts[49], 2),
        "p95": round(cuts[94], 2),
        "p99": round(cuts[98], 2),
        "unit": "s",
        "target": f"p95 below {TARGET_SECONDS:g} s",
        "holds": cuts[94] < TARGET_SECONDS,
    }


def measure() -> list[dict[str, Any]]:
    """A short run."""
    return results(20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.chain")
    parser.add_argument("--seconds", type=float, default=60.0, help="about how long (default 60)")
    json.dump(results(parser.parse_args().seconds), sys.stdout, indent=2)
    print()
