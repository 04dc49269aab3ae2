"""HTTP connections that stay open between requests.

werkzeug's server closes each connection after its answer, since it does not know whether the
application has read the request's body, and then listens 10 ms for the rest of one. The emulator
reads every body before anything else, so the next request can follow on the same connection: no
connect, no accept and no new thread for each.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

logger = logging.getLogger(__name__)

_BODILESS = ("1", "204", "304")
"""Statuses, or how they begin, of answers that have no body and no length."""


class RequestHandler(MotoRequestHandler):  # type: ignore[misc]  # moto has no types there
    """One connection; each of its requests is answered whole, in one write."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request. What the application raises closes the connection."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.environ = environ = self.make_environ()
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started[:] = status, headers

        try:
            body = _joined(self.server.app(environ, start_response))
            self._answer(started[0], started[1], body)
        except ConnectionError:
            self.close_connection = True  # the client has gone
        except Exception:  # a fault of the application is an answer
            self.close_connection = True
            logger.exception("a request failed: %s", self.path)
            self._answer("500 Internal Server Error", [], b"")

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
        """Requests are not logged."""


def _joined(answer: Any) -> bytes:
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
