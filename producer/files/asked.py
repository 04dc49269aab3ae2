"""Options for reading files: the symbols and how to interpret rows."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.domain.ticks import Mode
from producer.wire import Bar

RowsAs = Literal["bars", "ticks"]
REPLAY = "replay"
"""The source of prices if a file names none."""


class Label(msgspec.Struct, frozen=True):
    """A source's name for all symbols or for some. `text` is the option as given."""

    source: str
    symbols: frozenset[str] | None = None
    text: str = ""

    def of(self, symbol: str, source: str) -> str:
        """Return the source of a symbol's prices: the label's if the label covers the symbol, else
        the file's own, `source`."""
        return self.source if self.symbols is None or symbol in self.symbols else source


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How to read files.

    `symbols` are the wanted ones, all if empty. `rows_as` and `bar` are detected if None.
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
        """Return the mode of the ticks: `replay` if their alerts are sent, `backfill` if not."""
        return "replay" if self.alerts else "backfill"
