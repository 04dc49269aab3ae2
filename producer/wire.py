"""Encodes ticks, bars and actions for the wire: one JSON object each, with exact decimals.

docs/producer.md holds the contract. Floats never reach the wire: texts become exact decimals, and
floats are rounded to eight decimals first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.errors import TickError
from chalicelib.domain.ticks import UNKNOWN_SOURCE, Mode, number, parse_symbol
from chalicelib.domain.wire_actions import ActionFields
from chalicelib.domain.wire_fields import WireFields
from producer.errors import UsageError

Bar = Literal["1m", "1h", "1d"]


class WireTick(WireFields, kw_only=True, omit_defaults=True):
    """One tick, one historical bar or one corporate action.

    It is a bar if `bar` is set; its price is then the close. An action has no price (NaN). `folded`
    is the number of finer bars of which a bar was made, None for an original bar. `split` is "5:1"
    if five shares replaced one at the tick's session or the bar's day. `dividend` is that of a
    quote's session; it becomes an action and is never sent in a tick. Timestamps are text of 27
    characters in UTC. Mutable, since the producer corrects `timestamp` and sets `sent_at`.
    """

    timestamp: str = ""
    mode: Mode | None = None  # type: ignore[assignment]  # None: not sent, which means live
    bar: Bar | None = None
    sent_at: str | None = None
    action: Action | None = msgspec.field(default=None, name="#action")
    dividend: Decimal | None = msgspec.field(default=None, name="#dividend")

    @property
    def is_live(self) -> bool:
        """Return whether this is a tick, rather than a historical bar or an action."""
        return self.bar is None and self.action is None


class Line(msgspec.Struct, frozen=True, gc=False):
    """An encoded tick to be sent. Actions count as bars.

    `row` is its place in the spool, 0 without a spool. `since` is the `time.monotonic()` of its
    arrival, 0 if it was read back from the spool. The spool does not keep the tick's timestamp,
    price and volume.
    """

    symbol: str
    payload: bytes
    is_bar: bool
    row: int = 0
    since: float = 0.0
    timestamp: str = ""
    price: Decimal | None = None
    volume: Decimal | None = None


encode = msgspec.json.Encoder(decimal_format="number").encode
decode = msgspec.json.Decoder(WireTick).decode

MOST_LINE_BYTES = 4096
"""Far below any sink's record limit; our lines have some 600 bytes at most."""

TRACKED = "tracked"
"""In a list of symbols, this adds the tracked ones."""

NO_PRICE = Decimal("NaN")

_SHOWN = 40
"""Characters of a number shown in messages."""


def line_of(tick: WireTick) -> Line:
    """Encode a tick as one line of JSON. The line has no newline."""
    return Line(
        tick.symbol,
        encode(tick if tick.action is None else action_line(tick.action, tick.sent_at)),
        not tick.is_live,
        since=time.monotonic(),
        timestamp=tick.timestamp,
        price=tick.price,
        volume=tick.volume,
    )


def tick_of_action(action: Action) -> WireTick:
    """Wrap an action in a WireTick, the form in which it passes through the producer. The timestamp
    is the time at which the action became known."""
    return WireTick(
        symbol=action.symbol,
        timestamp=action.known_at,
        price=NO_PRICE,
        source=None if action.source == UNKNOWN_SOURCE else action.source,
        mode="backfill",
        action=action,
    )


def action_line(action: Action, sent_at: str | None = None) -> ActionFields:
    """Return the fields of the line that states an action."""
    return ActionFields(
        symbol=action.symbol,
        timestamp=action.known_at,
        action=action.kind,
        ex_date=action.ex_date,
        split=action.ratio,
        amount=action.amount,
        previous_close=action.previous_close,
        source=None if action.source == UNKNOWN_SOURCE else action.source,
        sent_at=sent_at,
    )


def decimal_of(value: object) -> Decimal | None:
    """Convert a value to a finite number with at most eight decimals.

    Return None for missing, NaN or infinite values. Accepts text, int, Decimal and float (by its
    shortest text, so 0.1 is 0.1). Raises ValueError for text that is not a number, and for too many
    digits.
    """
    if value is None or value == "":
        return None
    try:
        exact = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"{str(value)[:_SHOWN]!r} is not a number") from error
    return number(exact) if exact.is_finite() else None


def listed(text: str, named: str) -> tuple[tuple[str, ...], bool]:
    """Return the symbols of a list such as "A,B,tracked", and whether it contains `tracked`.

    `tracked` is not among the symbols. Raises UsageError for an invalid symbol; `named` is the
    option to blame, such as `--symbols`.
    """
    names = text.split(",") if text else []
    own = [name for name in names if name.strip().lower() != TRACKED]
    return symbols_of(own, named), len(own) < len(names)


def symbols_of(texts: Iterable[str], named: str) -> tuple[str, ...]:
    """Return the symbols in upper case, in order, without repeats. Raises UsageError for an invalid
    symbol; `named` is the option to blame, such as `--symbols`."""
    try:
        return tuple(dict.fromkeys(parse_symbol(text.strip()) for text in texts))
    except TickError as error:
        raise UsageError(
            f"{named}: {error.value!r} is not a symbol; allowed: {error.allowed}"
        ) from error
