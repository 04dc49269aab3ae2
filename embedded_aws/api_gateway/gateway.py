"""Does what API Gateway does before it calls the app: routes, authorizers and cached policies.

Chalice's local gateway calls the authorizer for each request. API Gateway caches the policy of a
token for the authorizer's TTL, and applies it to all routes that the token requests meanwhile.
"""

from __future__ import annotations

import copy
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalice.config import Config
from chalice.local import (
    ForbiddenError,
    InvalidAuthorizerError,
    LocalGateway,
    LocalGatewayAuthorizer,
    NotAuthorizedError,
)

logger = logging.getLogger(__name__)

UNAUTHORIZED = "Unauthorized"
"""API Gateway answers 401 to an authorizer's error with this text, and 500 to any other."""


_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")


class DeniedError(ForbiddenError):  # type: ignore[misc]
    """The authorizer's policy denies the route. `body` is the filled template; it may be empty."""


Clock = Callable[[], float]
Policy = dict[str, Any]


def gateway(app: Any, clock: Clock = time.monotonic, denied: str = "") -> LocalGateway:
    """Return the gateway of an app.

    `clock` returns seconds, for the policies' TTL. `denied` is the template of the gateway response
    ACCESS_DENIED, whose `$context` variables are replaced.
    """
    made = LocalGateway(app, Config(user_provided_params={"chalice_stage": "local"}))
    made._authorizer = Authorizers(app, clock, denied)
    return made


def authorize(made: LocalGateway, method: str, path: str, headers: dict[str, str]) -> bool:
    """Call a route's authorizer before the body is read; return False if the route lacks the
    method. Raises LocalGatewayException if the authorizer refuses the request."""
    context = made._generate_lambda_context()
    event = made._generate_lambda_event(method, path, headers, None)
    made._authorizer.authorize(path, event, context)
    return made._authorizer._route_for_event(event) is not None


class Authorizers(LocalGatewayAuthorizer):  # type: ignore[misc]
    """Calls a route's authorizer, or applies the policy that is cached for the token."""

    def __init__(self, app: Any, clock: Clock, denied: str) -> None:
        super().__init__(app)
        self._denied = denied
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, Policy]] = {}
        self._lock = threading.Lock()

    def authorize(self, raw_path: str, lambda_event: Any, lambda_context: Any) -> Any:
        """Return the event with the authorizer's context. Raises LocalGatewayException if the
        request is refused."""
        route = self._route_for_event(lambda_event)
        if route is None or not route.authorizer:
            return lambda_event, lambda_context
        arn = self._arn_builder.build_arn(lambda_event["requestContext"]["httpMethod"], raw_path)
        asked = self._prepare_authorizer_event(arn, lambda_event, lambda_context)
        policy = self._policy(route.authorizer, asked, lambda_context)
        if not self._check_can_invoke_view_function(arn, policy):
            body = _filled(self._denied, lambda_event["requestContext"], policy.get("context", {}))
            raise DeniedError({}, body.encode())
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
    """Return the authorizer's TTL; API Gateway's default if it has none."""
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


def _filled(template: str, request: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Return a template with the variables of a request and of its authorizer's context."""
    values = dict(request) | {f"authorizer.{name}": value for name, value in told.items()}
    return _VARIABLE.sub(lambda found: str(values.get(found[1], "")), template)
