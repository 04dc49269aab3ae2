"""What an earlier listener at the page's address, perhaps another user, has left in a browser."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from chalice.app import Chalice, Response

from chalicelib.api.problems import of_status
from embedded_aws.api_gateway import api_server
from embedded_aws.http_server import Server
from local import page_server


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


def test_a_service_worker_at_the_address_of_the_pages_own_is_replaced_by_it() -> None:
    with page() as first, page() as second:
        status, headers, body = ask(first, "/sw.js", Service_Worker="script")
        assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert headers["cache-control"] == "no-cache"
        assert b"unregister" not in body
        assert body == ask(first, "/sw.js")[2]
        assert body != ask(second, "/sw.js")[2]  # so that a browser installs it at each start


@pytest.mark.parametrize("path", ["/worker.js", "/js/main.js", "/"])
def test_another_service_worker_is_replaced_by_one_that_removes_itself(path: str) -> None:
    with page() as server:
        status, headers, body = ask(server, path, Service_Worker="script")
        assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert b"registration.unregister()" in body
        assert b"unregister" not in ask(server, path)[2]


@pytest.mark.parametrize("path", ["/", "/config.json", "/js/main.js"])
def test_answers_cached_from_another_start_are_sent_again(path: str) -> None:
    with page() as first, page() as second:
        tag = ask(first, path)[1]["etag"]
        assert ask(first, path, If_None_Match=tag)[0] == 304
        for given in (tag, "*", f'*, {tag}, W/{tag}, "x"'):
            assert ask(second, path, If_None_Match=given)[0] == 200


def _app() -> Chalice:
    app = Chalice("kept")

    def kept() -> Response:
        given = app.current_request.headers.get("if-none-match")
        status = 304 if given else 200
        return Response(given or "", headers={"ETag": 'W/"same"'}, status_code=status)

    app.route("/kept")(kept)
    return app


@contextmanager
def api() -> Iterator[Server]:
    server = Server(0)
    server.start(api_server.handler(_app(), of_status, None))
    yield server
    server.stop()


def test_the_api_knows_its_own_starts_tags_alone() -> None:
    with api() as first, api() as second:
        tag = ask(first, "/kept")[1]["etag"]
        assert re.fullmatch(r'W/"[0-9a-f]{16}-same"', tag)
        assert ask(first, "/kept", If_None_Match=tag)[0] == 304
        assert ask(first, "/kept", If_None_Match=f'"x", {tag}')[1]["etag"] == tag
        for given in ("*", 'W/"same"', '"same"', tag, f"{tag}, *"):
            assert ask(second, "/kept", If_None_Match=given)[::2] == (200, b"")
