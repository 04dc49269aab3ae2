"""Runs servers on the loopback interface that answer as chat services and webhooks do.

The answers are those of the services' documentation. `Peer` gives its replies in turn, and repeats
the last one from then on. A `Manner` other than "answer" is a way in which no answer comes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import msgspec

Manner = Literal["answer", "hang", "close", "lose"]
"""hang: nothing comes; close: the connection ends before the request is read; lose: it ends after
that."""


class Reply(msgspec.Struct, frozen=True):
    """The reply of a peer to one request."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}
    manner: Manner = "answer"


HANG, CLOSE, LOSE = Reply(manner="hang"), Reply(manner="close"), Reply(manner="lose")


def _json(status: int, body: dict[str, Any], **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body), {"Content-Type": "application/json", **named})


def telegram(status: int) -> Reply:
    """Return Telegram's reply with a status: https://core.telegram.org/bots/api#making-requests"""
    if status == 200:
        return _json(200, {"ok": True, "result": {"message_id": 1}})
    told: dict[str, Any] = {"ok": False, "error_code": status, "description": "refused"}
    if status == 429:
        told["parameters"] = {"retry_after": 7}
    return _json(status, told)


def discord(status: int) -> Reply:
    """Return Discord's reply with a status:
    https://discord.com/developers/docs/topics/rate-limits"""
    if status == 200:
        return Reply(204)
    if status == 429:
        told = {"message": "You are being rate limited.", "retry_after": 7.0, "global": False}
        return _json(429, told, Retry_After="7", X_RateLimit_Reset_After="7")
    return _json(status, {"message": "refused", "code": 0})


def slack(status: int) -> Reply:
    """Return the reply of Slack's webhooks with a status:
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    if status == 200:
        return Reply(200, "ok")
    headers = {"Retry-After": "7"} if status == 429 else {}
    return Reply(status, "refused", headers)


def ntfy(status: int) -> Reply:
    """Return ntfy's reply with a status: https://docs.ntfy.sh/publish/"""
    if status == 200:
        return _json(200, {"id": "a", "event": "message", "topic": "alerts"})
    headers = {"Retry_After": "7"} if status == 429 else {}
    return _json(status, {"code": status * 100 + 1, "http": status, "error": "refused"}, **headers)


def webhook(status: int) -> Reply:
    """Return the reply that most receivers of webhooks give with a status."""
    return Reply(status, "", {"Retry-After": "7"} if status == 429 else {})


class Received(msgspec.Struct, frozen=True):
    """A request that a peer has read from its client."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """A server that answers with given replies. `requests` has the requests that it has read."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = list(replies)
        self.requests: list[Received] = []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        """Return the port on which the server listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Return the server's URL."""
        return f"http://127.0.0.1:{self.port}"

    def next_reply(self) -> Reply:
        """Return the reply to the next request. The last reply is repeated."""
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def start(self) -> None:
        """Start to serve requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, and end all hanging requests."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def peer(*replies: Reply) -> Iterator[Peer]:
    """Run a peer that gives these replies in turn, and yield it."""
    made = Peer(replies)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _handler(own: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            reply = own.next_reply()
            self.close_connection = True
            if reply.manner == "close":
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            own.requests.append(Received(self.command, self.path, dict(self.headers), body))
            if reply.manner == "hang":
                own.ended.wait(60)
            if reply.manner != "answer":
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - as http.server has it

        def log_message(self, *_: object) -> None:
            pass

    return Handler
