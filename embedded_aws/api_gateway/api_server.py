"""Serves a Chalice app's REST API on this machine, as API Gateway would.

Chalice's own local server handles one request at a time, closes connections and does not compress.
Only its gateway is used here: routing, authorizers and CORS preflight.
"""

from __future__ import annotations

import base64
import gzip
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from chalice.local import LocalGateway, LocalGatewayException, RouteMatcher

from embedded_aws.api_gateway.gateway import DeniedError, authorize, gateway
from embedded_aws.api_gateway.request_turns import (
    AT_ONCE,
    BusyError,
    GoneError,
    RequestTurns,
    has_gone,
)
from embedded_aws.connection_limits import most_connections
from embedded_aws.entity_tags import marked, unmarked
from embedded_aws.http_server import Handler

logger = logging.getLogger(__name__)

BODY_LIMIT = 10 * 1024 * 1024
"""API Gateway's limit for a request, in bytes."""

SMALL_BODY = 64 * 1024
"""The largest body that is read, in bytes. Routes accept fewer."""

_DIGITS = len(str(BODY_LIMIT))
"""A length with more digits is above BODY_LIMIT, and may be too long for int()."""

_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

IF_NONE_MATCH = "if-none-match"

RETRY_AFTER = {"Retry-After": "2"}

CROSS_SITE = (
    "requests from pages of other sites are refused; open the address yourself, or use curl"
)

_Result = TypeVar("_Result")

Problem = Callable[[int, str], tuple[Mapping[str, str], str]]
"""Returns the headers and body of the gateway's own answer to a status and a detail, if any."""


def handler(
    app: Any,
    problem: Problem,
    compress_from: int | None,
    turns: RequestTurns | None = None,
    *,
    denied: str = "",
    longest_body: int = SMALL_BODY,
) -> type[Handler]:
    """Return a handler for the app's routes.

    `problem` makes the gateway's own answers. Bodies of `compress_from` bytes or more are
    compressed if the client accepts it. `turns` limits concurrent requests, to AT_ONCE by default.
    `denied` is the template of the answer to a key that may not use a route. The refusal of a
    larger body names `longest_body`, the bytes that routes accept.
    """
    _separate_requests(app)
    cors = app.api.cors
    cors_headers = cors.get_access_control_headers() if cors else {}
    members = {
        "gateway": gateway(app, denied=denied),
        "routes": RouteMatcher(list(app.routes)),
        "problem": staticmethod(problem),
        "longest_body": longest_body,
        "cors_headers": cors_headers,
        "compress_from": compress_from,
        "start": secrets.token_hex(8),
        "turns": turns or RequestTurns(AT_ONCE, most_connections() // 2),
    }
    return type("ApiHandler", (_Handler,), members)


def _separate_requests(app: Any) -> None:
    """Keep the current request for each thread. Chalice keeps one on the app, since a Lambda
    function handles one request at a time."""
    held = threading.local()

    def get(_app: Any) -> Any:
        return getattr(held, "request", None)

    def put(_app: Any, request: Any) -> None:
        held.request = request

    kind = type(app)
    app.__class__ = type(kind.__name__, (kind,), {"current_request": property(get, put)})


class _Reply(msgspec.Struct, frozen=True):
    """An answer ready to be sent."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Handler(Handler):
    gateway: LocalGateway
    routes: RouteMatcher
    problem: Problem
    longest_body: int
    cors_headers: Mapping[str, str]
    compress_from: int | None
    start: str
    turns: RequestTurns

    def __getattr__(self, name: str) -> Any:
        """Return one method for all HTTP methods. The routes decide which of them they take."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        """Handle one request."""
        try:
            self._handle()
        except GoneError:
            self.close_connection = True

    def _handle(self) -> None:
        early = self._early()
        if early is not None:
            self._send_last(early)
            return
        body = self.receive(int(self._content_length()))
        if body is not None:
            self._send(self._in_turn(lambda: self._answer(body)))

    def _early(self) -> _Reply | None:
        """Return the answer to a request that is refused without its body; else None."""
        if self._is_cross_site():
            return self._problem(HTTPStatus.FORBIDDEN, CROSS_SITE)
        refusal = self._refusal()
        return self._before_body() if refusal is None else self._problem(refusal)

    def _is_cross_site(self) -> bool:
        """Return whether a page of another site sent the request, from an origin that CORS forbids.

        Such a page could infer what is stored from whether a picture or script loads. Browsers open
        WebSockets to any site, without Sec-Fetch-Site; our page opens none here.
        """
        if "Sec-WebSocket-Key" in self.headers:
            return True
        if "cross-site" not in self.headers.get_all("Sec-Fetch-Site", []):
            return False
        allowed = self.cors_headers.get("Access-Control-Allow-Origin", "")
        return allowed not in ("*", self.headers.get("Origin"))

    def _in_turn(self, work: Callable[[], _Result]) -> _Result | _Reply:
        """Wait for this request's turn and return the result of `work`; 503 if too many requests
        wait. Raises GoneError."""
        try:
            with self.turns.turn(lambda: has_gone(self.connection)):
                return work()
        except BusyError:
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, more=RETRY_AFTER)

    def _before_body(self) -> _Reply | None:
        """Return the answer to a body that no route takes; else None. Raises GoneError."""
        if int(self._content_length()) <= SMALL_BODY:
            return None
        return self._in_turn(lambda: self._too_large() if self._is_let_in() else self._answer(b""))

    def _is_let_in(self) -> bool:
        """Return whether the method exists and the authorizer accepts the request."""
        try:
            return authorize(self.gateway, self._method(), self.path, dict(self.headers))
        except LocalGatewayException:
            return False

    def _too_large(self) -> _Reply:
        """Return the answer that the routes give to a body that is too large."""
        detail = f"the body is above {self.longest_body} bytes"
        return self._problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    def _answer(self, body: bytes) -> _Reply:
        try:
            response = self.gateway.handle_request(
                self._method(), self.path, self._headers(), body or None
            )
        except LocalGatewayException as error:
            told = error.body if isinstance(error, DeniedError) else None
            return self._problem(error.CODE, told=told)
        except Exception:
            logger.exception("%s %s", self.command, self.path)
            return self._problem(HTTPStatus.BAD_GATEWAY)
        reply = _reply(response)
        for name in [name for name in reply.headers if name.lower() == "etag"]:
            reply.headers[name] = marked(reply.headers[name], self.start)
        return self._compressed(reply)

    def _headers(self) -> dict[str, str]:
        """Return the request's headers, without other programs' or earlier starts' entity tags."""
        headers = {n: value for n, value in self.headers.items() if n.lower() != IF_NONE_MATCH}
        given = unmarked(", ".join(self.headers.get_all(IF_NONE_MATCH, [])), self.start)
        return headers | ({IF_NONE_MATCH: given} if given else {})

    def _send_last(self, reply: _Reply) -> None:
        """Answer without reading the body, and close the connection."""
        self.close_connection = True
        self._send(reply)
        self.linger()

    def _method(self) -> str:
        return "GET" if self.command == "HEAD" else self.command

    def _content_length(self) -> str:
        """Return Content-Length without leading zeros, of which a client may send thousands."""
        return (self.headers.get("Content-Length") or "").lstrip("0") or "0"

    def _refusal(self) -> int | None:
        """Return the status that refuses a request before its body is read, or None."""
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
        """Answer http.server's errors in our format. Its 5xx for a client's error becomes 400."""
        self.close_connection = True
        self.request_version = self.protocol_version
        if not hasattr(self, "headers"):
            self.headers = Message()
        self._send(self._problem(code if code < HTTPStatus.INTERNAL_SERVER_ERROR else 400))

    def _problem(
        self,
        status: int,
        detail: str = "",
        *,
        more: Mapping[str, str] | None = None,
        told: bytes | None = None,
    ) -> _Reply:
        """Return an answer of the gateway itself. `more` are headers; `told` replaces its body."""
        headers, body = type(self).problem(status, detail)
        headers = {**self.cors_headers, **headers, **(more or {})}
        return self._compressed(_Reply(status, headers, told or body.encode()))

    def _send(self, reply: _Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        if reply.status not in _BODILESS:
            self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in _BODILESS:
            self.wfile.write(reply.body)

    def _compressed(self, reply: _Reply) -> _Reply:
        if not self._compresses(reply.headers, reply.body):
            return reply
        headers = {**reply.headers, "Content-Encoding": "gzip"}
        return _Reply(reply.status, headers, gzip.compress(reply.body, 6, mtime=0))

    def _compresses(self, headers: Mapping[str, str], body: bytes) -> bool:
        if self.compress_from is None or len(body) < self.compress_from:
            return False
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        return accepted and not any(name.lower() == "content-encoding" for name in headers)


def _reply(response: Mapping[str, Any]) -> _Reply:
    """Convert the app's answer from the form of Lambda's proxy integration."""
    body = response.get("body") or b""
    if response.get("isBase64Encoded"):
        body = base64.b64decode(body)
    elif isinstance(body, str):
        body = body.encode()
    headers = dict(response["headers"])
    headers |= {k: ", ".join(v) for k, v in (response.get("multiValueHeaders") or {}).items()}
    if body and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return _Reply(response["statusCode"], headers, body)
