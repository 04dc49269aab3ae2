"""Keeps HTTP connections open between requests.

werkzeug's server closes each connection after its answer, since the application may not have read
the request's body. Then it waits 10 ms for the rest of that body. The emulator reads every body
first. So the next request needs no new connection and no new thread.
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
"""The statuses of answers without a body and length, or the first digits of such statuses."""


LONGEST_COUNTED = 16 * 1024 * 1024
"""The longest body that counts as being received. Longer bodies are signed by their hash, so the
application authenticates their sender before it reads them."""


class Server(LimitedServer, ThreadedWSGIServer):
    """A server with persistent connections, for one of its process's `ports`. Connections of
    authenticated clients have no time limit and are closed last."""

    def __init__(self, host: str, port: int, application: Any, *, ports: int = MOST_PORTS) -> None:
        most = most_connections(ports)
        self.limit(Limits(most, idle_seconds=20.0, known_seconds=math.inf))
        super().__init__(host, port, application, RequestHandler)


class RequestHandler(LimitedHandler, MotoRequestHandler):  # type: ignore[misc]  # moto: no types
    """Handles one connection. Each request is answered completely, in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request. If the application raises an error, close the connection."""
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
        """Do not log the request."""


def _joined(answer: Any) -> bytes:
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
