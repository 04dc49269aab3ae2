"""HTTP connections that stay open between requests.

werkzeug's server closes each connection after its answer, since it does not know whether the
application has read the request's body. Then it waits 10 ms for the rest of a body. The emulator
reads every body first, so the next request can follow on the same connection without a new connect,
accept and thread.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from embedded_aws.connection_limits import MOST_PORTS, Limits, Phase, most_connections
from embedded_aws.emulator.admission import LET_IN
from embedded_aws.limited_server import LimitedHandler, LimitedServer, stated_length

logger = logging.getLogger(__name__)

_BODILESS = ("1", "204", "304")
"""Statuses, or their first digits, of answers without a body and length."""


LONGEST_COUNTED = 16 * 1024 * 1024
"""Bytes of a body that count as being received.

Longer ones are signed by their hash, so that the application authenticates their sender before it
reads them.
"""


class Server(LimitedServer, ThreadedWSGIServer):
    """A server with persistent connections, for one of the `ports` of its process. Connections of
    authenticated clients have no time limit and are closed last."""

    def __init__(self, host: str, port: int, application: Any, *, ports: int = MOST_PORTS) -> None:
        most = most_connections(ports)
        self.limit(Limits(most, idle_seconds=20.0, known_seconds=math.inf))
        super().__init__(host, port, application, RequestHandler)


class RequestHandler(LimitedHandler, MotoRequestHandler):  # type: ignore[misc]  # moto: no types
    """One connection; each of its requests is answered completely, in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request. An error of the application closes the connection."""
        try:
            self.environ = environ = self.make_environ()
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "Bad request target")
            return
        environ[LET_IN] = self._let_in
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started[:] = status, headers

        try:
            self._expect_body()
            body = _joined(self.server.app(environ, start_response))
            self._answer(started[0], started[1], body)
        except ConnectionError:
            self.close_connection = True  # the client has gone
        except Exception:  # an error of the application is answered
            self.close_connection = True
            logger.exception("a request failed: %s", self.path)
            self._answer("500 Internal Server Error", [], b"")

    def _expect_body(self) -> None:
        said = self.headers.get("Content-Length") or "0"
        if said != "0" or "Transfer-Encoding" in self.headers:
            length = stated_length(said) or 0
            self._require(self.enters(Phase.BODY, min(length, LONGEST_COUNTED)))
            self.ask_for_body()

    def _let_in(self, has_keys: bool) -> None:
        self._require(self.enters(Phase.WORKING))
        if has_keys:
            self.server.connections.knows(self.connection)

    @staticmethod
    def _require(is_open: bool) -> None:
        if not is_open:
            raise ConnectionAbortedError("closed to make room, or since it took too long")

    def _answer(self, status: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        given = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if not (
            self.command == "HEAD" or "content-length" in given or status.startswith(_BODILESS)
        ):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, *_: Any) -> None:
        """Log no requests."""


def _joined(answer: Any) -> bytes:
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
