"""Filters the ticks of a live source.

Yahoo's answers contain NaN, zeros, repeated trades and future times. Some prices are wrong by a
factor of a hundred (yfinance issues 515, 1106, 2686). Dropped ticks are counted by reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from chalicelib.domain.times import to_text
from producer.wire import WireTick

FUTURE_SECONDS = 5
JUMP = Decimal("0.2")
CONFIRMING_SECONDS = 30
PriceAndVolume = tuple[Decimal, Decimal | None]
_SECOND = len("2026-11-20T15:30:00")
_OPTIONAL_PRICES = ("open", "high", "low", "previous_close")


class _Seen(msgspec.Struct):
    """The state of a symbol.

    It holds the last tick that passed, and an earlier run's last timestamp with its price and
    volume. It also holds a tick that waits to be confirmed; `sent_at` is when that wait began.
    """

    before: str = ""
    sent: PriceAndVolume | None = None
    last: WireTick | None = None
    time: str = ""
    suspect: WireTick | None = None


class Hygiene:
    """Filters ticks, each symbol's in the order of arrival.

    A tick is a suspect, and waits, if its price is more than 20% away from the last one. (A
    symbol's first tick is compared with the previous close.) If the next tick is as far away, but
    within 20% of the suspect, both pass; if not, the suspect is dropped. A symbol's very first tick
    also passes if the source repeats it after 30 s, since a closed exchange has no other price.
    `drop` is called with the reason of each dropped tick.

    `latest` holds the last timestamps of an earlier run, and `sent` their price and volume.
    `suspects` holds the ticks that waited at that run's end. A tick that is not later than `latest`
    is a repeat, unless it has the same second and another price or volume than `sent`.
    """

    def __init__(
        self,
        drop: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        latest: Mapping[str, str] | None = None,
        suspects: Mapping[str, WireTick] | None = None,
        sent: Mapping[str, PriceAndVolume] | None = None,
    ) -> None:
        self._latest = dict(latest or {})
        self._sent = sent or {}
        self._drop = drop
        self._now = now
        self._seen: dict[str, _Seen] = {}
        for name, tick in (suspects or {}).items():
            before = self._latest.get(name, "")
            if tick.timestamp > before:
                seen = self._seen[name] = self._new(name)
                seen.time, seen.suspect = tick.timestamp, tick

    @property
    def suspects(self) -> dict[str, WireTick]:
        """Return the ticks that wait to be confirmed, by symbol."""
        seen = list(self._seen.items())
        return {name: one.suspect for name, one in seen if one.suspect is not None}

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        for name in [name for name in self._latest.keys() | self._seen.keys() if drops(name)]:
            self._latest.pop(name, None)
            self._seen.pop(name, None)

    def passing(self, tick: WireTick) -> list[WireTick]:
        """Return the ticks that pass now: none, this tick, a confirmed suspect, or both."""
        if not tick.is_live:
            return [tick]
        seen = self._seen.get(tick.symbol)
        if seen is None:
            seen = self._seen[tick.symbol] = self._new(tick.symbol)
        reason = self._flaw(tick) or _repeats(tick, seen)
        if reason == "repeat" and self._is_confirmed_first(seen, tick):
            return self._believed(seen)
        if reason is not None:
            self._drop(reason)
            return []
        seen.time = tick.timestamp
        return self._confirmed(_cleaned(tick), seen)

    def _new(self, symbol: str) -> _Seen:
        return _Seen(before=self._latest.get(symbol, ""), sent=self._sent.get(symbol))

    def _is_confirmed_first(self, seen: _Seen, again: WireTick) -> bool:
        """Return whether a symbol's first tick waits and the source has repeated it after some
        time."""
        suspect = seen.suspect
        if seen.before or seen.last or suspect is None or not _is_same_answer(suspect, again):
            return False
        since = to_text(self._now() - timedelta(seconds=CONFIRMING_SECONDS))
        return (suspect.sent_at or "") <= since

    def _believed(self, seen: _Seen) -> list[WireTick]:
        suspect, seen.suspect = seen.suspect, None
        if suspect is None:
            return []
        seen.last = _as_received(suspect)
        return [suspect]

    def _flaw(self, tick: WireTick) -> str | None:
        if not tick.price.is_finite():
            return "no price"
        if tick.price <= 0:
            return "price not above 0"
        if tick.timestamp > to_text(self._now() + timedelta(seconds=FUTURE_SECONDS)):
            return "in the future"
        return None

    def _confirmed(self, tick: WireTick, seen: _Seen) -> list[WireTick]:
        suspect, seen.suspect = seen.suspect, None
        reference = seen.last.price if seen.last else tick.previous_close
        if not _jumps(tick.price, reference):
            if suspect is not None:
                self._drop("unconfirmed jump")
            seen.last = _as_received(tick)
            return [tick]
        if suspect is not None and not _jumps(tick.price, suspect.price):
            seen.last = _as_received(tick)
            return [suspect, tick]
        if suspect is not None:
            self._drop("unconfirmed jump")
        tick.sent_at = to_text(self._now())
        seen.suspect = tick
        return []


def _as_received(tick: WireTick) -> WireTick:
    """Return a copy of the tick as it came, since the tick's own timestamp may be moved later."""
    return msgspec.structs.replace(tick)


def _repeats(tick: WireTick, seen: _Seen) -> str | None:
    if tick.timestamp <= seen.before and not _corrects(tick, seen):
        return "repeat"
    if tick.timestamp < seen.time:
        return "out of order"
    for known in (seen.last, seen.suspect):
        if known is not None and _is_same_answer(tick, known):
            return "repeat"
    return None


def _corrects(tick: WireTick, seen: _Seen) -> bool:
    """Return whether a tick corrects the earlier run's last tick. It does if it has the same
    second, but another price or volume."""
    is_of_second = tick.timestamp[:_SECOND] == seen.before[:_SECOND]
    return is_of_second and seen.sent is not None and (tick.price, tick.volume) != seen.sent


def _is_same_answer(tick: WireTick, other: WireTick) -> bool:
    return (tick.timestamp, tick.price, tick.volume) == (
        other.timestamp,
        other.price,
        other.volume,
    )


def _jumps(price: Decimal, reference: Decimal | None) -> bool:
    return bool(reference) and abs(price - reference) > JUMP * reference  # type: ignore[operator]


def _cleaned(tick: WireTick) -> WireTick:
    """Set invalid optional prices and an invalid volume of a tick to None, and return the tick."""
    for name in _OPTIONAL_PRICES:
        value = getattr(tick, name)
        if value is not None and not (value.is_finite() and value > 0):
            setattr(tick, name, None)
    if tick.volume is not None and not (tick.volume.is_finite() and tick.volume >= 0):
        tick.volume = None
    return tick
