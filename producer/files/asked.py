"""Options for reading price files: which symbols, and how to interpret rows."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.domain.ticks import Mode
from producer.wire import Bar

RowsAs = Literal["bars", "ticks"]
REPLAY = "replay"
"""The source of prices if a file names none."""


class Label(msgspec.Struct, frozen=True):
    """A source's name for all symbols or for some. `text` is the option as the user wrote it."""

    source: str
    symbols: frozenset[str] | None = None
    text: str = ""

    def of(self, symbol: str, source: str) -> str:
        """Return the source of a symbol's prices. This is the label's source if the label covers
        the symbol, else `source`, which the file names."""
        return self.source if self.symbols is None or symbol in self.symbols else source


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How to read price files.

    `symbols` are the wanted symbols; if empty, all. `rows_as` and `bar` are detected if None.
    `timezone` applies to times without a zone and defaults to the exchange's. `history` sends
    everything as history: daily rows become bars. With `alerts` the ticks' alerts are sent;
    otherwise they are only recorded.
    """

    symbols: tuple[str, ...] = ()
    rows_as: RowsAs | None = None
    bar: Bar | None = None
    day_first: bool = False
    timezone: str | None = None
    label: Label | None = None
    history: bool = False
    alerts: bool = False

    @property
    def mode(self) -> Mode:
        """Return the mode of the ticks: `replay` if their alerts are sent, else `backfill`."""
        return "replay" if self.alerts else "backfill"
