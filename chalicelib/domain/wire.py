"""Parses ticks on the wire: a line has one JSON object, several objects, or an array of objects.

An object may also be a historical bar or a corporate action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import get_args

import msgspec

from chalicelib.domain.actions import Action
from chalicelib.domain.bars import STORED, Bar
from chalicelib.domain.errors import TickError, UnreadableError
from chalicelib.domain.payloads import JSON_SPACE, UNREADABLE, Line, is_json, items_of, lines_of
from chalicelib.domain.raw_lines import ArchivedLine
from chalicelib.domain.readings import (
    Identity,
    identity_of,
    misreadings,
    sql_reads_bar,
    sql_reads_tick,
)
from chalicelib.domain.sources import parse_sources
from chalicelib.domain.stamps import Stamps
from chalicelib.domain.ticks import (
    LABEL_ALLOWED,
    LABEL_FORM,
    UNKNOWN_SOURCE,
    Mode,
    Tick,
    as_price,
    as_volume,
    parse_symbol,
)
from chalicelib.domain.times import from_text, is_canonical, to_text
from chalicelib.domain.wire_actions import SPLIT, ActionFields, action_fields, to_action
from chalicelib.domain.wire_fields import WireFields

MAX_AHEAD = timedelta(seconds=300)
"""The most that a timestamp may be ahead of the stream's clock. Until the time of such a tick
comes, the symbol's next ticks count as late: they correct bars, and rules do not see them."""

LABEL = re.compile(LABEL_FORM)
MOST_FOLDED = 1_000_000
MOST_REJECTED = 20_000
"""The most parts of a record that are rejected individually; a record of 1 MB may have half a
million."""

_MODES = get_args(Mode)
_STARTS = {
    "1m": (":00.000000", "a whole minute for a 1m bar"),
    "1d": ("T00:00:00.000000", "the session's date at 00:00Z for a 1d bar"),
}
"""By interval: how the text of a bar's start ends, and the same in words."""

_PRICE_ALLOWED = "a number above 0 and below 10^12, also after rounding to eight decimals"
_VOLUME_ALLOWED = "a number from 0 and below 10^18, also after rounding to eight decimals"
_TIME_ALLOWED = "an RFC 3339 date-time with an offset, such as 2026-11-20T15:30:00.123456Z"


class Rejected(msgspec.Struct, frozen=True):
    """An invalid part of a record, and the reason. `line` is the line's index, from 0."""

    line: int
    payload: bytes
    reason: str


class Decoded(msgspec.Struct, frozen=True):
    """The contents of one record.

    `lines` are for the archive: the record's own lines, one JSON value each, with the instant of
    the first tick without a timestamp, or else the arrival. `misread` has identities of ticks and
    rejected parts that SQL would miss or misread. `sources` has the symbols whose ticks come from
    the recording of a series with several sources, each with the list of these sources.
    """

    lines: tuple[ArchivedLine, ...]
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    rejected: tuple[Rejected, ...]
    misread: tuple[Identity, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    actions: tuple[Action, ...] = ()


_one = msgspec.json.Decoder(WireFields)
_many = msgspec.json.Decoder(list[WireFields])


def decode(
    payload: bytes, arrival: datetime, number: str | None = None, taken: datetime | None = None
) -> Decoded:
    """Parse one record's payload, which the stream received at `arrival` under a sequence number.

    If `arrival` is the sender's time, `taken` is when a queue received the record: no timestamp may
    be far ahead of that. A line of the archive has no number; its arrival is the archived time.

    This never raises: each invalid part is in `rejected` with its reason.
    """
    record = _Record(arrival, Stamps(arrival, number), taken or arrival)
    for line in lines_of(payload):
        record.read(line)
    return record.decoded(payload)


class _Record:
    """Collects the parts of a record while it is parsed."""

    def __init__(self, arrival: datetime, stamps: Stamps, taken: datetime) -> None:
        self._arrival = arrival
        self._taken = taken
        self._stamps = stamps
        self._archived: list[ArchivedLine] = []
        self._ticks: list[Tick] = []
        self._bars: list[Bar] = []
        self._rejected: list[Rejected] = []
        self._not_listed = 0
        self._misread: list[Identity] = []
        self._sources: dict[str, str] = {}
        self._actions: list[Action] = []

    def decoded(self, payload: bytes) -> Decoded:
        """Return the parsed record. If more than MOST_REJECTED parts were rejected, one further
        part holds the record's payload."""
        if self._not_listed:
            reason = f"{self._not_listed} more parts of the record are rejected; this is all of it"
            self._rejected.append(Rejected(0, payload, reason))
        return Decoded(
            tuple(self._archived),
            tuple(self._ticks),
            tuple(self._bars),
            tuple(self._rejected),
            tuple(self._misread),
            tuple(self._sources.items()),
            tuple(self._actions),
        )

    def read(self, line: Line) -> None:
        if line.fault is not None:  # such a line is kept only in quarantine
            self._reject(line, line.received, line.fault)
            return
        before = self._stamps.given
        array = _Array(line.text)
        for at, (part, item) in enumerate(_parts(line.text)):
            is_raw = isinstance(item, msgspec.Raw)
            try:
                self._take(part, item, alone=part is line.text and is_raw)
            except (TickError, UnreadableError) as error:
                if not is_raw:
                    self._reject(line, array.item(at), str(error))
                    continue
                self._reject(line, line.received if part is line.text else part, str(error))
                if part is line.text and not is_json(part):
                    return  # Athena's reader would accept more than JSON
                self._misread.extend(misreadings(part))
        if array.was_asked:
            self._misread.extend(misreadings(line.text))
        if line.text:
            stamped = self._stamps.given > before
            instant = self._stamps.at(before) if stamped else self._arrival
            self._archived.append(ArchivedLine(line.text, instant))

    def _reject(self, line: Line, payload: bytes, reason: str) -> None:
        if len(self._rejected) < MOST_REJECTED:
            self._rejected.append(Rejected(line.number, payload, reason))
        else:
            self._not_listed += 1

    def _take(self, part: bytes, item: WireFields | msgspec.Raw, *, alone: bool) -> None:
        """Add a tick, bar or action; `alone` says that it is the whole line. Raises TickError or
        UnreadableError if it is invalid."""
        if isinstance(item, msgspec.Raw) and (fields := action_fields(part)) is not None:
            self._actions.append(self._action(fields))
            return
        wire = _read(item) if isinstance(item, msgspec.Raw) else item
        if wire.sources is not None:
            self._sources[parse_symbol(wire.symbol)] = parse_sources(wire.sources).text()
        if wire.bar is None:
            tick = to_tick(wire, self._taken, self._stamps)
            self._ticks.append(tick)
            if not (alone and sql_reads_tick(part, wire.timestamp, tick)):
                self._misread.append(identity_of(tick))
        else:
            bar = to_bar(wire, self._taken)
            self._bars.append(bar)
            if not (alone and sql_reads_bar(part, wire.timestamp, bar)):
                self._misread.append(identity_of(bar))

    def _action(self, fields: ActionFields) -> Action:
        stamp = fields.timestamp
        known_at = self._stamps.take() if stamp is None else _timestamp(stamp, self._taken)
        return to_action(fields, known_at, _label("source", fields.source))


def to_tick(wire: WireFields, taken: datetime, stamps: Stamps) -> Tick:
    """Return the tick with a line's fields. `stamps` gives a missing timestamp. Raises TickError
    for an invalid field, and for a timestamp that is too far ahead of `taken`."""
    if wire.mode not in _MODES:
        raise TickError("mode", wire.mode, ", ".join(_MODES))
    high, low = _price("high", wire.high), _price("low", wire.low)
    if high is not None and low is not None and high < low:
        raise TickError("high", str(high), f"not below low, {low}")
    return Tick(
        symbol=parse_symbol(wire.symbol),
        timestamp=stamps.take() if wire.timestamp is None else _timestamp(wire.timestamp, taken),
        price=_required_price("price", wire.price),
        open=_price("open", wire.open),
        high=high,
        low=low,
        previous_close=_price("previous_close", wire.previous_close),
        volume=_volume(wire.volume),
        currency=_label("currency", wire.currency),
        exchange_timezone=_label("exchange_timezone", wire.exchange_timezone),
        market_state=_label("market_state", wire.market_state),
        source=_label("source", wire.source) or UNKNOWN_SOURCE,
        mode=wire.mode,  # type: ignore[arg-type]  # checked above
        split=_split(wire.split),
    )


def to_bar(wire: WireFields, taken: datetime) -> Bar:
    """Return the historical bar in a line with the field `bar`. Raises TickError."""
    interval = wire.bar or ""
    if interval not in STORED:
        raise TickError("bar", wire.bar, ", ".join(STORED))
    if wire.timestamp is None:
        raise TickError("timestamp", None, f"the bar's start, {_TIME_ALLOWED}")
    if wire.open is None or wire.high is None or wire.low is None:
        raise TickError("open, high, low", None, "all three with a bar")
    if wire.folded is not None and not 1 <= wire.folded <= MOST_FOLDED:
        raise TickError("folded", str(wire.folded), f"1 to {MOST_FOLDED}")
    tick = to_tick(wire, taken, Stamps(taken, None))
    if not starts_bar(tick.timestamp, interval):
        raise TickError("timestamp", wire.timestamp, _STARTS[interval][1])
    return Bar(
        symbol=tick.symbol,
        interval=interval,
        start=tick.timestamp,
        open=_required_price("open", wire.open),
        high=_required_price("high", wire.high),
        low=_required_price("low", wire.low),
        close=tick.price,
        volume=tick.volume,
        source=tick.source,
        folded=wire.folded or 0,
    )


def starts_bar(timestamp: str, interval: str) -> bool:
    """Return whether a bar of this interval may start at a stored timestamp."""
    zeros, _ = _STARTS.get(interval, ("", ""))
    return timestamp[:-1].endswith(zeros)


class _Array:
    """The raw items of an array that was decoded as a whole. The array's line is split when an
    item's bytes are first requested."""

    def __init__(self, line: bytes) -> None:
        self._line = line
        self._items: list[bytes] | None = None

    @property
    def was_asked(self) -> bool:
        return self._items is not None

    def item(self, at: int) -> bytes:
        if self._items is None:
            self._items = items_of(self._line) or []
        return self._items[at]


def _parts(line: bytes) -> Iterator[tuple[bytes, WireFields | msgspec.Raw]]:
    """Yield the items of a line with their bytes.

    An array whose items all have the fields of ticks is decoded as a whole, and each item comes
    with the bytes of the whole line. The items of any other array come undecoded, with their own
    bytes.
    """
    if not line.lstrip(JSON_SPACE).startswith(b"["):
        yield line, msgspec.Raw(line)
        return
    try:
        yield from [(line, wire) for wire in _many.decode(line)]
    except UNREADABLE:
        items = items_of(line)
        parts = [line] if items is None else items
        yield from ((part, msgspec.Raw(part)) for part in parts)


def _read(raw: msgspec.Raw) -> WireFields:
    try:
        return _one.decode(raw)
    except UNREADABLE as error:
        raise UnreadableError(str(error)) from error


def _timestamp(text: str, taken: datetime) -> str:
    try:
        instant = from_text(text)
    except ValueError:
        raise TickError("timestamp", text, _TIME_ALLOWED) from None
    if instant.year < 1970:
        raise TickError("timestamp", text, "1970 or later")
    if instant - taken > MAX_AHEAD:
        raise TickError(
            "timestamp", text, f"at most {MAX_AHEAD.seconds} s ahead of the stream's clock"
        )
    return text if is_canonical(text) else to_text(instant)


def _required_price(field: str, value: Decimal) -> Decimal:
    stored = as_price(value)
    if stored is None:
        raise TickError(field, str(value), _PRICE_ALLOWED)
    return stored


def _price(field: str, value: Decimal | None) -> Decimal | None:
    return None if value is None else _required_price(field, value)


def _volume(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    stored = as_volume(value)
    if stored is None:
        raise TickError("volume", str(value), _VOLUME_ALLOWED)
    return stored


def _split(value: str | None) -> str | None:
    if value is not None and not SPLIT.fullmatch(value):
        raise TickError("split", value, 'new shares for old ones, such as "5:1", each up to 999999')
    return value


def _label(field: str, value: str | None) -> str | None:
    if value and not LABEL.fullmatch(value):
        raise TickError(field, value, LABEL_ALLOWED)
    return value or None
