"""Runs a moto server process, and a proxy for it that refuses records or is unreachable."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from rigs.ports import free_port
from tests.patience import PATIENCE_SECONDS
from tests.producer_support.doubles import ROOT, environment

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_LAUNCH = """
import sys
from moto.kinesis.models import Shard
from moto.server import main
# without this moto scans every record of the shard on each write
Shard.get_max_sequence_number = lambda self: next(reversed(self.records), 0)
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@contextmanager
def moto_server() -> Iterator[str]:
    """Run a moto server while the context is open. Yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
    )
    try:
        _await(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "moto ended"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("moto did not start")


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client of the server."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def variables(endpoint: str) -> dict[str, str]:
    """Return the environment variables with which the producer finds the server."""
    return {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}


def make_stream(endpoint: str, name: str, shards: int = 2) -> None:
    """Create a stream and wait until it is active."""
    kinesis = client("kinesis", endpoint)
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(
        StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )


def ticks_by_symbol(endpoint: str, stream: str) -> dict[str, list[dict[str, Any]]]:
    """Return all ticks in a stream by symbol, in the order of the symbol's shard."""
    kinesis = client("kinesis", endpoint)
    found: dict[str, list[dict[str, Any]]] = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        for record in _records(kinesis, stream, shard["ShardId"]):
            for line in record["Data"].splitlines():
                tick = json.loads(line)
                assert tick["symbol"] == record["PartitionKey"]
                found.setdefault(tick["symbol"], []).append(tick)
    return found


def _records(kinesis: Any, stream: str, shard: str) -> Iterator[Any]:
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        if not answer["Records"]:
            return
        yield from answer["Records"]
        iterator = answer["NextShardIterator"]


class FaultyKinesis:
    """A proxy for a Kinesis server that refuses records of PutRecords at random.

    A refused record does not reach the server. With `losing_answers` the server processes a
    request, but the connection is cut before the answer.
    """

    def __init__(
        self, endpoint: str, *, withholding: float = 0.0, losing_answers: float = 0.0
    ) -> None:
        self._target = endpoint.removeprefix("http://")
        self._withholding = withholding
        self._losing = losing_answers
        self._rng = random.Random(20)
        self._lock = threading.Lock()
        self._port = free_port()
        self._server: ThreadingHTTPServer | None = None
        self.withheld = 0
        self.lost_answers = 0
        self.on_request: Callable[[int], None] = lambda _count: None
        self.requests = 0
        self.connections: set[socket.socket] = set()

    @property
    def endpoint(self) -> str:
        """Return the proxy's address, which stays the same after `stop` and `start`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen for connections."""
        proxy = self

        class Handler(_Forward):
            faults = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections until `start`."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self.connections):
            with suppress(OSError):  # the process may have ended
                connection.shutdown(socket.SHUT_RDWR)

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes] | None:
        """Return the status and body of the answer, or None if the answer is lost."""
        if not headers.get("X-Amz-Target", "").endswith("PutRecords"):
            return self._send(headers, body)
        with self._lock:
            self.requests += 1
            self.on_request(self.requests)
            request = json.loads(body)
            refused = [self._rng.random() < self._withholding for _ in request["Records"]]
            lost = self._rng.random() < self._losing
        kept = [record for record, no in zip(request["Records"], refused, strict=True) if not no]
        self.withheld += sum(refused)
        results = self._results(headers, {**request, "Records": kept}) if kept else []
        if lost:
            self.lost_answers += 1
            return None
        return 200, json.dumps(_merged(refused, results)).encode()

    def _results(self, headers: dict[str, str], request: dict[str, Any]) -> list[Any]:
        status, answer = self._send(headers, json.dumps(request).encode())
        assert status == 200, answer
        return list(json.loads(answer)["Records"])

    def _send(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=PATIENCE_SECONDS)
        kept = {
            name: value
            for name, value in headers.items()
            if name.lower() not in ("host", "content-length", "connection")
        }
        connection.request("POST", "/", body, kept)
        answer = connection.getresponse()
        result = answer.status, answer.read()
        connection.close()
        return result


def _merged(refused: list[bool], results: list[Any]) -> dict[str, Any]:
    rest = iter(results)
    records = [
        {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "withheld"}
        if no
        else next(rest)
        for no in refused
    ]
    return {"FailedRecordCount": sum(refused), "Records": records}


class _Forward(BaseHTTPRequestHandler):
    faults: FaultyKinesis
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        self.faults.connections.add(self.connection)
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client was killed, or the proxy is away
        finally:
            self.faults.connections.discard(self.connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.faults.forward(dict(self.headers), body)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, payload = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log no requests."""


def start_producer(*arguments: str, **environ: str) -> subprocess.Popen[bytes]:
    """Start `python -m producer` and return its process."""
    return subprocess.Popen(
        [sys.executable, "-m", "producer", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(**environ),
    )


def end(process: subprocess.Popen[bytes], number: int) -> str:
    """Send a signal to a process and wait. Return what it wrote to stderr."""
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    return err.decode()
