"""Parses frames of Yahoo's price stream: JSON around base64 around yfinance's `PricingData`."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from decimal import Decimal
from functools import cache
from typing import Any

from chalicelib.domain.times import from_epoch_seconds, to_text
from producer.markets import market_of
from producer.sources.pushed.messages import BadFrame
from producer.wire import WireTick, decimal_of
from producer.years import plausible

_STATES = {0: "PRE", 1: "REGULAR", 2: "POST", 3: "POST"}
_MISSING = Decimal("NaN")


@cache
def _message_type() -> Any:
    """Return yfinance's protobuf class. It is imported on first use, since that imports pandas."""
    from yfinance.pricing_pb2 import PricingData

    return PricingData


def tick_of(frame: str | bytes) -> WireTick | None:
    """Decode a frame to a tick; return None for a frame of another type than `pricing`. Raises only
    BadFrame, whatever the frame holds: any other exception would stop the prices."""
    try:
        return _read(frame)
    except BadFrame:
        raise
    except Exception as error:
        raise BadFrame(f"no tick ({type(error).__name__})") from error


def _read(frame: str | bytes) -> WireTick | None:
    try:
        envelope = json.loads(frame)
    except ValueError as error:
        raise BadFrame("not JSON") from error
    if not isinstance(envelope, dict):
        raise BadFrame("no object")
    if envelope.get("type") != "pricing":
        return None
    return _tick(_message(envelope.get("message")))


def _message(text: object) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    message = _message_type()()
    try:
        message.ParseFromString(base64.b64decode(str(text), validate=True))
    except (binascii.Error, DecodeError) as error:
        raise BadFrame("no PricingData") from error
    if not message.id or not message.time:
        raise BadFrame("a PricingData without symbol or time")
    return message


def _tick(message: Any) -> WireTick:
    """Convert a `PricingData` message to a tick. In protobuf 3, zero means missing. A missing
    previous close is computed as price minus change."""
    price = decimal_of_float32(message.price)
    previous = decimal_of_float32(message.previous_close)
    if previous is None and price is not None and message.change:
        previous = decimal_of(round(message.price - message.change, 4))
    symbol = message.id.upper()
    return WireTick(
        symbol=symbol,
        timestamp=to_text(plausible(from_epoch_seconds(message.time / 1000))),
        price=_MISSING if price is None else price,
        open=decimal_of_float32(message.open_price),
        high=decimal_of_float32(message.day_high),
        low=decimal_of_float32(message.day_low),
        previous_close=previous,
        volume=Decimal(message.day_volume) if message.day_volume else None,
        currency=message.currency or None,
        exchange_timezone=market_of(symbol).timezone,
        market_state=_STATES.get(message.market_hours),
        source="yfinance-live",
        mode="live",
    )


def decimal_of_float32(value: float) -> Decimal | None:
    """Return the shortest decimal of a 32-bit float: 189.84 rather than 189.83999633789062. Return
    None for zero, NaN and infinity."""
    if not value or value != value or value in (float("inf"), float("-inf")):
        return None
    wanted = struct.pack("f", value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return decimal_of(next(text for text in texts if struct.pack("f", float(text)) == wanted))
