"""Conditions over historical bars, which do not name their session."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.rules import parse_rule
from chalicelib.domain.times import to_text
from chalicelib.services.stores import Page
from tests.factories import make_tick
from tests.fake_series import FakeBars
from tests.unit.domain.watched import Watched
from tests.unit.when.a_session import OPEN, at, days, preview, rule, shown, with_history


def with_closes(*closes: int) -> list[Bar]:
    return [
        msgspec.structs.replace(
            day, open=Decimal(close), high=Decimal(close), low=Decimal(close), close=Decimal(close)
        )
        for day, close in zip(days(len(closes)), closes, strict=True)
    ]


@pytest.mark.parametrize(
    ("when", "fired"),
    [
        ("day_change > 4", ["2026-11-18"]),
        ("gap < -3", ["2026-11-19"]),
        ("close > vwap", []),
        ("day_change > -100", ["2026-11-17"]),
    ],
)
def test_a_day_of_history_is_a_session(when: str, fired: list[str]) -> None:
    watched = Watched(rule(when, "1d"))
    with_history(watched, with_closes(100, 100, 105, 101))
    watched.feed([at(0, 101), at(1, 101)])
    assert [alert.timestamp[:10] for alert in preview(watched, watched.rules[0]).alerts] == fired


def test_the_days_before_are_not_one_session_live() -> None:
    watched = Watched(
        rule("day_change(1d) > 4", rule_id="r1"), rule("vwap(1d) > 104", "1m", rule_id="r2")
    )
    with_history(watched, with_closes(100, 100, 105))
    watched.feed([at(0, 105), at(1, 105)])
    fired = {alert.rule_id: alert.values for alert in watched.fired()}
    assert fired["r1"]["day_change(1d)"] == 5
    assert fired["r2"]["vwap(1d)"] == 105


def minutes(symbol: str, first: datetime, closes: list[int], apart: timedelta) -> list[Bar]:
    """Historical minutes."""
    return [
        Bar(
            symbol=symbol,
            interval="1m",
            start=to_text(first + apart * n),
            open=Decimal(close),
            high=Decimal(close),
            low=Decimal(close),
            close=Decimal(close),
            volume=Decimal(10),
        )
        for n, close in enumerate(closes)
    ]


def test_minutes_of_history_belong_to_their_sessions() -> None:
    """Futures trade from 18:00 in New York, so midnight in UTC is within a session."""
    watched = Watched(parse_rule({"symbol": "ES=F", "interval": "1m", "when": "gap > 4"}, "r1"))
    evening = OPEN.replace(day=18, hour=21, minute=58)  # 16:58, and the next session from 23:00 on
    bars = minutes("ES=F", evening, [100, 100], timedelta(minutes=1))
    night = OPEN.replace(day=18, hour=23, minute=0)
    bars += minutes("ES=F", night, [105] * 6, timedelta(minutes=30))
    watched.stores.bars.write_history(bars, "2026-11-20T00:00:00.000000Z", 0.0)
    later = OPEN.replace(day=19, hour=2)
    watched.feed([make_tick(105, symbol="ES=F", timestamp=to_text(later + timedelta(minutes=n)))
                  for n in range(3)])  # fmt: skip
    alerts = preview(watched, watched.rules[0]).alerts
    assert shown(alerts) == [("23:00", Decimal(105))]
    assert shown(watched.fired("ES=F")) == [("02:30", Decimal(105))]


class CountedBars(FakeBars):
    """Bars that count the rows that are read."""

    rows = 0

    def bars(self, *given: Any, **more: Any) -> Page[Bar]:
        page = super().bars(*given, **more)
        self.rows += len(page.rows)
        return page


@pytest.mark.parametrize("ticks", [0, 1])
@pytest.mark.parametrize("interval", ["1m", "5m"])
def test_a_preview_of_history_reads_each_bar_once(
    ticks: int, interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether there is no price yet, or history goes on after the last one."""
    monkeypatch.setattr("chalicelib.services.rules.when_preview._AT_ONCE", 10)
    watched, bars = Watched(rule("close > sma(2)", interval)), CountedBars()
    watched.stores = msgspec.structs.replace(watched.stores, bars=bars)
    watched.containers(1)
    watched.feed([at(-1440, 100)][:ticks])
    history = minutes("AAPL", OPEN, [100 + n % 3 for n in range(300)], timedelta(minutes=1))
    bars.write_history(history, "2026-11-20T00:00:00.000000Z", 0.0)
    assert preview(watched, watched.rules[0]).judged >= 59
    assert bars.rows < 1.5 * len(history)
