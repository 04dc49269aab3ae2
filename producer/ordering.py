"""A symbol's timestamps strictly increase."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.times import just_after
from producer.wire import WireTick


class Ordering:
    """Knows each symbol's last timestamp.

    What is live and not later than the last is moved to just after it: two trades of one
    millisecond are two ticks. What is recorded keeps its timestamps, so there a tick that is
    not later is a repeat (archives hold at-least-once) and does not pass, but that a backfilled
    one may be late: nobody is alerted of it. Historical bars are not part of this order.
    """

    def __init__(self, *, recorded: bool, latest: Mapping[str, str] | None = None) -> None:
        self._recorded = recorded
        self.latest: dict[str, str] = dict(latest or {})

    def admit(self, tick: WireTick) -> str | None:
        """Why the tick does not pass, None when it does. May move its timestamp."""
        if tick.bar is not None:
            return None
        last = self.latest.get(tick.symbol, "")
        if tick.timestamp <= last:
            if self._recorded:
                if tick.mode == "backfill" and tick.timestamp < last:
                    return None
                return "repeat" if tick.timestamp == last else "out of order"
            tick.timestamp = just_after(last)
        self.latest[tick.symbol] = tick.timestamp
        return None
