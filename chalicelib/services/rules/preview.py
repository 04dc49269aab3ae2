"""Preview when a rule would have fired over a range of history, with the code of live detection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from chalicelib.domain.detection import State, Watch
from chalicelib.domain.errors import RuleError
from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.splits import DatedClose
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after
from chalicelib.services.bars.closes import ClosesBefore
from chalicelib.services.bars.time_limits import TimeIsUp
from chalicelib.services.market_data.queries import Adjustment
from chalicelib.services.rules.closed_bars import ClosedBars
from chalicelib.services.rules.last_ticks import LastTicks
from chalicelib.services.rules.preview_run import (
    MAX_BARS,
    MAX_TICKS,
    Position,
    Previewed,
    PreviewRun,
    Window,
)
from chalicelib.services.stores import Stores

_PAGE = 2_000


class Preview:
    """The preview service. It reads bars for rules on bars, and ticks for rules on ticks."""

    def __init__(
        self, stores: Stores, shown: Watch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stores = stores
        self._shown = shown
        self._clock = clock

    def __call__(
        self,
        rule: Rule,
        symbol: str,
        start: str | None,
        end: str | None,
        deadline: float = float("inf"),
        since: Position | None = None,
        *,
        is_in_force: bool = False,
    ) -> Previewed:
        """Evaluate `rule` for one symbol over `[start, end)`; None is an open end. To continue an
        earlier preview of the rule, pass the position that it reached as `since`, which replaces
        `start`. Otherwise the rule begins as a new one. If it `is_in_force`, it begins like a rule
        that was evaluated before.

        Stops at the deadline, a time of the clock; the result is then not `complete`. Raises
        RuleError if the rule is for another symbol, or needs too many bars.
        """
        if rule.symbol not in (ANY_SYMBOL, symbol):
            raise RuleError("symbol", rule.symbol, f"{symbol} or *")
        rule = msgspec.structs.replace(rule, enabled=True)
        if since is not None:
            start = just_after(since.until) if rule.interval == "tick" else since.until
        time_is_up = lambda: self._clock() >= deadline  # noqa: E731
        run = PreviewRun(
            rule, symbol, self._watch(rule), time_is_up, since, is_in_force=is_in_force
        )
        if rule.when is not None:
            return self._when(rule, symbol, (start, end), run, time_is_up)
        if rule.interval == "tick":
            return run.over_ticks(
                self._warm_up(rule, symbol, start), self._ticks(symbol, start, end)
            )
        before = self._before(rule, symbol, start)
        state = self.stores.state.get(symbol) or State(symbol=symbol)
        closed = ClosedBars(self.stores, rule, state, time_is_up)
        parts = closed.last_parts(start, end, run.close_before(before))
        ticks = LastTicks(self.stores, symbol, rule.interval, state.timezone)
        window = Window(before, state.splits, self._closes_shown(rule))
        try:
            return run.over_bars(parts, window, ticks)
        except TimeIsUp:
            return run.result(complete=False)

    def adjusted(self, adjustment: Adjustment) -> Preview:
        """Return a preview service that adjusts bars by `adjustment`, see AdjustedStates. Live
        rules are evaluated without this adjustment."""
        from chalicelib.services.rules.adjusted_states import AdjustedStates

        states = AdjustedStates(self.stores, adjustment)
        stores = msgspec.structs.replace(self.stores, state=states)
        return Preview(stores, self._shown, self._clock)

    def whole(
        self,
        rule: Rule,
        symbol: str,
        start: str | None,
        end: str | None,
        deadline: float,
        *,
        is_in_force: bool = False,
    ) -> Previewed:
        """Evaluate `rule` over the whole range, in as many previews as necessary, until the
        deadline. Raises RuleError."""
        found = self(rule, symbol, start, end, deadline, is_in_force=is_in_force)
        while not found.complete and found.position and self._clock() < deadline:
            found = found.joined(self(rule, symbol, start, end, deadline, found.position))
        return found

    def _when(
        self,
        rule: Rule,
        symbol: str,
        reach: tuple[str | None, str | None],
        run: PreviewRun,
        time_is_up: Callable[[], bool],
    ) -> Previewed:
        """Preview a rule with `when`. Its modules are imported here, since few rules need them.
        Raises RuleError if the rule needs too many bars."""
        from chalicelib.services.rules.when_preview import WhenPreview, check_cost

        check_cost(rule)
        state = self.stores.state.get(symbol) or State(symbol=symbol)
        preview = WhenPreview(
            self.stores,
            rule,
            state,
            self._watch(rule),
            run.position,
            run.is_in_force,
            time_is_up,
        )
        if rule.interval == "tick":
            judged = preview.over_ticks(self._ticks(symbol, *reach))
            return run.over_judged(judged, MAX_TICKS)
        before = run.close_before(self._before(rule, symbol, reach[0]))
        closed = ClosedBars(self.stores, rule, state, time_is_up)
        parts = run.not_judged(closed.last_parts(*reach, before))
        ticks = LastTicks(self.stores, symbol, rule.interval, state.timezone)
        return run.over_judged(preview.over_bars(parts, ticks), MAX_BARS)

    def _watch(self, rule: Rule) -> Watch:
        return Watch((rule,), self._shown.fast, self._shown.slow)

    def _before(self, rule: Rule, symbol: str, start: str | None) -> list[DatedClose]:
        if start is None:
            return []
        history = ClosesBefore(self.stores.bars, symbol)
        count = self._closes_shown(rule)
        return [row.dated for row in history(rule.interval, start, start, count)]

    def _closes_shown(self, rule: Rule) -> int:
        """Return how many closes before a bar are needed by the rule and by the averages in its
        alerts."""
        return max(rule.closes_to_begin, self._shown.slow)

    def _warm_up(self, rule: Rule, symbol: str, start: str | None) -> list[Tick]:
        if start is None:
            return []
        depth = self._watch(rule).depth
        page = self.stores.prices.ticks(symbol, None, start, limit=depth, descending=True)
        return [stored.tick for stored in reversed(page.rows)]

    def _ticks(self, symbol: str, start: str | None, end: str | None) -> Iterator[list[Tick]]:
        while True:
            page = self.stores.prices.ticks(symbol, start, end, limit=_PAGE, most=5 * _PAGE)
            yield [stored.tick for stored in page.rows]
            if page.next_key is None:
                return
            start = just_after(page.next_key)
