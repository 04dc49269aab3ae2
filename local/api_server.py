"""The REST API on this machine: the Chalice app behind what API Gateway does around it.

Chalice's own local server handles a request at a time, closes connections and does not
compress; its gateway (routing, authorizers, CORS preflight) is the part that is used here.
"""

from __future__ import annotations

import base64
import gzip
import logging
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from chalice.config import Config
from chalice.local import LocalGateway, LocalGatewayException

logger = logging.getLogger(__name__)

BODY_LIMIT = 10 * 1024 * 1024
"""API Gateway's, in bytes of the request."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Problem = Callable[[int], tuple[Mapping[str, str], str]]


def handler(app: Any, problem: Problem, compress_from: int | None) -> type[BaseHTTPRequestHandler]:
    """Answers the app's routes. `problem` makes what the gateway itself answers; bodies of
    `compress_from` bytes or more are compressed where the client takes it.
    """
    _separate_requests(app)
    members = {
        "gateway": LocalGateway(app, Config(user_provided_params={"chalice_stage": "local"})),
        "problem": staticmethod(problem),
        "compress_from": compress_from,
        **{f"do_{method}": _Handler.handle_any for method in METHODS},
    }
    return type("ApiHandler", (_Handler,), members)


def _separate_requests(app: Any) -> None:
    """Chalice keeps the request at hand on the app, since Lambda has one at a time."""
    held = threading.local()

    def get(_app: Any) -> Any:
        return getattr(held, "request", None)

    def put(_app: Any, request: Any) -> None:
        held.request = request

    kind = type(app)
    app.__class__ = type(kind.__name__, (kind,), {"current_request": property(get, put)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: LocalGateway
    problem: Problem
    compress_from: int | None

    def handle_any(self) -> None:
        """One request."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_LIMIT:
            self.close_connection = True
            self._send_problem(413)
            return
        body = self.rfile.read(length) if length else None
        method = "GET" if self.command == "HEAD" else self.command
        try:
            response = self.gateway.handle_request(method, self.path, dict(self.headers), body)
        except LocalGatewayException as error:
            self._send_problem(error.CODE)
        except Exception:
            logger.exception("%s %s", self.command, self.path)
            self._send_problem(502)
        else:
            self._send_response(response)

    def _send_problem(self, status: int) -> None:
        headers, body = type(self).problem(status)
        self._send(status, dict(headers), body.encode())

    def _send_response(self, response: Mapping[str, Any]) -> None:
        body = response.get("body") or b""
        if response.get("isBase64Encoded"):
            body = base64.b64decode(body)
        elif isinstance(body, str):
            body = body.encode()
        headers = dict(response["headers"])
        headers |= {k: ", ".join(v) for k, v in (response.get("multiValueHeaders") or {}).items()}
        if body and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        self._send(response["statusCode"], headers, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if self._compresses(headers, body):
            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def _compresses(self, headers: Mapping[str, str], body: bytes) -> bool:
        if self.compress_from is None or len(body) < self.compress_from:
            return False
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        return accepted and not any(name.lower() == "content-encoding" for name in headers)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: the terminal belongs to results."""
        logger.debug(format, *args)
