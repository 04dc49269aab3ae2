"""Checks of the stores once everything has been delivered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from chalicelib.bootstrap import Services
from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import Rule
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.services.market_data import queries
from chalicelib.services.market_data import series as reading
from chalicelib.services.market_data.queries import PriceQuery
from tests.model import reference, reference_alerts, reference_when
from tests.model.lab import SLOW, SMALL, Lab
from tests.model.markets import MARKETS
from tests.model.reference import Row
from tests.model.reference_alerts import Fired, Step, version_of
from tests.model.reference_when import without_when

STORED = ("1m", "1h", "1d")
READ: tuple[queries.Interval, ...] = ("1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo")
SHOWN = 7
"""The number of a row's fields in an answer: up to the volume."""

ZONES = {market.symbol: market.zone for market in MARKETS}
KNOWN_WITHIN = 30.0
"""Seconds within which a rule is in force."""


class Series(NamedTuple):
    """The accepted data of a symbol: its ticks by time, and earlier historical days."""

    symbol: str
    ticks: tuple[Tick, ...]
    history: tuple[Row, ...]
    disturbed: bool

    def bars(self, interval: str) -> list[Row]:
        """The model's."""
        return reference.bars(self.ticks, interval, self.history)


class Change(NamedTuple):
    """A rule as it was from a moment on, in the containers' seconds; None from its removal on."""

    seconds: float
    rule_id: str
    rule: Rule | None


def stores(lab: Lab, accepted: Sequence[Series]) -> Iterator[str]:
    """Yield errors of prices and bars: all differences from the model."""
    services = Services(SMALL, lambda: lab.now, lab.aws)
    if lab.missed:
        yield f"detection passed over ticks that were stored: {lab.missed}"
    for one in accepted:
        page = services.stores.prices.ticks(one.symbol, None, None, limit=5000, consistent=True)
        found = _ticks(stored.tick for stored in page.rows)
        yield from differences(found, _ticks(one.ticks), f"prices of {one.symbol}")
        yield from _stored_bars(services, one)
        yield from _read_bars(services, one)


def _ticks(ticks: Iterable[Tick]) -> list[Any]:
    """Each tick by its timestamp and all its fields."""
    return [(tick.timestamp, tick) for tick in ticks]


def row_of(bar: Bar) -> Row:
    """A bar of the product as the model has it."""
    day = bar.session_date or bar.start[:10]
    return Row(
        start=reference.instant_of(bar.start),
        extended=bar.extended,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        ticks=bar.ticks,
        day=date.fromisoformat(day),
    )


def _stored_bars(services: Services, one: Series) -> Iterator[str]:
    """In the table are all bars but those that still run."""
    for interval in STORED:
        page = services.stores.bars.bars(one.symbol, interval, None, None, limit=5000)
        unfinished = [bar for bar in page.rows if not bar.closed]
        if unfinished:
            yield f"bars are stored before their end: {unfinished}"
        running = _running(one, interval)
        found = [row for row in map(row_of, page.rows) if row.key not in running]
        expected = [row for row in one.bars(interval) if row.key not in running]
        yield from differences(found, expected, f"stored bars {one.symbol}#{interval}")


def differences(found: Iterable[Any], expected: Iterable[Any], what: str) -> Iterator[str]:
    """Yield missing and excess entries as one text; none if both are equal."""
    mine, wanted = sorted(found), sorted(expected)
    if mine != wanted:
        more = [one for one in mine if one not in wanted]
        less = [one for one in wanted if one not in mine]
        lines = [f"{what}:", *(f"  is not to be there: {_text(one)}" for one in more)]
        lines += [f"  is missing: {_text(one)}" for one in less]
        yield "\n".join(lines)


def _text(row: Iterable[Any]) -> str:
    return " ".join(map(str, row))


def _running(one: Series, interval: str) -> set[tuple[object, bool]]:
    """The bars that have not ended: those of the newest minute, and the newest day."""
    placed = reference.prints(one.ticks)
    newest = [last for last in placed if last.minute == placed[-1].minute]
    if interval == "1d":
        return {row.key for row in one.bars("1d")[-1:] if row.ticks}
    if interval == "1h":
        return {(last.hour, last.extended) for last in newest}
    return {(last.minute, last.extended) for last in newest}


def _read_bars(services: Services, one: Series) -> Iterator[str]:
    """A reader gets all bars of every interval, those included that still run."""
    for interval in READ:
        query = PriceQuery(symbol=one.symbol, interval=interval, limit=None)
        reader = reading.Series(services.stores)
        rows = reader.bars(query, reader.known(one.symbol)).rows
        found = [row_of(bar)[:SHOWN] for bar in rows]
        expected = [row[:SHOWN] for row in one.bars(interval)]
        yield from differences(found, expected, f"{interval} of {one.symbol}, as they are read")


def alerts(lab: Lab, accepted: Sequence[Series]) -> Iterator[str]:
    """Yield errors of alerts: each is recorded once, and known to the model."""
    services = Services(SMALL, lambda: lab.now, lab.aws)
    ids: list[str] = []
    for one in accepted:
        rows = services.stores.alerts.by_symbol(one.symbol, None, None, limit=5000).rows
        steps = lab.steps[one.symbol]
        yield from _alerts_on_ticks(one.symbol, rows, steps)
        if not one.disturbed:
            detected = _ticks(tick for step in steps for tick in step.ticks)
            yield from differences(detected, _ticks(one.ticks), f"in time of {one.symbol}")
            yield from _alerts_on_bars(one, rows, steps)
            yield from _alerts_when(one, rows, steps)
        yield from _triggers(one.symbol, rows, steps)
        loud = [row for row in rows if not row.alert.quiet]
        if not all(row.notified_at for row in loud):
            yield f"an alert of {one.symbol} was not sent"
        ids += [row.alert.alert_id for row in loud]
    yield from _messages(lab, ids)


def _alerts_on_ticks(symbol: str, rows: Sequence[StoredAlert], steps: list[Step]) -> Iterator[str]:
    expected = reference_alerts.alerts_on_ticks(without_when(steps), SLOW)
    found = _fired(_others(rows), ticks=True)
    return differences(found, expected, f"alerts on ticks of {symbol}")


def _alerts_on_bars(one: Series, rows: Sequence[StoredAlert], steps: list[Step]) -> Iterator[str]:
    expected = reference_alerts.alerts_on_bars(without_when(steps), one.history)
    found = _fired(_others(rows), ticks=False)
    return differences(found, expected, f"alerts on bars of {one.symbol}")


def _alerts_when(one: Series, rows: Sequence[StoredAlert], steps: list[Step]) -> Iterator[str]:
    mine = [row for row in rows if row.alert.condition == "when"]
    found = sorted([*_fired(mine, ticks=True), *_fired(mine, ticks=False)])
    expected = reference_when.alerts_when(steps, one.history)
    return differences(found, expected, f"alerts `when` of {one.symbol}")


def _others(rows: Sequence[StoredAlert]) -> list[StoredAlert]:
    return [row for row in rows if row.alert.condition != "when"]


def _fired(rows: Sequence[StoredAlert], *, ticks: bool) -> list[Fired]:
    return [
        Fired(alert.timestamp, alert.rule_id, alert.price, not alert.quiet)
        for alert in (row.alert for row in rows)
        if (alert.interval == "tick") == ticks
    ]


def _triggers(symbol: str, rows: Sequence[StoredAlert], steps: list[Step]) -> Iterator[str]:
    """Whatever happened between, a version of a rule fires no more often than its trigger says."""
    rules: dict[str, set[Rule]] = defaultdict(set)
    for step in steps:
        for rule in step.rules:
            rules[rule.rule_id].add(version_of(rule))
    recorded = [row.alert for row in rows]
    for alert in recorded:
        if alert.rule_id not in rules:
            yield f"{alert.rule_id} was never in force for {symbol}"
    for name, versions in rules.items():
        mine = [alert for alert in recorded if alert.rule_id == name]
        trigger = next(iter(versions)).trigger
        scope = _session if trigger == "once_per_session" else _always
        most = max(Counter(map(scope, mine)).values(), default=0)
        if trigger in ("once", "once_per_session") and most > len(versions):
            yield f"{name} of {symbol} fired {most} times, {trigger}"


def _session(alert: Alert) -> object:
    at = reference.instant_of(alert.timestamp)
    return calendar_for(alert.symbol, ZONES[alert.symbol]).session_at(at).date


def _always(alert: Alert) -> object:
    return None


def _messages(lab: Lab, recorded: Sequence[str]) -> Iterator[str]:
    """One for each alert; more only where an invocation published and did not mark."""
    if len(set(recorded)) < len(recorded):
        yield f"an alert is recorded twice: {recorded}"
    sent = Counter(
        message["MessageAttributes"]["alert_id"]["StringValue"] for message in lab.aws.published
    )
    yield from differences(((one,) for one in sent), ((one,) for one in set(recorded)), "messages")
    for alert_id, times in sent.items():
        if times > 1 + lab.unmarked[alert_id]:
            yield f"{alert_id} was sent {times} times"


def rules(lab: Lab, changes: Sequence[Change]) -> Iterator[str]:
    """What is wrong with rules: each is in force within 30 seconds, and what has judged a symbol
    judges it from then on."""
    for symbol, steps in lab.steps.items():
        for step, seconds in zip(steps, lab.stepped_at[symbol], strict=True):
            yield from _in_force(symbol, step, seconds, changes)


def _in_force(symbol: str, step: Step, seconds: float, changes: Sequence[Change]) -> Iterator[str]:
    judged = {rule.rule_id: rule for rule in step.rules}
    mine = [c for c in changes if c.rule is None or c.rule.symbol in (symbol, "*")]
    for name in {change.rule_id for change in mine}:
        history = [change for change in mine if change.rule_id == name]
        settled = [c for c in history if seconds - c.seconds > KNOWN_WITHIN]
        allowed = [c.rule for c in history if seconds - c.seconds <= KNOWN_WITHIN]
        allowed.append(settled[-1].rule if settled else None)
        if judged.get(name) not in allowed:
            yield f"{symbol} was judged by another {name} than in force"
