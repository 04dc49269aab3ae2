"""Rules and tracked symbols: written, read, refused."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.rules import rule_book
from chalicelib.services.symbols import lists
from tests.api_support import TOKEN, Answer, Client, FakeServices, aapl_ticks, fill, make_ticks

RULE = {"symbol": "aapl", "condition": "crossing_up", "value": 200.125, "trigger": "once"}


@pytest.fixture
def client() -> Client:
    return Client(FakeServices())


def _write(client: Client, method: str, path: str, body: object = None) -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    return client.send(method, path, body, headers)


def _ids(client: Client) -> list[Any]:
    return [rule["rule_id"] for rule in client.get("/rules").json["rules"]]


JSON = {"content-type": "application/json"}
DEFAULTS = [
    "default-change-percent",
    "default-cross-1d",
    "default-cross-5m",
    "default-death-cross",
    "default-golden-cross",
]


def test_without_any_rule_stored_the_defaults_are_listed(client: Client) -> None:
    rules = client.get("/rules").json["rules"]
    assert [rule["rule_id"] for rule in rules] == DEFAULTS
    assert all(rule["default"] for rule in rules)


def test_a_rule_is_added_read_replaced_and_deleted(client: Client) -> None:
    made = _write(client, "POST", "/rules", RULE)
    assert made.status == 201
    rule_id = made.json["rule_id"]
    assert made.headers["location"] == f"rules/{rule_id}"
    assert made.json["symbol"] == "AAPL"
    assert str(made.json["value"]) == "200.125"
    assert client.get(f"/rules/{rule_id}").json == made.json
    changed = _write(client, "PUT", f"/rules/{rule_id}", RULE | {"symbol": "MSFT"})
    assert (changed.status, changed.json["symbol"]) == (200, "MSFT")
    assert _ids(client) == sorted([*DEFAULTS, rule_id])
    assert _write(client, "DELETE", f"/rules/{rule_id}").status == 204
    assert client.get(f"/rules/{rule_id}").status == 404
    assert _write(client, "DELETE", f"/rules/{rule_id}").status == 404


def test_put_makes_a_rule_under_the_id_of_its_path(client: Client) -> None:
    made = _write(client, "PUT", "/rules/my-rule_1", RULE)
    assert (made.status, made.json["rule_id"]) == (201, "my-rule_1")
    assert _write(client, "PUT", "/rules/my-rule_1", made_body(made)).status == 200


def made_body(made: Answer) -> dict[str, Any]:
    """A rule can be sent back as read."""
    return {name: float(v) if name == "value" else v for name, v in made.json.items()} | {
        "cooldown_seconds": 0
    }


def test_a_default_is_replaced_under_its_id_and_comes_back(client: Client) -> None:
    path = "/rules/default-golden-cross"
    off = {"symbol": "*", "condition": "golden_cross", "fast": 5, "slow": 20, "enabled": False}
    assert _write(client, "DELETE", path).status == 409
    assert _write(client, "PUT", path, off).status == 201
    assert client.get(path).json["enabled"] is False
    assert _ids(client) == DEFAULTS
    assert _write(client, "DELETE", path).status == 204
    assert client.get(path).json["enabled"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": None}, "symbol"),
        ({"symbol": "<b>"}, "symbol"),
        ({"symbol": ["AAPL"]}, "symbol"),
        ({"condition": "rises"}, "condition"),
        ({"condition": {}}, "condition"),
        ({"value": "200"}, "value"),
        ({"value": -1}, "value"),
        ({"value": True}, "value"),
        ({"value": 10**40}, "value"),
        ({"value": 1e-300}, "value"),
        ({"interval": "2m"}, "interval"),
        ({"trigger": 5}, "trigger"),
        ({"cooldown_seconds": 1.5}, "cooldown_seconds"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"enabled": "yes"}, "enabled"),
        ({"fast": 5}, "fast, slow"),
        ({"owner": "me"}, "owner"),
        ({"rule_id": "x"}, "rule_id"),
    ],
)
def test_a_bad_rule_is_refused_by_its_field(
    client: Client, change: dict[str, Any], field: str
) -> None:
    refused = _write(client, "POST", "/rules", RULE | change)
    assert refused.status == 400
    assert refused.json["field"] == field
    assert refused.json["allowed"]
    assert _ids(client) == DEFAULTS


@pytest.mark.parametrize(
    ("body", "fault", "value"),
    [
        ({"condition": "every_record"}, "symbol: is missing or null", "null"),
        ({"condition": "every_record", "symbol": None}, "symbol: is missing or null", "null"),
        ({"condition": "every_record", "symbol": True}, "symbol: 'true' is not allowed", "true"),
    ],
)
def test_a_value_that_is_not_text_is_shown_as_json_has_it(
    client: Client, body: dict[str, object], fault: str, value: str
) -> None:
    refused = _write(client, "POST", "/rules", body).json
    assert refused["detail"].startswith(f"{fault}; allowed: ")
    assert (refused["field"], refused["value"]) == ("symbol", value)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 50_000, b'{"value": 1e999999999}']
)
def test_a_body_that_is_not_an_object_is_refused(client: Client, raw: bytes) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    answer = Answer(client._http.request("POST", "/rules", headers=headers, body=raw))
    assert answer.status == 400
    assert "field" in answer.json


def test_a_body_of_another_type_or_size_is_refused(client: Client) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "text/plain"}
    assert client.send("POST", "/rules", RULE, headers).status == 415
    assert _write(client, "POST", "/rules", RULE | {"pad": "x" * 70_000}).status == 413


@pytest.mark.parametrize("rule_id", ["%20", "a%2Fb", "x" * 65, "%00"])
def test_an_id_that_is_none_is_refused(client: Client, rule_id: str) -> None:
    refused = client.get(f"/rules/{rule_id}")
    assert (refused.status, refused.json["parameter"]) == (400, "rule_id")


def test_a_symbol_has_at_most_fifty_enabled_rules(client: Client) -> None:
    """Five defaults hold for every symbol."""
    statuses = [_write(client, "POST", "/rules", RULE).status for _ in range(46)]
    assert statuses == [201] * 45 + [409]
    refused = _write(client, "PUT", "/rules/another", RULE)
    assert (refused.status, refused.json["field"]) == (409, "symbol")
    assert _write(client, "POST", "/rules", RULE | {"symbol": "*"}).status == 409
    assert _write(client, "POST", "/rules", RULE | {"enabled": False}).status == 201
    assert _write(client, "POST", "/rules", RULE | {"symbol": "MSFT"}).status == 201


def test_all_rules_together_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_book, "MAX_STORED", 7)
    bodies = [RULE | {"symbol": symbol} for symbol in "ABC"]
    assert [_write(client, "POST", "/rules", body).status for body in bodies] == [201, 201, 409]


GOLDEN = {"symbol": "AAPL", "condition": "golden_cross", "fast": 5, "slow": 20}


def test_a_preview_shows_what_would_have_fired() -> None:
    services = FakeServices()
    fill(services, aapl_ticks())
    client = Client(services)
    fired = client.send("POST", "/rules/preview", GOLDEN, JSON).json
    alerts = client.get("/alerts?symbol=AAPL&condition=golden_cross").json["alerts"]
    recorded = [alert for alert in alerts if alert["interval"] == "tick"]
    assert [alert["timestamp"] for alert in fired["alerts"]] == [
        alert["timestamp"] for alert in recorded
    ]
    assert len(recorded) == 15
    assert (fired["judged"], fired["complete"]) == (506, True)
    part = GOLDEN | {"start": "2016-01-01", "end": 1483228800000}
    fired = client.send("POST", "/rules/preview", part, JSON).json
    assert {alert["timestamp"][:4] for alert in fired["alerts"]} == {"2016"}
    year = client.send("POST", "/rules/preview", GOLDEN | {"period": "1y"}, JSON).json
    assert year["judged"] == 254
    assert _ids(client) == DEFAULTS


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"symbol": "*"}, 400, "field"),
        ({"symbol": "NOSUCH"}, 404, "parameter"),
        ({"start": "then"}, 400, "field"),
        ({"start": [1]}, 400, "field"),
        ({"start": True}, 400, "field"),
        ({"end": 1.5}, 400, "field"),
        ({"period": "1w"}, 400, "field"),
        ({"period": ["1d"]}, 400, "field"),
        ({"period": "1d", "start": "2016-01-01"}, 400, "field"),
        ({"start": "2016-01-01", "end": "2015-01-01"}, 400, "field"),
        ({"fast": 20}, 400, "field"),
        ({"until": "2016"}, 400, "field"),
    ],
)
def test_a_preview_refuses_what_it_cannot_do(
    change: dict[str, Any], status: int, name: str
) -> None:
    services = FakeServices()
    fill(services, make_ticks(2, "AAPL"))
    refused = Client(services).send("POST", "/rules/preview", GOLDEN | change, JSON)
    assert refused.status == status
    assert refused.json[name] in {*change, "fast, slow"}


def test_a_symbol_is_tracked_once_and_no_more() -> None:
    services = FakeServices()
    fill(services, make_ticks(2))
    client = Client(services)
    assert [_write(client, "PUT", "/symbols/%5EGSPC").status for _ in range(2)] == [201, 200]
    assert _write(client, "PUT", "/symbols/test").json["seen"] is True
    listed = {row["symbol"]: row for row in client.get("/symbols").json["symbols"]}
    assert (listed["^GSPC"]["seen"], listed["^GSPC"]["tracked"]) == (False, True)
    assert (listed["TEST"]["seen"], listed["TEST"]["tracked"]) == (True, True)
    assert [_write(client, "DELETE", "/symbols/%5EGSPC").status for _ in range(2)] == [204, 204]
    assert [row["symbol"] for row in client.get("/symbols").json["symbols"]] == ["TEST"]
    assert client.get("/prices/TEST?interval=1m").json["prices"]


def test_tracking_refuses_invalid_symbols_and_other_fields(client: Client) -> None:
    assert _write(client, "PUT", "/symbols/%3Cb%3E").json["parameter"] == "symbol"
    assert _write(client, "PUT", "/symbols/AAPL", {"name": "Apple"}).json["field"] == "name"


def test_tracked_symbols_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_TRACKED", 2)
    statuses = [_write(client, "PUT", f"/symbols/{name}").status for name in "ABCA"]
    assert statuses == [201, 201, 409, 200]
