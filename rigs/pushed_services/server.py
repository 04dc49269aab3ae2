"""Runs a stand-in: a WebSocket server and an HTTP server on free ports of 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from rigs.pushed_services.market import Market, Trade
from rigs.pushed_services.protocols import ServiceProtocol

_JOIN_SECONDS = 10.0


class StandIn:
    """A running stand-in. Its attributes and methods change how it behaves from now on.

    If `is_mute`, it answers nothing and pushes nothing, but stays open. `refusals` are HTTP
    statuses of the next handshakes. `failures` are HTTP statuses of the next requests; 200 means an
    unreadable answer. `heard` has the clients' frames, `requests` the targets of HTTP requests.
    """

    def __init__(self, make: Callable[[], ServiceProtocol], market: Market) -> None:
        self._make = make
        self.market = market
        self.is_mute = False
        self.refusals: list[int] = []
        self.failures: list[int] = []
        self.heard: list[str] = []
        self.requests: list[str] = []
        self.connections = 0
        self._open: list[tuple[ServerConnection, ServiceProtocol]] = []
        self._lock = threading.Lock()
        self.stream_url = self.history_url = ""

    @property
    def subscribed(self) -> set[str]:
        """Return the symbols to which the open connections are subscribed."""
        with self._lock:
            return {name for _, protocol in self._open for name in protocol.subscribed}

    def trade(self, symbol: str, at: datetime | None = None, *, is_skipped: bool = False) -> Trade:
        """Make a trade, push it unless `is_skipped`, and return it."""
        made = self.market.trade(symbol, at or datetime.now(UTC))
        if not is_skipped:
            self.push(made)
        return made

    def push(self, trade: Trade) -> None:
        """Push a trade to the connections that are subscribed to its symbol."""
        self._each(lambda protocol: [protocol.frame(trade)] if _has(protocol, trade) else [])

    def beat(self, at: datetime | None = None) -> None:
        """Push the heartbeats that are due at an instant, by default now."""
        now = at or datetime.now(UTC)
        self._each(lambda protocol: protocol.beat(self.market, now))

    def garbage(self, frame: str | bytes = "{garbage") -> None:
        """Push a frame that the protocol does not have."""
        self._each(lambda _: [frame])

    def _each(self, frames: Callable[[ServiceProtocol], list[str] | list[str | bytes]]) -> None:
        with self._lock:
            held = list(self._open)
        for connection, protocol in held:
            encoded = _encoder_of(connection)
            for frame in [] if self.is_mute else frames(protocol):
                with suppress(ConnectionClosed):
                    connection.send(encoded(frame) if isinstance(frame, str) else frame)

    def close(self) -> None:
        """Close all connections with a closing handshake."""
        with self._lock:
            held = list(self._open)
        for connection, _ in held:
            connection.close()

    def abort(self) -> None:
        """Break all connections off without a closing handshake."""
        with self._lock:
            held = list(self._open)
        for connection, _ in held:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def serve_connection(self, connection: ServerConnection) -> None:
        """Answer the frames of one client until it leaves."""
        protocol = self._make()
        entry = connection, protocol
        encoded = _encoder_of(connection)
        with self._lock:
            self._open.append(entry)
            self.connections += 1
        try:
            for frame in [] if self.is_mute else protocol.greeting():
                connection.send(encoded(frame))
            for heard in connection:
                text = heard if isinstance(heard, str) else _as_text(heard)
                self.heard.append(text)
                for frame in protocol.answer(text):
                    if not self.is_mute:
                        connection.send(encoded(frame))
        except ConnectionClosed:
            return
        finally:
            with self._lock:
                self._open.remove(entry)

    def handshake(self, connection: ServerConnection, _request: Request) -> Response | None:
        """Refuse a handshake with the next status of `refusals`. Without such a status return None,
        which accepts the handshake."""
        status = self.refusals.pop(0) if self.refusals else None
        return None if status is None else connection.respond(status, "not now")

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, str]:
        """Return the status and the body that answer an HTTP request."""
        self.requests.append(target)
        if self.failures:
            status = self.failures.pop(0)
            return status, "<html>garbage" if status == 200 else '{"message":"not now"}'
        parts = urlsplit(target)
        return self._make().rest(parts.path, dict(parse_qsl(parts.query)), headers, self.market)


def _encoder_of(connection: ServerConnection) -> Callable[[str], str | bytes]:
    """Return a function that converts a JSON text to a frame. The frame is MessagePack for clients
    that ask for that, such as alpaca-py, and the text for others."""
    request = connection.request
    asked = request.headers.get("Content-Type") if request is not None else None
    return _as_messagepack if asked == "application/msgpack" else str


def _as_messagepack(text: str) -> bytes:
    messages = msgspec.json.decode(text)
    for message in messages:
        if isinstance(message.get("t"), str):
            message["t"] = datetime.fromisoformat(message["t"])
    return msgspec.msgpack.encode(messages)


def _as_text(frame: bytes) -> str:
    return msgspec.json.encode(msgspec.msgpack.decode(frame)).decode()


def _has(protocol: ServiceProtocol, trade: Trade) -> bool:
    return trade.symbol in protocol.subscribed


@contextmanager
def standing(
    make: Callable[[], ServiceProtocol], market: Market | None = None
) -> Iterator[StandIn]:
    """Run a stand-in and yield it. `make` returns the protocol that a connection speaks."""
    stand_in = StandIn(make, market or Market())
    with (
        serve(
            stand_in.serve_connection, "127.0.0.1", 0, process_request=stand_in.handshake
        ) as stream,
        ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in)) as history,
    ):
        stand_in.stream_url = f"ws://127.0.0.1:{stream.socket.getsockname()[1]}"
        stand_in.history_url = f"http://127.0.0.1:{history.server_address[1]}"
        threads = [
            threading.Thread(target=one.serve_forever, daemon=True) for one in (stream, history)
        ]
        for thread in threads:
            thread.start()
        try:
            yield stand_in
        finally:
            stream.shutdown()
            history.shutdown()
            for thread in threads:
                thread.join(_JOIN_SECONDS)


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET requests by `StandIn.answer`."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a GET request."""
            status, text = stand_in.answer(self.path, dict(self.headers))
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write no log."""

    return Handler
