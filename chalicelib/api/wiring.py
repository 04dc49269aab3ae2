"""The services that views use, and the type of a view."""

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
    from chalicelib.services.delivery.channel_book import ChannelBook
    from chalicelib.services.delivery.mute_book import MuteBook
    from chalicelib.services.health import HealthCheck
    from chalicelib.services.market_data.market_data import MarketData
    from chalicelib.services.reports.reports import Reports
    from chalicelib.services.rules.preview import Preview
    from chalicelib.services.stores import Stores
    from chalicelib.services.symbols.forgetting import Forgotten

View = Callable[..., Response]
"""Takes the services, Chalice's request and, by name, the path's parameters."""


class Services(Protocol):
    """The services that the routes need. `bootstrap` implements this protocol."""

    @property
    def settings(self) -> Settings:
        """Return the deployment's settings."""

    @property
    def stores(self) -> Stores:
        """Return all stores, created on first use."""

    @property
    def keys(self) -> KeyRing:
        """Return the service that looks up API keys."""

    @property
    def channels(self) -> ChannelBook:
        """Return the service that reads and changes channels."""

    @property
    def mutes(self) -> MuteBook:
        """Return the service that reads and changes mutes."""

    @property
    def rate_limit(self) -> RateLimit:
        """Return the rate limit of API keys."""

    @property
    def defaults(self) -> Sequence[Rule]:
        """Return the default rules."""

    def market_data(self) -> MarketData:
        """Return a new reader of prices, for one request."""

    @property
    def preview(self) -> Preview:
        """Return the service that previews rules."""

    @property
    def health(self) -> HealthCheck:
        """Return the health check. It takes the API's version."""

    @property
    def forget(self) -> Callable[[str, float], Forgotten]:
        """Return a function that deletes a symbol's data until a deadline (time.monotonic)."""

    @property
    def reports(self) -> Reports:
        """Return the service that runs reports."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return a function that returns the current time as an aware datetime."""


def caching(services: Services, seconds: int) -> Caching:
    """Return the caching of an answer for `seconds`. It is private if reading needs a key."""
    return Caching(seconds, services.settings.read_access == "closed")
