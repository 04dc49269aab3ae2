"""Preview: what a rule would have fired over a range of history, by the code that judges live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby

import msgspec

from chalicelib.domain.alerts import Alert
from chalicelib.domain.detection import MAX_PENDING, State, Watch, advance, make_alert
from chalicelib.domain.errors import RuleError
from chalicelib.domain.folding import BASE_OF, label
from chalicelib.domain.rules import ANY_SYMBOL, Rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later
from chalicelib.domain.watching import Latch, Point, judge
from chalicelib.services.closes import ClosesBefore
from chalicelib.services.last_ticks import LastTicks
from chalicelib.services.stores import Close, Stores

MAX_BARS = 150_000
MAX_TICKS = 50_000
MAX_ALERTS = 1_000
"""More than a year of 1m bars, and what one answer can hold and do in its time."""

_PAGE = 2_000


class Previewed(msgspec.Struct, frozen=True):
    """What would have fired, in order.

    `judged` counts the prices that the rule was judged at; `complete` is false where a bound was
    reached before the end of the range, `until` says how far it got.
    """

    alerts: tuple[Alert, ...]
    judged: int
    complete: bool
    until: str | None


class Preview:
    """The service; reads bars for rules on bars, ticks for rules on ticks."""

    def __init__(self, stores: Stores, shown: Watch) -> None:
        self._stores = stores
        self._shown = shown

    def __call__(self, rule: Rule, symbol: str, start: str | None, end: str | None) -> Previewed:
        """Judge `rule` for one symbol over `[start, end)`; None is an open end.

        Raises RuleError where the rule is another symbol's.
        """
        if rule.symbol not in (ANY_SYMBOL, symbol):
            raise RuleError("symbol", rule.symbol, f"{symbol} or *")
        rule = msgspec.structs.replace(rule, enabled=True)
        run = _Run(rule, symbol, self._watch(rule))
        if rule.interval == "tick":
            return run.over_ticks(
                self._warm_up(rule, symbol, start), self._ticks(symbol, start, end)
            )
        closes = self._closes(rule, symbol, start, end)
        parts = _last_parts(closes, rule.interval)
        times = LastTicks(self._stores, symbol, rule.interval)
        return run.over_bars(self._before(rule, symbol, start), parts, times)

    def _watch(self, rule: Rule) -> Watch:
        return Watch((rule,), self._shown.fast, self._shown.slow)

    def _closes(
        self, rule: Rule, symbol: str, start: str | None, end: str | None
    ) -> Iterator[Close]:
        base = BASE_OF[rule.interval]
        closes = self._stores.bars.closes(symbol, base, start, end)
        return (close for close in closes if not close.extended)

    def _before(self, rule: Rule, symbol: str, start: str | None) -> list[Decimal]:
        if start is None:
            return []
        history = ClosesBefore(self._stores.bars, symbol)
        count = max(rule.closes_to_begin, self._shown.slow)
        return [row.dated[1] for row in history(rule.interval, start, start, count)]

    def _warm_up(self, rule: Rule, symbol: str, start: str | None) -> list[Tick]:
        if start is None:
            return []
        depth = self._watch(rule).depth
        page = self._stores.prices.ticks(symbol, None, start, limit=depth, descending=True)
        return [stored.tick for stored in reversed(page.rows)]

    def _ticks(self, symbol: str, start: str | None, end: str | None) -> Iterator[list[Tick]]:
        while True:
            page = self._stores.prices.ticks(symbol, start, end, limit=_PAGE)
            yield [stored.tick for stored in page.rows]
            if page.next_key is None:
                return
            start = just_after(page.next_key)


class _Run:
    """One rule over one range."""

    def __init__(self, rule: Rule, symbol: str, watch: Watch) -> None:
        self._rule = rule
        self._symbol = symbol
        self._watch = watch
        self._alerts: list[Alert] = []
        self._judged = 0
        self._until: str | None = None

    def over_ticks(self, warm_up: list[Tick], pages: Iterable[list[Tick]]) -> Previewed:
        """The very run that detect makes, over as many ticks as there are."""
        state = State(symbol=self._symbol)
        closes = tuple(tick.price for tick in warm_up)
        state = msgspec.structs.replace(state, last=warm_up[-1] if warm_up else None, closes=closes)
        for page in pages:
            ticks = page
            while ticks:
                outcome = advance(state, ticks, self._watch, _aloud)
                state = outcome.state
                self._take(state.pending, outcome.taken, state.last_timestamp)
                ticks = ticks[outcome.taken :]
                if self._is_full(MAX_TICKS - MAX_PENDING):
                    return self._result(complete=False)
        return self._result(complete=True)

    def over_bars(
        self, before: list[Decimal], closes: Iterable[Close], times: LastTicks
    ) -> Previewed:
        """The closes of bars in order, after those before the range; `closes` are the last stored
        part of each bar."""
        latch: Latch | None = None
        window = before
        needed = max(self._rule.closes_to_begin, self._watch.slow) + 1
        session, previous_close, last = "", None, before[-1] if before else None
        for bar in closes:
            if bar.date != session:
                session, previous_close = bar.date, last
            window = [*window[-needed + 1 :], bar.close]
            start = label(bar.start, self._rule.interval)
            point = Point(
                timestamp=start,
                price=bar.close,
                previous_price=last,
                previous_close=previous_close,
                session=session,
                scope=start,
                closes=window,
            )
            if self._may_fire(latch, point, bar):
                point = msgspec.structs.replace(point, timestamp=times.time_of(bar) or start)
            latch, fires = judge(self._rule, latch, point)
            self._take([self._alert(point)] if fires else [], 1, start)
            last = bar.close
            if self._is_full(MAX_BARS):
                return self._result(complete=False)
        return self._result(complete=True)

    def _may_fire(self, latch: Latch | None, point: Point, part: Close) -> bool:
        """Whether the rule fires if the bar's last tick is as late as it can be; most bars need
        no look for that tick then, which only matters for an alert's time and a cooldown."""
        latest = later(part.start, days=2)
        return judge(self._rule, latch, msgspec.structs.replace(point, timestamp=latest))[1]

    def _alert(self, point: Point) -> Alert:
        tick = Tick(
            symbol=self._symbol,
            timestamp=point.timestamp,
            price=point.price,
            previous_close=point.previous_close,
        )
        return make_alert(self._rule, point, tick, self._watch, "preview")

    def _take(self, alerts: Iterable[Alert], judged: int, until: str) -> None:
        self._alerts += alerts
        self._judged += judged
        self._until = until

    def _is_full(self, most: int) -> bool:
        return self._judged >= most or len(self._alerts) >= MAX_ALERTS

    def _result(self, *, complete: bool) -> Previewed:
        return Previewed(tuple(self._alerts[:MAX_ALERTS]), self._judged, complete, self._until)


def _aloud(_tick: Tick) -> str:
    """Nothing is quiet in a preview, where nothing is sent."""
    return ""


def _last_parts(closes: Iterable[Close], interval: str) -> Iterator[Close]:
    """The last stored bar of each bar of `interval`, whose close is the whole's."""
    for _, parts in groupby(closes, key=lambda close: label(close.start, interval)):
        *_, last = parts
        yield last
