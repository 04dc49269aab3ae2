"""HTTP servers that limit the number of connections and the time of each connection.

They refuse a request that another server could read as two requests.
"""

from __future__ import annotations

import contextlib
import functools
import io
import socket
import sys
from collections.abc import Callable
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn
from typing import Any

from embedded_aws.connection_limits import Connections, Limits, Phase

SKIPPED_BYTES = 1024 * 1024
"""The most bytes read of an unwanted body, so that a client that still sends gets the answer."""

LONGEST_HEAD = 64 * 1024
"""The most bytes of a request's header lines. Python's server would accept a hundred times that."""

LONGEST_COOKIES = 1024 * 1024
"""The most bytes of cookies, which are read and discarded. Our servers set no cookies, but a
browser sends those of every port of this host: up to 180 cookies of 4 KB."""

_PIECE_BYTES = 64 * 1024

_COOKIE = b"cookie:"

_NO_HEADER = (MissingHeaderBodySeparatorDefect, FirstHeaderLineIsContinuationDefect)


def stated_length(said: str | None) -> int | None:
    """Return the length in a Content-Length header: 0 without the header, None if it is invalid."""
    said = said or "0"
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else None


class LimitedServer(ThreadingMixIn):
    """Mixin for a server with one thread per connection and a limited number of connections."""

    daemon_threads = True
    connections: Connections

    def limit(self, limits: Limits) -> None:
        """Set the server's limits. Call this before the server accepts a connection."""
        self.connections = Connections(limits)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection if there is room for it. Otherwise close it."""
        if self.connections.opened(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.closed(request)
        super().shutdown_request(request)  # type: ignore[misc]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error if the client has hung up; otherwise report it."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[misc]

    def service_actions(self) -> None:
        """Close connections that exceed their time. The server's loop calls this regularly."""
        super().service_actions()  # type: ignore[misc]
        self.connections.sweep()


class _Head:
    """The lines of a request's head, at most LONGEST_HEAD bytes. Cookie headers are left empty."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.left = LONGEST_HEAD
        self.cookies_left = LONGEST_COOKIES

    def readline(self, limit: int) -> bytes:
        """Return the next line of the head. Raises LineTooLong, which gets the answer 431."""
        line: bytes = self.file.readline(min(limit, max(self.left + 1, len(_COOKIE))))
        if line[: len(_COOKIE)].lower() == _COOKIE:
            self.left -= 0 if self._skip_rest(line) else LONGEST_HEAD
            line = _COOKIE + b"\r\n"
        self.left -= len(line)
        if self.left < 0:
            raise LineTooLong("head")
        return line

    def _skip_rest(self, line: bytes) -> bool:
        """Discard the rest of a cookie line. Return False if all cookies exceed LONGEST_COOKIES."""
        while self.cookies_left > 0 and not line.endswith(b"\n"):
            line = self.file.readline(_PIECE_BYTES)
            if not line:  # the client has gone
                break
            self.cookies_left -= len(line)
        return self.cookies_left > 0


class _Answer(io.RawIOBase):
    """Writes an answer in pieces, and reports to the server when the client has taken a piece."""

    def __init__(self, connection: socket.socket, took: Callable[[], None]) -> None:
        self._connection = connection
        self._took = took

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        sent = self._connection.send(memoryview(data)[:_PIECE_BYTES])
        self._took()
        return sent


class LimitedHandler(BaseHTTPRequestHandler):
    """Mixin for a request handler that reports the phases of its connection to the server."""

    connection: socket.socket
    server: Any

    def setup(self) -> None:
        """Prepare the connection. Its answers report their progress to the server."""
        super().setup()
        self.wfile.close()
        took = functools.partial(self.server.connections.goes_on, self.connection)
        self.wfile = io.BufferedWriter(_Answer(self.connection, took), _PIECE_BYTES)

    def finish(self) -> None:
        """Close the connection, unless the client or the server has closed it already."""
        with contextlib.suppress(ConnectionError):
            super().finish()
        self.rfile.close()

    def enters(self, phase: Phase, body_bytes: int = 0) -> bool:
        """Start the connection's next phase. Return False if the server has closed it."""
        if self.server.connections.enters(self.connection, phase, body_bytes):
            return True
        self.close_connection = True
        return False

    def parse_request(self) -> bool:
        """Read a request's head. Return whether there is a request to answer."""
        if not (self.enters(Phase.HEAD) and self._parse_head() and self.enters(Phase.WORKING)):
            return False
        if self._is_ambiguous():
            self.send_error(HTTPStatus.BAD_REQUEST, "Ambiguous headers")
            return False
        return True

    def _parse_head(self) -> bool:
        head: Any = _Head(self.rfile)
        self.rfile = head
        try:
            return super().parse_request()
        finally:
            self.rfile = head.file
            if head.left < 0:
                self.close_connection = True
                self._hang_up(SKIPPED_BYTES)

    def _is_ambiguous(self) -> bool:
        """Return whether the request has two lengths or an invalid header line.

        An example is a space before the colon: Python would ignore that line and all later ones.
        """
        lengths = self.headers.get_all("Content-Length", [])
        codings = self.headers.get_all("Transfer-Encoding", [])
        broken = any(isinstance(defect, _NO_HEADER) for defect in self.headers.defects)
        return len(lengths) + len(codings) > 1 or broken

    def handle_one_request(self) -> None:
        """Answer one request, then enter the phase WAITING."""
        super().handle_one_request()
        if not self.close_connection:
            self.enters(Phase.WAITING)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Enter the phase SENDING and begin the answer."""
        self.enters(Phase.SENDING)
        super().send_response(code, message)

    def handle_expect_100(self) -> bool:
        """Accept the request without asking for its body, which `receive` does."""
        return True

    def receive(self, length: int) -> bytes | None:
        """Return the request's body, or None if it did not arrive completely and in time."""
        if not length:
            return b""
        if not self.enters(Phase.BODY, length):
            return None
        self.ask_for_body()
        body = self.rfile.read(length)
        if not self.enters(Phase.WORKING) or len(body) < length:
            self.close_connection = True
            return None
        return body

    def ask_for_body(self) -> None:
        """Send 100 Continue if the client waits for it before it sends the body."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()

    def linger(self) -> None:
        """Send the rest of the last answer, and read on so that a sending client gets it."""
        self._hang_up(0)
        self.skip_body()

    def _hang_up(self, skipped: int) -> None:
        """Send the end of the last answer. Read and discard at most `skipped` bytes."""
        self.wfile.flush()
        with contextlib.suppress(OSError):  # the client has gone
            self.connection.shutdown(socket.SHUT_WR)
        if skipped and self.enters(Phase.HEAD):
            while skipped > 0 and (piece := self.rfile.read1(65536)):
                skipped -= len(piece)

    def skip_body(self) -> None:
        """Read and discard an unwanted body. If a part of it remains, close the connection."""
        length = stated_length(self.headers.get("Content-Length"))
        if length is None or length > SKIPPED_BYTES or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        left = min(length or 0, SKIPPED_BYTES)
        if not left or not self.enters(Phase.BODY) or "Expect" in self.headers:
            self.close_connection |= bool(left)
            return
        while left and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
        self.enters(Phase.WORKING)
