"""Pages of other sites that load the local API's addresses as pictures, scripts or frames."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest
from chalice.app import Chalice, CORSConfig

from chalicelib.api.problems import of_status
from embedded_aws.api_gateway import api_server
from embedded_aws.http_server import Server

PAGE = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    app = Chalice("crossed")
    app.api.cors = CORSConfig(allow_origin=PAGE)
    app.route("/stored")(lambda: {"symbol": "AAPL"})
    server = Server(0)
    server.start(api_server.handler(app, of_status, None))
    yield server
    server.stop()


def ask(api: Server, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read()
    connection.close()
    return answer.status, found, body


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("more", [{}, {"Origin": "https://other.example"}, {"Origin": "null"}])
def test_other_sites_get_the_same_refusal_for_stored_and_missing_symbols(
    api: Server, method: str, more: dict[str, str]
) -> None:
    stored, missing = (
        ask(api, method, path, Sec_Fetch_Site="cross-site", **more)
        for path in ("/stored", "/missing")
    )
    assert stored[0] == missing[0] == 403
    assert stored[2] == missing[2]
    if method == "GET":
        assert "other sites" in json.loads(stored[2])["detail"]


def test_websockets_of_any_page_are_refused_before_any_route(api: Server) -> None:
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Origin": "https://other.example",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13",
    }  # fmt: skip
    stored, missing = (ask(api, "GET", path, **handshake) for path in ("/stored", "/missing"))
    assert stored[0] == missing[0] == 403
    assert stored[2] == missing[2]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "same-site", "Origin": PAGE},
        {"Sec_Fetch_Site": "cross-site", "Origin": PAGE},
    ],
    ids=["curl", "entered", "own", "page", "allowed by CORS"],
)
def test_curl_addresses_that_are_entered_and_the_page_are_answered(
    api: Server, headers: dict[str, str]
) -> None:
    assert ask(api, "GET", "/stored", **headers)[0] == 200


@pytest.mark.parametrize("path", ["/stored", "/missing"])
def test_browsers_are_told_to_keep_answers_from_other_origins(api: Server, path: str) -> None:
    headers = ask(api, "GET", path)[1]
    assert headers["cross-origin-resource-policy"] == "same-origin"
