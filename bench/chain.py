"""Measures the whole chain on one machine.

It measures ticks per second through `python -m local`, from stream to detection. The baseline is a
driver that sends only the same requests to the same emulator. It also measures the time of a tick
from its event to the API.

    python -m bench chain

The driver's requests are the run's own, together with the producer's PutRecords. They are signed
and sent again, eight at a time, to a fresh emulator. The emulator answers one request at a time, so
it limits both sides. Bias: the driver signs before the clock starts, and reads only the length of
an answer.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

import msgspec

from bench.cost_run import Walk
from bench.recorded_local import Request, recorded_system
from chalicelib.domain.times import from_text, to_text
from embedded_aws.clients import Clients
from embedded_aws.environment import variables_of
from embedded_aws.process import EmulatorProcess
from embedded_aws.signing import signed
from infra import resources
from infra.provision import provision
from producer.wire import WireTick, encode
from rigs.running_system import System, running_system

TARGET_RATIO = 0.6
TARGET_SECONDS = 2.0
SECONDS = 60.0
"""For about how long each load is sent."""

GUESSED_RATES = {25: 400, 1000: 100}
"""Estimated ticks per second by number of symbols, by which a run gets ticks for the requested
time."""

DRIVERS = 8
SUBSCRIBES = b"Action=Subscribe"
"""Omitted by the driver: the run's subscriber is gone, and each message would wait for it."""

REQUEST_RECORDS = 500
END_SECONDS = 600.0
ASKED_SYMBOLS = 25
POLL_SECONDS = 0.05
SEND_SECONDS = 0.1
WATCH_SECONDS = 30.0


def ticks_of(symbols: int, count: int) -> list[list[WireTick]]:
    """Return polls of all symbols. The polls are a second apart, and the last one is now."""
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


def kinesis(system: System) -> Any:
    """Return a Kinesis client for the system's stream."""
    return Clients(variables_of(system.aws, system.keys))("kinesis")


def answered(system: System, path: str) -> dict[str, Any]:
    """Return the JSON at a path of the API; an empty object if there is none."""
    try:
        found: dict[str, Any] = system.get(path)
    except OSError:
        return {}
    return found


def put(client: Any, stream: str, polls: Sequence[Sequence[WireTick]]) -> None:
    """Send polls like the producer: one record per symbol and request, 500 records per request."""
    for poll in polls:
        for first in range(0, len(poll), REQUEST_RECORDS):
            part = poll[first : first + REQUEST_RECORDS]
            records = [{"Data": encode(tick), "PartitionKey": tick.symbol} for tick in part]
            client.put_records(StreamName=stream, Records=records)


def stream_name() -> str:
    """Return the name of the local stage's stream."""
    return resources.load().name("ticks")


def sustained(symbols: int, seconds: float) -> tuple[float, float]:
    """Return the ticks per second through the chain, and those of the driver."""
    first, *polls = ticks_of(symbols, symbols + round(GUESSED_RATES[symbols] * seconds))
    count = sum(map(len, polls))
    with recorded_system() as (system, requests):
        client = kinesis(system)
        put(client, stream_name(), [first])  # handlers create their clients with their first batch
        _await_last(system, first)
        began = time.monotonic()
        producing = threading.Thread(target=put, args=(client, stream_name(), polls))
        producing.start()
        _await_last(system, polls[-1])
        chain = count / (time.monotonic() - began)
        producing.join()
        ended = time.monotonic()
    asked = [one for one in requests if one.at <= ended and SUBSCRIBES not in one.body]
    warm = sum(request.at < began for request in asked)
    return chain, count / driven(asked[:warm], asked[warm:], first, polls)


def _await_last(system: System, last: Sequence[WireTick]) -> None:
    """Wait until detection has seen the last tick of every symbol. Polls rarely, to disturb the
    chain little. Raises RuntimeError after END_SECONDS."""
    for first in range(0, len(last), 100):
        wanted = {tick.symbol: tick.timestamp for tick in last[first : first + 100]}
        path = f"/quotes?symbols={','.join(wanted)}"
        deadline = time.monotonic() + END_SECONDS
        while True:
            quotes = answered(system, path).get("quotes", [])
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
    ingest: str = "kinesis",
) -> float:
    """Send `asked` and `polls` to a fresh emulator, without the app, and return the seconds that
    they take. `before` and `first` are sent in advance and not timed."""
    emulator = EmulatorProcess(0, None)
    try:
        emulator.wait_until_ready()
        clients = Clients(variables_of(emulator.endpoint, emulator.keys))
        made = provision(clients, resources.load(), ingest=ingest)
        arn, client = made["PRICES_STREAM_ARN"], clients("kinesis")
        warm = [_signed(_moved(request, arn), emulator) for request in before]
        _all_driven(emulator.port, warm, client, [first])
        moved = [_signed(_moved(request, arn), emulator) for request in asked]
        began = time.monotonic()
        _all_driven(emulator.port, moved, client, polls)
        return time.monotonic() - began
    finally:
        emulator.stop()


def _signed(request: Request, emulator: EmulatorProcess) -> Request:
    """Return a copy of the request, signed for another emulator."""
    headers = {k: v for k, v in request.headers.items() if k != "authorization"}
    service = request.headers["authorization"].split("/")[3]
    url = emulator.endpoint + request.path
    made = signed(emulator.keys, service, request.method, url, request.body, headers)
    return msgspec.structs.replace(request, headers=made)


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
    """Return the request with another emulator's ARN of the table's stream."""
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


class Feed(threading.Thread):
    """Sends ticks of all symbols in turn, and tracks which ticks the API has not shown yet. It
    sends `rate` ticks per second, spread over time like a live feed and not in bursts per poll."""

    def __init__(self, client: Any, symbols: int, rate: float) -> None:
        super().__init__()
        self._client, self._rate = client, rate
        self._walks = [Walk(f"S{number:04}") for number in range(symbols)]
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._unseen: deque[tuple[str, str]] = deque()

    def run(self) -> None:
        """Send the due ticks until `stop` is called."""
        began, made = time.monotonic(), 0
        while not self._stopped.wait(SEND_SECONDS):
            due = int(self._rate * (time.monotonic() - began))
            poll = [self._walks[number % len(self._walks)].tick(0) for number in range(made, due)]
            for tick in poll:
                tick.timestamp, tick.source = to_text(datetime.now(UTC)), "bench"
            with self._lock:
                self._unseen.extend((tick.symbol, tick.timestamp) for tick in poll)
            put(self._client, stream_name(), [poll])
            made = due

    def oldest(self, count: int) -> list[str]:
        """Return the symbols of the `count` ticks that have waited longest."""
        with self._lock:
            return list(dict.fromkeys(symbol for symbol, _ in self._unseen))[:count]

    def seen(self, quoted: dict[str, str]) -> list[str]:
        """Return the timestamps of the ticks that the API has shown by now, and forget these ticks.
        `quoted` has the timestamp of each symbol's quote."""
        with self._lock:
            found = [stamp for symbol, stamp in self._unseen if stamp <= quoted.get(symbol, "")]
            self._unseen = deque(
                (symbol, stamp) for symbol, stamp in self._unseen if stamp > quoted.get(symbol, "")
            )
            return found

    def stop(self) -> list[str]:
        """Stop sending. Return the timestamps of the ticks that the API never showed."""
        self._stopped.set()
        self.join()
        return [stamp for _, stamp in self._unseen]


def latencies(symbols: int, rate: float, seconds: float) -> list[float]:
    """Return the seconds from each tick's event until the API quotes that tick or a later one.
    Ticks that are still on their way at the end count if they are already late."""
    found: list[float] = []
    with running_system("--source", "none", "--no-page") as system:
        feed = Feed(kinesis(system), symbols, rate)
        feed.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(POLL_SECONDS)
            if names := feed.oldest(ASKED_SYMBOLS):
                quotes = answered(system, f"/quotes?symbols={','.join(names)}").get("quotes", [])
                shown = {quote["symbol"]: quote["timestamp"] for quote in quotes}
                found += _ages(feed.seen(shown))
        return found + [age for age in _ages(feed.stop()) if age > TARGET_SECONDS]


def _ages(stamps: Sequence[str]) -> list[float]:
    now = datetime.now(UTC)
    return [(now - from_text(stamp)).total_seconds() for stamp in stamps]


def measure() -> list[dict[str, Any]]:
    """Return the results for both numbers of symbols, and the latency at a tenth of each load."""
    found = []
    for symbols in GUESSED_RATES:
        chain, driver = sustained(symbols, SECONDS)
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
        found.append(_latency(symbols, latencies(symbols, chain / 10, WATCH_SECONDS)))
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
