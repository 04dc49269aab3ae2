"""How often a rule would have fired over a year: entries within it, and storms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from chalicelib.domain.detection import Watch
from chalicelib.domain.rules import parse_rule
from chalicelib.domain.times import to_text
from chalicelib.services.rules.preview import Preview
from chalicelib.services.rules.preview_run import Previewed
from chalicelib.services.rules.yearly import fires_of
from tests.factories import NEVER, make_alert, make_bar, make_tick
from tests.unit.domain.watched import ARRIVAL, Watched

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SHOWN = Watch((), 5, 20)


def with_days(*closes: int) -> Watched:
    """A world with history: one close a day up to yesterday, the first of them before the year."""
    watched, bars = Watched(), []
    for ago, close in zip(range(367, 0, -1), closes, strict=False):
        day = (NOW - timedelta(days=ago)).date().isoformat()
        bar = make_bar(close=close, interval="1d", ticks=0, session_date=day)
        bars.append(msgspec.structs.replace(bar, start=f"{day}T00:00:00.000000Z"))
    watched.stores.bars.write_history(bars, ARRIVAL, NEVER)
    return watched


def fires(watched: Watched, **given: Any) -> int:
    rule = parse_rule({"symbol": "AAPL", "interval": "1d", **given}, "r1")
    previews = Preview(watched.stores, SHOWN)

    whole = partial(previews.whole, deadline=float("inf"), is_in_force=True)
    return fires_of(whole, rule, (), NOW).count


CONDITIONS: list[dict[str, Any]] = [
    {"condition": "greater_than", "value": 100},
    {"when": "close > 100"},
    {"when": "close(1d) > 100"},
    {"when": "close > 100 for 1 bars"},
]


@pytest.mark.parametrize("given", CONDITIONS, ids=str)
@pytest.mark.parametrize(
    ("closes", "count"),
    [
        ((101, 101, 101, 101), 0),  # the year begins with the third
        ((101, 101, 99, 101), 1),
        ((101, 99, 101, 101), 1),
        ((99, 101, 101, 99), 0),
        ((101, 99, 101, 99, 101), 2),
    ],
)
def test_a_plan_counts_what_a_rule_enters_within_the_year(
    given: dict[str, Any], closes: tuple[int, ...], count: int
) -> None:
    assert fires(with_days(*closes), **given) == count


@pytest.mark.parametrize("given", CONDITIONS[:2], ids=str)
def test_the_first_price_of_all_is_no_entry(given: dict[str, Any]) -> None:
    watched = Watched()
    watched.feed(
        [
            make_tick(price, timestamp=to_text(NOW - timedelta(days=10, hours=-15, minutes=-n)))
            for n, price in enumerate((101, 99, 101, 101))
        ]
    )
    for interval in ("tick", "1m"):
        assert fires(watched, **{**given, "interval": interval}) == 1


def test_a_cross_on_the_first_day_of_the_year_counts() -> None:
    closes = (100, 99, 105, 106)
    for given in ({"when": "close crosses above sma(2)"}, {"condition": "crossing", "value": 103}):
        assert fires(with_days(*closes), **given) == 1


def test_a_storm_of_one_symbol_is_seen_among_many() -> None:
    def preview(_: object, symbol: str, *__: object) -> Previewed:
        stamps = [to_text(NOW - timedelta(days=n)) for n in range(260 if symbol == "S3" else 1)]
        alerts = tuple(make_alert(timestamp=stamp, symbol=symbol) for stamp in stamps)
        return Previewed(alerts, 1000, True, None)

    rule = parse_rule({"symbol": "*", "interval": "1d", "when": "close > 1"}, "r1")
    found = fires_of(preview, rule, [f"S{n}" for n in range(10)], NOW)
    assert found.warnings == ["a storm: 260 alerts of one symbol in the year"]
    assert fires_of(preview, rule, ["S1", "S2"], NOW).warnings == []


def test_a_busy_day_is_a_storm() -> None:
    alerts = tuple(make_alert(timestamp=to_text(NOW + timedelta(minutes=n))) for n in range(11))
    rule = parse_rule({"symbol": "AAPL", "when": "close > 1"}, "r1")
    found = fires_of(lambda *_: Previewed(alerts, 100, True, None), rule, (), NOW)
    assert found.warnings == ["a storm: up to 11 alerts of one symbol in a day"]
    assert found.count == 11
