"""Sets API Gateway's own answers (problem documents with CORS headers) and its request rates.

By default these answers have no CORS headers, so that a page cannot tell a wrong token from a
broken network. This step has to follow `chalice deploy`, which imports the API and so resets them.
"""

from __future__ import annotations

from typing import Any

from chalice.app import CORSConfig

from chalicelib.api import problems, routes
from infra.deploy.stage import ApiRate, Stage
from infra.deploy.waiting import CLOCK, CONSISTENT_SECONDS, Clock, until_well

STATUS = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "EXPIRED_TOKEN": 403,  # nosec B105 - a status
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 503,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,  # nosec B105 - a status
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
"""The HTTP status of each kind of gateway answer. The gateway calls a path without a route
MISSING_AUTHENTICATION_TOKEN.

DEFAULT_4XX has no status here, since it would replace the statuses of the other kinds.
"""

HEALTH = ApiRate(per_second=10, burst=20)
"""The rate of GET /health, which needs no key. A page requests it every ten seconds."""

SIGNED_MUTES = ApiRate(per_second=2, burst=10)
"""The rate of POST /mutes/signed, which needs no key. A person follows such a link now and then."""


def apply(stage: Stage) -> None:
    """Set the gateway's answers, deploy them to the API's stage, and set its rates."""
    client = stage.client("apigateway")
    api_id = stage.api()["rest_api_id"]
    for kind in STATUS:
        client.put_gateway_response(
            restApiId=api_id, responseType=kind, **answer(kind, stage.environment["CORS_ORIGIN"])
        )
    client.create_deployment(
        restApiId=api_id, stageName=stage.stage, description="The gateway's own answers"
    )
    _limit(client, api_id, stage)


DENIED = ("$context.httpMethod", "$context.resourcePath", "$context.authorizer.scopes")
"""Values that the gateway inserts when a key lacks the scope: the declared route, and the
authorizer's data about the key. No value is the client's own text."""


def answer(kind: str, origin: str) -> dict[str, Any]:
    """Return a gateway answer's status, headers and body. Quoted values are literal."""
    status = STATUS[kind]
    headers, body = problems.of_status(status)
    if kind == "ACCESS_DENIED":
        headers, body = problems.denied(*DENIED)
    cors = routes.cors(origin)
    if isinstance(cors, CORSConfig):
        headers = headers | cors.get_access_control_headers()
    if status == 429:
        headers["Retry-After"] = "1"
    return {
        "statusCode": str(status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()
        },
        "responseTemplates": {"application/json": body},
    }


def check(stage: Stage, clock: Clock = CLOCK) -> None:
    """Wait until the gateway's answers are as `apply` sets them. Raises DeployError if not."""
    until_well(lambda: _complaint(stage), CONSISTENT_SECONDS, clock)


def _complaint(stage: Stage) -> str:
    client = stage.client("apigateway")
    found = client.get_gateway_responses(restApiId=stage.api()["rest_api_id"])["items"]
    by_kind = {item["responseType"]: item for item in found}
    for kind in STATUS:
        put = answer(kind, stage.environment["CORS_ORIGIN"])
        has = by_kind.get(kind, {})
        if any(has.get(name) != value for name, value in put.items()):
            return f"the gateway's answer {kind} differs: make settings STAGE={stage.stage}"
    return ""


def _limit(client: Any, api_id: str, stage: Stage) -> None:
    rate = stage.chalice.api_rate
    operations = [
        *_throttling("/*/*", rate),
        *_throttling("/~1health/GET", _within(HEALTH, rate)),
        *_throttling("/~1mutes~1signed/POST", _within(SIGNED_MUTES, rate)),
    ]
    client.update_stage(restApiId=api_id, stageName=stage.stage, patchOperations=operations)


def _within(own: ApiRate, rate: ApiRate) -> ApiRate:
    """Return the lower rate and the lower burst of a route's own rate and the stage's rate."""
    return ApiRate(min(own.per_second, rate.per_second), min(own.burst, rate.burst))


def _throttling(methods: str, rate: ApiRate) -> list[dict[str, str]]:
    """Return patch operations that set the rate of `methods`, a path as a JSON pointer."""
    values = {"rateLimit": f"{rate.per_second:g}", "burstLimit": str(rate.burst)}
    return [
        {"op": "replace", "path": f"{methods}/throttling/{name}", "value": value}
        for name, value in values.items()
    ]
