"""A Chalice app's API behind the substitute for API Gateway, over HTTP."""

from __future__ import annotations

import concurrent.futures
import gzip
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from chalice import Chalice, CORSConfig, Response

from embedded_aws import subscriber
from embedded_aws.api_gateway import api_server
from embedded_aws.http_server import Server, is_free
from tests.patience import PATIENCE_SECONDS

COMPRESS_FROM = 1000


def make_app() -> Chalice:
    app = Chalice(app_name="small")
    app.api.cors = CORSConfig(allow_origin="http://page", expose_headers=["ETag"])

    def echo(name: str) -> dict[str, Any]:
        request = app.current_request
        time.sleep(0.02)  # a request that is kept on the app would be another's by now
        return {"name": name, "query": request.query_params, "method": request.method}

    def long() -> str:
        return "x" * COMPRESS_FROM

    def unchanged() -> Response:
        return Response(body="", status_code=304, headers={"ETag": '"e"'})

    def binary() -> Response:
        return Response(
            body=b"\x00\xff", status_code=200, headers={"Content-Type": "application/octet-stream"}
        )

    app.route("/echo/{name}", methods=["GET", "PUT"])(echo)
    for path, view in (("/long", long), ("/unchanged", unchanged), ("/binary", binary)):
        app.route(path)(view)
    return app


def problem(status: int, _detail: str) -> tuple[dict[str, str], str]:
    return {"Content-Type": "application/problem+json"}, json.dumps({"status": status})


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    server = Server(0)
    server.start(api_server.handler(make_app(), problem, COMPRESS_FROM))
    yield server
    server.stop()


def ask(
    server: Server,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_route_answers_with_cors(api: Server) -> None:
    status, headers, body = ask(api, "/echo/a?x=1")
    assert status == 200
    assert json.loads(body) == {"name": "a", "query": {"x": "1"}, "method": "GET"}
    assert headers["access-control-allow-origin"] == "http://page"
    assert headers["access-control-expose-headers"] == "ETag"


def test_requests_at_once_keep_apart(api: Server) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(api, f"/echo/{n}?n={n}")[2], range(40)))
    found = [json.loads(body) for body in answers]
    assert [(f["name"], f["query"]["n"]) for f in found] == [(str(n), str(n)) for n in range(40)]


def test_a_connection_serves_several_requests(api: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE_SECONDS)
    for name in ("a", "b"):
        connection.request("GET", f"/echo/{name}")
        assert json.loads(connection.getresponse().read())["name"] == name
    connection.close()


def test_long_answers_are_compressed_where_taken(api: Server) -> None:
    _, headers, body = ask(api, "/long", headers={"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == b"x" * COMPRESS_FROM
    _, headers, body = ask(api, "/long")
    assert "content-encoding" not in headers
    assert body == b"x" * COMPRESS_FROM


def test_short_answers_are_not_compressed(api: Server) -> None:
    _, headers, _ = ask(api, "/echo/a", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in headers


def test_head_answers_as_get_without_a_body(api: Server) -> None:
    status, headers, body = ask(api, "/long", "HEAD")
    assert (status, headers["content-length"], body) == (200, str(COMPRESS_FROM), b"")


def test_not_modified_has_no_body(api: Server) -> None:
    status, headers, body = ask(api, "/unchanged")
    assert (status, headers["etag"][-3:], body) == (304, '-e"', b"")


def test_binary_answers_pass(api: Server) -> None:
    accept = {"Accept": "application/octet-stream"}
    assert ask(api, "/binary", headers=accept)[2] == b"\x00\xff"


def test_preflight_is_answered(api: Server) -> None:
    status, headers, _ = ask(api, "/echo/a", "OPTIONS")
    assert status == 200
    assert "PUT" in headers["access-control-allow-methods"]


def test_unrouted_requests_get_a_problem(api: Server) -> None:
    status, headers, body = ask(api, "/nowhere")
    assert 400 <= status < 500
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body) == {"status": status}


def test_a_body_above_the_gateways_limit_is_refused(api: Server) -> None:
    length = {"Content-Length": str(api_server.BODY_LIMIT + 1)}
    assert ask(api, "/echo/a", "PUT", headers=length, body=b"")[0] == 413


def test_a_stopped_server_frees_its_port() -> None:
    server = Server(0)
    server.start(subscriber.handler(lambda _: None, "/secret", "http://aws"))
    assert not is_free(server.port)
    server.stop()
    assert is_free(server.port)
