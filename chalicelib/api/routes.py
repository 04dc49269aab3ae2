"""The table of routes, and the Chalice blueprint made from it.

Each Lambda function imports this module with `app`. The module of a view is imported at the view's
first request, so that neither the stream's functions nor other routes wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
from chalice.app import Blueprint, ChaliceAuthorizer, CORSConfig, Response

if TYPE_CHECKING:
    from chalicelib.api.wiring import Services, View

BODY_TYPE = "application/json"
EXPOSED_HEADERS = ("ETag", "Link", "Retry-After")
PREFLIGHT_SECONDS = 600


READ, OPEN = "read", "any"
RULES, SYMBOLS, REPORTS, ADMIN = "write:rules", "write:symbols", "reports", "admin"
STANDBY = "standby"
CHANNELS = "write:channels"


class Route(msgspec.Struct, frozen=True):
    """One method of one path, and its view as `module.function`.

    `access` is the scope that a key needs, or OPEN if anyone may use the route. A request counts as
    at least `weight` requests in its key's minute (see `weights`). `most_a_minute` is a separate
    rate per key for requests that cost money or others' time. `interval` is the default interval of
    the rows; None if the rows are not bars. `audited_as` names the caller in the audit line of an
    OPEN route that writes; empty for other routes. `takes_query` says whether the view reads query
    parameters; other routes refuse them.
    """

    method: str
    path: str
    view: str
    access: str = READ
    weight: int = 1
    most_a_minute: int | None = None
    interval: str | None = None
    audited_as: str = ""
    takes_query: bool = False

    @property
    def writes(self) -> bool:
        """Return whether requests to the route change something. Such requests are audited."""
        return bool(self.audited_as) or self.access not in (OPEN, READ)

    @property
    def takes_body(self) -> bool:
        """Return whether the route accepts a body. Only then is the body's media type checked."""
        return self.method in ("POST", "PUT")


ROUTES = (
    Route("GET", "/prices", "views.many_prices", interval="1d", takes_query=True),
    Route("GET", "/prices/{symbol}", "views.prices", interval="auto", takes_query=True),
    Route("GET", "/prices/{symbol}/latest", "views.latest"),
    Route(
        "GET",
        "/indicators/{symbol}",
        "views.indicators",
        weight=5,
        interval="auto",
        takes_query=True,
    ),
    Route("GET", "/quality/{symbol}", "quality_views.quality", weight=5, takes_query=True),
    Route("GET", "/quotes", "views.quotes", takes_query=True),
    Route("GET", "/push", "push_views.push"),
    Route("GET", "/symbols", "views.symbols", takes_query=True),
    Route("GET", "/symbols/{symbol}", "views.symbol"),
    Route("PUT", "/symbols/{symbol}", "views.track_symbol", SYMBOLS),
    Route("DELETE", "/symbols/{symbol}", "views.untrack_symbol", SYMBOLS, takes_query=True),
    Route("POST", "/standby", "views.claim", STANDBY, weight=5),
    Route("GET", "/alerts", "alert_views.alerts", takes_query=True),
    Route("GET", "/alerts/{alert_id}", "alert_views.alert"),
    Route("GET", "/rules", "rule_views.rules"),
    Route("POST", "/rules", "rule_views.create_rule", RULES),
    Route("POST", "/rules/preview", "rule_views.preview_rule", weight=10),
    Route("GET", "/rules/{rule_id}", "rule_views.rule"),
    Route("PUT", "/rules/{rule_id}", "rule_views.replace_rule", RULES),
    Route("DELETE", "/rules/{rule_id}", "rule_views.delete_rule", RULES),
    Route("GET", "/channels", "channel_views.channels"),
    Route("POST", "/channels", "channel_views.create_channel", CHANNELS, most_a_minute=10),
    Route("GET", "/channels/{channel_id}", "channel_views.channel"),
    Route(
        "PUT",
        "/channels/{channel_id}",
        "channel_views.replace_channel",
        CHANNELS,
        most_a_minute=20,
    ),
    Route("DELETE", "/channels/{channel_id}", "channel_views.delete_channel", CHANNELS),
    Route(
        "POST",
        "/channels/{channel_id}/test",
        "channel_views.try_channel",
        CHANNELS,
        10,
        most_a_minute=10,
    ),
    Route("POST", "/push-key", "channel_views.push_key", CHANNELS, most_a_minute=10),
    Route("GET", "/mutes", "mute_views.mutes"),
    Route("POST", "/mutes", "mute_views.create_mute", RULES),
    Route("POST", "/mutes/signed", "mute_views.follow_link", OPEN, audited_as="signed link"),
    Route("DELETE", "/mutes/{mute_id}", "mute_views.delete_mute", RULES),
    Route("GET", "/reports", "report_views.reports"),
    Route("POST", "/reports/{name}", "report_views.start_report", REPORTS, 10, most_a_minute=10),
    Route("GET", "/reports/runs/{run_id}", "report_views.report_run", takes_query=True),
    Route("GET", "/keys", "key_views.keys", ADMIN),
    Route("POST", "/keys", "key_views.create_key", ADMIN),
    Route("DELETE", "/keys/{key_id}", "key_views.revoke_key", ADMIN),
    Route("GET", "/health", "views.health", OPEN),
    Route("GET", "/openapi.json", "views.openapi", OPEN),
)


def make_blueprint(
    services: Callable[[], Services], authorizer: ChaliceAuthorizer, *, read_access: str
) -> Blueprint:
    """Return a blueprint with all routes. `services` is called at each request and not before.

    Every route that needs a scope has the authorizer. If `read_access` is "open", reading routes
    have none.
    """
    blueprint = Blueprint(__name__)
    blueprint.register_middleware(_as_problems(blueprint), "http")
    unguarded = (OPEN, READ) if read_access == "open" else (OPEN,)
    for route in ROUTES:
        blueprint.route(
            route.path,
            methods=[route.method],
            content_types=[BODY_TYPE if route.takes_body else "*/*"],
            authorizer=None if route.access in unguarded else authorizer,
        )(_bind(route, services, blueprint, guarded=route.access not in unguarded))
    return blueprint


def cors(origin: str) -> CORSConfig | bool:
    """Return Chalice's CORS for all routes: one origin or "*"; none if `origin` is empty."""
    if not origin:
        return False
    return CORSConfig(
        allow_origin=origin,
        allow_headers=["If-None-Match"],
        expose_headers=list(EXPOSED_HEADERS),
        max_age=PREFLIGHT_SECONDS,
    )


def _as_problems(blueprint: Blueprint) -> Callable[[Any, Any], Response]:
    def middleware(request: Any, get_response: Any) -> Response:
        from chalicelib.api import failures

        return failures.as_problems(blueprint)(request, get_response)

    return middleware


def _view(name: str) -> View:
    """Return the view named `module.function`, from a module of this package."""
    module, _, function = name.partition(".")
    view: View = getattr(import_module(f"{__package__}.{module}"), function)
    return view


def _bind(
    route: Route, services: Callable[[], Services], blueprint: Blueprint, *, guarded: bool
) -> Any:
    """Return a function that calls the view. Chalice calls this function with the path's parameters
    only."""

    def bound(**path: str) -> Response:
        from chalicelib.api import admission

        view, own, request = _view(route.view), services(), blueprint.current_request
        return admission.answered(
            route, own, request, lambda: view(own, request, **path), guarded=guarded
        )

    bound.__name__ = route.view.partition(".")[2]
    return bound
