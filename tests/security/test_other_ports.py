"""Servers of other users on other ports of this machine, or on the same port of ::1."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from embedded_aws.http_server import Server, is_free
from embedded_aws.limited_server import LONGEST_COOKIES
from local import page_server
from tests.patience import PATIENCE_SECONDS

MOST_COOKIES = 180
"""Cookies that Chromium keeps for one host, each of 4 KB; other ports of the host may set them."""


@pytest.fixture
def page() -> Iterator[Server]:
    server = Server(0)
    server.start(page_server.handler("http://127.0.0.1:9", {}))
    yield server
    server.stop()


def status(page: Server, *headers: tuple[str, str]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", page.port, timeout=PATIENCE_SECONDS)) as c:
        c.putrequest("GET", "/config.json")
        for name, value in headers:
            c.putheader(name, value)
        c.endheaders()
        return c.getresponse().status


@pytest.mark.parametrize("name", ["Cookie", "cookie", "COOKIE"])
def test_cookies_that_other_ports_have_set_do_not_close_the_page(page: Server, name: str) -> None:
    cookies = "; ".join(f"c{number}=" + "x" * 4000 for number in range(MOST_COOKIES))
    assert status(page, (name, cookies)) == 200
    assert status(page, ("X-First", "1"), (name, cookies), ("X-Last", "1")) == 200


def test_longer_cookies_and_other_long_headers_are_refused(page: Server) -> None:
    assert status(page, ("Cookie", "x" * (LONGEST_COOKIES + 128 * 1024))) == 431
    assert status(page, ("X-Cookie", "x" * 60_000), ("Y", "y" * 60_000)) == 431


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_nobody_else_can_listen_at_the_port_of_the_other_local_address(page: Server) -> None:
    with closing(socket.socket(socket.AF_INET6)) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("::1", page.port))
    with closing(socket.socket(socket.AF_INET6)) as reader, pytest.raises(ConnectionRefusedError):
        reader.connect(("::1", page.port))  # the browser goes on to 127.0.0.1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_port_that_somebody_listens_at_is_not_free(page: Server) -> None:
    page.stop()
    with closing(socket.socket(socket.AF_INET6)) as other:
        other.bind(("::1", page.port))
        other.listen()
        assert not is_free(page.port)
        with pytest.raises(OSError, match="in use"):
            Server(page.port)
    assert is_free(page.port)
