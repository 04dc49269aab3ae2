"""Authorization: keys, their scopes, and the policy that the gateway caches for a token."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import msgspec
import pytest
from chalice.app import AuthRequest
from chalice.local import ARNMatcher

from bench.our_app import our_app
from chalicelib.api import access
from chalicelib.api.admission import admit, caller_of
from chalicelib.api.problems import Problem
from chalicelib.api.routes import OPEN, READ, ROUTES, Route
from chalicelib.domain.keys import IN_DEPLOYMENT, SCOPES
from chalicelib.services.access import key_ring
from chalicelib.services.access.key_ring import KeyRing
from tests.api_support import NOW, SETTINGS, TOKEN, Client, FakeServices

GOOD = f"Bearer {TOKEN}"
BAD = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN}x",
    f"Bearer {key_ring.fingerprint(TOKEN)}",
    "Bearer " + "A" * 100_000,
    "Bearer \udcff",
    "Bearer \ud800",
    f"Bearer {TOKEN} {TOKEN}",
    f"Bearer {TOKEN}, Bearer {TOKEN}",
    f"Bearer ticktape_{'a' * 43}",
]
ARN = "arn:aws:execute-api:ap-southeast-2:123456789012:abcdefghij/sixteenlettersst/GET/prices"
CLOSED = msgspec.structs.replace(SETTINGS, read_access="closed")
GUARDED = [route for route in ROUTES if route.access != OPEN]
EXAMPLES = {
    "symbol": "NEW",
    "rule_id": "mine",
    "name": "gaps",
    "run_id": "none",
    "key_id": "none",
    "alert_id": "0" * 24,
    "channel_id": "sns",
    "mute_id": "none",
}


@pytest.fixture
def services() -> FakeServices:
    """Return services with closed reading."""
    return FakeServices(CLOSED)


def ask(client: Client, route: Route, token: str) -> int:
    """The status of a request to an example of a route."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return client.send(route.method, route.path.format(**EXAMPLES), {}, headers).status


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def policy_of(services: FakeServices, token: str) -> list[str]:
    """The resources that the authorizer's policy allows."""
    request = AuthRequest("TOKEN", f"Bearer {token}", ARN)
    policy = access.authorize(request, services.keys).to_dict(request)["policyDocument"]
    assert len(json.dumps(policy)) < 8192  # above, API Gateway refuses it
    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Allow"
    resources: list[str] = statement["Resource"]
    return resources


def test_the_first_key_is_recognised_without_the_store() -> None:
    services = FakeServices()
    for header in (GOOD, f"bearer  {TOKEN}", f"BEARER {TOKEN} "):
        key = services.keys.holder(access.bearer(header))
        assert key is not None
        assert (key.key_id, key.scopes) == (IN_DEPLOYMENT, ("admin",))
    assert services.key_store.finds == 0


@pytest.mark.parametrize("header", BAD)
def test_a_bad_token_is_401_with_the_scheme(services: FakeServices, header: str) -> None:
    with pytest.raises(access.Unauthorized, match=r"^Unauthorized$"):
        access.authorize(AuthRequest("TOKEN", header, ARN), services.keys)
    assert Client(services).get("/symbols", authorization=header).status == 401


def test_only_what_can_be_a_token_is_looked_up(services: FakeServices) -> None:
    for header in BAD:
        Client(services).get("/symbols", authorization=header)
    assert services.key_store.finds == 1


def test_no_first_key_is_there_where_no_hash_is_stored() -> None:
    keys = KeyRing(FakeServices().key_store, lambda: NOW, "")
    assert keys.holder("") is None
    assert keys.holder(TOKEN) is None
    assert keys.all() == []


def test_tokens_are_long_and_unique_and_have_a_prefix() -> None:
    tokens = {key_ring.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"ticktape_[\w-]{43}", token, re.ASCII) for token in tokens)


def paths_of(route: Route) -> list[str]:
    """Return paths that a gateway might match with a route, whatever its parameters."""
    values = ["x", "x/anything", "..%2Fkeys", "*", "a?b", "preview", "x/latest", "", "%2e%2e/keys"]
    return [re.sub(r"\{\w+\}", value, route.path) for value in values]


@pytest.mark.parametrize("scope", SCOPES)
def test_no_wildcard_of_a_policy_reaches_a_route_of_another_scope(
    services: FakeServices, scope: str
) -> None:
    """`*` matches slashes, too: GET /prices/* allows GET /prices/x/anything."""
    resources = policy_of(services, services.key(scope))
    base = ARN.rpartition("/GET/")[0]
    for route in GUARDED:
        permitted = scope in (route.access, "admin")
        for path in paths_of(route):
            matches = ARNMatcher(f"{base}/{route.method}{path}").does_any_resource_match(resources)
            assert matches == permitted, (scope, route.method, path)


def test_a_policy_names_method_and_path_of_each_route_of_the_scope(services: FakeServices) -> None:
    base = ARN.rpartition("/GET/")[0]
    assert policy_of(services, services.key("write:rules")) == [
        f"{base}/POST/rules",
        f"{base}/PUT/rules/*",
        f"{base}/DELETE/rules/*",
        f"{base}/POST/mutes",
        f"{base}/DELETE/mutes/*",
    ]
    assert len(policy_of(services, TOKEN)) == len(GUARDED)


def test_the_kept_policy_lets_a_token_go_on_to_its_other_routes(services: FakeServices) -> None:
    client, token = Client(services), services.key("read")
    for route in GUARDED:
        if route.access == READ:
            assert ask(client, route, token) not in (401, 403)
    assert services.key_store.finds == 1


@pytest.mark.parametrize("ends", ["revoked", "expired"])
def test_a_key_that_ends_is_refused_within_five_seconds(services: FakeServices, ends: str) -> None:
    expiry = (NOW + timedelta(seconds=1)).isoformat() if ends == "expired" else None
    token = services.key("read", expires_at=expiry)
    client = Client(services)
    assert client.get("/symbols", authorization=f"Bearer {token}").status == 200
    if ends == "revoked":
        services.keys.revoke(services.keys.all()[1].key_id)
    services.now += timedelta(seconds=1)
    assert client.get("/symbols", authorization=f"Bearer {token}").status == 200  # is kept
    services.now += timedelta(seconds=4)
    assert client.get("/symbols", authorization=f"Bearer {token}").status == 401


def test_the_policy_is_kept_for_less_than_five_seconds_where_it_is_deployed() -> None:
    from chalice.deploy.swagger import CFNSwaggerGenerator

    with our_app() as deployed:
        document = CFNSwaggerGenerator().generate_swagger(deployed.handlers.app)
    (scheme,) = document["securityDefinitions"].values()
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] == access.CACHE_SECONDS <= 4
    assert authorizer["type"] == "token"


def test_a_missing_scope_is_named_with_the_route_and_what_the_key_has(
    services: FakeServices,
) -> None:
    token = services.key("read", "reports")
    headers = {"authorization": f"Bearer {token}"}
    answer = Client(services).send("DELETE", "/rules/mine", headers=headers)
    assert answer.status == 403
    assert answer.json["detail"] == (
        "DELETE /rules/{rule_id} needs a scope that this key does not have; it has: read reports"
    )
    assert answer.json["scopes"] == "read reports"


def test_the_view_is_refused_too_should_the_gateway_read_a_path_in_another_way() -> None:
    context = {"authorizer": {**_told("read"), "principalId": "x"}}
    route = next(route for route in ROUTES if route.path == "/keys")
    with pytest.raises(Problem, match="needs a key with the scope admin") as refused:
        admit(caller_of(context), route, FakeServices(), 1)
    assert (refused.value.status, refused.value.members["scope"]) == (403, "admin")
    with pytest.raises(Problem) as refused:
        admit(caller_of({}), route, FakeServices(), 1)
    assert refused.value.status == 401


def _told(scope: str) -> dict[str, str]:
    services = FakeServices()
    request = AuthRequest("TOKEN", f"Bearer {services.key(scope)}", ARN)
    context: dict[str, str] = access.authorize(request, services.keys).to_dict(request)["context"]
    return context


@pytest.mark.parametrize("route", ROUTES, ids=named)
@pytest.mark.parametrize("read_access", ["open", "closed"])
def test_a_route_needs_a_key_unless_it_is_open_or_reads_where_reading_is(
    read_access: str, route: Route
) -> None:
    services = FakeServices(msgspec.structs.replace(SETTINGS, read_access=read_access))
    client = Client(services)
    open_to_all = route.access == OPEN or (route.access == READ and read_access == "open")
    without = client.send(route.method, route.path.format(**EXAMPLES), {})
    assert (without.status == 401) == (not open_to_all)
    assert ask(client, route, TOKEN) not in (401, 403)


def test_an_unset_access_closes_reading() -> None:
    required = {
        field.name: getattr(SETTINGS, field.name)
        for field in msgspec.structs.fields(SETTINGS)
        if field.required
    }
    services = FakeServices(type(SETTINGS)(**required))
    assert Client(services).get("/symbols").status == 401
