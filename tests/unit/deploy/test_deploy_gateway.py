"""API Gateway's own answers."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import msgspec
import pytest

from infra.deploy import gateway
from infra.deploy.errors import DeployError
from infra.deploy.gateway import DENIED, STATUS, answer
from infra.deploy.stage import ApiRate
from infra.deploy.waiting import Clock
from tests.deploy_support.stages import make_stage

ORIGIN = "https://page.example.com"


@pytest.mark.parametrize(("kind", "status"), sorted(STATUS.items()))
def test_answer_is_a_problem_that_the_page_may_read(kind: str, status: int) -> None:
    found = answer(kind, ORIGIN)
    headers = found["responseParameters"]
    assert found["statusCode"] == str(status)
    assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{ORIGIN}'"
    assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    body = json.loads(found["responseTemplates"]["application/json"])
    assert body["status"] == status
    assert body["type"].startswith("urn:ticktape:problem:")


def test_every_kind_of_answer_has_its_own_status_and_no_default_rewrites_it() -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    kinds = model.operation_model("PutGatewayResponse").input_shape.members["responseType"].enum
    assert set(STATUS) == {kind for kind in kinds if not kind.startswith("DEFAULT_")}
    assert {STATUS["INVALID_SIGNATURE"], STATUS["UNSUPPORTED_MEDIA_TYPE"]} == {403, 415}


class Slow:
    """API Gateway that still shows no answers of ours in the first `late` lists."""

    def __init__(self, late: int) -> None:
        self._late = late

    def get_gateway_responses(self, **_: Any) -> dict[str, Any]:
        self._late -= 1
        ours = [{"responseType": kind} | answer(kind, ORIGIN) for kind in STATUS]
        return {"items": [] if self._late >= 0 else ours}


@pytest.mark.parametrize(("late", "is_well"), [(0, True), (20, True), (80, False)])
def test_check_waits_a_minute_for_the_answers(late: int, is_well: bool) -> None:
    stage = make_stage()
    stage._clients["apigateway"] = Slow(late)
    vars(stage)["deployed"] = lambda: [{"resource_type": "rest_api", "rest_api_id": "id"}]
    seconds: list[float] = []
    clock = Clock(lambda: sum(seconds), seconds.append)
    if is_well:
        gateway.check(stage, clock)
    else:
        with pytest.raises(DeployError, match="ACCESS_DENIED differs: make settings STAGE=dev"):
            gateway.check(stage, clock)
    assert sum(seconds) == min(late, 60)


def test_missing_token_names_the_scheme() -> None:
    headers = answer("UNAUTHORIZED", ORIGIN)["responseParameters"]
    assert headers["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def test_too_many_requests_say_when_to_come_back() -> None:
    assert (
        answer("THROTTLED", ORIGIN)["responseParameters"]["gatewayresponse.header.Retry-After"]
        == "'1'"
    )


def test_no_origin_means_no_cors_headers() -> None:
    headers = answer("INVALID_API_KEY", "")["responseParameters"]
    assert not [name for name in headers if "Access-Control" in name]


def test_body_holds_nothing_that_the_gateways_template_language_would_read() -> None:
    for kind in STATUS.keys() - {"ACCESS_DENIED"}:
        body = answer(kind, ORIGIN)["responseTemplates"]["application/json"]
        assert not set("$#") & set(body)


def test_a_key_without_the_scope_learns_the_route_and_its_scopes_only() -> None:
    """`$context.path` and the like would repeat what the client sent, unescaped."""
    body = answer("ACCESS_DENIED", ORIGIN)["responseTemplates"]["application/json"]
    assert set(re.findall(r"\$[\w.]+\w", body)) == set(DENIED)
    assert DENIED == ("$context.httpMethod", "$context.resourcePath", "$context.authorizer.scopes")
    assert json.loads(body)["scopes"] == "$context.authorizer.scopes"


class Recorded:
    """API Gateway that takes everything and keeps the stage's settings."""

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}

    def update_stage(self, patchOperations: list[dict[str, str]], **_: Any) -> None:  # noqa: N803  # AWS
        self.settings |= {one["path"]: one["value"] for one in patchOperations}

    def __getattr__(self, _name: str) -> Any:
        return lambda **_: None


@pytest.mark.parametrize(
    ("per_second", "burst", "health", "signed"),
    [(50, 100, ("10", "20"), ("2", "10")), (1, 5, ("1", "5"), ("1", "5"))],
)
def test_routes_that_need_no_key_have_rates_of_their_own_below_the_stages(
    per_second: int, burst: int, health: tuple[str, str], signed: tuple[str, str]
) -> None:
    rate = ApiRate(per_second, burst)
    stage = make_stage()
    stage = msgspec.structs.replace(
        stage, chalice=msgspec.structs.replace(stage.chalice, api_rate=rate)
    )
    client = stage._clients["apigateway"] = Recorded()
    vars(stage)["deployed"] = lambda: [{"resource_type": "rest_api", "rest_api_id": "id"}]
    gateway.apply(stage)
    assert client.settings == {
        "/*/*/throttling/rateLimit": str(per_second),
        "/*/*/throttling/burstLimit": str(burst),
        "/~1health/GET/throttling/rateLimit": health[0],
        "/~1health/GET/throttling/burstLimit": health[1],
        "/~1mutes~1signed/POST/throttling/rateLimit": signed[0],
        "/~1mutes~1signed/POST/throttling/burstLimit": signed[1],
    }
