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
from email.message import Message
from http import HTTPStatus
from typing import Any

from chalice.local import LocalGateway, LocalGatewayException, RouteMatcher

from local.gateway import DeniedError, authorize, gateway
from local.http_server import Handler

logger = logging.getLogger(__name__)

BODY_LIMIT = 10 * 1024 * 1024
"""API Gateway's, in bytes of the request."""

SMALL_BODY = 64 * 1024
"""Bytes of a body that is read at once, whoever sends it."""

_DIGITS = len(str(BODY_LIMIT))
"""A longer number is above the limit, and may be longer than int() takes."""

Problem = Callable[[int], tuple[Mapping[str, str], str]]


def handler(app: Any, problem: Problem, compress_from: int | None) -> type[Handler]:
    """Answers the app's routes. `problem` makes what the gateway itself answers; bodies of
    `compress_from` bytes or more are compressed where the client takes it.
    """
    _separate_requests(app)
    cors = app.api.cors
    members = {
        "gateway": gateway(app),
        "routes": RouteMatcher(list(app.routes)),
        "problem": staticmethod(problem),
        "cors_headers": cors.get_access_control_headers() if cors else {},
        "compress_from": compress_from,
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


class _Handler(Handler):
    gateway: LocalGateway
    routes: RouteMatcher
    problem: Problem
    cors_headers: Mapping[str, str]
    compress_from: int | None

    def __getattr__(self, name: str) -> Any:
        """Whatever the method: the routes say which they have."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        """One request."""
        refusal = self._refusal()
        if refusal is not None:
            self._send_last(lambda: self._send_problem(refusal))
            return
        if int(self._content_length()) > SMALL_BODY and not self._takes_body():
            self._send_last(lambda: self._answer(b""))
            return
        body = self.receive(int(self._content_length()))
        if body is not None:
            self._answer(body)

    def _takes_body(self) -> bool:
        """Whether there is such a method, and the authorizer lets the request in."""
        try:
            return authorize(self.gateway, self._method(), self.path, dict(self.headers))
        except LocalGatewayException:
            return False

    def _answer(self, body: bytes) -> None:
        headers = dict(self.headers)
        try:
            response = self.gateway.handle_request(self._method(), self.path, headers, body or None)
        except LocalGatewayException as error:
            self._send_denial(error)
        except Exception:
            logger.exception("%s %s", self.command, self.path)
            self._send_problem(502)
        else:
            self._send_response(response)

    def _send_last(self, send: Callable[[], None]) -> None:
        """Answer without having read the body, and close the connection."""
        self.close_connection = True
        send()
        self.linger()

    def _send_denial(self, error: LocalGatewayException) -> None:
        self._send_problem(error.CODE, error.body if isinstance(error, DeniedError) else None)

    def _method(self) -> str:
        return "GET" if self.command == "HEAD" else self.command

    def _content_length(self) -> str:
        """As the request says, without leading zeros, of which there may be thousands."""
        return (self.headers.get("Content-Length") or "").lstrip("0") or "0"

    def _refusal(self) -> int | None:
        """The status of what is answered without reading on, as a gateway would."""
        length = self._content_length()
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST
        if len(length) > _DIGITS or int(length) > BODY_LIMIT:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            self.routes.match_route(self.path)
        except ValueError:
            return HTTPStatus.NOT_FOUND
        return None

    def send_error(self, code: int, *_: str | None) -> None:
        """What http.server itself refuses, in our shape; a client's fault is never a 5xx."""
        self.close_connection = True
        self.request_version = self.protocol_version
        if not hasattr(self, "headers"):
            self.headers = Message()
        self._send_problem(code if code < HTTPStatus.INTERNAL_SERVER_ERROR else 400)

    def _send_problem(self, status: int, told: bytes | None = None) -> None:
        """A problem of the gateway's own, which may have more to tell than its status."""
        headers, body = type(self).problem(status)
        self._send(status, {**self.cors_headers, **headers}, told or body.encode())

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
        if self.close_connection:
            self.send_header("Connection", "close")
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
