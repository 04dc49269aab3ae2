"""A stream that reads nothing, or sends the producer elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from producer.backoff import Backoff
from producer.sources import alpaca, coinbase
from producer.sources.pushed.connection import Guarded, Lost, connect
from producer.sources.pushed.service import Feed
from producer.sources.pushed.session import Session
from producer.status import Status
from producer.throttling import CircuitBreaker
from tests.patience import PATIENCE_SECONDS, eventually

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PINGS = bytes([0x80 | 9, 125]) + b"x" * 125


class Impatient(Guarded):
    """Shuts a socket down that cannot send for a moment."""

    send_seconds = 0.2


class Deaf:
    """A server that pushes pings and reads nothing after the handshake."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                opened, _ = self._listener.accept()
                self._open.append(opened)
                self.connections += 1
                threading.Thread(target=_flood, args=(opened,), daemon=True).start()

    def close(self) -> None:
        """End all of it."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _flood(opened: socket.socket) -> None:
    with suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            head += opened.recv(4096)
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
        accept = base64.b64encode(hashlib.sha1(lines[b"Sec-WebSocket-Key"] + _ACCEPT).digest())
        opened.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            opened.sendall(_PINGS * 400)


class Listening:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.heard.append(name)


@contextmanager
def running(
    feed: Feed, symbol: str, listener: Any, problems: list[str], open_: Any
) -> Iterator[None]:
    """A session in a thread."""
    session = Session(
        feed,
        Status(lambda _event, message: problems.append(message)),
        listener,
        connect=open_,
        backoff=Backoff(0.01, 0.02, random.Random(1)),
        breaker=CircuitBreaker(first_seconds=0.01, most_seconds=0.02),
    )
    session.follow((symbol,))
    stop = threading.Event()
    thread = threading.Thread(target=session.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_a_stream_that_pings_and_reads_nothing_is_connected_again() -> None:
    deaf, problems, listener = Deaf(), list[str](), Listening()
    feed = coinbase.CoinbaseFeed(deaf.url)
    try:
        with running(feed, "BTC-USD", listener, problems, partial(connect, guarded=Impatient)):
            eventually(lambda: deaf.connections >= 2, lambda: problems)
    finally:
        deaf.close()
    assert "lost" in listener.heard
    assert "the stream from Coinbase was lost" in problems[0]


def test_a_connection_that_is_left_with_an_error_is_closed_without_a_handshake() -> None:
    deaf = Deaf()
    try:
        opening = connect(deaf.url)
        connection: Any = opening.__enter__()
        eventually(lambda: connection._sending_since is not None)
        opening.__exit__(Lost, Lost("nothing came"), None)
    finally:
        deaf.close()
    assert connection.wait_closed(PATIENCE_SECONDS)


def test_the_listener_hears_of_a_loss_before_the_connection_is_closed() -> None:
    listener = Listening()

    class Opened:
        """A connection whose other end has left."""

        def __enter__(self) -> Opened:
            return self

        def __exit__(self, *_: object) -> None:
            listener.heard.append("closed")

        def send(self, _text: str) -> None:
            raise Lost("gone")

    problems: list[str] = []
    with running(
        coinbase.CoinbaseFeed("ws://127.0.0.1:1"), "BTC-USD", listener, problems, lambda _: Opened()
    ):
        eventually(lambda: "closed" in listener.heard)
    assert listener.heard[:2] == ["lost", "closed"]


def test_keys_do_not_follow_a_redirect() -> None:
    heard: list[Any] = []

    def hear(connection: ServerConnection) -> None:
        heard.append(connection.recv())

    with serve(hear, "127.0.0.1", 0) as other:
        elsewhere = f"ws://127.0.0.1:{other.socket.getsockname()[1]}"

        def redirect(_connection: ServerConnection, _request: Request) -> Response:
            return Response(302, "Found", Headers(Location=elsewhere, Content_Length="0"))

        with serve(hear, "127.0.0.1", 0, process_request=redirect) as named:
            for server in (other, named):
                threading.Thread(target=server.serve_forever, daemon=True).start()
            feed = alpaca.AlpacaFeed(
                alpaca.Keys("id", "secret"), f"ws://127.0.0.1:{named.socket.getsockname()[1]}"
            )
            problems: list[str] = []
            with running(feed, "AAPL", Listening(), problems, connect):
                eventually(lambda: problems)
            named.shutdown()
        other.shutdown()
    assert not heard
    assert "302" in json.dumps(problems)
