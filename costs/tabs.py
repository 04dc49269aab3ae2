"""The cost of a page that is open and visible all month: its requests, or its pushed prices.

The page polls at the interval of the prices (`frontend/js/feed.js` and related modules). Each poll
requests the quotes, a hundred symbols per request, and the open symbol's bars; other data is
requested every few polls. Without prices it polls once a minute.

AppSync Events push prices to a page: one event for each batch of detect, with all symbols of a
round of prices. AppSync charges for each started 5 KB published and delivered, and by the minute of
a connection. Such a page asks the API for the bar that has closed, once a minute while prices come
(`frontend/js/data/pushed.js`).
"""

from __future__ import annotations

import math

from costs.list_prices import Prices
from costs.settings import ROUND_THE_CLOCK, Settings

POLL_SECONDS, SLOWEST_SECONDS, CLOSED_SECONDS = 2.0, 15.0, 60.0
TOO_SOON = 1.1
"""Polls per new price: some come just before it, see `rest` in `data/waiting.js`."""

SYMBOLS_EVERY, HEALTH_EVERY, ALERTS_EVERY = 15, 10, 20
ALERT_REQUESTS = 3
QUOTES_A_REQUEST = 100
BILLED_SECONDS = 0.05
"""Seconds of the API's function per request: its CPU on 0.29 of a processor, and its reads."""

READ_UNITS_A_SYMBOL, READ_UNITS_A_REQUEST = 0.5, 3
CHANGE_BYTES = 150
"""Bytes of a symbol in an event of 25, compressed and in base64."""

UNIT_BYTES = 5 * 1024
PUSH_SECONDS = 0.03
"""Billed seconds of `push` per batch: 2 ms of CPU, on 0.29 of a processor, and one request."""

ASKS_AN_HOUR = 60.0


def requests_a_month(settings: Settings) -> float:
    """Return how many requests one open page makes per month."""
    pace = max(POLL_SECONDS, min(SLOWEST_SECONDS, settings.interval_seconds))
    open_seconds = settings.hours * 3600
    closed_polls = (ROUND_THE_CLOCK - settings.hours) * 3600 / CLOSED_SECONDS
    polls = open_seconds / pace * TOO_SOON + closed_polls
    quotes = polls * math.ceil(settings.symbols / QUOTES_A_REQUEST)
    seldom = 1 / SYMBOLS_EVERY + 1 / HEALTH_EVERY + ALERT_REQUESTS / ALERTS_EVERY
    bars = open_seconds / max(pace, settings.interval_seconds)
    return quotes + bars + polls * seldom


def usd_a_month(settings: Settings, prices: Prices) -> float:
    """Return USD a month of one open page: for API Gateway, for the function and for its reads."""
    count = requests_a_month(settings)
    seconds = count * BILLED_SECONDS * settings.memory_mb / 1024
    per_poll = settings.symbols * READ_UNITS_A_SYMBOL + READ_UNITS_A_REQUEST
    return (
        prices.of("api_request", count)
        + prices.of("lambda_request", count)
        + prices.of("lambda_gb_second", seconds)
        + prices.of("dynamodb_read_unit", count / 2 * per_poll)
    )


def rounds_a_month(settings: Settings) -> float:
    """Return how many batches detect gets per month. There is one for each round of prices, and at
    most one a second."""
    return settings.hours * 3600 / max(1.0, settings.interval_seconds)


def units(settings: Settings, unit_bytes: int) -> int:
    """Return how many units AppSync charges for an event."""
    return math.ceil(settings.symbols * CHANGE_BYTES / unit_bytes)


def publishing_usd(settings: Settings, prices: Prices) -> float:
    """Return USD a month for pushing prices without any viewer: the function and what it
    publishes."""
    rounds = rounds_a_month(settings)
    return (
        prices.of("appsync_event_operation", rounds * units(settings, UNIT_BYTES))
        + prices.of("lambda_request", rounds)
        + prices.of("lambda_gb_second", rounds * PUSH_SECONDS * settings.memory_mb / 1024)
    )


def viewer_usd(settings: Settings, prices: Prices) -> float:
    """Return USD a month for AppSync Events to one page that is open all month."""
    return (
        prices.of("appsync_event_operation", rounds_a_month(settings) * units(settings, UNIT_BYTES))
        + prices.of("appsync_connection_minute", ROUND_THE_CLOCK * 60)
        + asked_usd(settings, prices)
    )


def asked_usd(settings: Settings, prices: Prices) -> float:
    """Return USD a month for the API requests of one page to which prices are pushed."""
    count = ASKS_AN_HOUR * settings.hours
    return (
        prices.of("api_request", count)
        + prices.of("lambda_request", count)
        + prices.of("lambda_gb_second", count * BILLED_SECONDS * settings.memory_mb / 1024)
        + prices.of("dynamodb_read_unit", count * READ_UNITS_A_REQUEST)
    )
