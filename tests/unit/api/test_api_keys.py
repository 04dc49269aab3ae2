"""Keys over the API: made, listed, revoked, limited, and distinguished in the audit log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from chalice.app import Response

from chalicelib.adapters.json_logs import JsonFormatter
from chalicelib.api import admission
from chalicelib.api.routes import OPEN, READ, ROUTES, Route
from chalicelib.domain.keys import DEFAULT_REQUESTS, SCOPES
from chalicelib.services.access import key_ring
from tests.api_support import (
    ADMIN,
    NOW,
    Answer,
    Client,
    FakeServices,
    closed_client,  # noqa: F401 - a fixture
    closed_services,  # noqa: F401 - a fixture
)

RULE = {"symbol": "AAPL", "condition": "crossing_up", "value": 140.5}


def make(client: Client, **fields: object) -> Any:
    """The answer to POST /keys."""
    return client.send("POST", "/keys", {"name": "grafana", "scopes": ["read"], **fields}, ADMIN)


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def test_a_key_is_made_with_its_token_which_no_later_answer_and_no_item_holds(
    client: Client, services: FakeServices
) -> None:
    made = make(client, expires_at="2027-01-01T00:00:00+01:00", requests_per_minute=30)
    assert (made.status, made.headers["cache-control"]) == (201, "no-store")
    token = made.json["token"]
    assert made.headers["location"] == f"keys/{made.json['key_id']}"
    listed = client.send("GET", "/keys", headers=ADMIN)
    assert token not in listed.body.decode()
    assert listed.json["keys"][1] == {
        "key_id": made.json["key_id"],
        "name": "grafana",
        "scopes": ["read"],
        "created_at": "2026-11-20T16:00:00.000000Z",
        "expires_at": "2026-12-31T23:00:00.000000Z",
        "requests_per_minute": 30,
        "made_by": "deployment",
        "expired": False,
        "in_deployment": False,
    }
    assert services.key_store.items.keys() == {key_ring.fingerprint(token)}
    assert made.json["key_id"] not in token
    assert client.get("/symbols", authorization=f"Bearer {token}").status == 200


def test_the_first_key_is_listed_and_stays(client: Client) -> None:
    (first,) = client.send("GET", "/keys", headers=ADMIN).json["keys"]
    assert (first["key_id"], first["scopes"], first["in_deployment"]) == (
        "deployment",
        ["admin"],
        True,
    )
    refused = client.send("DELETE", "/keys/deployment", headers=ADMIN)
    assert (refused.status, "make token" in refused.json["detail"]) == (409, True)
    assert client.send("GET", "/keys", headers=ADMIN).status == 200


def test_a_revoked_key_is_gone(client: Client) -> None:
    made = make(client).json
    path = f"/keys/{made['key_id']}"
    assert client.send("DELETE", path, headers=ADMIN).status == 204
    gone = client.send("DELETE", path, headers=ADMIN)
    assert (gone.status, gone.json["parameter"]) == (404, "key_id")
    assert client.get("/symbols", authorization=f"Bearer {made['token']}").status == 401


def test_an_expired_key_is_listed_as_such(client: Client, services: FakeServices) -> None:
    make(client, expires_at="2026-11-20T16:00:01Z")
    services.now += timedelta(seconds=1)
    assert [k["expired"] for k in client.send("GET", "/keys", headers=ADMIN).json["keys"]] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"name": None}, "name", "1 to 64 letters"),
        ({"name": ""}, "name", "1 to 64 letters"),
        ({"name": "x" * 65}, "name", "1 to 64 letters"),
        ({"name": "a\nb"}, "name", "1 to 64 letters"),
        ({"name": "=cmd"}, "name", "1 to 64 letters"),
        ({"name": "<b>"}, "name", "1 to 64 letters"),
        ({"name": "a "}, "name", "no blank at the end"),
        ({"name": "deployment"}, "name", "not 'deployment'"),
        ({"name": "Deployment"}, "name", "not 'deployment'"),
        (
            {"scopes": None},
            "scopes",
            "read, write:rules, write:symbols, write:channels, standby, reports, admin",
        ),
        ({"scopes": []}, "scopes", "one or more of read"),
        ({"scopes": "read"}, "scopes", "a list"),
        ({"scopes": ["*"]}, "scopes", "read, write:rules"),
        ({"scopes": ["read", 1]}, "scopes", "read, write:rules"),
        ({"scopes": [["read"]]}, "scopes", "read, write:rules"),
        ({"expires_at": "2026-11-20T16:00:00Z"}, "expires_at", "in the future"),
        ({"expires_at": "2027-01-01"}, "expires_at", "RFC 3339"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at", "with an offset"),
        ({"expires_at": 1}, "expires_at", "RFC 3339"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at", "RFC 3339"),
        ({"requests_per_minute": 0}, "requests_per_minute", "from 1 to 6000"),
        ({"requests_per_minute": 6001}, "requests_per_minute", "from 1 to 6000"),
        ({"requests_per_minute": "60"}, "requests_per_minute", "from 1 to 6000"),
        ({"requests_per_minute": True}, "requests_per_minute", "from 1 to 6000"),
        ({"token": "mine"}, "token", "only the fields name, scopes"),
        ({"key_id": "deployment"}, "key_id", "only the fields name, scopes"),
    ],
)
def test_a_field_at_fault_is_named_with_what_is_allowed(
    client: Client, services: FakeServices, fields: dict[str, object], field: str, allowed: str
) -> None:
    answer = make(client, **fields)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert allowed in answer.json["allowed"]
    assert not services.key_store.items


@pytest.mark.parametrize("key_id", ["A", "a-b", "x" * 33, "%00", "..", "a%2Fb"])
def test_an_id_that_cannot_be_one_is_named(client: Client, key_id: str) -> None:
    answer = client.send("DELETE", f"/keys/{key_id}", headers=ADMIN)
    assert (answer.status, answer.json["parameter"]) == (400, "key_id")


def test_scopes_are_kept_once_and_in_order(client: Client) -> None:
    made = make(client, scopes=["reports", "read", "read"])
    assert made.json["scopes"] == ["read", "reports"]
    assert made.json["requests_per_minute"] == DEFAULT_REQUESTS


def test_the_number_of_keys_is_bounded(client: Client, services: FakeServices) -> None:
    for _ in range(key_ring.MAX_KEYS):
        services.key("read")
    refused = make(client)
    assert (refused.status, "100 keys" in refused.json["detail"]) == (409, True)


# Rates


def test_a_key_above_its_rate_gets_retry_after(client: Client, services: FakeServices) -> None:
    services.now = NOW + timedelta(seconds=20)
    headers = bearing(services.key("read", requests_per_minute=2))
    statuses = [client.send("GET", "/symbols", headers=headers).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = client.send("GET", "/symbols", headers=headers)
    assert refused.headers["retry-after"] == "40"
    assert refused.json["detail"] == "this key may send 2 requests a minute"
    services.now += timedelta(seconds=40)
    assert client.send("GET", "/symbols", headers=headers).status == 200


def test_containers_share_the_count_of_a_key(services: FakeServices) -> None:
    other = FakeServices(services.settings)
    other.key_store.items = services.key_store.items
    other.key_store.counted = services.key_store.counted
    headers = bearing(services.key("read", requests_per_minute=2))
    clients = [Client(services), Client(other)]
    statuses = [client.send("GET", "/symbols", headers=headers).status for client in clients * 2]
    assert statuses == [200, 200, 429, 429]


def test_keys_do_not_share_their_minutes(client: Client, services: FakeServices) -> None:
    headers = [bearing(services.key("read", requests_per_minute=1)) for _ in range(2)]
    assert [client.send("GET", "/symbols", headers=one).status for one in headers] == [200, 200]


def test_requests_above_the_limit_write_nothing(
    client: Client, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearing(services.key("read", requests_per_minute=1))
    counts: list[str] = []
    count = services.key_store.count

    def counted(key_id: str, minute: str, limit: int, weight: int) -> bool:
        counts.append(key_id)
        return count(key_id, minute, limit, weight)

    monkeypatch.setattr(services.key_store, "count", counted)
    for _ in range(5):
        client.send("GET", "/symbols", headers=headers)
    assert len(counts) == 2


def counted_as(services: FakeServices, ask: Callable[[dict[str, str]], Answer]) -> int:
    """Return how many requests a request counts as in its key's minute."""
    before = sum(services.key_store.counted.values())
    ask(bearing(services.key("admin")))
    return sum(services.key_store.counted.values()) - before


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("/prices/AAPL/latest", 1),
        ("/prices/AAPL?interval=1m&limit=5000", 1),
        ("/prices/AAPL?interval=30m", 3),
        ("/prices/AAPL?limit=max", 10),
        ("/prices?symbols=AAPL&format=csv", 10),
        ("/prices/AAPL?format=csv&limit=5&interval=1d", 1),
        ("/indicators/AAPL?sma=5&interval=1d", 5),
        ("/indicators/AAPL?sma=5&interval=30m", 7),
        ("/indicators/AAPL?sma=5&limit=max", 10),
    ],
)
def test_a_request_that_costs_more_counts_as_several(
    client: Client, services: FakeServices, path: str, weight: int
) -> None:
    assert counted_as(services, lambda headers: client.send("GET", path, headers=headers)) == weight


def test_a_preview_counts_as_ten_requests(client: Client, services: FakeServices) -> None:
    def preview(headers: dict[str, str]) -> Answer:
        return client.send("POST", "/rules/preview", {}, headers)

    assert counted_as(services, preview) == 10


def test_a_nearly_full_budget_accepts_small_requests(
    client: Client, services: FakeServices
) -> None:
    headers = bearing(services.key("read", requests_per_minute=7))
    study = "/indicators/A?sma=5&interval=1d"
    paths = (study, study, "/symbols", "/symbols", "/symbols")
    answers = [client.send("GET", path, headers=headers) for path in paths]
    assert [answer.status for answer in answers] == [404, 429, 200, 200, 429]
    assert answers[1].json["detail"] == (
        "this key may send 7 requests a minute, and this one counts as 5"
    )


def test_a_request_is_never_heavier_than_the_whole_minute_of_its_key(
    client: Client, services: FakeServices
) -> None:
    headers = bearing(services.key("read", requests_per_minute=2))
    answers = [client.send("GET", "/indicators/A?sma=5", headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [404, 429]


def test_a_key_starts_ten_reports_a_minute_whatever_its_rate(
    client: Client, services: FakeServices
) -> None:
    headers = bearing(services.key("reports", requests_per_minute=6000))
    answers = [client.send("POST", "/reports/none", {}, headers) for _ in range(11)]
    assert [answer.status for answer in answers] == [404] * 10 + [429]
    assert answers[-1].json["detail"] == (
        "a key may send 10 requests a minute to POST /reports/{name}"
    )


def test_a_key_makes_ten_channels_a_minute_and_changes_twenty(
    client: Client, services: FakeServices
) -> None:
    headers = bearing(services.key("write:channels", requests_per_minute=6000))
    for method, path, most in (("POST", "/channels", 10), ("PUT", "/channels/none", 20)):
        answers = [client.send(method, path, {}, headers) for _ in range(most + 1)]
        assert answers[-1].status == 429
        assert 429 not in [answer.status for answer in answers[:-1]]


def test_the_first_key_and_anonymous_readers_are_not_counted() -> None:
    services = FakeServices()
    client = Client(services)
    client.get("/symbols")
    client.send("GET", "/keys", headers=ADMIN)
    assert services.key_store.counted == {}


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
def test_a_request_that_cannot_be_counted_is_let_in_and_logged(
    client: Client,
    services: FakeServices,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    def busy(*_: object) -> bool:
        raise ClientError({"Error": {"Code": code}}, "UpdateItem")

    headers = bearing(services.key("read"))
    monkeypatch.setattr(services.key_store, "count", busy)
    assert client.send("GET", "/symbols", headers=headers).status == 200
    assert "is not counted" in caplog.text


def test_a_fault_of_ours_lets_nobody_in(
    client: Client, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearing(services.key("read"))
    monkeypatch.delattr(type(services.key_store), "count")
    assert client.send("GET", "/symbols", headers=headers).status == 500


# The audit log


def audited(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The audit lines as CloudWatch gets them."""
    formatter = JsonFormatter("ticktape-dev")
    records = [one for one in caplog.records if one.name == "ticktape.audit"]
    return [json.loads(formatter.format(record)) for record in records]


def test_each_write_leaves_a_line_with_the_key_and_what_was_written(
    client: Client, services: FakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    token = services.key("write:rules", name="the desk")
    made = client.send("POST", "/rules", RULE, bearing(token)).json
    client.send("DELETE", f"/rules/{made['rule_id']}", headers=bearing(token))
    client.send("DELETE", "/symbols/AAPL?data=true", headers=ADMIN)
    client.send("PUT", "/rules/x", {"symbol": 1}, bearing(token))
    lines = audited(caplog)
    shown = [(one["key_name"], one["method"], one["resource"], one["status"]) for one in lines]
    assert shown == [
        ("the desk", "POST", f"rules/{made['rule_id']}", 201),
        ("the desk", "DELETE", f"/rules/{made['rule_id']}", 204),
        ("deployment", "DELETE", "/symbols/AAPL?data=true", 200),
        ("the desk", "PUT", "/rules/x", 400),
    ]
    assert {one["level"] for one in lines} == {"INFO"}
    assert lines[0]["key_id"] == services.keys.all()[1].key_id
    assert lines[1]["route"] == "/rules/{rule_id}"
    assert "request_id" in lines[0]


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
def test_the_audit_line_is_there_whatever_the_log_level(
    client: Client, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    log = logging.getLogger("ticktape")
    before = log.level
    log.setLevel(level)
    try:
        client.send("PUT", "/symbols/AAPL", headers=ADMIN)
    finally:
        log.setLevel(before)
    assert len(audited(caplog)) == 1


def test_a_write_that_fails_after_it_was_stored_is_on_record(
    client: Client,
    services: FakeServices,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = services.stores.rules.write

    def stored_and_failed(*change: Any) -> None:
        write(*change)
        raise ValueError("behind the write")

    monkeypatch.setattr(services.stores.rules, "write", stored_and_failed)
    assert client.send("POST", "/rules", RULE, ADMIN).status == 500
    assert [(one["method"], one["status"]) for one in audited(caplog)] == [("POST", 500)]


def test_a_token_in_the_address_is_not_written_into_the_line(
    client: Client, services: FakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    token = services.key("write:rules")
    older = "a-token-of-before-which-has-no-mark"
    for path in (f"/rules/{token}", f"/rules/x?access_token={older}", f"/rules/x?a={token}"):
        client.send("PUT", path, RULE, bearing(token))
    assert [one["resource"] for one in audited(caplog)] == [
        "/rules/ticktape_***",
        "/rules/x",
        "/rules/x",
    ]
    assert token not in caplog.text
    assert older not in caplog.text


def test_a_line_stays_one_line_whatever_the_path_holds(caplog: pytest.LogCaptureFixture) -> None:
    """API Gateway decodes paths."""
    route = Route("PUT", "/rules/{rule_id}", "", "write:rules")
    request = SimpleNamespace(
        context={"resourcePath": route.path}, uri_params={"rule_id": "a\nb {x}"}, query_params=None
    )
    services: Any = FakeServices()
    admission.answered(route, services, request, lambda: Response(""), guarded=True)
    (record,) = [one for one in caplog.records if one.name == "ticktape.audit"]
    assert "\n" not in JsonFormatter("x").format(record)
    assert audited(caplog)[0]["resource"] == "/rules/a\nb {x}"
    assert audited(caplog)[0]["status"] == 401


def test_reading_leaves_no_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.send("GET", "/symbols", headers=ADMIN)
    client.send("POST", "/rules/preview", RULE, ADMIN)
    assert audited(caplog) == []


@pytest.mark.parametrize("scope", SCOPES)
def test_no_log_or_answer_contains_a_token(
    client: Client, services: FakeServices, caplog: pytest.LogCaptureFixture, scope: str
) -> None:
    caplog.set_level(logging.DEBUG)
    token = services.key(scope)
    for route in ROUTES:
        path = route.path.format(
            symbol="NEW",
            rule_id="mine",
            name="gaps",
            run_id="none",
            key_id="none",
            alert_id="0" * 24,
            channel_id="sns",
            mute_id="none",
        )
        answer = client.send(route.method, path, {}, bearing(token))
        text = answer.body.decode() + json.dumps(answer.headers)
        assert token not in text
        assert key_ring.fingerprint(token) not in text
    writes = {route.access for route in ROUTES} - {OPEN, READ}
    by_keys = [line for line in audited(caplog) if line["key_name"] != "signed link"]
    assert bool(by_keys) == (scope in writes)
    formatter = JsonFormatter("x")
    logged = "".join(formatter.format(record) for record in caplog.records)
    assert token not in logged
    assert key_ring.fingerprint(token) not in logged
