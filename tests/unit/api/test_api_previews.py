"""Previews that stop before the end of their range, and those that continue them."""

from __future__ import annotations

import base64
import json
from itertools import count
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chalicelib.api import page_tokens
from chalicelib.services.rules.preview import Preview
from tests.api_support import Answer, Client, FakeServices, fill, make_ticks

JSON = {"content-type": "application/json"}
BODIES: list[dict[str, Any]] = [
    {"condition": "greater_than", "value": 100},
    {"when": "close > 100", "interval": "1m"},
    {"when": "close crosses above 100 within 2 bars and close < 109 for 3 bars"},
    {"condition": "crossing", "value": 103, "interval": "5m", "cooldown_seconds": 900},
]


@pytest.fixture
def services() -> FakeServices:
    """An API with one symbol that moves in every minute."""
    services = FakeServices()
    fill(services, make_ticks(200))
    return services


def previewed(client: Client, body: dict[str, Any]) -> Answer:
    return client.send("POST", "/rules/preview", {"symbol": "TEST", **body}, JSON)


def stopping(services: FakeServices) -> Client:
    """The API whose previews have time for seven steps."""
    clock = count()
    services.preview = Preview(
        services.stores,
        services.preview._shown,
        lambda: 0.0 if next(clock) % 7 else float("inf"),
    )
    return Client(services)


@pytest.mark.parametrize("given", BODIES, ids=str)
def test_pages_of_a_preview_have_the_alerts_of_one(
    services: FakeServices, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.rules.preview._PAGE", 9)
    one = previewed(Client(services), given).json
    assert (one["complete"], one["next_page_token"]) == (True, None)
    client = stopping(services)
    schemas = json.loads(client.get("/openapi.json").body)["components"]
    validator = Draft202012Validator({**schemas["schemas"]["Preview"], "components": schemas})
    found: list[Any] = []
    pages = judged = 0
    token = None
    while pages == 0 or token is not None:
        answer = previewed(client, {**given, "page_token": token})
        validator.validate(json.loads(answer.body))
        found, judged = found + answer.json["alerts"], judged + answer.json["judged"]
        token, pages = answer.json["next_page_token"], pages + 1
    assert pages > 3
    assert (found, judged) == (one["alerts"], one["judged"])
    assert found


def test_a_backtest_is_about_its_page(services: FakeServices) -> None:
    given = {"when": "close > 100", "interval": "5m", "backtest": True}
    one = previewed(Client(services), given).json["backtest"]
    client, bars, fires, token = stopping(services), 0, 0, None
    for _ in range(20):
        page = previewed(client, {**given, "page_token": token}).json
        assert page["backtest"]["bars"] == page["judged"]
        bars, fires = bars + page["backtest"]["bars"], fires + page["backtest"]["fires"]
        token = page["next_page_token"]
        if token is None:
            break
    assert (bars, fires) == (one["bars"], one["fires"])


def forged(body: dict[str, Any], *texts: str | None) -> str:
    """A token with any contents, which the checksum fits."""
    bound = {name: msgspec.json.encode(value).decode() for name, value in body.items()}
    return page_tokens.encode(list(texts), "/rules/preview", bound)


def test_a_token_is_good_for_its_preview_only(services: FakeServices) -> None:
    client = stopping(services)
    token = previewed(client, BODIES[1]).json["next_page_token"]
    for body in (
        {**BODIES[1], "interval": "5m"},
        {**BODIES[1], "when": "close > 101"},
        {**BODIES[1], "end": "2030-01-01"},
        BODIES[0],
    ):
        refused = previewed(client, {**body, "page_token": token})
        assert (refused.status, refused.json["field"]) == (400, "page_token")
    others: list[object] = [1, True, [], {}, "", "x", token[:-3], "Ö" * 9, "x" * 3_000]
    for wrong in others:
        refused = previewed(client, {**BODIES[1], "page_token": wrong})
        assert (refused.status, refused.json["field"]) == (400, "page_token"), wrong
    with_backtest = {**BODIES[1], "page_token": token, "backtest": True}
    assert previewed(client, with_backtest).status == 200


def test_forged_tokens_are_refused(services: FakeServices) -> None:
    client, body = stopping(services), {"symbol": "TEST", **BODIES[2]}
    token = previewed(client, body).json["next_page_token"]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    until, remembered, *_ = json.loads(raw[6:])
    good = json.loads(remembered)
    assert (
        previewed(
            client, {**body, "page_token": forged(body, until, remembered, None, None)}
        ).status
        == 200
    )

    def state(**changes: object) -> str:
        names = ("fingerprint", "side", "inside", "session", "fired_at", "scope", "bar", "memory")
        values = dict(zip(names, good, strict=False)) | changes
        return json.dumps([values.get(name, "") for name in names])

    for texts in (
        ("soon", remembered, None, None),
        ("9999-12-31T23:59:59.999999Z", remembered, None, None),
        (None, remembered, None, None),
        (until, None, None, None),
        (until, "[]", None, None),
        (until, "{", None, None),
        (until, state(fingerprint="00000000"), None, None),
        (until, state(side="x"), None, None),
        (until, state(fired_at="yesterday"), None, None),
        (until, state(memory="1"), None, None),
        (until, state(memory="x/y/z"), None, None),
        (until, state(memory="9" * 1_200), None, None),
        (until, remembered, "2026-11-20", "NaN"),
        (until, remembered, "2026-11-20", "-1"),
        (until, remembered, "2026-11-20", "x"),
        (until, remembered, "<script>", "1"),
    ):
        refused = previewed(client, {**body, "page_token": forged(body, *texts)})
        assert (refused.status, refused.json["field"]) == (400, "page_token"), texts
