"""Connections that send nothing or little, of somebody who can reach the ports of this machine."""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chalice import Chalice

from chalicelib.api.problems import of_status
from embedded_aws.api_gateway import api_server
from embedded_aws.connection_limits import Limits, most_connections
from embedded_aws.http_server import Handler, Server
from tests.local_support.aws import clients_of
from tests.local_support.system import LocalSystem
from tests.patience import PATIENCE_SECONDS

HELD = 1125
"""More than a process may open at the usual limit of 1,024 files."""

BODY_BYTES = 9_900_000
LARGE_BYTES = 32 * 1024 * 1024


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this test as many connections as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < HELD + 400:
        pytest.skip(f"this user may open {hard} files; the test holds {HELD} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HELD + 400), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def held(port: int) -> Iterator[None]:
    """Connections that send nothing, or every other the beginning of a request, and then wait."""
    with contextlib.ExitStack() as closing:
        for number in range(HELD):
            one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
            closing.enter_context(one)
            if number % 2:
                with contextlib.suppress(ConnectionError):  # it has given way already
                    one.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\nX: ")
        yield


def comes(ask: Callable[[], bool]) -> bool:
    """Return whether an awaited event occurs."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if ask():
            return True
        time.sleep(0.05)
    return False


def test_a_thousand_connections_that_wait_stop_nobody(
    system: LocalSystem, many_files: None
) -> None:
    kinesis = clients_of(system.facts()["aws"], system.keys())("kinesis")
    kinesis.list_streams()  # its connection is kept
    emulator = int(system.facts()["aws"].rpartition(":")[2])
    processes = [system.process.pid, *system.descendants()]
    sockets = urlsplit(system.get("/push")["socket"]).port
    for port in (emulator, system.api_port, system.page_port, sockets):
        with held(port):
            assert "ticktape-local-ticks" in kinesis.list_streams()["StreamNames"]
            s3 = clients_of(system.facts()["aws"], system.keys())("s3")
            assert s3.list_buckets()["Buckets"]
            assert system.get("/health") is not None
            assert ask(system.page_port, b"GET / HTTP/1.1\r\nConnection: close\r\n")[0] == 200
            assert comes(lambda: max(map(open_files, processes)) < 3 * most_connections() + 250)
    assert "Traceback" not in system.output()


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def ask(port: int, head: bytes) -> tuple[int, http.client.HTTPMessage]:
    """Status and headers of the answer to a head that is sent as it is."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head + f"Host: 127.0.0.1:{port}\r\n\r\n".encode())
        with contextlib.closing(http.client.HTTPResponse(connection)) as answer:
            answer.begin()
            answer.read()
            return answer.status, answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/rules", 401),
        ("POST", "/keys", 401),
        ("POST", "/nothing", 404),
        ("POST", "/prices/AAPL", 405),
        ("POST", "/rules/preview", 413),
        ("GET", "/prices/AAPL", 413),
        ("GET", "/health", 413),
    ],
)
def test_a_large_body_is_refused_before_it_is_sent(
    system: LocalSystem, method: str, path: str, status: int
) -> None:
    head = f"{method} {path} HTTP/1.1\r\nContent-Length: {BODY_BYTES}\r\n"
    found, headers = ask(system.api_port, head.encode())
    assert (found, headers["Connection"]) == (status, "close")


def test_a_large_body_of_an_authorised_writer_is_refused_in_the_same_way(
    system: LocalSystem,
) -> None:
    token = system.facts()["token"]
    connection = http.client.HTTPConnection("127.0.0.1", system.api_port, timeout=PATIENCE_SECONDS)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for size in (65_000, 100_000):  # which the route refuses, and which is not read
        connection.request("POST", "/rules", b" " * size + b"{}", headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert (answer.status, told["detail"]) == (413, "the body is above 64000 bytes")
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture
def impatient() -> Iterator[Server]:
    """An API whose clients have half a second for each part of a request."""
    app = Chalice(app_name="small")
    app.route("/echo", methods=["POST"])(lambda: "done")
    half = Limits(10, idle_seconds=0.5, head_seconds=0.5, body_seconds=0.5)
    server = Server(0, limits=half)
    server.start(api_server.handler(app, of_status, None))
    yield server
    server.stop()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /echo HTT",
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n",
    ],
)
def test_a_client_that_sends_byte_by_byte_is_not_waited_for(impatient: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient.port)) as connection:
        connection.settimeout(0.05)
        connection.sendall(sent)
        assert comes(lambda: not_served(connection))


class Large(Handler):
    """Answers with more than the system's buffers hold."""

    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200)
        self.send_header("Content-Length", str(LARGE_BYTES))
        self.end_headers()
        self.wfile.write(bytes(LARGE_BYTES))


def test_clients_that_do_not_read_their_answers_stop_nobody() -> None:
    server = Server(0, limits=Limits(4))
    server.start(Large)
    asked = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as closing:
        closing.callback(server.stop)
        for _ in range(12):
            one = closing.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            one.sendall(asked)
            one.recv(1)  # the answer has begun
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
        closing.callback(connection.close)
        connection.request("GET", "/")
        assert len(connection.getresponse().read()) == LARGE_BYTES


def not_served(connection: socket.socket) -> bool:
    """Return whether the server has closed a connection on which it gets one more byte."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"a")
        try:
            return connection.recv(100) == b""
        except TimeoutError:
            return False
    return True


def test_an_answered_connection_is_closed_once_it_is_idle(impatient: Server) -> None:
    url = urlsplit(impatient.address)
    connection = http.client.HTTPConnection(url.netloc, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/echo", b"{}")
    assert connection.getresponse().read() == b"done"
    assert connection.sock.recv(1) == b""
    connection.close()
