"""The page's server and what the alerts topic shows, over HTTP."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws import subscriber
from embedded_aws.http_server import Server
from infra.page_files import ROOT
from local import notifications, page_server
from tests.patience import PATIENCE_SECONDS


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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("frontend")
    (root / "js").mkdir()
    (root / "index.html").write_text("<!doctype html>" + " " * 1000)
    (root / "js" / "main.js").write_text("export const a = 1;\n" * 100)
    (root / "font.woff2").write_bytes(b"wOF2" * 500)
    (root / "manifest.webmanifest").write_text("{}")
    (root / ".secret").write_text("no")
    (root.parent / "outside.txt").write_text("no")
    server = Server(0)
    server.start(page_server.handler("http://api", {"stage": "local"}, root))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/js/main.js?v=1", "text/javascript; charset=utf-8"),
        ("/font.woff2", "font/woff2"),
        ("/config.json", "application/json"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ],
)
def test_files_have_their_types_and_a_policy(page: Server, path: str, kind: str) -> None:
    status, headers, _ = ask(page, path)
    assert (status, headers["content-type"]) == (200, kind)
    assert "connect-src 'self' http://api" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_learns_its_apis_address(page: Server) -> None:
    assert json.loads(ask(page, "/config.json")[2]) == {"api": "http://api", "stage": "local"}


def test_text_is_compressed_and_the_rest_is_not(page: Server) -> None:
    accept = {"Accept-Encoding": "gzip"}
    _, headers, body = ask(page, "/js/main.js", headers=accept)
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body).startswith(b"export")
    assert "content-encoding" not in ask(page, "/font.woff2", headers=accept)[1]


def test_cached_answers_are_not_sent_again(page: Server) -> None:
    etag = ask(page, "/js/main.js")[1]["etag"]
    assert ask(page, "/js/main.js", headers={"If-None-Match": etag})[::2] == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/js/",
        "/js",
        "/nothing",
        "/.secret",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/js/../../x",
    ],
)
def test_nothing_else_is_served(page: Server, path: str) -> None:
    assert ask(page, path)[0] == 404


def test_localhost_is_sent_to_the_origin_that_the_api_answers(page: Server) -> None:
    status, headers, _ = ask(page, "/?symbol=A", headers={"Host": f"localhost:{page.port}"})
    assert (status, headers["location"]) == (307, f"{page.address}/?symbol=A")


def test_the_real_page_is_there(tmp_path: Path) -> None:
    files = page_server.Files(ROOT, "start")
    found = files.find("/")
    assert found is not None
    assert b"<!doctype html>" in found.body.lower()


def test_the_subscriber_shows_each_message_once() -> None:
    shown: list[tuple[str, str]] = []
    server = Server(0)
    server.start(
        subscriber.handler(
            notifications.shown(lambda *told: shown.append(told)), "/secret", "http://aws"
        )
    )
    alert = {"timestamp": "2026-11-20T15:30:00.000000Z", "symbol": "AAPL"}
    message = {
        "Type": "Notification",
        "MessageId": "m1",
        "Subject": "AAPL golden cross",
        "Message": json.dumps(alert),
    }
    for sent in (message, message, {**message, "MessageId": "m2", "Message": "plain"}):
        assert ask(server, "/secret", "POST", body=json.dumps(sent).encode())[0] == 200
    assert ask(server, "/secret", "POST", body=base64.b64decode("AAAA"))[0] == 200
    server.stop()
    assert shown == [
        ("2026-11-20T15:30:00.000000Z", "AAPL golden cross"),
        ("", "AAPL golden cross"),
    ]
