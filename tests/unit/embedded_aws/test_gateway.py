"""API Gateway's authorizers: cached policies, and its answer to a key that may not use a route."""

from __future__ import annotations

from typing import Any

import pytest
from chalice import Chalice
from chalice.app import AuthResponse, AuthRoute
from chalice.local import LocalGatewayException

from embedded_aws.api_gateway.gateway import DeniedError, gateway


def test_the_gateway_caches_a_policy_for_its_ttl() -> None:
    """A policy that lists one route only, or is kept for too long, shows here."""
    asked: list[Any] = []
    now = [0.0]
    one = Chalice("one")

    def first_route_only(request: Any) -> AuthResponse:
        asked.append(request.token)
        path = "/" + request.method_arn.rpartition("/")[2]
        return AuthResponse([AuthRoute(path, ["GET"])], "x", {"scopes": ""})

    authorizer = one.authorizer(ttl_seconds=10)(first_route_only)
    for path in ("/a", "/b"):
        one.route(path, authorizer=authorizer, name=path)(dict)
    stand_in = gateway(one, lambda: now[0])

    def status(path: str, token: str) -> int:
        try:
            answer = stand_in.handle_request("GET", path, {"authorization": token}, None)
        except LocalGatewayException as error:
            return int(error.CODE)
        return int(answer["statusCode"])

    assert [status("/a", "t"), status("/b", "t"), status("/b", "u")] == [200, 403, 200]
    now[0] = 9.9
    assert status("/b", "t") == 403
    now[0] = 10.1
    assert status("/b", "t") == 200
    assert asked == ["t", "u", "t"]


@pytest.mark.parametrize(
    ("template", "body"),
    [
        (
            '{"told": "$context.httpMethod $context.resourcePath: $context.authorizer.scopes"}',
            b'{"told": "GET /b/{name}: read write"}',
        ),
        ("$context.unknown.", b"."),
        ("", b""),
    ],
)
def test_a_denied_request_gets_the_template_with_its_variables(template: str, body: bytes) -> None:
    one = Chalice("one")
    authorizer = one.authorizer()(
        lambda request: AuthResponse([AuthRoute("/a", ["GET"])], "x", {"scopes": "read write"})
    )
    one.route("/b/{name}", authorizer=authorizer)(dict)
    with pytest.raises(DeniedError) as raised:
        gateway(one, denied=template).handle_request("GET", "/b/1", {"authorization": "t"}, None)
    assert raised.value.body == body
