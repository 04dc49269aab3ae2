"""A symbol's timestamps strictly increase."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from chalicelib.domain.times import just_after
from producer.wire import WireTick


class Ordering:
    """Knows each symbol's last timestamp.

    What is live and not later than the last is moved to just after it: two trades of one
    millisecond are two ticks. What is recorded keeps its timestamps: a tick that comes again as it
    was is a repeat (archives hold at-least-once) and does not pass, one with other values corrects
    the last. An older tick passes if it is backfilled: nobody is alerted of it. Historical bars are
    not part of this order.
    """

    def __init__(self, *, recorded: bool, latest: Mapping[str, str] | None = None) -> None:
        self._recorded = recorded
        self.latest: dict[str, str] = dict(latest or {})
        self._last: dict[str, WireTick] = {}

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Know nothing of the symbols that `drops` names any more."""
        for name in [name for name in self.latest if drops(name)]:
            del self.latest[name]
            self._last.pop(name, None)

    def admit(self, tick: WireTick) -> str | None:
        """Why the tick does not pass, None when it does. May move its timestamp."""
        if tick.bar is not None:
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
        """Whether the last tick comes again as it was. One of an earlier run is not known here and
        may be sent again, which changes nothing."""
        last = self._last.get(tick.symbol)
        return last is not None and tick == replace(last, sent_at=tick.sent_at)
