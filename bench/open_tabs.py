"""What a page costs that is open all month, and never hidden: the requests that it sends.

The page asks at the pace of the prices (`frontend/js/feed.js` and its neighbours). Once a poll it
asks for the quotes, by a hundred symbols a request, and for the open symbol's bars; the rest comes
once in so many polls. While no prices come it asks once a minute.
"""

from __future__ import annotations

import math

from bench.cost_settings import ROUND_THE_CLOCK, Settings
from bench.list_prices import Prices

POLL_SECONDS, SLOWEST_SECONDS, CLOSED_SECONDS = 2.0, 15.0, 60.0
TOO_SOON = 1.1
"""Polls for each new price: some come just before it, see `rest` in `data/waiting.js`."""

SYMBOLS_EVERY, HEALTH_EVERY, ALERTS_EVERY = 15, 10, 20
ALERT_REQUESTS = 3
QUOTES_A_REQUEST = 100
BILLED_SECONDS = 0.05
"""Of the API's function for a request: its CPU in 0.29 of a processor, and its reads."""

READ_UNITS_A_SYMBOL, READ_UNITS_A_REQUEST = 0.5, 3


def requests_a_month(settings: Settings) -> float:
    """Of one open page."""
    pace = max(POLL_SECONDS, min(SLOWEST_SECONDS, settings.interval_seconds))
    open_seconds = settings.hours * 3600
    closed_polls = (ROUND_THE_CLOCK - settings.hours) * 3600 / CLOSED_SECONDS
    polls = open_seconds / pace * TOO_SOON + closed_polls
    quotes = polls * math.ceil(settings.symbols / QUOTES_A_REQUEST)
    seldom = 1 / SYMBOLS_EVERY + 1 / HEALTH_EVERY + ALERT_REQUESTS / ALERTS_EVERY
    bars = open_seconds / max(pace, settings.interval_seconds)
    return quotes + bars + polls * seldom


def usd_a_month(settings: Settings, prices: Prices) -> float:
    """Of one open page: API Gateway, the function, what is read."""
    count = requests_a_month(settings)
    seconds = count * BILLED_SECONDS * settings.memory_mb / 1024
    per_poll = settings.symbols * READ_UNITS_A_SYMBOL + READ_UNITS_A_REQUEST
    return (
        prices.of("api_request", count)
        + prices.of("lambda_request", count)
        + prices.of("lambda_gb_second", seconds)
        + prices.of("dynamodb_read_unit", count / 2 * per_poll)
    )
