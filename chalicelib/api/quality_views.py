"""The view of a series' quality."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.api import parameters, rendering
from chalicelib.api.problems import invalid_parameter
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.quality import DEFAULT_JUMP, LEAST_JUMP, MOST_JUMP
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.market_data.freshness import OPEN_CACHE_SECONDS
from chalicelib.services.market_data.quality import MAX_QUALITY_DAYS, QualityQuery, QualityReader
from chalicelib.services.market_data.queries import Range

_LONGEST = timedelta(days=MAX_QUALITY_DAYS)
_MOST_DIGITS = 12


def quality(services: Services, request: Any, symbol: str) -> Response:
    """Return the quality of one symbol's series over several days."""
    symbol = parameters.symbol_of(symbol)
    arguments = parameters.read(request, f"/quality/{symbol}", parameters.QUALITY)
    days = services.settings.bars_1m_ttl_days
    reader = QualityReader(services.stores, services.clock, days)
    query = QualityQuery(symbol, _range(services, arguments), _jump_percent(arguments))
    known = reader.known(symbol)
    labels = services.market_data().labels(known)
    found = reader.answer(query, known)
    payload = {"symbol": symbol, **labels.shown(), **msgspec.structs.asdict(found)}
    return rendering.document(request, payload, caching(services, OPEN_CACHE_SECONDS))


def _range(services: Services, arguments: parameters.Arguments) -> Range:
    """Return the requested range with both ends. If one end is missing, the range has
    MAX_QUALITY_DAYS. If both are missing, it also ends now. Raises Problem for a longer range."""
    given = arguments.range()
    start = from_text(given.start) if given.start else None
    end = from_text(given.end) if given.end else None
    if end is None:
        end = services.clock() if start is None else start + _LONGEST
    if start is None:
        start = end - _LONGEST
    if end - start > _LONGEST:
        allowed = f"an instant at most {MAX_QUALITY_DAYS} days after start"
        raise invalid_parameter("end", arguments.given["end"], allowed)
    return Range(to_text(start), to_text(end))


def _jump_percent(arguments: parameters.Arguments) -> Decimal:
    text = arguments.text("jump") or str(DEFAULT_JUMP)
    try:
        percent = Decimal(text) if len(text) <= _MOST_DIGITS else Decimal(0)
    except InvalidOperation:
        percent = Decimal(0)
    if not (percent.is_finite() and LEAST_JUMP <= percent <= MOST_JUMP):
        raise invalid_parameter("jump", text, f"a percentage from {LEAST_JUMP} to {MOST_JUMP}")
    return percent
