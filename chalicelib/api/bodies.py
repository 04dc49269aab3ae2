"""Parses JSON bodies of requests: objects only, with numbers as exact decimals. Any other body
raises Problem."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from chalicelib.api import instants
from chalicelib.api.problems import Problem, invalid_field
from chalicelib.domain.sources import SOURCE
from chalicelib.domain.standby import USUAL_SECONDS, Standby
from chalicelib.domain.ticks import SYMBOL, SYMBOL_ALLOWED
from chalicelib.services.market_data.queries import (
    ADJUSTMENTS,
    PERIODS,
    Adjustment,
    Period,
    Range,
)

SOURCE_FIELDS = ("source", "from", "standby", "standby_after")
MOST_CLAIMS = 100

MAX_BYTES = 64_000

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def read_object(request: Any) -> dict[str, Any]:
    """Return the JSON object in the body of a request. Raises Problem if there is none."""
    raw = request.raw_body
    if len(raw) > MAX_BYTES:
        raise Problem(413, f"the body is above {MAX_BYTES} bytes")
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise _invalid_body("the body is not a JSON object", "a JSON object") from error


def take_range(given: dict[str, Any]) -> tuple[Range, Period | None]:
    """Remove `start`, `end` and `period` from a body, and return the range and the period. The
    fields mean the same as in a query. Raises Problem."""
    start, end = (_instant(name, given.pop(name, None)) for name in ("start", "end"))
    period = given.pop("period", None)
    if period is not None and period not in PERIODS:
        raise invalid_field("period", period, ", ".join(PERIODS))
    if period is not None and (start or end):
        raise invalid_field("period", period, "period or start and end, not both")
    if start is not None and end is not None and end <= start:
        raise invalid_field("end", end, "an instant later than start")
    return Range(start, end), period


def take_adjustment(given: dict[str, Any]) -> Adjustment | None:
    """Remove `adjustment` from a body and return it; None if it is missing. Raises Problem."""
    value = given.pop("adjustment", None)
    for adjustment in ADJUSTMENTS:
        if value == adjustment:
            return adjustment
    if value is not None:
        raise invalid_field("adjustment", value, ", ".join(ADJUSTMENTS))
    return None


def _instant(name: str, value: Any) -> str | None:
    if value is None:
        return None
    text = str(value) if type(value) in (str, int) else ""
    try:
        return instants.parse(text)
    except ValueError as error:
        raise invalid_field(name, value, instants.ALLOWED) from error


class SourceGiven(msgspec.Struct, frozen=True):
    """The source that a symbol is to have from `start` on, and the symbol's standby. If `start` is
    None, the source begins as soon as possible."""

    source: str
    start: str | None
    standby: Standby | None


def take_source(request: Any) -> SourceGiven | None:
    """Return the source and the standby of a symbol in a request's body; None if there is no body.
    Raises Problem."""
    if not request.raw_body:
        return None
    given = read_object(request)
    for name in given:
        if name not in SOURCE_FIELDS:
            raise invalid_field(name, given[name], f"only the fields {', '.join(SOURCE_FIELDS)}")
    source, standby = given.get("source"), given.get("standby")
    if not isinstance(source, str):
        raise invalid_field("source", source, "a source's name")
    if standby is not None and not isinstance(standby, str):
        raise invalid_field("standby", standby, "a source's name")
    after = given.get("standby_after")
    if after is not None and (standby is None or type(after) is not int):
        raise invalid_field("standby_after", after, "a whole number of seconds, with standby")
    seconds = USUAL_SECONDS if after is None else after
    second = None if standby is None else Standby(source, standby, seconds)
    return SourceGiven(source, _instant("from", given.get("from")), second)


def take_claim(request: Any) -> tuple[str, list[str]]:
    """Return the claiming source in a request's body, and the symbols that it claims, each once.
    Raises Problem."""
    given = read_object(request)
    for name in given:
        if name not in ("source", "symbols"):
            raise invalid_field(name, given[name], "only the fields source and symbols")
    source, symbols = given.get("source"), given.get("symbols")
    if not isinstance(source, str) or not SOURCE.fullmatch(source):
        raise invalid_field("source", source, "a source's name")
    if not isinstance(symbols, list) or not 1 <= len(symbols) <= MOST_CLAIMS:
        raise invalid_field("symbols", symbols, f"1 to {MOST_CLAIMS} symbols")
    for symbol in symbols:
        if not isinstance(symbol, str) or not SYMBOL.fullmatch(symbol):
            raise invalid_field("symbols", symbol, SYMBOL_ALLOWED)
    return source, list(dict.fromkeys(symbols))


def refuse_body(request: Any) -> None:
    """Raise Problem if a request has a body. This is for routes that accept none."""
    if request.raw_body:
        raise _invalid_body("this route takes no body", "no body")


def _invalid_body(detail: str, allowed: str) -> Problem:
    return Problem(400, detail, kind="invalid-field", field="body", value="", allowed=allowed)
