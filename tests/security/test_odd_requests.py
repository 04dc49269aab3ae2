"""Requests that no client sends: each gets a client error, and the server continues."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.local_support.system import LocalSystem
from tests.patience import PATIENCE_SECONDS

TARGETS = [
    "/%00",
    "/prices/%00",
    "/prices/AAPL%00",
    "/rules/%00",
    "/reports/runs/%00",
    "/" + "a" * 300,
    "/" + "a/" * 3000,
    "/prices/" + "A" * 5000,
    "/prices/.",
    "/prices/..",
    "/..%2f..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//[",
    "http://[x/",
    "//evil.example/prices/AAPL",
    "/prices/AAPL?start=%00",
    "/prices/AAPL?limit=" + "9" * 5000,
    "/prices/AAPL?start=" + "0" * 5000,
    "/alerts?start=%ff%fe",
    "/\u00ff",
    "*",
    "/?" + "a=b&" * 5000,
]
HEADERS = [
    "Content-Length: " + "9" * 5000,
    "Content-Length: 00000000000000000000000000000000000000000000000009999999999",
    "Content-Length: " + "0" * 5000,
    "Content-Length: -1",
    "Content-Length: 1e3",
    "Content-Length: \u0661",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: \x0bchunked",
    "Accept-Encoding: " + "gzip," * 5000,
    "If-None-Match: " + '"' * 5000,
    "Authorization: Bearer " + "x" * 5000,
    "Authorization: \xff\xfe",
    "Authorization: Basic Og==",
    "Content-Type: \xff",
    "X-Forwarded-For: 127.0.0.1\r\nHost: evil.example",
    "X" * 5000 + ": 1",
    "no colon",
    *("X: " + "a" * 65000 + "\r\nY: " + "a" * 65000,),
]


def exchanged(port: int, raw: bytes) -> bytes:
    """All that comes back for bytes that are sent as they are."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def ask(port: int, method: str, target: str, *headers: str) -> int:
    """The status of the answer to a request as it is written here."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    raw = "\r\n".join([*lines, *headers, "", ""]).encode("latin-1", "replace")
    version, status, *_ = exchanged(port, raw).split(maxsplit=2)
    assert version.startswith(b"HTTP/1.")
    return int(status)


def goes_on(system: LocalSystem) -> bool:
    """Return whether the system serves as before, without any unexpected error."""
    return system.get("/health") is not None and "Traceback" not in system.output()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:24])
def test_odd_targets_are_answered(system: LocalSystem, target: str) -> None:
    for port in (system.api_port, system.page_port, emulator_port(system)):
        for method in ("GET", "HEAD"):
            assert 200 <= ask(port, method, target) < 500, (port, method)
    assert 400 <= ask(system.api_port, "POST", target) < 500
    assert goes_on(system)


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:24])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_odd_headers_are_answered(system: LocalSystem, method: str, header: str) -> None:
    for target in ("/health", "/rules", "/prices/AAPL"):
        assert 200 <= ask(system.api_port, method, target, header) < 500, target
    assert 200 <= ask(system.page_port, "GET", "/", header) < 500
    assert 400 <= ask(emulator_port(system), method, "/", header) < 500
    assert goes_on(system)


def test_a_head_without_end_is_refused_as_it_is_read(system: LocalSystem) -> None:
    for port in (system.api_port, system.page_port, emulator_port(system)):
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
            line = b"X: " + b"a" * 60_000 + b"\r\n"
            connection.sendall(b"GET / HTTP/1.1\r\n" + 2 * line)  # and no end of the head
            assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")
    assert goes_on(system)


def emulator_port(system: LocalSystem) -> int:
    """Return the embedded AWS's port, for requests without its access key."""
    return urlsplit(system.facts()["aws"]).port or 0


def answers(port: int, head: str, body: bytes) -> list[bytes]:
    """The status lines that come back for one request, whose body is a request in itself."""
    raw = f"{head}\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode("latin-1") + body
    return re.findall(rb"HTTP/1\.1 (\d+) ", exchanged(port, raw))


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        ("Content-Length: {length}", {b"200", b"403"}),
        ("Content-Length: 0\r\nContent-Length: {length}", {b"400"}),
        ("Content-Length: {length}\r\nContent-Length: {length}", {b"400"}),
        ("Content-Length: {length}\r\nTransfer-Encoding: chunked", {b"400"}),
        ("Content-Length : {length}", {b"400"}),
        ("Transfer-Encoding : chunked", {b"400"}),
    ],
)
def test_a_requests_body_is_never_taken_for_another_request(
    system: LocalSystem, lines: str, statuses: set[bytes]
) -> None:
    for port in (system.api_port, system.page_port, emulator_port(system)):
        inner = f"GET /config.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        path = "/health" if port == system.api_port else "/favicon.svg"
        head = f"GET {path} HTTP/1.1\r\n{lines.format(length=len(inner))}"
        found = answers(port, head, inner)
        assert len(found) == 1, (port, found)
        assert found[0] in statuses, (port, found)
    assert goes_on(system)
