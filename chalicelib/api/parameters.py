"""Parses and checks all path and query parameters.

Each parameter may occur once. An empty value counts as missing. Unknown names are refused. An
invalid parameter raises a Problem with its name, its value and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

from chalicelib.api import instants, page_tokens
from chalicelib.api.problems import Problem, invalid_parameter, shown
from chalicelib.domain.errors import TickError
from chalicelib.domain.rules import RULE_ID
from chalicelib.domain.ticks import SYMBOL, SYMBOL_ALLOWED, parse_symbol
from chalicelib.domain.times import is_canonical
from chalicelib.services.market_data.queries import (
    ADJUSTMENTS,
    BAR_INTERVALS,
    DEFAULT_LIMIT,
    INTERVALS,
    MAX_LIMIT,
    MAX_QUOTES,
    PERIODS,
    Adjustment,
    AlertQuery,
    Cursor,
    ManyPricesQuery,
    PriceCursor,
    PriceQuery,
    Range,
)

PAGED = ("start", "end", "limit", "page_token", "sort")
PRICES = ("interval", "adjustment", "period", *PAGED, "format")
MANY_PRICES = ("symbols", *PRICES)
ALERTS = ("symbol", "condition", *PAGED)
QUOTES = ("symbols",)
SYMBOLS = ("limit", "page_token")
UNTRACK = ("data",)
QUALITY = ("start", "end", "jump")

SORTS = ("asc", "desc")
FORMATS = ("json", "csv")
FLAGS = ("true", "false")
WHOLE = "max"
MANY_INTERVALS = tuple(interval for interval in INTERVALS if interval != "auto")

Choice = TypeVar("Choice", bound=str)

_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_LIMIT_ALLOWED = f"a whole number from 1 to {MAX_LIMIT}"
_TOKEN_ALLOWED = "the next_page_token of an answer to this very query"  # noqa: S105  # nosec B105


class Arguments:
    """The query parameters of one request to `path`, in which symbols are decoded. All methods
    raise Problem for an invalid value."""

    def __init__(self, path: str, given: Mapping[str, str]) -> None:
        self.path = path
        self.given = given

    def text(self, name: str) -> str | None:
        """Return the value of a parameter; None if it is missing."""
        return self.given.get(name)

    def choice(self, name: str, allowed: Sequence[Choice], default: Choice) -> Choice:
        """Return the value of a parameter if it is one of `allowed`; `default` if it is missing."""
        value = self.given.get(name, default)
        for choice in allowed:
            if value == choice:
                return choice
        raise invalid_parameter(name, value, ", ".join(allowed))

    def limit(self, default: int = DEFAULT_LIMIT) -> int:
        """Return the value of `limit`: the most rows of a page."""
        return self._limit(_LIMIT_ALLOWED, default)

    def row_limit(self) -> int | None:
        """Return the most rows of a page of a table, from `limit`; None for the whole range.

        A CSV file has no place for a page token, so CSV without `limit` has the whole range, too.
        """
        value = self.given.get("limit")
        if value == WHOLE or (value is None and self.wants_csv()):
            return None
        return self._limit(f"{_LIMIT_ALLOWED}, or {WHOLE}")

    def _limit(self, allowed: str, default: int = DEFAULT_LIMIT) -> int:
        value = self.given.get("limit", str(default))
        if not _WHOLE.fullmatch(value) or not 1 <= int(value) <= MAX_LIMIT:
            raise invalid_parameter("limit", value, allowed)
        return int(value)

    def range(self) -> Range:
        """Return the half-open range from `start` to `end`."""
        start, end = (self._parsed(name, instants.parse) for name in ("start", "end"))
        if start is not None and end is not None and end <= start:
            raise invalid_parameter("end", self.given["end"], "an instant later than start")
        return Range(start, end)

    def position(self, length: int) -> page_tokens.Position | None:
        """Return the position in the page token, a list of `length` texts; None without a token."""
        position: page_tokens.Position | None = self._parsed(
            "page_token",
            lambda token: page_tokens.decode(token, self.path, self.given, length),
            _TOKEN_ALLOWED,
        )
        return position

    def refused_token(self) -> Problem:
        """Return the problem of a token that can be decoded, but whose position is not one of this
        query."""
        return invalid_parameter("page_token", self.given.get("page_token", ""), _TOKEN_ALLOWED)

    def next_token(self, position: page_tokens.Position) -> str:
        """Return the token that continues this query after `position`."""
        return page_tokens.encode(position, self.path, self.given)

    def wants_csv(self) -> bool:
        """Return whether `format` requests CSV."""
        return self.choice("format", FORMATS, "json") == "csv"

    def descending(self) -> bool:
        """Return whether `sort` requests the newest rows first."""
        return self.choice("sort", SORTS, "asc") == "desc"

    def _parsed(
        self, name: str, parse: Callable[[str], Any], allowed: str = instants.ALLOWED
    ) -> Any:
        value = self.given.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise invalid_parameter(name, value, allowed) from error


def given_in(request: Any) -> dict[str, list[str]]:
    """Return all query parameters of a request, each with its non-empty values."""
    query = request.query_params
    return {name: [value for value in query.getlist(name) if value] for name in query or ()}


def asks_for_whole(given: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a request asks for a whole range, by the rules of Arguments.row_limit.

    A repeated parameter, which `read` refuses, counts as the largest of its values.
    """
    limits = given.get("limit", ())
    return WHOLE in limits or (not limits and "csv" in given.get("format", ()))


def read(request: Any, path: str, known: Iterable[str]) -> Arguments:
    """Return the query parameters of a request. Raises Problem for a repeated parameter, and for a
    name that is not in `known`, the names that the route takes."""
    known = tuple(known)
    given: dict[str, str] = {}
    for name, values in given_in(request).items():
        if name not in known:
            raise _unknown(name, values, known)
        if len(values) > 1:
            raise invalid_parameter(name, ", ".join(values), "one value, given once")
        if values:
            given[name] = values[0]
    return Arguments(path, given)


def id_of(name: str, given: str, pattern: re.Pattern[str], allowed: str) -> str:
    """Return an id of the path. Raises Problem unless it matches the pattern."""
    if not pattern.fullmatch(given):
        raise invalid_parameter(name, given, allowed)
    return given


def _unknown(name: str, values: list[str], known: tuple[str, ...]) -> Problem:
    allowed = ", ".join(known) or "no parameters"
    return Problem(
        400,
        f"{shown(name)!r} is not a parameter of this route; allowed: {allowed}",
        kind="unknown-parameter",
        parameter=shown(name),
        value=shown(", ".join(values)),
        allowed=allowed,
    )


def symbol_of(text: str, name: str = "symbol") -> str:
    """Return a symbol of the path or of a list, in its stored form. Raises Problem.

    The path is decoded here, since some gateways do not decode it; symbols do not contain `%`.
    """
    try:
        return parse_symbol(unquote(text))
    except TickError as error:
        raise invalid_parameter(name, text, SYMBOL_ALLOWED) from error


def price_query(symbol: str, arguments: Arguments) -> PriceQuery:
    """Return the query of a request to `/prices/{symbol}`. Raises Problem."""
    period = arguments.choice("period", PERIODS, "max") if arguments.text("period") else None
    for name in ("start", "end"):
        if period and arguments.text(name):
            raise invalid_parameter(
                name, arguments.given[name], "period or start and end, not both"
            )
    interval = arguments.choice("interval", INTERVALS, "auto")
    return PriceQuery(
        symbol=symbol,
        interval=interval,
        adjustment=_adjustment(arguments, interval),
        range=arguments.range(),
        period=period,
        limit=arguments.row_limit(),
        descending=arguments.descending(),
        cursor=_cursor(arguments, interval),
    )


def _adjustment(arguments: Arguments, interval: str) -> Adjustment | None:
    given = arguments.text("adjustment")
    if given is None:
        return None
    adjustment = arguments.choice("adjustment", ADJUSTMENTS, "raw")
    if interval == "tick" and adjustment != "raw":
        raise invalid_parameter("adjustment", given, "raw with interval=tick; bars can be adjusted")
    return adjustment


def many_prices_query(arguments: Arguments) -> ManyPricesQuery:
    """Return the query of a request to `/prices?symbols=`: for bars of one interval (1d by default)
    or for ticks. Raises Problem."""
    symbols = tuple(listed_symbols(arguments))
    interval = arguments.choice("interval", MANY_INTERVALS, "1d")
    position = arguments.position(5)
    given = {name: value for name, value in arguments.given.items() if name != "page_token"}
    plain = Arguments(arguments.path, {**given, "interval": interval})
    return ManyPricesQuery(
        symbols=symbols,
        each=price_query(symbols[0], plain),
        cursor=_many_cursor(arguments, symbols, interval, position) if position else None,
    )


def _many_cursor(
    arguments: Arguments, symbols: tuple[str, ...], interval: str, position: page_tokens.Position
) -> PriceCursor:
    symbol, *within = position
    if symbol not in symbols or within[0] not in (interval, None):
        raise arguments.refused_token()
    return PriceCursor(symbol, _cursor_at(arguments, within) if within[0] else None)


def position_among(cursor: PriceCursor) -> page_tokens.Position:
    """Return the position for a page token from a cursor over several symbols."""
    within = position_of(cursor.within) if cursor.within else [None] * 4
    return [cursor.symbol, *within]


def _cursor(arguments: Arguments, interval: str) -> Cursor | None:
    position = arguments.position(4)
    if position is None:
        return None
    settled = BAR_INTERVALS if interval == "auto" else (interval,)
    if position[0] not in settled:
        raise arguments.refused_token()
    return _cursor_at(arguments, position)


def _cursor_at(arguments: Arguments, position: page_tokens.Position) -> Cursor:
    interval, start, end, after = position
    if interval is None or after is None:
        raise arguments.refused_token()
    try:
        stored = [None if text is None else instants.parse(text) for text in (start, end, after)]
    except ValueError as error:
        raise arguments.refused_token() from error
    return Cursor(interval, Range(stored[0], stored[1]), stored[2] or "")


def position_of(cursor: Cursor) -> page_tokens.Position:
    """Return the position for a page token from a cursor. `_cursor` is the inverse."""
    return [cursor.interval, cursor.range.start, cursor.range.end, cursor.after]


def symbols_page(arguments: Arguments) -> tuple[str, int]:
    """Return the symbol after which a page of `/symbols` begins, empty for the first page, and the
    most symbols of the page. Raises Problem."""
    position = arguments.position(1)
    after = "" if position is None else position[0] or ""
    if position is not None and not SYMBOL.fullmatch(after):
        raise arguments.refused_token()
    return after, arguments.limit(MAX_LIMIT)


def alert_query(arguments: Arguments, conditions: Sequence[str]) -> AlertQuery:
    """Return the query of a request to `/alerts`. Raises Problem."""
    symbol, condition = arguments.text("symbol"), arguments.text("condition")
    reach = arguments.range()
    return AlertQuery(
        symbol=symbol_of(symbol) if symbol else None,
        condition=arguments.choice("condition", conditions, "") if condition else None,
        range=reach,
        limit=arguments.limit(),
        descending=arguments.descending(),
        after=_alert_position(arguments, reach),
    )


def _alert_position(arguments: Arguments, reach: Range) -> str | None:
    """Return the sort key in the page token; None without a token. The key has an alert's time, its
    symbol if alerts of all symbols are requested, and its rule. Raises Problem."""
    position = arguments.position(1)
    if position is None:
        return None
    key = position[0] or ""
    time, *others = key.split("#", 1 if arguments.text("symbol") else 2)
    parts = 1 if arguments.text("symbol") else 2
    try:
        instants.parse(time)
    except ValueError as error:
        raise arguments.refused_token() from error
    named = len(others) == parts and RULE_ID.fullmatch(others[-1])
    if parts == 2 and named:
        named = SYMBOL.fullmatch(others[0])
    if not named or not is_canonical(time) or not reach.holds(time):
        raise arguments.refused_token()
    return key


def listed_symbols(arguments: Arguments) -> list[str]:
    """Return the symbols in the parameter `symbols`, each once and in the given order. Raises
    Problem."""
    given = arguments.text("symbols") or ""
    names = [name for name in given.split(",") if name]
    symbols = list(dict.fromkeys(symbol_of(name, "symbols") for name in names[: MAX_QUOTES + 1]))
    if not symbols or len(names) > MAX_QUOTES:
        raise invalid_parameter("symbols", given, f"1 to {MAX_QUOTES} symbols, comma between them")
    return symbols
