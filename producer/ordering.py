"""Keeps each symbol's timestamps strictly increasing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from chalicelib.domain.times import just_after
from producer.wire import WireTick


class Ordering:
    """Tracks each symbol's last timestamp.

    A live tick that is not later than the last is moved to just after it: two trades in one
    millisecond are two ticks. Recorded ticks keep their timestamps: an identical tick is a repeat
    and is dropped (archives hold records at least once), one with other values corrects the last.
    Older ticks pass if they are backfilled: they raise no alerts. Historical bars and actions are
    not ordered here.
    """

    def __init__(self, *, recorded: bool, latest: Mapping[str, str] | None = None) -> None:
        self._recorded = recorded
        self.latest: dict[str, str] = dict(latest or {})
        self._last: dict[str, WireTick] = {}

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Forget the symbols that `drops` selects."""
        for name in [name for name in self.latest if drops(name)]:
            del self.latest[name]
            self._last.pop(name, None)

    def admit(self, tick: WireTick) -> str | None:
        """Return why the tick is dropped; None if it passes. May move its timestamp."""
        if not tick.is_live:
            return None
        last = self.latest.get(tick.symbol, "")
        if tick.timestamp <= last:
            if not self._recorded:
                tick.timestamp = just_after(last)
            elif tick.timestamp < last:
                return None if tick.mode == "backfill" else "out of order"
            elif self._is_repeat(tick):
                return "repeat"
        self.latest[tick.symbol] = tick.timestamp
        if self._recorded:
            self._last[tick.symbol] = tick
        return None

    def _is_repeat(self, tick: WireTick) -> bool:
        """Return whether the tick repeats the last one.

        A repeat of an earlier run's tick is not detected; sending it again changes nothing.
        """
        last = self._last.get(tick.symbol)
        return last is not None and tick == replace(last, sent_at=tick.sent_at)
