"""`when` over HTTP: both forms in three routes, problems with a column, the document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.api_support import TOKEN, Answer, Client, FakeServices, aapl_ticks, fill

TEXT = "rsi(14) < 30 and close > sma(200, 1d)"
TREE = {
    "op": "all",
    "of": [
        {"op": "below", "left": {"value": "rsi", "window": 14}, "right": 30},
        {
            "op": "above",
            "left": {"value": "close"},
            "right": {"value": "sma", "window": 200, "interval": "1d"},
        },
    ],
}


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    return Client(services)


def write(client: Client, method: str, path: str, body: object) -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    return client.send(method, path, body, headers)


def schema(client: Client, name: str) -> dict[str, Any]:
    document = json.loads(client.get("/openapi.json").body)
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found | {"components": document["components"]}


@pytest.mark.parametrize("when", [TEXT, TREE])
def test_a_rule_takes_either_form_and_answers_with_the_text(client: Client, when: Any) -> None:
    given = {"symbol": "AAPL", "interval": "1h", "when": when}
    Draft202012Validator(schema(client, "RuleGiven")).validate(given)
    made = write(client, "POST", "/rules", given)
    assert (made.status, made.json["when"], made.json["condition"]) == (201, TEXT, "when")
    Draft202012Validator(schema(client, "Rule")).validate(json.loads(made.body))
    path = f"/rules/{made.json['rule_id']}"
    again = write(client, "PUT", path, {**given, "when": made.json["when"]})
    assert (again.status, again.json["when"]) == (200, TEXT)
    assert client.get(path).json["when"] == TEXT


def test_a_preview_has_both_forms_and_the_bars_needed(client: Client) -> None:
    given = {"symbol": "AAPL", "interval": "1d", "when": "close crosses above sma(3)"}
    found = write(client, "POST", "/rules/preview", given)
    Draft202012Validator(schema(client, "Preview")).validate(json.loads(found.body))
    assert found.json["when"]["text"] == given["when"]
    assert found.json["when"]["needs"] == ["needs 4 days of 1d bars (4 bars)"]
    tree = json.loads(found.body)["when"]["tree"]
    again = write(client, "POST", "/rules/preview", {**given, "when": tree})
    assert (again.status, again.body) == (200, found.body)
    other = {"symbol": "AAPL", "condition": "every_record"}
    assert write(client, "POST", "/rules/preview", other).json["when"] is None


def test_a_problem_has_the_column_or_the_path(client: Client) -> None:
    given = {"symbol": "AAPL", "interval": "1h"}
    refused = write(client, "POST", "/rules", {**given, "when": "close > rsy(14)"})
    assert (refused.status, refused.json["field"], refused.json["column"]) == (400, "when", 9)
    assert refused.json["detail"].startswith("when, column 9: 'rsy' is not allowed; allowed: rsi?")
    Draft202012Validator(schema(client, "Problem")).validate(json.loads(refused.body))
    wrong = {"op": "not", "of": {"op": "above", "left": {"value": "rsy"}, "right": 1}}
    refused = write(client, "POST", "/rules/preview", {**given, "when": wrong})
    assert (refused.status, refused.json["field"]) == (400, "when.of.left.value")
    assert "column" not in refused.json


@pytest.mark.parametrize("empty", ["", {}, [], False])
def test_an_empty_when_is_refused_as_such(client: Client, empty: object) -> None:
    refused = write(client, "POST", "/rules", {"symbol": "AAPL", "when": empty})
    assert (refused.status, refused.json["field"].partition(".")[0]) == (400, "when")


def test_a_rule_that_needs_too_much_is_refused_with_the_reason(client: Client) -> None:
    given = {"symbol": "AAPL", "interval": "5m", "when": "rsi(400) > 50"}
    refused = write(client, "POST", "/rules", given)
    assert (refused.status, refused.json["field"]) == (400, "when")
    assert "needs 134 days of 1m bars (52,005 bars)" in refused.json["detail"]


def test_a_preview_says_what_followed_its_fires_if_it_is_asked(client: Client) -> None:
    given = {"symbol": "AAPL", "interval": "1d", "when": "close crosses above sma(3)"}
    for wanted in (True, {"hold_bars": 5, "fee_percent": 0.25}):
        asked = {**given, "backtest": wanted}
        Draft202012Validator(schema(client, "PreviewGiven")).validate(asked)
        found = write(client, "POST", "/rules/preview", asked)
        Draft202012Validator(schema(client, "Preview")).validate(json.loads(found.body))
        tried = found.json["backtest"]
        assert tried["fires"] == len(found.json["alerts"]) > 3
        assert tried["bars"] == found.json["judged"]
        assert [one["bars"] for one in tried["after"]] == [1, 5, 20]
        assert tried["caveats"]
    assert tried["costs"]["hold_bars"] == 5
    assert write(client, "POST", "/rules/preview", given).json["backtest"] is None
    refused = write(client, "POST", "/rules/preview", {**given, "backtest": {"hold_bars": 0}})
    assert (refused.status, refused.json["field"]) == (400, "backtest")
    assert write(client, "POST", "/rules", {**given, "backtest": True}).status == 400


@pytest.mark.parametrize("interval", ["tick", "1m", "5m", "1d", "1wk"])
def test_a_backtest_counts_the_bars_at_which_a_rule_fired(client: Client, interval: str) -> None:
    given = {"symbol": "AAPL", "interval": interval, "condition": "every_record"}
    found = write(client, "POST", "/rules/preview", {**given, "backtest": True}).json
    labels = {alert["timestamp"][:16] for alert in found["alerts"]}
    assert found["backtest"]["fires"] <= len(labels)
    assert bool(found["backtest"]["fires"]) == bool(found["backtest"]["bars"] and labels)
