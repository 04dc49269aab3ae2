"""What API Gateway does before the app: routes, authorizers and the policies that it keeps.

Chalice's own stand-in asks the authorizer for each request. API Gateway keeps the policy of a
token for the authorizer's seconds, and applies it to all routes that the token asks for meanwhile.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from chalice.config import Config
from chalice.local import (
    ForbiddenError,
    InvalidAuthorizerError,
    LocalGateway,
    LocalGatewayAuthorizer,
    NotAuthorizedError,
)

from chalicelib.api import problems

logger = logging.getLogger(__name__)

UNAUTHORIZED = "Unauthorized"
"""The text of an authorizer's error that API Gateway answers by 401; any other is a 500."""


class DeniedError(ForbiddenError):  # type: ignore[misc]
    """The key is in force and lacks the scope. `body` is the problem that the gateway answers."""


Clock = Callable[[], float]
Policy = dict[str, Any]


def gateway(app: Any, clock: Clock = time.monotonic) -> LocalGateway:
    """The gateway of an app. `clock` tells the seconds for which policies are kept."""
    made = LocalGateway(app, Config(user_provided_params={"chalice_stage": "local"}))
    made._authorizer = Authorizers(app, clock)
    return made


def authorize(made: LocalGateway, method: str, path: str, headers: dict[str, str]) -> bool:
    """Ask the authorizer of a route, before the request's body is there. False where the route
    has no such method. Raises LocalGatewayException where the authorizer refuses."""
    context = made._generate_lambda_context()
    event = made._generate_lambda_event(method, path, headers, None)
    made._authorizer.authorize(path, event, context)
    return made._authorizer._route_for_event(event) is not None


class Authorizers(LocalGatewayAuthorizer):  # type: ignore[misc]
    """Asks the authorizer of a route, or applies the policy that it gave for the token before."""

    def __init__(self, app: Any, clock: Clock) -> None:
        super().__init__(app)
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Policy]] = {}
        self._lock = threading.Lock()

    def authorize(self, raw_path: str, lambda_event: Any, lambda_context: Any) -> Any:
        """The event with what the authorizer told. Raises LocalGatewayException otherwise."""
        route = self._route_for_event(lambda_event)
        if route is None or not route.authorizer:
            return lambda_event, lambda_context
        arn = self._arn_builder.build_arn(lambda_event["requestContext"]["httpMethod"], raw_path)
        asked = self._prepare_authorizer_event(arn, lambda_event, lambda_context)
        policy = self._policy(route.authorizer, asked, lambda_context)
        if not self._check_can_invoke_view_function(arn, policy):
            raise _denied(lambda_event["requestContext"], policy["context"])
        return self._update_lambda_event(lambda_event, policy), lambda_context

    def _policy(self, authorizer: Any, event: Any, context: Any) -> Policy:
        now, place = self._clock(), (authorizer.name, event["authorizationToken"])
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
            kept = self._kept.get(place)
        if kept is None:
            kept = (now + _seconds_kept(authorizer), _ask(authorizer, event, context))
            with self._lock:
                self._kept[place] = kept
        return copy.deepcopy(kept[1])


def _seconds_kept(authorizer: Any) -> int:
    """API Gateway's default, where the authorizer does not say."""
    seconds: int | None = authorizer.config.ttl_seconds
    return 300 if seconds is None else seconds


def _ask(authorizer: Any, event: Any, context: Any) -> Policy:
    try:
        policy: Policy = authorizer(event, context)
    except Exception as error:
        if str(error) == UNAUTHORIZED:
            raise NotAuthorizedError({}) from error
        logger.exception("the authorizer failed")
        raise InvalidAuthorizerError({}) from error
    return policy


def _denied(request: Any, told: dict[str, str]) -> DeniedError:
    """With the body that infra/deploy/gateway.py gives to the gateway."""
    _, body = problems.denied(request["httpMethod"], request["resourcePath"], told["scopes"])
    return DeniedError({}, body.encode())
