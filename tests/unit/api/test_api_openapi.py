"""Routes, parameters, answers, the OpenAPI document and its readable page agree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.api.routes import ROUTES, Route
from chalicelib.api.version import VERSION
from tests.api_support import SETTINGS, TOKEN, Client, FakeServices, aapl_ticks, fill, make_ticks
from tests.fake_lake import FINISHED, OTHER, RUNNING

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text()

RULE = {"symbol": "AAPL", "condition": "crossing_up", "value": 140.5, "trigger": "once"}

ANSWERS = [
    ("GET", "/prices?symbols=AAPL,TEST&limit=900", "/prices"),
    ("GET", "/prices?symbols=TEST&interval=tick&limit=2", "/prices"),
    ("GET", "/prices?symbols=TEST,NOSUCH", "/prices"),
    ("GET", "/prices/AAPL?limit=3", "/prices/{symbol}"),
    ("GET", "/prices/AAPL?limit=max", "/prices/{symbol}"),
    ("GET", "/prices/AAPL?interval=tick&limit=3", "/prices/{symbol}"),
    ("GET", "/prices/TEST?interval=1h", "/prices/{symbol}"),
    ("GET", "/prices/NOSUCH", "/prices/{symbol}"),
    ("GET", "/prices/AAPL?limit=0", "/prices/{symbol}"),
    ("GET", "/prices/TEST/latest", "/prices/{symbol}/latest"),
    ("GET", "/indicators/AAPL?sma=5&macd=12,26,9&vwap=session", "/indicators/{symbol}"),
    ("GET", "/quality/TEST?jump=5.5", "/quality/{symbol}"),
    ("GET", "/quality/AAPL?start=2017-02-10&end=2017-02-17", "/quality/{symbol}"),
    ("GET", "/quality/NOSUCH", "/quality/{symbol}"),
    ("GET", "/quotes?symbols=AAPL,TEST,X", "/quotes"),
    ("GET", "/symbols", "/symbols"),
    ("GET", "/alerts", "/alerts"),
    ("GET", "/alerts?symbol=AAPL", "/alerts"),
    ("GET", "/rules", "/rules"),
    ("POST", "/rules", "/rules"),
    ("POST", "/rules/preview", "/rules/preview"),
    ("PUT", "/rules/mine", "/rules/{rule_id}"),
    ("GET", "/rules/default-golden-cross", "/rules/{rule_id}"),
    ("GET", "/rules/none", "/rules/{rule_id}"),
    ("DELETE", "/rules/default-golden-cross", "/rules/{rule_id}"),
    ("PUT", "/symbols/NEW", "/symbols/{symbol}"),
    ("GET", "/symbols/NEW", "/symbols/{symbol}"),
    ("GET", "/symbols/NOSUCH", "/symbols/{symbol}"),
    ("POST", "/standby", "/standby"),
    ("DELETE", "/symbols/NEW?data=true", "/symbols/{symbol}"),
    ("GET", "/reports", "/reports"),
    ("POST", "/reports/top_movers", "/reports/{name}"),
    ("POST", "/reports/none", "/reports/{name}"),
    ("POST", "/reports/gaps", "/reports/{name}"),
    ("GET", f"/reports/runs/{FINISHED}", "/reports/runs/{run_id}"),
    ("GET", f"/reports/runs/{RUNNING}", "/reports/runs/{run_id}"),
    ("GET", f"/reports/runs/{RUNNING}?format=csv", "/reports/runs/{run_id}"),
    ("GET", f"/reports/runs/{OTHER}", "/reports/runs/{run_id}"),
    ("GET", "/keys", "/keys"),
    ("POST", "/keys", "/keys"),
    ("DELETE", "/keys/none", "/keys/{key_id}"),
    ("DELETE", "/keys/deployment", "/keys/{key_id}"),
    ("GET", "/health", "/health"),
    ("GET", "/openapi.json", "/openapi.json"),
]


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    fill(services, make_ticks(120))
    return Client(services)


@pytest.fixture(scope="module")
def document(client: Client) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(client.get("/openapi.json").body)
    return parsed


def _send(client: Client, method: str, path: str) -> Any:
    body: Any = RULE if method in ("POST", "PUT") and path.startswith("/rules") else None
    if path.startswith("/reports") and method == "POST":
        body = {"parameters": {}}
    if path == "/keys" and method == "POST":
        body = {"name": "grafana", "scopes": ["read"]}
    if path == "/standby":
        body = {"source": "yfinance", "symbols": ["AAPL"]}
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    return client.send(method, path, body, headers)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_document_has_exactly_the_routes(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_the_document_has_exactly_the_parameters(
    client: Client, document: dict[str, Any], route: Route
) -> None:
    operation = document["paths"][route.path][route.method.lower()]
    named = [_resolved(document, one) for one in operation["parameters"]]
    query = {one["name"] for one in named if one["in"] == "query"}
    path = re.sub(r"\{\w+\}", "AAPL", route.path)
    refusal = _send(client, route.method, f"{path}?no_such=1").json
    assert refusal["parameter"] == "no_such"
    allowed = refusal["allowed"]
    assert query == (set() if allowed == "no parameters" else set(allowed.split(", ")))
    in_path = {one["name"] for one in named if one["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", route.path))


def _resolved(document: dict[str, Any], reference: dict[str, str]) -> dict[str, Any]:
    name = reference["$ref"].rpartition("/")[2]
    parameter: dict[str, Any] = document["components"]["parameters"][name]
    return parameter


@pytest.mark.parametrize(("method", "path", "route"), ANSWERS, ids=lambda value: str(value))
def test_answers_are_as_documented(
    client: Client, document: dict[str, Any], method: str, path: str, route: str
) -> None:
    answer = _send(client, method, path)
    responses = document["paths"][route][method.lower()]["responses"]
    assert str(answer.status) in responses
    media = answer.headers["content-type"]
    schema = responses[str(answer.status)]["content"][media]["schema"]
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole).validate(json.loads(answer.body))


@pytest.mark.parametrize("closed", [False, True])
def test_the_document_says_what_needs_a_key_and_which_scope(closed: bool) -> None:
    access = "closed" if closed else "open"
    services = FakeServices(msgspec.structs.replace(SETTINGS, read_access=access))
    client = Client(services)
    document = json.loads(client.get("/openapi.json").body)
    for path, entries in client.app.routes.items():
        for method, entry in entries.items():
            operation = document["paths"][path][method.lower()]
            assert ("security" in operation) == (entry.authorizer is not None)
            refusals = {"401", "403", "429"}
            assert (refusals <= operation["responses"].keys()) == ("security" in operation)
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert operation.get("security", [{"token": [route.access]}]) == [{"token": [route.access]}]


def test_the_readable_page_has_every_route_and_parameter(document: dict[str, Any]) -> None:
    for route in ROUTES:
        assert f"`{route.method} {route.path}`" in PAGE
    for parameter in document["components"]["parameters"].values():
        assert f"`{parameter['name']}`" in PAGE
    for name in document["components"]["schemas"]["Quote"]["properties"]:
        assert f"`{name}`" in PAGE


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
