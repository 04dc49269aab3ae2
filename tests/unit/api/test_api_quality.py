"""How good a series is, over the API: minutes, gaps and what filled them, jumps, delays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.market_data.quality import MOST_DELAYS
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import NOW, Client, FakeServices, fill, make_ticks

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
"""When New York opened on the day of NOW, an hour and a half before."""


@pytest.fixture(name="services")
def open_services() -> FakeServices:
    return FakeServices()


@pytest.fixture(name="client")
def open_client(services: FakeServices) -> Client:
    return Client(services)


def minute(services: FakeServices, start: datetime, *, ticks: int = 1, price: int = 100) -> None:
    """Store a bar; one without ticks came from history."""
    value = Decimal(price)
    bar = Bar(
        symbol="AAPL",
        interval="1m",
        start=to_text(start),
        open=value,
        high=value,
        low=value,
        close=value,
        ticks=ticks,
        session_date=start.date().isoformat(),
        source="alpaca",
    )
    services.stores.bars.put(bar, to_text(NOW))


def seen(services: FakeServices, since: datetime, symbol: str = "AAPL") -> None:
    entry = SymbolEntry(symbol=symbol, added_at=to_text(since), source="alpaca")
    services.stores.symbols.put("seen", entry)


def figures(answer: Any) -> tuple[int | None, int, int]:
    return answer["expected"], answer["received"], answer["filled"]


def test_minutes_of_trading_are_compared_with_the_stored_ones(
    services: FakeServices, client: Client
) -> None:
    seen(services, OPEN - timedelta(hours=3))
    for n in range(60):
        if n not in (10, 11, 30):
            minute(services, OPEN + timedelta(minutes=n), ticks=0 if n in (20, 21) else 3)
    minute(services, OPEN - timedelta(minutes=5))
    end = to_text(OPEN + timedelta(hours=1))
    answer = client.get(f"/quality/AAPL?start=2026-11-20&end={end}").json
    assert (answer["calendar"], answer["start"], answer["end"]) == (
        "XNYS",
        to_text(OPEN - timedelta(hours=3)),
        end,
    )
    assert figures(answer) == (60, 57, 2)
    gaps = [(gap["start"][11:16], gap["minutes"], gap["filled_by"]) for gap in answer["gaps"]]
    assert gaps == [("14:40", 2, None), ("14:50", 2, "backfill"), ("15:00", 1, None)]
    assert answer["gaps"][0]["end"] == to_text(OPEN + timedelta(minutes=12))
    (session,) = answer["sessions"]
    assert (session["date"], figures(session)) == ("2026-11-20", (60, 57, 2))
    assert answer["sources"] == [
        {"timestamp": to_text(OPEN - timedelta(minutes=5)), "source": "alpaca"}
    ]


def test_a_symbol_first_seen_in_the_middle_of_a_day_misses_nothing_before(
    services: FakeServices, client: Client
) -> None:
    first = OPEN + timedelta(minutes=40)
    seen(services, first)
    minute(services, first)
    answer = client.get("/quality/AAPL").json
    assert answer["start"] == to_text(first)
    assert figures(answer) == (49, 1, 0)  # until 15:58, since the next may still arrive


def test_a_symbol_whose_minutes_have_expired_misses_none_of_them(
    services: FakeServices, client: Client
) -> None:
    seen(services, NOW - timedelta(days=400))
    answer = client.get("/quality/AAPL?start=2026-08-20&end=2026-08-25").json
    assert figures(answer) == (390, 0, 0)
    assert answer["start"] == to_text(NOW - timedelta(days=90))


def test_the_running_minute_counts_and_the_one_after_it_is_not_missing_yet(
    services: FakeServices, client: Client
) -> None:
    fill(services, make_ticks(30, end=NOW - timedelta(minutes=2)))
    answer = client.get("/quality/TEST").json
    assert answer["end"] == to_text(NOW - timedelta(minutes=1))
    assert (figures(answer), answer["gaps"]) == ((30, 30, 0), [])


def test_minutes_that_the_source_has_not_published_yet_are_not_missing(
    services: FakeServices, client: Client
) -> None:
    ticks = make_ticks(30, "VOD.L", end=NOW - timedelta(minutes=22), source="yfinance",
                       timezone="Europe/London")  # fmt: skip
    fill(services, ticks)
    answer = client.get("/quality/VOD.L").json
    assert answer["exchange_delay_seconds"] == 20 * 60
    assert figures(answer) == (30, 30, 0)


def test_hours_that_no_table_has_leave_out_what_is_expected(
    services: FakeServices, client: Client
) -> None:
    fill(services, make_ticks(30, "VOLV.ST", timezone="Europe/Stockholm"))
    answer = client.get("/quality/VOLV.ST?jump=2").json
    assert (answer["expected"], answer["gaps"]) == (None, [])
    assert answer["received"] == 28
    assert [session["expected"] for session in answer["sessions"]] == [None]
    assert answer["jumps"] != []


def test_a_jump_is_a_price_far_from_the_close_before(
    services: FakeServices, client: Client
) -> None:
    seen(services, OPEN)
    for n, price in enumerate((100, 100, 104, 104, 99, 100)):
        minute(services, OPEN + timedelta(minutes=n), price=price)
    minute(services, OPEN - timedelta(minutes=1), price=50)
    answer = client.get("/quality/AAPL?jump=4").json
    (jump,) = answer["jumps"]
    assert jump == {
        "timestamp": to_text(OPEN + timedelta(minutes=4)),
        "previous": to_text(OPEN + timedelta(minutes=3)),
        "previous_close": 104,
        "price": 99,
        "change_percent": Decimal("-4.8077"),
    }
    assert len(client.get("/quality/AAPL?jump=3.9").json["jumps"]) == 2


def arrive(services: FakeServices, ticks: list[Tick], seconds: list[float]) -> None:
    for tick, late in zip(ticks, seconds, strict=True):
        arrival = to_text(from_text(tick.timestamp) + timedelta(seconds=late))
        services.stores.prices.write([PricedRecord((tick,), arrival)], 0.0)


def test_delays_are_percentiles_of_the_newest_live_ticks(
    services: FakeServices, client: Client
) -> None:
    seen(services, OPEN, "TEST")
    ticks = make_ticks(101, end=NOW - timedelta(minutes=1))
    history = msgspec.structs.replace(ticks.pop(50), mode="backfill")
    arrive(services, ticks, [n / 100 for n in range(1, 101)])
    arrive(services, [history], [86400])
    delays = client.get("/quality/TEST").json["delays"]
    assert (delays["ticks"], delays["start"], delays["end"]) == (
        100,
        ticks[0].timestamp,
        ticks[-1].timestamp,
    )
    found = [delays[name] for name in ("p50", "p90", "p99", "max")]
    assert found == [Decimal(text) for text in ("0.5", "0.9", "0.99", "1")]


def test_without_a_live_tick_there_are_no_delays(services: FakeServices, client: Client) -> None:
    seen(services, OPEN)
    empty = dict.fromkeys(("start", "end", "p50", "p90", "p99", "max"))
    assert client.get("/quality/AAPL").json["delays"] == {"ticks": 0, **empty}


def test_reading_does_not_grow_with_the_series(
    services: FakeServices, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(services, make_ticks(MOST_DELAYS + 200, step_seconds=10))
    bars, read = services.stores.bars, []
    plain = bars.bars

    def counted(*given: Any, **named: Any) -> Any:
        page = plain(*given, **named)
        read.append(len(page.rows))
        return page

    monkeypatch.setattr(bars, "bars", counted)
    start, end = to_text(NOW - timedelta(minutes=60)), to_text(NOW - timedelta(minutes=30))
    answer = client.get(f"/quality/TEST?start={start}&end={end}").json
    assert (figures(answer), read) == ((30, 30, 0), [1, 30])
    assert client.get("/quality/TEST").json["delays"]["ticks"] == MOST_DELAYS


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("start=2026-11-01&end=2026-11-09", "end"),
        ("start=2026-11-09&end=2026-11-01", "end"),
        ("start=soon", "start"),
        ("jump=0", "jump"),
        ("jump=nan", "jump"),
        ("jump=1e999999999", "jump"),
        ("jump=1001", "jump"),
        ("jump=x", "jump"),
    ],
)
def test_other_ranges_and_jumps_are_refused(
    services: FakeServices, client: Client, query: str, parameter: str
) -> None:
    seen(services, OPEN)
    answer = client.get(f"/quality/AAPL?{query}")
    assert (answer.status, answer.json["parameter"]) == (400, parameter)


@pytest.mark.parametrize("query", ["start=2030-01-01", "end=0002-01-01", "start=0002-01-01"])
def test_a_range_without_expected_minutes_is_empty(
    services: FakeServices, client: Client, query: str
) -> None:
    seen(services, OPEN)
    answer = client.get(f"/quality/AAPL?{query}").json
    assert (figures(answer), answer["sessions"], answer["gaps"]) == ((0, 0, 0), [], [])
    assert client.get("/quality/NOSUCH").status == 404
