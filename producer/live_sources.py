"""The live sources, by the names that `--source` accepts.

To add a source, write a module in producer/sources and enter it in LIVE. A source's module is
imported when the source is built.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from producer.errors import UsageError

if TYPE_CHECKING:
    from producer.hours import Hours
    from producer.sources.base import Source
    from producer.sources.pushed.service import Service
    from producer.status import Status
    from producer.watchlist import Watchlist

    Follow = Callable[[tuple[str, ...]], Watchlist]
    """Takes the default symbols of a source and returns its watchlist."""

AUTO = "auto"
"""Yahoo if it answers, else Coinbase, else the simulator."""


def _simulator(options: argparse.Namespace, status: Status, follow: Follow) -> Source:
    from producer.sources import simulator

    return simulator.Simulator(
        follow(simulator.SYMBOLS),
        seed=options.seed,
        interval=options.interval or simulator.DEFAULT_INTERVAL_SECONDS,
        history=not options.no_history,
        say=status.say,
    )


def _yfinance(options: argparse.Namespace, status: Status, follow: Follow) -> Source:
    from producer.sources import yfinance_poll

    hours = _yahoo_hours(options, status)
    interval = options.interval or yfinance_poll.DEFAULT_INTERVAL_SECONDS
    watched, history = follow(yfinance_poll.SYMBOLS), not options.no_history
    return yfinance_poll.YfinancePoll(watched, status, hours, interval=interval, history=history)


def _yfinance_live(options: argparse.Namespace, status: Status, follow: Follow) -> Source:
    from producer.sources import yfinance_live
    from producer.sources.yfinance_poll import SYMBOLS

    hours = _yahoo_hours(options, status)
    service = yfinance_live.service(options.live_url)
    own = yfinance_live.INTERVAL_SECONDS
    return _pushed(service, follow(SYMBOLS), hours, options, status, own)


def _pairs(options: argparse.Namespace, status: Status, follow: Follow, *, of: str) -> Source:
    """Return the source of an exchange for pairs such as BTC-USD. Such an exchange never closes."""
    from producer.hours import Always

    exchange = import_module(f"producer.sources.{of}")
    service = exchange.service(options.live_url, options.history_url)
    return _pushed(service, follow(exchange.SYMBOLS), Always(), options, status)


def _alpaca(options: argparse.Namespace, status: Status, follow: Follow) -> Source:
    from producer.hours import Always, MarketHours
    from producer.sources import alpaca
    from producer.sources.yfinance_poll import SYMBOLS

    keys = alpaca.keys_of(os.environ)
    service = alpaca.service(keys, options.feed, options.live_url, options.history_url)
    hours = Always() if options.ignore_hours else MarketHours(status.note)
    return _pushed(service, follow(SYMBOLS), hours, options, status)


def _pushed(
    service: Service,
    watched: Watchlist,
    hours: Hours,
    options: argparse.Namespace,
    status: Status,
    own_interval: float = 1.0,
) -> Source:
    from producer.sources.pushed.source import Pushed
    from producer.watchlist import FixedList

    if isinstance(watched, FixedList) and not any(map(service.listing, watched.symbols())):
        raise UsageError(f"--symbols: {service.feed.service} has none of these")
    interval = options.interval or own_interval
    history = not options.no_history
    return Pushed(service, watched, status, hours, interval=interval, history=history)


def _yahoo_hours(options: argparse.Namespace, status: Status) -> Hours:
    """Return the hours in which Yahoo is asked. Show Yahoo's terms, unless `auto` has shown
    them."""
    from producer.hours import Always, MarketHours
    from producer.sources import yahoo

    if options.source != AUTO:
        status.note(yahoo.TERMS)
    return Always() if options.ignore_hours else MarketHours(status.note)


LIVE: dict[str, Callable[[argparse.Namespace, Status, Follow], Source]] = {
    "yfinance": _yfinance,
    "yfinance-live": _yfinance_live,
    "coinbase": partial(_pairs, of="coinbase"),
    "binance": partial(_pairs, of="binance"),
    "alpaca": _alpaca,
    "simulator": _simulator,
}
"""The function that builds each source, in the order of the help."""
