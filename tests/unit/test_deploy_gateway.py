"""What API Gateway answers by itself."""

from __future__ import annotations

import json
import re

import botocore.session
import pytest

from infra.deploy.gateway import DENIED, STATUS, answer

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


def test_a_key_without_the_scope_is_told_the_route_and_its_scopes_and_nothing_of_the_request() -> (
    None
):
    """`$context.path` and the like would repeat what the client sent, unescaped."""
    body = answer("ACCESS_DENIED", ORIGIN)["responseTemplates"]["application/json"]
    assert set(re.findall(r"\$[\w.]+\w", body)) == set(DENIED)
    assert DENIED == ("$context.httpMethod", "$context.resourcePath", "$context.authorizer.scopes")
    assert json.loads(body)["scopes"] == "$context.authorizer.scopes"
