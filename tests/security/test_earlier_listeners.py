"""What who listened at the page's address before has left in a browser, another user perhaps."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local import page_server
from local.http_server import Server


@contextmanager
def page() -> Iterator[Server]:
    server = Server(0)
    server.start(page_server.handler("http://api", {}))
    yield server
    server.stop()


def ask(server: Server, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=named)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read()
    connection.close()
    return answer.status, found, body


def scripts_and_styles(server: Server) -> list[str]:
    html = ask(server, "/")[2].decode()
    return re.findall(r'(?:src|href)="([^"#]*\.(?:js|css))"', html)


def test_modules_and_styles_have_other_addresses_at_each_start() -> None:
    with page() as first, page() as second:
        names, others = scripts_and_styles(first), scripts_and_styles(second)
        assert len(names) == len(others) > 20
        assert not set(names) & set(others)
        assert all(len(name.partition("/")[0]) == 16 for name in names)
        assert {ask(first, f"/{name}")[0] for name in names} == {200}
        assert {ask(second, f"/{name}")[0] for name in names} == {404}


@pytest.mark.parametrize("path", ["/sw.js", "/js/main.js", "/"])
def test_a_service_worker_is_replaced_by_one_that_removes_itself(path: str) -> None:
    with page() as server:
        status, headers, body = ask(server, path, Service_Worker="script")
        assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert b"registration.unregister()" in body
        assert b"unregister" not in ask(server, path)[2]
