"""How long answers may be cached in session: the interval between prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.times import to_text
from chalicelib.services.market_data.freshness import cadence, label
from tests.api_support import NOW, Client, FakeServices, fill, make_ticks
from tests.factories import make_tick
from tests.factories import make_ticks as ticks_at

SECOND = timedelta(seconds=1)


def max_age(services: FakeServices, path: str) -> str:
    return str(Client(services).get(path).headers["cache-control"]).rpartition("=")[2]


def with_ticks_each(seconds: float, symbol: str = "TEST") -> FakeServices:
    services = FakeServices()
    fill(services, make_ticks(4, symbol, step_seconds=seconds))
    return services


@pytest.mark.parametrize(
    ("step", "expected"), [(0.2, "1"), (2, "2"), (5, "5"), (14.6, "15"), (15, "15"), (60, "15")]
)
def test_an_answer_may_be_kept_until_the_next_price_is_due(step: float, expected: str) -> None:
    services = with_ticks_each(step)
    for path in ("/prices/TEST", "/prices/TEST/latest", "/quotes?symbols=TEST"):
        assert max_age(services, path) == expected


def test_the_fastest_symbol_of_a_list_sets_the_pace() -> None:
    services = with_ticks_each(12, "SLOW")
    fill(services, make_ticks(4, "FAST", step_seconds=3))
    assert max_age(services, "/quotes?symbols=SLOW,FAST") == "3"


def test_a_symbol_that_fell_silent_is_asked_for_less_often() -> None:
    services = with_ticks_each(2)
    found = []
    for silent in (0, 8, 20, 40, 600):
        services.now = NOW + silent * SECOND
        found.append(max_age(services, "/quotes?symbols=TEST"))
    assert found == ["2", "2", "5", "10", "15"]


def test_a_source_that_is_behind_by_minutes_is_not_taken_for_silent() -> None:
    trading = datetime(2026, 11, 19, 15, 30, tzinfo=UTC)
    late = timedelta(minutes=20)
    last = make_tick(
        100,
        symbol="VOD.L",
        timestamp=to_text(trading - late),
        source="yfinance",
        exchange_timezone="Europe/London",
    )
    assert label("VOD.L", last, trading, gap=2).cache_seconds == 2


def test_nothing_is_known_of_the_pace_at_the_first_tick() -> None:
    tick = make_tick(100)
    assert cadence(tick, 0, NOW) == 15
    assert cadence(None, 0, NOW) == 15


def test_answers_before_extended_hours_end_with_the_first_prices() -> None:
    services = FakeServices()
    fill(services, make_ticks(3, "XYZ", timezone="America/New_York"))
    services.now = datetime(2026, 11, 20, 8, 50, tzinfo=UTC)  # ten minutes before 4:00
    assert max_age(services, "/quotes?symbols=XYZ") == "600"


def test_a_quote_says_when_its_rules_fired_last() -> None:
    services = FakeServices()
    fill(services, ticks_at([100, 101], symbol="TEST", previous_close=100))
    client = Client(services)
    assert client.get("/prices/TEST/latest").json["alerted_at"] is None
    [jump] = ticks_at([150], start=2, symbol="TEST", previous_close=100)
    fill(services, [jump])
    assert client.get("/prices/TEST/latest").json["alerted_at"] == jump.timestamp
    assert client.get("/quotes?symbols=TEST").json["quotes"][0]["alerted_at"] == jump.timestamp
