"""The cost of pushed prices, by AppSync Events and by API Gateway's WebSockets, beside polling.

Each round of prices is one batch of detect: one event with all its symbols, which every open page
receives. AppSync charges for each started 5 KB published and delivered, API Gateway for each
started 32 KB delivered; both by the minute of a connection. With API Gateway a function looks up
the connections and posts to each. A page that is pushed prices asks the API for the bar that has
closed, once a minute while prices come (`frontend/js/data/pushed.js`).
"""

from __future__ import annotations

import math

from costs.list_prices import Prices
from costs.settings import ROUND_THE_CLOCK, Settings
from costs.tabs import BILLED_SECONDS, READ_UNITS_A_REQUEST

CHANGE_BYTES = 150
"""Bytes of a symbol in an event of 25, compressed and in base64."""

UNIT_BYTES, SOCKET_UNIT_BYTES = 5 * 1024, 32 * 1024
PUSH_SECONDS = 0.03
"""Billed seconds of `push` per batch: 2 ms of CPU, on 0.29 of a processor, and one request."""

POST_SECONDS, POSTS_AT_ONCE = 0.012, 50
CONNECTIONS_A_UNIT = 4096 / 64
"""Items of a table of connections that one read unit holds."""

ASKS_AN_HOUR = 60.0


def rounds_a_month(settings: Settings) -> float:
    """Return the batches of detect: one for each round of prices, at most one a second."""
    return settings.hours * 3600 / max(1.0, settings.interval_seconds)


def units(settings: Settings, unit_bytes: int) -> int:
    """Return the metered units of an event."""
    return math.ceil(settings.symbols * CHANGE_BYTES / unit_bytes)


def publishing_usd(settings: Settings, prices: Prices) -> float:
    """Return USD a month of `push` without any viewer: the function and what it publishes."""
    rounds = rounds_a_month(settings)
    return (
        prices.of("appsync_event_operation", rounds * units(settings, UNIT_BYTES))
        + prices.of("lambda_request", rounds)
        + prices.of("lambda_gb_second", rounds * PUSH_SECONDS * settings.memory_mb / 1024)
    )


def viewer_usd(settings: Settings, prices: Prices) -> float:
    """Return USD a month of a page that is open all month, by AppSync Events."""
    return (
        prices.of("appsync_event_operation", rounds_a_month(settings) * units(settings, UNIT_BYTES))
        + prices.of("appsync_connection_minute", ROUND_THE_CLOCK * 60)
        + _asked(settings, prices)
    )


def sockets_usd(settings: Settings, viewers: int, prices: Prices) -> float:
    """Return USD a month of all viewers by API Gateway's WebSockets."""
    rounds = rounds_a_month(settings)
    messages = rounds * viewers * units(settings, SOCKET_UNIT_BYTES)
    seconds = rounds * max(PUSH_SECONDS, viewers * POST_SECONDS / POSTS_AT_ONCE)
    return (
        prices.of("socket_message", messages)
        + prices.of("socket_minute", viewers * ROUND_THE_CLOCK * 60)
        + prices.of("lambda_request", rounds)
        + prices.of("lambda_gb_second", seconds * settings.memory_mb / 1024)
        + prices.of("dynamodb_read_unit", rounds * math.ceil(viewers / CONNECTIONS_A_UNIT) / 2)
        + viewers * _asked(settings, prices)
    )


def pushed_usd(settings: Settings, viewers: int, prices: Prices) -> float:
    """Return USD a month of all viewers by AppSync Events."""
    return publishing_usd(settings, prices) + viewers * viewer_usd(settings, prices)


def _asked(settings: Settings, prices: Prices) -> float:
    """Return USD a month for the requests of one page that is pushed prices."""
    count = ASKS_AN_HOUR * settings.hours
    return (
        prices.of("api_request", count)
        + prices.of("lambda_request", count)
        + prices.of("lambda_gb_second", count * BILLED_SECONDS * settings.memory_mb / 1024)
        + prices.of("dynamodb_read_unit", count * READ_UNITS_A_REQUEST)
    )
