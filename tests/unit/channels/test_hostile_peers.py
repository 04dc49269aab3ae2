"""Receivers that answer without end, or that try to make a send do something else."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests

from chalicelib.adapters import outbound, outbound_http
from chalicelib.adapters.apprise_channel import AppriseChannel
from chalicelib.adapters.webhook import Webhook
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.deliveries import Lasting, Passing
from chalicelib.domain.messages import Message
from rigs.alert_peers import Reply, peer

OPEN: dict[str, Any] = {"allows": lambda _: True}
TOKEN = "a-token-nobody-may-see"


@contextmanager
def raw_peer(*chunks: bytes, greets: bool = False) -> Iterator[int]:
    """A server that answers each connection with these bytes, whatever it is sent."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                if not greets:
                    connection.recv(65_536)
                for chunk in chunks:
                    connection.sendall(chunk)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        assert not thread.is_alive()


def webhook(port: int) -> Webhook:
    return Webhook(Secrets(f"http://127.0.0.1:{port}/hook/{TOKEN}", "s" * 20), **OPEN)


def peak_bytes(send: Any, expected: type[Exception]) -> int:
    """The most memory that a send takes, which raises `expected`."""
    tracemalloc.start()
    try:
        with pytest.raises(expected):
            send()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_body_of_a_redirect_is_not_unpacked_as_a_whole(message: Message) -> None:
    body = gzip.compress(bytes(30_000_000), 9)
    head = (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    with raw_peer(head, body) as port:
        assert peak_bytes(lambda: webhook(port).send(message), Lasting) < 5_000_000


@pytest.mark.parametrize("line", [b"X: a\r\n", b"Set-Cookie2: " + b"a," * 20_000 + b"\r\n"])
def test_a_header_without_end_is_not_read(line: bytes, message: Message) -> None:
    head = [b"HTTP/1.1 200 OK\r\n", *[line] * (8_000_000 // len(line)), b"\r\n"]
    with raw_peer(*head) as port:
        assert peak_bytes(lambda: webhook(port).send(message), Passing) < 5_000_000


def test_provisional_answers_without_end_are_not_read(message: Message) -> None:
    with (
        raw_peer(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000) as port,
        pytest.raises(Passing, match="ended without an answer"),
    ):
        webhook(port).send(message)


def test_cookies_are_not_parsed(monkeypatch: pytest.MonkeyPatch, message: Message) -> None:
    """http.cookiejar takes quadratic time for a long header, which no deadline ends."""
    parsed: list[Any] = []

    def make_cookies(*given: Any) -> list[Any]:
        parsed.append(given)
        return []

    monkeypatch.setattr("http.cookiejar.CookieJar.make_cookies", make_cookies)
    with peer(Reply(200, headers={"Set-Cookie": "a=b"})) as there:
        Webhook(Secrets(f"{there.url}/", "s" * 20), **OPEN).send(message)
    assert parsed == []


@pytest.mark.parametrize("line", [b"250-a\r\n", b"250-" + b"a" * 8_000 + b"\r\n"])
def test_a_mail_servers_reply_without_end_is_not_read(line: bytes, message: Message) -> None:
    address = "mailto://127.0.0.1:{}?from=ticktape@example.com&to=me@example.org"
    flood = [line * 100] * (8_000_000 // (100 * len(line)))
    with raw_peer(b"220 hello\r\n", *flood, greets=True) as port:
        channel = AppriseChannel(Secrets(address.format(port)), **OPEN)
        assert peak_bytes(lambda: channel.send(message), Passing) < 8_000_000


def test_a_malformed_header_has_no_address_logged(
    message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 0\r\n\r\n"
    with raw_peer(answer) as port:
        webhook(port).send(message)
    assert TOKEN not in caplog.text


def test_a_send_makes_a_bounded_number_of_requests(message: Message) -> None:
    with peer(Reply(200)) as there, outbound.Attempt(**OPEN) as attempt:
        for _ in range(outbound_http.MOST_REQUESTS):
            outbound_http.send("GET", f"{there.url}/")
        with pytest.raises(requests.ConnectionError):
            outbound_http.send("GET", f"{there.url}/")
        assert isinstance(attempt.failure, Lasting)
    assert len(there.requests) == outbound_http.MOST_REQUESTS


@pytest.mark.parametrize("option", ["template", "template%20", "+template", "%09template", ":a"])
@pytest.mark.parametrize("scheme", ["slack", "discord", "tgram", "workflows"])
def test_a_stored_address_that_fetches_another_one_is_not_sent_to(
    scheme: str, option: str, message: Message
) -> None:
    """It may have come with a given data folder, past the API."""
    path = {
        "slack": "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "discord": "4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "tgram": "123456789:abcdefg_hijklmnop/12315544",
        "workflows": "host.example:443/wf/sig",
    }[scheme]
    with peer(Reply(200, "{}")) as there:
        channel = AppriseChannel(Secrets(f"{scheme}://{path}?{option}={there.url}/"), **OPEN)
        with pytest.raises(Lasting, match="cannot read the address"):
            channel.send(message)
    assert there.requests == []
