"""The table of routes, and the Chalice blueprint made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from chalice.app import Blueprint, ChaliceAuthorizer, CORSConfig, Response

from chalicelib.api import failures, rendering, rule_views, views
from chalicelib.api.wiring import Services, View

EXPOSED_HEADERS = ("ETag", "Link", "Retry-After")
PREFLIGHT_SECONDS = 600


class Route(msgspec.Struct, frozen=True):
    """One method of one path. `access` says who may: anyone, readers, or bearers of the token."""

    method: str
    path: str
    view: View
    access: str = "read"

    @property
    def takes_body(self) -> bool:
        """Whether a body means anything; only then is its media type looked at."""
        return self.method in ("POST", "PUT")


ROUTES = (
    Route("GET", "/prices/{symbol}", views.prices),
    Route("GET", "/prices/{symbol}/latest", views.latest),
    Route("GET", "/indicators/{symbol}", views.indicators),
    Route("GET", "/quotes", views.quotes),
    Route("GET", "/symbols", views.symbols),
    Route("PUT", "/symbols/{symbol}", views.track_symbol, "write"),
    Route("DELETE", "/symbols/{symbol}", views.untrack_symbol, "write"),
    Route("GET", "/alerts", views.alerts),
    Route("GET", "/rules", rule_views.rules),
    Route("POST", "/rules", rule_views.create_rule, "write"),
    Route("POST", "/rules/preview", rule_views.preview_rule),
    Route("GET", "/rules/{rule_id}", rule_views.rule),
    Route("PUT", "/rules/{rule_id}", rule_views.replace_rule, "write"),
    Route("DELETE", "/rules/{rule_id}", rule_views.delete_rule, "write"),
    Route("GET", "/health", views.health, "any"),
    Route("GET", "/openapi.json", views.openapi, "any"),
)


def make_blueprint(
    services: Callable[[], Services], authorizer: ChaliceAuthorizer, *, read_access: str
) -> Blueprint:
    """All routes on a blueprint. `services` is called at each request, never before.

    The authorizer stands before the routes that write, and before those that read unless
    `read_access` is "open".
    """
    blueprint = Blueprint(__name__)
    blueprint.register_middleware(failures.as_problems(blueprint), "http")
    guarded = ("write",) if read_access == "open" else ("write", "read")
    for route in ROUTES:
        blueprint.route(
            route.path,
            methods=[route.method],
            content_types=[rendering.JSON if route.takes_body else "*/*"],
            authorizer=authorizer if route.access in guarded else None,
        )(_bind(route.view, services, blueprint))
    return blueprint


def cors(origin: str) -> CORSConfig | bool:
    """Chalice's CORS for all routes: one origin or "*"; none where `origin` is empty."""
    if not origin:
        return False
    return CORSConfig(
        allow_origin=origin,
        allow_headers=["If-None-Match"],
        expose_headers=list(EXPOSED_HEADERS),
        max_age=PREFLIGHT_SECONDS,
    )


def _bind(view: View, services: Callable[[], Services], blueprint: Blueprint) -> Any:
    """The view as Chalice calls it: with the path's parameters alone."""

    def bound(**path: str) -> Response:
        return failures.answered(lambda: view(services(), blueprint.current_request, **path))

    bound.__name__ = view.__name__
    return bound
