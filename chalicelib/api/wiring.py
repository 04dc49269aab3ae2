"""What the views are given, and the type of a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalice.app import Response

from chalicelib.api.rendering import Caching
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.domain.rules import Rule
    from chalicelib.services.access.key_ring import KeyRing
    from chalicelib.services.access.rate_limit import RateLimit
    from chalicelib.services.health import HealthCheck
    from chalicelib.services.reports.reports import Reports
    from chalicelib.services.rules.preview import Previewed
    from chalicelib.services.stores import Stores
    from chalicelib.services.symbols.forgetting import Forgotten

View = Callable[..., Response]
"""Takes services, Chalice's request and, by name, what stands in the path."""


class Services(Protocol):
    """What the routes need of the wiring."""

    @property
    def settings(self) -> Settings:
        """The deployment's."""

    @property
    def stores(self) -> Stores:
        """All of them; made when first asked for."""

    @property
    def keys(self) -> KeyRing:
        """The keys of the API."""

    @property
    def rate_limit(self) -> RateLimit:
        """How often keys may ask."""

    @property
    def defaults(self) -> Sequence[Rule]:
        """The rules that hold without any being stored."""

    @property
    def preview(self) -> Callable[[Rule, str, str | None, str | None, float], Previewed]:
        """Judges a rule for one symbol over `[start, end)` until a deadline (time.monotonic)."""

    @property
    def health(self) -> HealthCheck:
        """What a monitor asks."""

    @property
    def forget(self) -> Callable[[str, float], Forgotten]:
        """Deletes what is stored of a symbol until a deadline (time.monotonic)."""

    @property
    def reports(self) -> Reports:
        """Statements over the lake."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """What gives the present, aware."""


def caching(services: Services, seconds: int) -> Caching:
    """How long an answer may be kept; where reading needs a key, by its holder only."""
    return Caching(seconds, services.settings.read_access == "closed")
