"""Which source each tracked symbol's series has, and from when on, as `PUT /symbols` has set it.

The API's lines of the list "tracked" tell it. A producer leaves out what ingest would refuse: ticks
and history of times that belong to another source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.domain.errors import TickError
from chalicelib.domain.sources import Sources, parse_sources
from chalicelib.domain.ticks import UNKNOWN_SOURCE, family
from chalicelib.domain.times import to_text
from producer.wire import WireTick

LATE = timedelta(minutes=40)
"""How long after a switch prices of the old source may still come. Yahoo delays some exchanges' by
30 minutes."""

REASON = "another source's time"


class SourcePlans:
    """The plans of the symbols that have one. `own` is the source of this producer."""

    def __init__(self, own: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._own = family(own)
        self._clock = clock
        self._plans: dict[str, Sources] = {}

    def learn(self, items: Iterable[Mapping[str, Mapping[str, str]]]) -> None:
        """Take the items of the list, as DynamoDB returns them. Those without a source, or with
        unreadable switches, have no plan."""
        plans = ((item["symbol"]["S"], _plan_of(item)) for item in items)
        self._plans = {symbol: plan for symbol, plan in plans if plan is not None}

    def is_anothers(self, symbol: str) -> bool:
        """Return whether the series needs no prices of this source, now or later."""
        plan = self._plans.get(symbol)
        if plan is None or plan.first is None:
            return False
        since = to_text(self._clock() - LATE)
        later = (one.source for one in plan.switches if one.timestamp > since)
        return all(family(source) != self._own for source in (plan.at(since) or "", *later))

    def refuses(self, tick: WireTick) -> bool:
        """Return whether ingest would refuse a tick or bar because of its source."""
        plan = self._plans.get(tick.symbol)
        if plan is None:
            return False
        return plan.refusal(tick.source or UNKNOWN_SOURCE, tick.timestamp) is not None


def _plan_of(item: Mapping[str, Mapping[str, str]]) -> Sources | None:
    first, switches = (item.get(name, {}).get("S") for name in ("source", "switches"))
    if first is None and switches is None:
        return None
    try:
        return parse_sources(",".join(part for part in (first or UNKNOWN_SOURCE, switches) if part))
    except TickError:
        return None
