"""The answers of the market data service. Their fields determine the names and descriptions in
JSON, CSV and the OpenAPI document."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.actions import Action
from chalicelib.domain.bars import Bar
from chalicelib.domain.field_types import Instant, Price, Symbol
from chalicelib.domain.sources import Switch
from chalicelib.domain.ticks import Enriched, Tick
from chalicelib.services.market_data.freshness import Labels
from chalicelib.services.market_data.queries import Cursor

_Start = Annotated[Instant, Meta(description="The start of `[start, start + interval)`.")]
_Traded = Annotated[Decimal | None, Meta(description="Traded within the bar.")]
_Closed = Annotated[bool, Meta(description="false while ticks may still change the bar.")]
_Extended = Annotated[
    bool, Meta(description="Present, as true, only on bars outside the regular session.")
]


class BarRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bar of `[timestamp, timestamp + interval)`. Ticks no longer change it once it is closed.

    `extended` is set only for bars outside the regular session. CSV has no column for it.
    """

    timestamp: _Start
    open: Price
    high: Price
    low: Price
    close: Price
    volume: _Traded
    closed: _Closed
    extended: _Extended = False

    @classmethod
    def of(cls, bar: Bar) -> BarRow:
        """Return the row that shows a bar."""
        prices = (bar.open, bar.high, bar.low, bar.close)
        return cls(bar.start, *prices, bar.volume, bar.closed, bar.extended)


class SymbolBarRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bar with its symbol, for tables of several symbols."""

    timestamp: _Start
    symbol: Symbol
    open: Price
    high: Price
    low: Price
    close: Price
    volume: _Traded
    closed: _Closed
    extended: _Extended = False

    @classmethod
    def of(cls, symbol: str, row: BarRow) -> SymbolBarRow:
        """Return the row of a bar, with the symbol added."""
        prices = (row.open, row.high, row.low, row.close)
        return cls(row.timestamp, symbol, *prices, row.volume, row.closed, row.extended)


SYMBOL_BAR_COLUMNS = tuple(name for name in SymbolBarRow.__struct_fields__ if name != "extended")
BAR_COLUMNS = tuple(name for name in BarRow.__struct_fields__ if name != "extended")


class TickRow(msgspec.Struct, frozen=True):
    """A stored tick and values derived from it. If a field is unknown, values that depend on it are
    None."""

    timestamp: Instant
    symbol: Symbol
    open: Annotated[Decimal | None, Meta(description="The session's first price so far.")]
    high: Annotated[Decimal | None, Meta(description="The session's highest price so far.")]
    low: Annotated[Decimal | None, Meta(description="The session's lowest price so far.")]
    price: Price
    previous_close: Annotated[Decimal | None, Meta(description="The last session's close.")]
    change: Annotated[Decimal | None, Meta(description="price - previous_close")]
    change_percent: Annotated[
        Decimal | None,
        Meta(description="100 * change / previous_close, to four decimal places"),
    ]
    volume: Annotated[Decimal | None, Meta(description="The session's volume so far.")]
    moving_average: Annotated[
        Decimal | None, Meta(description="The mean of open, high, low and price.")
    ]
    anomaly: Annotated[
        str,
        Meta(
            description="Whether the change is above 5% in either direction.",
            extra_json_schema={"enum": ["Yes", "No"]},
        ),
    ]

    @classmethod
    def of(cls, tick: Tick, enriched: Enriched) -> TickRow:
        """Return the row that shows a tick and the values derived from it."""
        return cls(
            tick.timestamp,
            tick.symbol,
            tick.open,
            tick.high,
            tick.low,
            tick.price,
            tick.previous_close,
            enriched.change,
            enriched.change_percent,
            tick.volume,
            enriched.moving_average,
            "Yes" if enriched.anomaly else "No",
        )


class ActionRow(msgspec.Struct, frozen=True):
    """A split or dividend that a source reported."""

    action: Annotated[str, Meta(extra_json_schema={"enum": ["split", "dividend"]})]
    ex_date: Annotated[
        str,
        Meta(description="The date of the first session after it.", examples=["2020-08-31"]),
    ]
    split: Annotated[str | None, Meta(description="New shares for old ones.", examples=["4:1"])]
    amount: Annotated[Decimal | None, Meta(description="Of a dividend, per share at that time.")]
    previous_close: Annotated[
        Decimal | None, Meta(description="Of a dividend: the close of the session before.")
    ]
    known_at: Annotated[Instant, Meta(description="When the source told of it.")]
    source: Annotated[str, Meta(examples=["alpaca"])]

    @classmethod
    def of(cls, action: Action) -> ActionRow:
        """Return the row that shows a corporate action."""
        return cls(
            action.kind,
            action.ex_date,
            action.ratio,
            action.amount,
            action.previous_close,
            action.known_at,
            action.source,
        )


class PriceTable(msgspec.Struct, frozen=True):
    """A page of rows of one symbol. `cursor` leads to the next page; None on the last page.
    `sources` has the sources of the rows in order of time, each with the time of its first row.
    `actions` has the actions that sources reported; None unless adjusted bars were requested."""

    symbol: str
    interval: str
    labels: Labels
    rows: list[BarRow] | list[TickRow]
    cursor: Cursor | None
    sources: tuple[Switch, ...] = ()
    actions: tuple[ActionRow, ...] | None = None

    def shown(self) -> dict[str, Any]:
        """Return the fields of the API's answer by name, without the rows."""
        labels = self.labels.shown()
        shown = {"symbol": self.symbol, **labels, "sources": msgspec.to_builtins(self.sources)}
        if self.actions is not None:
            shown["actions"] = [msgspec.structs.asdict(one) for one in self.actions]
        return shown


class Quote(msgspec.Struct, frozen=True):
    """A symbol's newest tick with its averages by name.

    `trend` is "up" if the fast average is above the slow one, "down" if below, and "flat" if equal.
    It is None while the slow average is unknown. `alerted_at` is the time of the newest alert of
    the rules in force; None if there is none.
    """

    row: TickRow
    averages: dict[str, Decimal | None]
    trend: str | None
    labels: Labels
    alerted_at: Annotated[
        Instant | None, Meta(description="The time of the newest alert of the rules in force.")
    ]

    def shown(self) -> dict[str, Any]:
        """Return the fields of the API's answer by name."""
        return {
            **msgspec.structs.asdict(self.row),
            **self.averages,
            "trend": self.trend,
            "alerted_at": self.alerted_at,
            **self.labels.shown(),
        }
