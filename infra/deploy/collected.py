"""Checks that the collector works: it has to report, and one of its prices has to be stored.

The collector reports in the symbols table. That table also holds each symbol's progress
(`producer/collector/remembering.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from infra.deploy.stage import Stage
from infra.deploy.waiting import CLOCK, Clock, until_well
from producer import publishing
from producer.collector.items import Items
from producer.collector.memory_store import MemoryStore
from producer.hours import MarketHours

PATIENCE_SECONDS = 420.0
"""The most seconds to wait: the collector starts each minute and fetches history first."""

COMMANDS = {"lambda": "collector", "fargate": "stream"}
"""The name under which each kind of collector reports."""

NOT_TO_BE_WAITED_FOR = {
    "market closed": "the markets of all its symbols are closed",
    "not found by Yahoo": "Yahoo finds none of the symbols whose market is open",
    "no symbols are tracked": "there is nothing to follow until a symbol is tracked on the page",
    "throttled by Yahoo": "Yahoo refuses requests for a while, as often from data centres",
}
"""The beginnings of states in which no price is expected, each with the reason."""

NO_MARKET = NOT_TO_BE_WAITED_FOR["market closed"]


def watch(stage: Stage, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Watch:
    """Return a Watch that notes the collector's progress until now. `now` returns aware times."""
    return Watch(stage, now)


class Watch:
    """Follows the collector's progress from the time of its creation."""

    def __init__(self, stage: Stage, now: Callable[[], datetime]) -> None:
        self._stage = stage
        self._now = now
        self._since = now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self._kind = stage.collector.kind
        self._before = self._latest()
        self._said = ""

    def wait(self, clock: Clock = CLOCK) -> list[str]:
        """Wait until a price is stored, or the collector's state says that none is expected.

        Returns the lines to print. Raises DeployError if neither happens in PATIENCE_SECONDS.
        """
        if self._kind == "none":
            return ["the stage has no collector: did not wait for a collected price"]
        until_well(self._complaint, PATIENCE_SECONDS, clock, every=2.0)
        return [self._said]

    def _complaint(self) -> str:
        log = f"see the log of {self._stage.collector.name} (docs/operating.md)"
        state = self._reported()
        if state is None:
            return f"the collector has not reported; {log}"
        self._said = self._result(state)
        return "" if self._said else f"no collected price was stored, in state {state!r}; {log}"

    def _result(self, state: str) -> str:
        """Return the line to print for a state of the collector, or an empty text to wait on."""
        for beginning, why in NOT_TO_BE_WAITED_FOR.items():
            if state.startswith(beginning):
                return f"did not wait for a collected price: {why} ({state})"
        if self._kind == "fargate":  # a stream stores no progress in the table
            return f"the collector reports: {state}" if state == "live" else ""
        latest = self._latest()
        new = {name: time for name, time in latest.items() if time != self._before.get(name)}
        symbol = next((name for name, time in new.items() if self._is_stored(name, time)), None)
        if symbol:
            return f"a collected price of {symbol} was stored"
        if latest and not MarketHours().gives_prices(
            latest, self._now()
        ):  # a market has just closed
            return f"did not wait for a collected price: {NO_MARKET} ({state})"
        return ""

    def _reported(self) -> str | None:
        """Return the state that the collector reported after this Watch was created, or None."""
        name = COMMANDS[self._kind]
        item = self._stage.item("SYMBOLS_TABLE", list=publishing.LIST, symbol=name)
        is_new = item and item["time"]["S"] >= self._since
        return str(item["state"]["S"]) if is_new else None

    def _latest(self) -> Mapping[str, str]:
        """Return the time of the last tick that the collector sent for each symbol."""
        if self._kind != "lambda":
            return {}
        items = Items(self._stage.client("dynamodb"), self._stage.environment["SYMBOLS_TABLE"])
        return MemoryStore(items).read(self._now()).memory.latest

    def _is_stored(self, symbol: str, time: str) -> bool:
        return bool(self._stage.item("PRICES_TABLE", symbol=symbol, timestamp=time))
