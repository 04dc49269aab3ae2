"""The source plans: which source a tracked symbol's series has from which instant on.

`PUT /symbols` stores the plans in the items of the list "tracked". A producer drops what ingest
would refuse: ticks and history of times that belong to another source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.domain.errors import TickError
from chalicelib.domain.sources import Sources, parse_sources
from chalicelib.domain.standby import Standby, parse_standby
from chalicelib.domain.ticks import UNKNOWN_SOURCE, family
from chalicelib.domain.times import to_text
from producer.wire import WireTick

LATE = timedelta(minutes=40)
"""For how long after a switch prices of the old source may still come. Yahoo delays prices of some
exchanges by 30 minutes."""

REASON = "another source's time"


class SourcePlans:
    """The plans of all symbols that have a plan. `own` is the source of this producer.

    A producer that claims symbols follows each symbol of which it is the first source or the
    standby. It follows such a symbol whatever the current source is. `heard` is called with the
    symbol of each live tick.
    """

    def __init__(
        self,
        own: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self._own = family(own)
        self._clock = clock
        self._heard = heard
        self._plans: dict[str, Sources] = {}
        self._standbys: dict[str, Standby] = {}

    def learn(self, items: Iterable[Mapping[str, Mapping[str, str]]]) -> None:
        """Replace all plans by those of the list's items, which are as DynamoDB returns them. An
        item gives no plan if it has neither source nor switches, or unreadable ones."""
        read = [(item["symbol"]["S"], item) for item in items]
        plans = ((symbol, _plan_of(item)) for symbol, item in read)
        self._plans = {symbol: plan for symbol, plan in plans if plan is not None}
        standbys = ((symbol, _text(item, "standby")) for symbol, item in read)
        found = ((symbol, parse_standby(text)) for symbol, text in standbys)
        self._standbys = {symbol: one for symbol, one in found if one and one.has(self._own)}

    def standby_of(self, symbol: str) -> Standby | None:
        """Return a symbol's standby if this producer is the standby or the first source; else
        None."""
        return self._standbys.get(symbol)

    def last_source(self, symbol: str) -> str | None:
        """Return the source of a series after its last switch; None if it is not known."""
        plan = self._plans.get(symbol)
        return plan.last if plan is not None else None

    def is_anothers(self, symbol: str) -> bool:
        """Return whether the series needs no prices of this producer's source, now or later. Return
        False if the symbol has no plan, or if this producer may claim it."""
        plan = self._plans.get(symbol)
        if plan is None or plan.first is None:
            return False
        if self._heard is not None and symbol in self._standbys:
            return False
        since = to_text(self._clock() - LATE)
        later = (one.source for one in plan.switches if one.timestamp > since)
        return all(family(source) != self._own for source in (plan.at(since) or "", *later))

    def refuses(self, tick: WireTick) -> bool:
        """Return whether ingest would refuse a tick or bar because of its source. Calls `heard` for
        a live tick."""
        if self._heard is not None and tick.is_live and tick.mode != "backfill":
            self._heard(tick.symbol)
        plan = self._plans.get(tick.symbol)
        if plan is None:
            return False
        return plan.refusal(tick.source or UNKNOWN_SOURCE, tick.timestamp) is not None


def _text(item: Mapping[str, Mapping[str, str]], name: str) -> str | None:
    return item.get(name, {}).get("S")


def _plan_of(item: Mapping[str, Mapping[str, str]]) -> Sources | None:
    first, switches = _text(item, "source"), _text(item, "switches")
    if first is None and switches is None:
        return None
    try:
        return parse_sources(",".join(part for part in (first or UNKNOWN_SOURCE, switches) if part))
    except TickError:
        return None
