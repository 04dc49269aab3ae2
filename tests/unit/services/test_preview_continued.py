"""A preview that continues another one finds what a single one finds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.detection import MAX_PENDING, Watch
from chalicelib.domain.rules import Rule, parse_rule
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import to_text
from chalicelib.services.rules.preview import Preview
from chalicelib.services.rules.preview_run import MAX_ALERTS, Previewed
from tests.factories import make_rule, make_tick
from tests.unit.domain.watched import Watched

OPEN = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
SHOWN = Watch((), 5, 20)


def ruled(interval: str, **fields: Any) -> Rule:
    return parse_rule({"symbol": "AAPL", "interval": interval, **fields}, "r1")


RULES = [
    {"condition": "greater_than", "value": 100},
    {"condition": "greater_than", "value": 100, "trigger": "once"},
    {"condition": "less_than", "value": 100, "cooldown_seconds": 400},
    {"condition": "crossing", "value": 100, "trigger": "once_per_session"},
    {"condition": "change_percent", "value": 2},
    {"condition": "moving_percent", "value": 2, "window": 2},
    {"condition": "average_cross", "fast": 2, "slow": 5},
    {"when": "close(1m) > 100", "trigger": "once_per_bar"},
    {"when": "close crosses above 100 within 3 bars and not close > 104"},
    {"when": "close < 150 for 4 bars"},
]


def two_sessions() -> list[Tick]:
    """Ticks over two sessions, with a split 2:1 between them."""
    source, found = random.Random(23), []
    for day, split in ((0, None), (1, "2:1")):
        price = 200.0 if day == 0 else 100.0
        for minute in range(0, 90, 2):
            price += source.choice([-2, -1, 0, 1, 2])
            stamp = to_text(OPEN + timedelta(days=day, minutes=minute))
            found.append(
                make_tick(
                    price,
                    timestamp=stamp,
                    market_state="REGULAR",
                    split=split,
                    previous_close=100 if day else 200,
                )
            )
    return found


def told(previewed: Previewed) -> list[tuple[object, ...]]:
    return [(one.timestamp, one.price, one.message, one.values) for one in previewed.alerts]


@pytest.fixture(scope="module")
def watched() -> Watched:
    watched = Watched()
    watched.feed(two_sessions(), 10)
    return watched


@pytest.mark.parametrize("interval", ["tick", "1m", "5m", "1h", "1d"])
@pytest.mark.parametrize("given", RULES, ids=lambda given: given.get("when") or given["condition"])
def test_continued_previews_find_what_one_finds(
    watched: Watched, given: dict[str, Any], interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.rules.preview._PAGE", 7)
    rule = ruled(interval, **given)
    one = Preview(watched.stores, SHOWN)(rule, "AAPL", None, None)
    stopping = Preview(watched.stores, SHOWN, lambda: 1.0)
    found, calls = stopping(rule, "AAPL", None, None, 0.5), 1
    while not found.complete:
        assert found.position is not None
        more = stopping(rule, "AAPL", None, None, 0.5, found.position)
        found, calls = found.joined(more), calls + 1
    assert told(found) == told(one)
    assert (found.judged, found.unknown, found.until) == (one.judged, one.unknown, one.until)
    assert found.fired_at == one.fired_at
    assert calls > 5 or interval in ("1h", "1d")


def test_the_whole_of_a_range_is_tried_until_the_deadline(watched: Watched) -> None:
    rule = make_rule("every_record", value=None, interval="1m")

    def in_parts(ends: float) -> Preview:
        seconds: Iterator[int] = iter(range(10_000))
        return Preview(watched.stores, SHOWN, lambda: next(seconds) if ends else 0.0)

    assert in_parts(0).whole(rule, "AAPL", None, None, 1.0).complete
    stopped = in_parts(1).whole(rule, "AAPL", None, None, 30.0)
    assert (stopped.complete, stopped.judged > 20) == (False, True)


def test_no_alert_is_lost_at_the_bound_of_a_preview_on_ticks() -> None:
    watched = Watched()
    ticks = [
        make_tick(1 + n % 2, timestamp=to_text(OPEN + timedelta(seconds=n)))
        for n in range(MAX_ALERTS + 70)
    ]
    watched.feed(ticks, 500)
    rule, preview = make_rule("every_record", value=None), Preview(watched.stores, SHOWN)
    first = preview(rule, "AAPL", None, None)
    assert not first.complete
    assert MAX_ALERTS - MAX_PENDING < len(first.alerts) <= MAX_ALERTS
    whole = preview.whole(rule, "AAPL", None, None, float("inf"))
    assert [one.timestamp for one in whole.alerts] == [tick.timestamp for tick in ticks]
