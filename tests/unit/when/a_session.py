"""Rules with `when` on AAPL over a session, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from chalicelib.domain.alerts import Alert
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import Watch
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.rules.preview import Preview
from chalicelib.services.rules.preview_run import Previewed
from tests.factories import make_tick
from tests.unit.domain.watched import Watched

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
SHOWN = Watch((), 5, 20)


def rule(when: str, interval: str = "tick", **fields: Any) -> Rule:
    given = {"symbol": "AAPL", "when": when, "interval": interval, **fields}
    return parse_rule(given, str(given.pop("rule_id", "r1")))


def days(count: int, close: int = 100, last: date = date(2026, 11, 19)) -> list[Bar]:
    """Weekdays of history up to a date, at one close. As ingest stores them, without a session."""
    found: list[Bar] = []
    day = last
    while len(found) < count:
        if day.weekday() < 5:
            start = f"{day}T00:00:00.000000Z"
            price = Decimal(close)
            found.append(
                Bar(
                    symbol="AAPL",
                    interval="1d",
                    start=start,
                    open=price,
                    high=price + 1,
                    low=price - 1,
                    close=price,
                    volume=Decimal(1000),
                )
            )
        day -= timedelta(days=1)
    return found[::-1]


def at(minutes: float, price: object, **fields: Any) -> Tick:
    """A tick of the session, minutes after its open."""
    stamp = to_text(OPEN + timedelta(minutes=minutes))
    return make_tick(price, timestamp=stamp, market_state="REGULAR", **fields)


def with_history(watched: Watched, bars: Sequence[Bar]) -> None:
    watched.stores.bars.write_history(bars, "2026-11-20T00:00:00.000000Z", 0.0)
    watched.stores.bars.mark_history(["AAPL"], 0.0)


def shown(alerts: Sequence[Alert]) -> list[tuple[str, Decimal]]:
    return [(alert.timestamp[11:16], alert.price) for alert in alerts]


def preview(watched: Watched, one: Rule, end: str | None = None) -> Previewed:
    return Preview(watched.stores, SHOWN)(one, one.symbol, None, end)
