"""What people ask of a file: symbols, and what its rows are to be taken for."""

from __future__ import annotations

from typing import Literal

import msgspec

from producer.wire import Bar, Mode

RowsAs = Literal["bars", "ticks"]
REPLAY = "replay"
"""The source of prices whose file names none."""


class Label(msgspec.Struct, frozen=True):
    """A source's name for all symbols, or for some. `text` is how it was given."""

    source: str
    symbols: frozenset[str] | None = None
    text: str = ""

    def of(self, symbol: str, source: str) -> str:
        """The label of a symbol that has `source` in its file."""
        return self.source if self.symbols is None or symbol in self.symbols else source


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How to read files.

    `symbols` are those wanted, all where it is empty; `rows_as` and `bar` None are recognised;
    `timezone` is that of times without one, the exchange's where it is None. `history` makes
    everything history: days become bars. `alerts` asks that the alerts of ticks be sent, which else
    are recorded only.
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
        """Of the ticks."""
        return "replay" if self.alerts else "backfill"
