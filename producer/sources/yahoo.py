"""Asks Yahoo through yfinance for quotes and history of one symbol, and translates its errors.

yfinance and pandas take seconds to import, so they are imported on first use.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from chalicelib.domain.exchange_delays import exchange_delay
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_epoch_seconds, to_text
from producer import years
from producer.errors import ProducerError
from producer.sources.pushed import http
from producer.sources.yahoo_actions import SOURCE, actions_in, dividend_of, split_of
from producer.wire import Bar, WireTick, decimal_of
from untrusted.printable import in_line

TERMS = (
    "prices come from Yahoo through yfinance and are for personal use only: "
    "see Yahoo's terms of service before you pass them on"
)
_UNAUTHORIZED = ("invalid crumb", "unauthorized", "invalid cookie")
_UNKNOWN = ("no data found", "may be delisted", "not found")
_MOST_TOLD = 100
_MISSING = Decimal("NaN")
_LENGTHS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1)}


class Throttled(http.Throttled):
    """Yahoo wants fewer requests (status 429), or another cookie and crumb (status 401)."""


class UnknownSymbol(http.UnknownSymbol):
    """Yahoo does not know the symbol."""


class NoTrade(ProducerError):  # noqa: N818 - named by what it says
    """Yahoo's answer does not have the time of the last trade."""


@cache
def library() -> Any:
    """Return yfinance, configured to raise errors instead of logging them."""
    import yfinance

    if "curl_cffi" in sys.modules:  # absent if yfinance was configured to do without
        from producer.sources.yahoo_session import BoundedSession

        yfinance.data.YfData(session=BoundedSession())
    yfinance.config.debug.hide_exceptions = False
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    # yfinance enables its deprecation warnings, which would mix with the status lines
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="^yfinance")
    return yfinance


def quote(symbol: str, timeout_seconds: float = 10) -> WireTick:
    """Return a symbol's last price, with its session's range and cumulative volume.

    On a holiday there are no bars, but this still returns the last price. Raises UnknownSymbol,
    Throttled, NoTrade, or other errors of yfinance and the network.
    """
    ticker = library().Ticker(symbol)
    frame = _history(ticker, "1d", "1m", timeout_seconds)
    meta = ticker.history_metadata
    opened = frame["Open"].iloc[0] if frame is not None and len(frame) else None
    tick = tick_of(symbol, meta, opened)
    if frame is not None:
        tick.split = next(filter(None, map(split_of, frame.get("Stock Splits", ()))), None)
        tick.dividend = next(filter(None, map(dividend_of, frame.get("Dividends", ()))), None)
    return tick


def _history(ticker: Any, period: str, bar: str, timeout_seconds: float) -> Any:
    """Return a pandas frame of bars, not adjusted for dividends; None if Yahoo has no bars. Raises
    Throttled for 429 and 401, UnknownSymbol if Yahoo does not know the symbol."""
    errors = library().exceptions
    try:
        return ticker.history(
            period=period,
            interval=bar,
            auto_adjust=False,
            actions=True,
            timeout=timeout_seconds,
        )
    except errors.YFRateLimitError as error:
        _forget_answers()
        raise Throttled("Yahoo answers 429: too many requests") from error
    except errors.YFPricesMissingError as error:
        reason = (error.yahoo_reason or "").lower()
        if any(words in reason for words in _UNAUTHORIZED):
            _forget_answers()
            told = in_line(str(error.yahoo_reason)[:_MOST_TOLD])
            raise Throttled(f"Yahoo answers 401: {told}") from error
        if any(words in reason for words in _UNKNOWN):
            raise UnknownSymbol(f"{ticker.ticker}: Yahoo knows no such symbol") from error
        return None
    except Exception:
        _forget_answers()
        raise


def _forget_answers() -> None:
    """Clear yfinance's cached time zones. yfinance caches the first look-up of a symbol's time
    zone, even if Yahoo refused it, and never repeats it."""
    library().data.YfData.cache_get.cache_clear()


def bars(symbol: str, period: str, bar: Bar, timeout_seconds: float = 20) -> list[WireTick]:
    """Return historical bars in time order, mode `backfill`, without the bar in progress.

    Prices are adjusted for splits, as always at Yahoo, but not for dividends. Days are followed by
    their splits and dividends, up to today's. Raises UnknownSymbol, Throttled, or other errors of
    yfinance and the network.
    """
    ticker = library().Ticker(symbol)
    frame = _history(ticker, period, bar, timeout_seconds)
    if frame is None or not len(frame):
        return []
    meta = ticker.history_metadata
    made = [_bar(symbol, bar, meta, start, row) for start, row in frame.iterrows()]
    ended = datetime.now(UTC)
    found = [
        tick
        for tick, start in zip(made, frame.index, strict=True)
        if tick is not None and _has_ended(symbol, bar, start, ended)
    ]
    return found + actions_in(symbol, frame, to_text(ended)) if bar == "1d" else found


def _has_ended(symbol: str, bar: Bar, start: Any, now: datetime) -> bool:
    """Return whether a bar is complete, allowing for Yahoo's delay and a day's closing auction."""
    seen = now - exchange_delay(symbol)
    if bar == "1d":
        zone = str(start.tzinfo)
        return bool(calendar_for(symbol, zone).session_on(start.date()).regular_until < seen)
    return bool(start.to_pydatetime() + _LENGTHS[bar] <= seen)


def _bar(symbol: str, bar: Bar, meta: Mapping[str, Any], start: Any, row: Any) -> WireTick | None:
    """Convert a row to a bar; return None if Yahoo omits prices or the year is implausible."""
    close = decimal_of(float(row["Close"]))
    if close is None or close <= 0 or not years.FIRST <= start.year <= years.LAST:
        return None
    stamp = datetime(start.year, start.month, start.day, tzinfo=UTC) if bar == "1d" else start
    return WireTick(
        symbol=symbol,
        timestamp=to_text(stamp),
        price=close,
        open=decimal_of(float(row["Open"])),
        high=decimal_of(float(row["High"])),
        low=decimal_of(float(row["Low"])),
        volume=decimal_of(float(row["Volume"])),
        currency=meta.get("currency"),
        exchange_timezone=meta.get("exchangeTimezoneName"),
        source=SOURCE,
        mode="backfill",
        bar=bar,
        split=split_of(row.get("Stock Splits")) if bar == "1d" else None,
    )


def split_today(symbol: str) -> str | None:
    """Return the split that Yahoo lists for the symbol's last session. Raises the errors of
    `quote`."""
    return quote(symbol).split


def tick_of(symbol: str, meta: Mapping[str, Any], opened: object) -> WireTick:
    """Convert a chart's metadata to a tick.

    The metadata has the names of Yahoo's chart endpoint; `opened` is the session's open. A missing
    price becomes NaN, which hygiene drops. The price is always the regular session's, so the state
    is REGULAR or CLOSED. Raises NoTrade without the trade's time, ValueError or OverflowError for
    an impossible time.
    """
    price = decimal_of(meta.get("regularMarketPrice"))
    instant, now = _instant(meta.get("regularMarketTime")), datetime.now(UTC)
    zone = meta.get("exchangeTimezoneName")
    return WireTick(
        symbol=symbol,
        timestamp=to_text(instant),
        price=_MISSING if price is None else price,
        open=decimal_of(opened),
        high=decimal_of(meta.get("regularMarketDayHigh")),
        low=decimal_of(meta.get("regularMarketDayLow")),
        previous_close=decimal_of(meta.get("previousClose", meta.get("chartPreviousClose"))),
        volume=decimal_of(meta.get("regularMarketVolume")),
        currency=meta.get("currency"),
        exchange_timezone=zone,
        market_state="REGULAR" if calendar_for(symbol, zone).is_open(now) else "CLOSED",
        source=SOURCE,
        mode="live",
    )


def _instant(value: object) -> datetime:
    """Convert a time of yfinance: epoch seconds, or a pandas Timestamp in formatted metadata.
    Raises NoTrade for anything else."""
    if isinstance(value, datetime):
        return years.plausible(value).astimezone(UTC)
    if isinstance(value, int | float):
        return years.plausible(from_epoch_seconds(value))
    raise NoTrade("an answer without the time of the last trade")
