"""An HTTP server on 127.0.0.1, in a thread of its own, with a thread for each connection."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from embedded_aws.connection_limits import Limits, most_connections
from embedded_aws.limited_server import LimitedHandler, LimitedServer

logger = logging.getLogger(__name__)

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Host names that always mean this machine. A site's own name may resolve to it too."""

_ATTEMPTS = 20
"""The number of free ports to try for port 0, until a port is free on 127.0.0.1 and ::1."""


class Server:
    """A server that binds its port at once and serves from `start` until `stop`. Port 0 takes any
    free port.

    The host of a request must be in LOCAL_NAMES or `hosts`, which are in lower case. The refusal of
    another host ends with `advice`.

    The port is reserved on ::1 too, where it refuses connections. Browsers try ::1 first for
    `localhost`, so another user's server there could pass for this one. Raises OSError if the port
    is taken on either address.
    """

    def __init__(
        self,
        port: int,
        hosts: Iterable[str] = (),
        limits: Limits | None = None,
        advice: str = "",
    ) -> None:
        self._server, self._reserved = _bound(port)
        self._server.hosts = LOCAL_NAMES | set(hosts)
        self._server.advice = advice
        self._server.limit(limits or Limits(most_connections()))
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the bound port."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Return the address, such as `http://127.0.0.1:8000`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, handler: type[BaseHTTPRequestHandler]) -> None:
        """Start answering requests, including those already waiting."""
        self._server.RequestHandlerClass = handler
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=handler.__qualname__, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and release the port."""
        if self._thread is not None:
            self._server.shutdown()
        self._server.server_close()
        if self._reserved is not None:
            self._reserved.close()


class Handler(LimitedHandler):
    """Sends the head and the body of an answer together.

    If a kept connection got them separately, the body would wait about 40 ms for the client's
    delayed acknowledgement of the head.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _QuietServer

    def parse_request(self) -> bool:
        """Return whether there is a request to answer. Requests for other hosts are refused: a page
        of a site whose name resolves to this machine (DNS rebinding) could read our answers."""
        if not super().parse_request():
            return False
        named = [_name_of(host) for host in self.headers.get_all("Host", [])]
        if len(named) == 1 and named[0] in self.server.hosts:
            return True
        said = f"This server answers to local names only{self.server.advice}."
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST, None, said)
        return False

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log a request at level DEBUG only, since the terminal is for results."""
        logger.debug(format, *args)


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port."""
    name, _, port = host.strip().lower().rpartition(":")
    return name if name and port.isdecimal() else host.strip().lower()


class _QuietServer(LimitedServer, ThreadingHTTPServer):
    block_on_close = False
    request_queue_size = 128
    hosts: frozenset[str] = LOCAL_NAMES
    advice = ""


def is_free(port: int) -> bool:
    """Return whether a server could bind `port` on 127.0.0.1 and ::1 now; always true for 0."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            reserved = _reserve(port)
        except OSError:
            return False
    if reserved is not None:
        reserved.close()
    return True


def _bound(port: int) -> tuple[_QuietServer, socket.socket | None]:
    """Bind a server to 127.0.0.1 and reserve its port on ::1."""
    for attempt in range(_ATTEMPTS):
        server = _QuietServer(("127.0.0.1", port), BaseHTTPRequestHandler)
        try:
            return server, _reserve(server.server_address[1])
        except OSError:
            server.server_close()
            if port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _reserve(port: int) -> socket.socket | None:
    """Bind a port on ::1 without listening. Return None on a machine without IPv6."""
    try:
        held = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        held.bind(("::1", port))
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise
        return None
    return held
