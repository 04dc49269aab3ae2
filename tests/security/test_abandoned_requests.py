"""Clients that ask for costly answers and do not wait for them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator

from chalice import Chalice

from chalicelib.api.problems import of_status
from embedded_aws.api_gateway import api_server
from embedded_aws.api_gateway.request_turns import AT_ONCE, RequestTurns
from embedded_aws.connection_limits import most_connections
from embedded_aws.http_server import Server
from tests.patience import PATIENCE_SECONDS, eventually


class Api:
    """An API with one route that is costly: it is answered once `answers` is set."""

    def __init__(self, turns: RequestTurns | None = None) -> None:
        app = Chalice(app_name="small")
        app.route("/costly")(self._costly)
        app.route("/cheap")(lambda: "cheap")
        self.answers = threading.Event()
        self.is_full = threading.Event()
        self.begun = 0
        self._guard = threading.Lock()
        self._server = Server(0)
        self._server.start(api_server.handler(app, of_status, None, turns))

    def _costly(self) -> str:
        with self._guard:
            self.begun += 1
            if self.begun == AT_ONCE:
                self.is_full.set()
        assert self.answers.wait(PATIENCE_SECONDS)
        return "costly"

    def ask(self, path: str) -> socket.socket:
        """A connection on which a path was asked for."""
        made = socket.create_connection(("127.0.0.1", self._server.port), PATIENCE_SECONDS)
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return made

    def stop(self) -> None:
        """End it, and what is worked on."""
        self.answers.set()
        self._server.stop()


@contextlib.contextmanager
def answer(connection: socket.socket) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer on a connection."""
    with connection, http.client.HTTPResponse(connection) as found:
        found.begin()
        yield found


def test_requests_that_were_abandoned_are_not_worked_on() -> None:
    abandoned = most_connections() * 3 // 4
    turns = RequestTurns(AT_ONCE, most_connections())
    api = Api(turns)
    worked_on = [api.ask("/costly") for _ in range(AT_ONCE)]
    assert api.is_full.wait(PATIENCE_SECONDS)
    for _ in range(abandoned):
        api.ask("/costly").close()
    others = [api.ask("/cheap") for _ in range(3)]
    eventually(lambda: turns.waiting == abandoned + len(others), lambda: turns.waiting)
    api.answers.set()
    for other in others:
        with answer(other) as found:
            assert (found.status, found.read()) == (200, b"cheap")
    for one in worked_on:
        with answer(one) as found:
            assert (found.status, found.read()) == (200, b"costly")
    assert api.begun == AT_ONCE
    api.stop()


def test_requests_beyond_capacity_get_retry_after() -> None:
    api = Api(RequestTurns(AT_ONCE, 1, seconds=0))
    worked_on = [api.ask("/costly") for _ in range(AT_ONCE)]
    assert api.is_full.wait(PATIENCE_SECONDS)
    with answer(api.ask("/cheap")) as found:
        assert (found.status, found.headers["Retry-After"]) == (503, "2")
        assert b"urn:ticktape:problem:unavailable" in found.read()
    api.answers.set()
    for one in worked_on:
        with answer(one) as found:
            assert found.status == 200
    api.stop()
