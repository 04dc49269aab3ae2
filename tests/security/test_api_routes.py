"""Every route against keys of every scope, hostile headers and odd ways to bear a token.

Routes are asked in process, behind the gateway that stands in for API Gateway; what only a socket
can carry goes to the running system.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import msgspec
import pytest

from chalicelib.api import problems
from chalicelib.api.routes import OPEN, ROUTES, Route
from chalicelib.domain.keys import SCOPES
from chalicelib.services.access.key_ring import PREFIX, fingerprint
from infra.deploy import gateway
from tests.api_support import SETTINGS, Answer, Client, FakeServices, fill, make_ticks
from tests.local_support.system import LocalSystem
from tests.patience import PATIENCE_SECONDS

NEEDED = {
    "GET /prices": "read",
    "GET /prices/{symbol}": "read",
    "GET /prices/{symbol}/latest": "read",
    "GET /indicators/{symbol}": "read",
    "GET /quality/{symbol}": "read",
    "GET /quotes": "read",
    "GET /push": "read",
    "GET /symbols": "read",
    "GET /symbols/{symbol}": "read",
    "POST /standby": "standby",
    "PUT /symbols/{symbol}": "write:symbols",
    "DELETE /symbols/{symbol}": "write:symbols",
    "GET /alerts": "read",
    "GET /alerts/{alert_id}": "read",
    "GET /rules": "read",
    "POST /rules": "write:rules",
    "POST /rules/preview": "read",
    "GET /rules/{rule_id}": "read",
    "PUT /rules/{rule_id}": "write:rules",
    "DELETE /rules/{rule_id}": "write:rules",
    "POST /push-key": "write:channels",
    "GET /channels": "read",
    "POST /channels": "write:channels",
    "GET /channels/{channel_id}": "read",
    "PUT /channels/{channel_id}": "write:channels",
    "DELETE /channels/{channel_id}": "write:channels",
    "POST /channels/{channel_id}/test": "write:channels",
    "GET /mutes": "read",
    "POST /mutes": "write:rules",
    "POST /mutes/signed": "any",
    "DELETE /mutes/{mute_id}": "write:rules",
    "GET /reports": "read",
    "POST /reports/{name}": "reports",
    "GET /reports/runs/{run_id}": "read",
    "GET /keys": "admin",
    "POST /keys": "admin",
    "DELETE /keys/{key_id}": "admin",
    "GET /health": "any",
    "GET /openapi.json": "any",
}
"""The scope of each route, stated a second time."""

EXAMPLES = {
    "symbol": "TEST",
    "rule_id": "mine",
    "name": "gaps",
    "run_id": "none",
    "key_id": "none",
    "alert_id": "0" * 24,
    "channel_id": "sns",
    "mute_id": "none",
}
MARK = "evil"
HEADERS: dict[str, dict[str, str]] = {
    "host": {"host": "evil.example"},
    "origin": {"origin": "https://evil.example", "referer": "https://evil.example/"},
    "null origin": {"origin": "null"},
    "forwarded": {
        "forwarded": "for=1.2.3.4;host=evil.example;proto=evil",
        "x-forwarded-for": "127.0.0.1, evil",
        "x-forwarded-host": "evil.example",
        "x-forwarded-port": "evil",
        "x-forwarded-proto": "evil",
        "x-forwarded-prefix": "/evil",
    },
    "real address": {"x-real-ip": "127.0.0.1", "client-ip": "evil", "true-client-ip": "evil"},
    "another method": {
        "x-http-method": "DELETE",
        "x-http-method-override": "DELETE",
        "x-method-override": "DELETE",
    },
    "another path": {"x-original-url": "/keys", "x-rewrite-url": "/keys"},
    "of the gateway": {
        "x-amzn-requestid": "evil",
        "x-amz-security-token": "evil",
        "x-amzn-apigateway-api-id": "evil",
        "x-api-key": "evil",
    },
    "of the authorizer": {"principalid": "evil", "scopes": "admin", "key_id": "deployment"},
    "line break": {"x-evil": "a\r\nset-cookie: evil=1"},
    "tag with a line break": {"if-none-match": '"a\r\nset-cookie: evil=1"'},
    "oversize": {"x-evil": "evil" * 25_000},
    "many": {f"x-evil-{n}": "evil" for n in range(200)},
    "accept": {
        "accept": "evil/evil;q=evil",
        "accept-language": "../../evil",
        "accept-charset": "\0",
    },
    "encoding": {"accept-encoding": "evil;q=NaN, gzip;q=-1", "te": "evil"},
    "cookie": {"cookie": "token=evil; authorization=evil"},
    "not ASCII": {"x-evil": "\xff\u202e\ud800"},
    "range": {"range": "bytes=0-,0-,0-", "if-range": "evil"},
}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def services() -> FakeServices:
    """Return services with closed reading and prices of one symbol."""
    made = FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))
    fill(made, make_ticks(5))
    return made


@pytest.fixture(scope="module")
def client(services: FakeServices) -> Client:
    return Client(services)


@pytest.fixture(scope="module")
def tokens(services: FakeServices) -> dict[str, str]:
    """Return the tokens of a key of each scope."""
    return {scope: services.key(scope, requests_per_minute=6000) for scope in SCOPES}


def ask(client: Client, route: Route, headers: dict[str, str]) -> Answer:
    """An example of a route, with a body that it refuses."""
    given = {"content-type": "application/json", **headers}
    return client.send(route.method, route.path.format(**EXAMPLES), {"no": "such"}, given)


def test_every_route_is_in_the_table_with_its_scope() -> None:
    assert {named(route): route.access for route in ROUTES} == NEEDED


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_key_of_one_scope_reaches_exactly_its_routes(
    client: Client, tokens: dict[str, str], route: Route, scope: str
) -> None:
    answer = ask(client, route, {"authorization": f"Bearer {tokens[scope]}"})
    allowed = NEEDED[named(route)] in (OPEN, scope) or scope == "admin"
    assert (answer.status == 403) == (not allowed)
    assert answer.status != 401


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_hostile_headers_change_nothing_and_come_back_in_nothing(
    client: Client, services: FakeServices, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.key_store, "count", lambda *_: True)
    for bearing in ({}, {"authorization": f"Bearer {services.key('admin')}"}):
        usual = ask(client, route, bearing)
        for case, hostile in HEADERS.items():
            answer = ask(client, route, {**hostile, **bearing})
            assert answer.status == usual.status < 500, case
            assert MARK not in str(answer.headers).lower(), case
            assert MARK.encode() not in answer.body, case
            assert "set-cookie" not in answer.headers


def odd_tokens(token: str) -> Iterator[str]:
    """Authorization headers that hold something of a good token, and are not it."""
    yield from ("", " ", "Bearer", "Bearer ", "Bearer  ", "Bearer null", "Bearer undefined")
    yield from (token, f"Basic {token}", f"Token {token}", f"Bearer: {token}", f"Bearer={token}")
    yield from (f"Bearer {token}, Bearer {token}", f"Basic x, Bearer {token}", f"Bearer {token};")
    yield from (f"Bearer {token.lower()}x", f"Bearer {token[:-1]}", f"Bearer {token}=")
    yield from (f"Bearer {token[len(PREFIX) :]}", f"Bearer {PREFIX.upper()}{token[len(PREFIX) :]}")
    yield from (f"Bearer {fingerprint(token)}", f"Bearer {PREFIX}{fingerprint(token)[:43]}")
    yield from (
        f'Bearer "{token}"',
        f"Bearer {token}\0",
        f"Bearer\t{token}",
        f"\ufeffBearer {token}",
    )
    yield from (f"Bearer {token}\u200b", f"Bearer \u0662{token}", "Bearer \xff", "Bearer \ud800")
    yield from (f"Bearer {'A' * 100_000}", f"Bearer {token * 2000}", "Bearer *", "Bearer $ne")
    yield from (f"Bearer {PREFIX}{'%' * 43}", f"Bearer {PREFIX}{'a' * 43}", "Bearer deployment")


@pytest.mark.parametrize("route", [r for r in ROUTES if r.access != OPEN], ids=named)
def test_anything_but_the_token_is_401_on_every_route(
    client: Client, tokens: dict[str, str], route: Route
) -> None:
    for header in odd_tokens(tokens["admin"]):
        assert ask(client, route, {"authorization": header}).status == 401, header


@pytest.mark.parametrize("name", ["x-authorization", "proxy-authorization", "x-api-key", "cookie"])
def test_a_token_in_another_header_or_the_address_is_none(
    client: Client, tokens: dict[str, str], name: str
) -> None:
    token = tokens["admin"]
    assert client.send("GET", "/keys", headers={name: f"Bearer {token}"}).status == 401
    assert client.get(f"/keys?access_token={token}&authorization=Bearer%20{token}").status == 401


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_answer_states_its_type_and_caching(
    client: Client, tokens: dict[str, str], route: Route
) -> None:
    answer = ask(client, route, {"authorization": f"Bearer {tokens['admin']}"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    kept = answer.headers["cache-control"]
    assert kept == "no-store" or kept.startswith("private,") or route.access == OPEN
    assert "server" not in answer.headers


@pytest.mark.parametrize("kind", gateway.STATUS)
def test_the_gateways_own_answers_are_kept_by_nobody(kind: str) -> None:
    headers = gateway.answer(kind, "")["responseParameters"]
    assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'"
    assert headers["gatewayresponse.header.X-Content-Type-Options"] == "'nosniff'"
    assert problems.of_status(gateway.STATUS[kind])[0]["Cache-Control"] == "no-store"


ODD_PATHS = (
    "/keys/", "//keys", "/./keys", "/prices/../keys", "/prices/..%2fkeys", "/prices/%2e%2e/keys",
    "/prices;/keys", "/keys;x", "/keys%20", "/keys%00", "/KEYS", "/Keys", "/%6beys", "/%6Beys",
    "/prices/x/../../keys", "/prices/AAPL/latest/../../../keys", "/keys?x=/prices/AAPL", "/keys#",
    "/keys#/prices/AAPL", "\\keys", "/prices\\..\\keys", "/prices//keys", "///keys", "/x//keys",
    "/prices/keys", "/rules/keys", "/rules/..;/keys", "/keys.json", "/keys/%2e", "//x/keys",
    "http://127.0.0.1/keys", "prices://x/keys", "/prices/https://x/keys",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD_PATHS)
def test_no_odd_path_leads_a_reader_to_the_keys(
    client: Client, services: FakeServices, tokens: dict[str, str], path: str
) -> None:
    headers = {"authorization": f"Bearer {tokens['read']}", "content-type": "application/json"}
    before = services.keys.all()
    for method in ("GET", "HEAD", "POST", "DELETE", "get", "G E T", "TRACE"):
        body = {"name": "mine", "scopes": ["admin"]}
        answer = client.send(method, path, body, headers)
        assert answer.status >= 400 or b"key_id" not in answer.body, method
    assert services.keys.all() == before


SOCKET_HEADERS = (
    {"Host": "evil.example"},
    {"X-Http-Method-Override": "DELETE", "X-Original-URL": "/keys"},
    {"Authorization": "Bearer " + "A" * 60_000},
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "bEaReR "},
    {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
)


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_the_running_system_answers_hostile_headers_on_every_route(
    system: LocalSystem, route: Route
) -> None:
    for headers in SOCKET_HEADERS:
        connection = http.client.HTTPConnection(
            "127.0.0.1", system.api_port, timeout=PATIENCE_SECONDS
        )
        path = route.path.format(**EXAMPLES)
        connection.request(route.method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode() + str(answer.headers)
        assert answer.status < 500, headers
        assert MARK not in text, headers
        refused = answer.headers["Content-Type"] == problems.MEDIA_TYPE
        assert refused == (answer.status >= 400) == ("urn:ticktape:problem:" in text), headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff", headers
        connection.close()
