"""Who may write, and who may read where reading is closed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from chalice.app import AuthRequest

from chalicelib.api import access
from chalicelib.api.routes import ROUTES
from tests.api_support import SETTINGS, TOKEN, Client, FakeServices

GOOD = f"Bearer {TOKEN}"
BAD = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN}x",
    f"Bearer {access.fingerprint(TOKEN)}",
    "Bearer " + "A" * 100_000,
    "Bearer \udcff",
    f"Bearer {TOKEN} {TOKEN}",
]
PATHS = [
    (
        route.method,
        route.path.format(symbol="NEW", rule_id="mine", name="gaps", run_id="none"),
        route.access,
    )
    for route in ROUTES
    if "write" in (route.access,)
]


def test_a_good_token_is_told_from_bad_ones() -> None:
    stored = hashlib.sha256(TOKEN.encode()).hexdigest()
    assert access.holds(GOOD, stored)
    assert access.holds(f"bearer  {TOKEN}", stored.upper())
    assert not any(access.holds(header, stored) for header in BAD)


def test_no_token_is_good_where_no_hash_is_stored() -> None:
    assert not access.holds("Bearer ", "")
    assert not access.holds(GOOD, "")


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {access.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43


def test_the_policy_of_a_token_covers_all_routes() -> None:
    """The gateway keeps it for the token: the next route is asked about with the same one."""
    arn = "arn:aws:execute-api:us-east-1:123456789012:api/dev/PUT/rules/mine"
    request = AuthRequest("TOKEN", GOOD, arn)
    policy = access.authorize(request, SETTINGS.write_token_sha256).to_dict(request)
    allowed = [
        resource
        for statement in policy["policyDocument"]["Statement"]
        for resource in statement["Resource"]
    ]
    assert allowed == ["arn:aws:execute-api:us-east-1:123456789012:api/dev/*/*"]
    denied = access.authorize(request, "00").to_dict(request)
    assert denied["policyDocument"]["Statement"][0]["Resource"] == []


@pytest.mark.parametrize(("method", "path", "needed"), PATHS)
@pytest.mark.parametrize(("header", "status"), [(None, 401), ("Bearer wrong", 403)])
def test_writing_needs_the_token(
    method: str, path: str, needed: str, header: str | None, status: int
) -> None:
    headers = {"authorization": header} if header else {}
    answer = Client(FakeServices()).send(method, path, {}, headers)
    assert answer.status == status


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_reading_needs_it_where_it_is_closed(route: Any) -> None:
    services = FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))
    path = route.path.format(symbol="NEW", rule_id="mine", name="gaps", run_id="none")
    without = Client(services).send(route.method, path)
    assert (without.status == 401) == (route.access != "any")
    bearing = {"authorization": GOOD, "content-type": "application/json"}
    assert Client(services).send(route.method, path, headers=bearing).status not in (401, 403)


def test_an_unset_access_closes_reading() -> None:
    required = {
        field.name: getattr(SETTINGS, field.name)
        for field in msgspec.structs.fields(SETTINGS)
        if field.required
    }
    services = FakeServices(type(SETTINGS)(**required))
    assert Client(services).get("/symbols").status == 401
