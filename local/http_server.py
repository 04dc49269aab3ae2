"""A threaded HTTP server on 127.0.0.1 in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from embedded_aws.connection_limits import Limits, most_connections
from embedded_aws.limited_server import LimitedHandler, LimitedServer

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Hosts that no other site's name can stand for, whatever it resolves to."""


class Server:
    """Bound at once, serving from `start` until `stop`. Port 0 takes any that is free.

    Requests must name one of LOCAL_NAMES or of `hosts`, in lower case, as their host. Raises
    OSError when the port is taken.
    """

    def __init__(self, port: int, hosts: Iterable[str] = (), limits: Limits | None = None) -> None:
        self._server = _QuietServer(("127.0.0.1", port), BaseHTTPRequestHandler)
        self._server.hosts = LOCAL_NAMES | set(hosts)
        self._server.limit(limits or Limits(most_connections()))
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """`http://127.0.0.1:8000`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, handler: type[BaseHTTPRequestHandler]) -> None:
        """Answer requests from now on, those that already wait among them."""
        self._server.RequestHandlerClass = handler
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=handler.__qualname__, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        if self._thread is not None:
            self._server.shutdown()
        self._server.server_close()


class Handler(LimitedHandler):
    """Sends an answer's head and body together: written one after the other, on a connection that
    is kept, the body would wait for the client's delayed acknowledgement of the head, about 40 ms.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _QuietServer

    def parse_request(self) -> bool:
        """Whether there is a request to answer. One for another host is refused: a page whose
        site's name was rebound to this machine would be of our origin."""
        if not super().parse_request():
            return False
        named = [_name_of(host) for host in self.headers.get_all("Host", [])]
        if len(named) == 1 and named[0] in self.server.hosts:
            return True
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST, None, _ALLOW)
        return False


_ALLOW = "This server answers to local names only; --allow-host NAME allows another."


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name, _, port = host.strip().lower().rpartition(":")
    return name if name and port.isdecimal() else host.strip().lower()


class _QuietServer(LimitedServer, ThreadingHTTPServer):
    block_on_close = False
    request_queue_size = 128
    hosts: frozenset[str] = LOCAL_NAMES


def is_free(port: int) -> bool:
    """Whether a server could bind `port` on 127.0.0.1 now; 0 always."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
