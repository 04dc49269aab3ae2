"""The state that one container passes to the next, kept as an item of the symbols table. Invalid
fields of the item are omitted and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import msgspec

from chalicelib.domain.errors import TickError
from chalicelib.domain.payloads import UNREADABLE
from chalicelib.domain.ticks import parse_symbol
from chalicelib.domain.times import from_text, is_canonical, to_text
from producer.collector.items import Fields, Item
from producer.malformed import flaw_of
from producer.throttling import longest_open_seconds
from producer.wire import WireTick


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """State that runs pass on, by symbol.

    `latest` holds the timestamps of the last acknowledged ticks, and `sent` their price and volume
    as text ("" for no volume). `suspects` holds the jumps that wait to be confirmed. The other
    fields are the source's state, `Known`, with instants of DynamoDB's clock in place of seconds.
    Such an instant is "" if the source may be asked now (for prices, or for history).
    """

    source: str = ""
    latest: Mapping[str, str] = {}
    sent: Mapping[str, tuple[str, str]] = {}
    suspects: Mapping[str, WireTick] = {}
    with_history: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    is_silent: bool = False
    refusals: int = 0
    throttled_until: str = ""
    history_refusals: int = 0
    history_until: str = ""


_COUNT = Annotated[int, msgspec.Meta(ge=0, le=1000)]
_SOURCE = Literal["", "yfinance", "simulator"]
_MOST_AHEAD = timedelta(hours=1)
"""A last timestamp further ahead of the clock would hold back all prices until then."""


class Reading(msgspec.Struct, frozen=True):
    """A memory that was read from its item, and the names of its invalid fields."""

    memory: Memory = Memory()
    broken: tuple[str, ...] = ()


def reading_of(item: Item, now: datetime) -> Reading:
    """Parse the memory from its item. Invalid fields are left empty and named. If the end of the
    wait for Yahoo is invalid, the longest wait for that number of refusals applies."""
    fields = Fields(item)
    text = fields.text("memory")
    try:
        values = msgspec.json.decode(text or "")
    except UNREADABLE:
        values = None
    if text is None or not isinstance(values, dict):
        values = {"refusals": None, "throttled_until": None}
        fields.broken[:] = ["memory"]
    return _Reader(values, now, fields.broken).reading()


class _Reader:
    """Parses the values of a memory, which may have any type."""

    def __init__(self, values: Mapping[str, Any], now: datetime, broken: list[str]) -> None:
        self._values = values
        self._now = now
        self._broken = broken

    def reading(self) -> Reading:
        """Parse all fields; leave out and name the invalid ones."""
        refusals, until = self._back_off("refusals", "throttled_until")
        history_refusals, history_until = self._back_off("history_refusals", "history_until")
        memory = Memory(
            source=self._value("source", _SOURCE, "") or "",
            latest=self._by_symbol("latest", self._timestamp),
            sent=self._by_symbol("sent", _sent),
            suspects=self._by_symbol("suspects", self._suspect),
            with_history=self._symbols("with_history"),
            answered=self._symbols("answered"),
            is_silent=self._value("is_silent", bool) or False,
            refusals=refusals,
            throttled_until=until,
            history_refusals=history_refusals,
            history_until=history_until,
        )
        is_whole = "memory" not in self._broken
        return Reading(memory, tuple(dict.fromkeys(self._broken)) if is_whole else ("memory",))

    def _value(self, name: str, kind: Any, default: Any = None) -> Any:
        """Return a value; None if it has the wrong type, `default` if it is missing."""
        if name not in self._values:
            return default
        try:
            return msgspec.convert(self._values[name], kind)
        except msgspec.ValidationError:
            self._broken.append(name)
            return None

    def _back_off(self, count: str, instant: str) -> tuple[int, str]:
        refusals, until = self._value(count, _COUNT, 0), self._value(instant, str, "")
        if until:
            try:
                from_text(until)
            except ValueError:
                self._broken.append(instant)
                until = None
        if refusals is None or until is None or until:
            refusals = refusals or 1
        if until is None:
            until = to_text(self._now + timedelta(seconds=longest_open_seconds(refusals)))
        return refusals, until

    def _by_symbol(self, name: str, read: Callable[[str, Any], Any]) -> dict[str, Any]:
        found = self._value(name, dict[str, Any], {}) or {}
        values = {symbol: read(symbol, value) for symbol, value in found.items()}
        kept = {symbol: value for symbol, value in values.items() if value is not None}
        if len(kept) < len(found):
            self._broken.append(name)
        return kept

    def _symbols(self, name: str) -> tuple[str, ...]:
        found = self._value(name, list[Any], []) or []
        kept = tuple(symbol for symbol in found if _is_symbol(symbol))
        if len(kept) < len(found):
            self._broken.append(name)
        return kept

    def _timestamp(self, symbol: str, value: Any) -> str | None:
        """Return the value if it is a possible timestamp of a valid symbol's tick; else None."""
        if not _is_symbol(symbol) or not isinstance(value, str) or not is_canonical(value):
            return None
        try:
            return value if from_text(value) <= self._now + _MOST_AHEAD else None
        except ValueError:
            return None

    def _suspect(self, symbol: str, value: Any) -> WireTick | None:
        try:
            tick = msgspec.convert(value, WireTick)
        except msgspec.ValidationError:
            return None
        is_sound = tick.symbol == symbol and tick.bar is None and tick.price.is_finite()
        is_sound = is_sound and tick.price > 0 and flaw_of(tick) is None
        return tick if is_sound and self._timestamp(symbol, tick.timestamp) else None


def _sent(symbol: str, value: Any) -> tuple[str, str] | None:
    """Return price and volume as texts if both are numbers (the volume may be ""); else None."""
    try:
        price, volume = msgspec.convert(value, tuple[str, str])
        is_sound = _is_symbol(symbol) and Decimal(price) > 0 and Decimal(volume or 0) >= 0
    except (msgspec.ValidationError, InvalidOperation):
        return None
    return (price, volume) if is_sound else None


def _is_symbol(value: Any) -> bool:
    try:
        return isinstance(value, str) and parse_symbol(value) == value
    except TickError:
        return False
