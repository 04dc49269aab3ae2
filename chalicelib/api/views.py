"""The views of prices, symbols and health. Each parses a request, calls a service and renders."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.api import bodies, parameters, rendering
from chalicelib.api.version import VERSION
from chalicelib.api.wiring import Services, caching
from chalicelib.domain.errors import Unknown
from chalicelib.domain.standby import parse_standby
from chalicelib.domain.times import to_text
from chalicelib.services.market_data.answers import (
    BAR_COLUMNS,
    SYMBOL_BAR_COLUMNS,
    BarRow,
    PriceTable,
    SymbolBarRow,
    TickRow,
)
from chalicelib.services.market_data.freshness import OPEN_CACHE_SECONDS
from chalicelib.services.market_data.queries import Cursor
from chalicelib.services.symbols.lists import NEWEST_SWITCHES, Listed, SymbolLists

_DOCUMENT_SECONDS = 300
_LIST_BYTES = rendering.MAX_BODY_BYTES - 1_000
"""The most bytes of a page's symbols, which leaves room for the token."""

_FORGET_SECONDS = 20.0
"""How long a request may take to delete data. API Gateway waits 29 s for an answer."""


def prices(services: Services, request: Any, symbol: str) -> Response:
    """Return a page of ticks or bars of one symbol."""
    symbol = parameters.symbol_of(symbol)
    arguments = parameters.read(request, f"/prices/{symbol}", parameters.PRICES)
    found = services.market_data().prices(parameters.price_query(symbol, arguments))
    columns = TickRow.__struct_fields__ if found.interval == "tick" else BAR_COLUMNS
    return rendering.table(
        request,
        {"symbol": symbol, "interval": found.interval, **found.shown()},
        rendering.Page("prices", columns, found.rows, _token(arguments, found.cursor)),
        arguments,
        caching(services, found.labels.cache_seconds),
    )


def many_prices(services: Services, request: Any) -> Response:
    """Return a page of ticks or bars of several symbols in one table."""
    from chalicelib.services.market_data.many_prices import many_prices as read_prices

    arguments = parameters.read(request, "/prices", parameters.MANY_PRICES)
    query = parameters.many_prices_query(arguments)
    found = read_prices(services.market_data(), query)
    interval = query.each.interval
    columns = TickRow.__struct_fields__ if interval == "tick" else SYMBOL_BAR_COLUMNS
    token = arguments.next_token(parameters.position_among(found.cursor)) if found.cursor else None
    return rendering.table(
        request,
        {"interval": interval, "symbols": [table.shown() for table in found.tables]},
        rendering.Page("prices", columns, _rows_of(found.tables), token),
        arguments,
        caching(services, min(table.labels.cache_seconds for table in found.tables)),
    )


def _rows_of(tables: Sequence[PriceTable]) -> list[SymbolBarRow | TickRow]:
    return [
        SymbolBarRow.of(table.symbol, row) if isinstance(row, BarRow) else row
        for table in tables
        for row in table.rows
    ]


def latest(services: Services, request: Any, symbol: str) -> Response:
    """Return the newest tick of one symbol, with both averages and their trend."""
    symbol = parameters.symbol_of(symbol)
    found = services.market_data().latest(symbol)
    return rendering.document(request, found.shown(), caching(services, found.labels.cache_seconds))


def indicators(services: Services, request: Any, symbol: str) -> Response:
    """Return a page of one symbol's indicators over a range."""
    from chalicelib.api.study_parameters import PARAMETERS, studies_of
    from chalicelib.services.market_data.indicator_tables import IndicatorTables

    symbol = parameters.symbol_of(symbol)
    arguments = parameters.read(request, f"/indicators/{symbol}", PARAMETERS)
    studies, query = studies_of(arguments), parameters.price_query(symbol, arguments)
    reader = services.market_data()
    known = reader.series.known(symbol)
    found = IndicatorTables(reader.series).table(query, known, studies)
    labels = reader.labels(known).adjusted(query.adjustment)
    return rendering.table(
        request,
        {"symbol": symbol, "interval": found.interval, **labels.shown()},
        rendering.Page(
            "indicators", ("timestamp", *found.columns), found.rows, _token(arguments, found.cursor)
        ),
        arguments,
        caching(services, labels.cache_seconds),
    )


def quotes(services: Services, request: Any) -> Response:
    """Return the quotes of up to a hundred symbols."""
    arguments = parameters.read(request, "/quotes", parameters.QUOTES)
    symbols = parameters.listed_symbols(arguments)
    found = services.market_data().quotes(symbols)
    rows = [quote.shown() for quote in found]
    missing = [symbol for symbol in symbols if symbol not in {row["symbol"] for row in rows}]
    seconds = min((quote.labels.cache_seconds for quote in found), default=OPEN_CACHE_SECONDS)
    payload = {"quotes": rows, "without_price": missing}
    return rendering.document(request, payload, caching(services, seconds))


def symbols(services: Services, request: Any) -> Response:
    """Return a page of the symbols that have been seen or are tracked."""
    arguments = parameters.read(request, "/symbols", parameters.SYMBOLS)
    found, last = _symbol_lists(services).page(*parameters.symbols_page(arguments))
    every = [_listed(services, one, NEWEST_SWITCHES) for one in found]
    rows = _within(every, _LIST_BYTES)
    last = rows[-1]["symbol"] if len(rows) < len(every) else last
    token = arguments.next_token([last]) if last else None
    return rendering.document(
        request,
        {"symbols": rows, "next_page_token": token},
        caching(services, 1),
        rendering.next_link(arguments, token),
    )


def symbol(services: Services, request: Any, symbol: str) -> Response:
    """Return a symbol that has been seen or is tracked, with all switches of its source."""
    listed = _symbol_lists(services).listed(parameters.symbol_of(symbol))
    if not (listed.seen or listed.tracked):
        raise Unknown("symbol", listed.entry.symbol)
    return rendering.document(request, _listed(services, listed), caching(services, 1))


def track_symbol(services: Services, request: Any, symbol: str) -> Response:
    """Let the producer track a symbol. If a source is given, it continues the symbol's series."""
    from chalicelib.services.symbols.switching import SourceSwitch

    symbol, change = parameters.symbol_of(symbol), bodies.take_source(request)
    lists, switch = _symbol_lists(services), SourceSwitch(services.stores.symbols, services.clock)
    if change is not None:
        switch.check(change.source, change.start)
        if change.standby is not None:
            switch.check_standby(change.standby)
    listed, is_new = lists.track(symbol)
    if change is not None:
        switch(symbol, change.source, change.start)
        switch.stand_by(symbol, change.standby)
        listed = lists.listed(symbol)
    return rendering.plain(_listed(services, listed), status=201 if is_new else 200)


def claim(services: Services, request: Any) -> Response:
    """Answer a source's claims of symbols. A symbol's standby gets its turn if the first source is
    silent. The first source gets the symbol back once it is steady again."""
    from chalicelib.services.symbols.standing_by import Claims

    source, symbols = bodies.take_claim(request)
    claims = Claims(services.stores, services.clock)(source, symbols)
    return rendering.plain({"symbols": msgspec.to_builtins(claims)})


def untrack_symbol(services: Services, request: Any, symbol: str) -> Response:
    """Stop tracking a symbol. With `data=true`, also delete the symbol's stored data."""
    symbol = parameters.symbol_of(symbol)
    arguments = parameters.read(request, f"/symbols/{symbol}", parameters.UNTRACK)
    if arguments.choice("data", parameters.FLAGS, "false") == "false":
        _symbol_lists(services).untrack(symbol)
        return rendering.empty()
    return rendering.plain(services.forget(symbol, time.monotonic() + _FORGET_SECONDS))


def health(services: Services, _: Any) -> Response:
    """Return whether the store answers, how old the newest price is, and what the producer does."""
    from chalicelib.services.health import KEPT_SECONDS

    kept = {"Cache-Control": rendering.Caching(KEPT_SECONDS, private=False).header}
    return rendering.plain(services.health(VERSION), headers=kept)


def openapi(services: Services, request: Any) -> Response:
    """Return the OpenAPI document."""
    from chalicelib.api.openapi import openapi_document

    settings = services.settings
    payload = openapi_document(
        VERSION,
        fast=settings.sma_fast,
        slow=settings.sma_slow,
        closed=settings.read_access == "closed",
    )
    return rendering.document(request, payload, rendering.Caching(_DOCUMENT_SECONDS, False))


def _token(arguments: parameters.Arguments, cursor: Cursor | None) -> str | None:
    return arguments.next_token(parameters.position_of(cursor)) if cursor else None


def _symbol_lists(services: Services) -> SymbolLists:
    return SymbolLists(services.stores.symbols, services.clock)


def _within(rows: list[dict[str, Any]], most_bytes: int) -> list[dict[str, Any]]:
    """Return the first rows whose JSON has at most `most_bytes` in total; at least one row."""
    sizes = accumulate(len(msgspec.json.encode(row)) + 1 for row in rows)
    return rows[: max(1, sum(size <= most_bytes for size in sizes))]


def _listed(services: Services, one: Listed, newest: int = 0) -> dict[str, Any]:
    """Return the fields of a symbol for an answer, with the source now in force and the last
    `newest` switches (0: all)."""
    known, standby = one.entry.known_sources, parse_standby(one.entry.standby)
    switches = known.switches
    shown = {
        "source": known.at(to_text(services.clock())),
        "switches": switches[-newest:],
        "switch_count": len(switches),
        "standby": standby and standby.source,
        "standby_after": standby and standby.after_seconds,
    }
    lists = {"seen": one.seen, "tracked": one.tracked}
    return msgspec.structs.asdict(one.entry) | shown | lists
