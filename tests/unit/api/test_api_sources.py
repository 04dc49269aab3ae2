"""The source of a series is changed over the API, and answers say which source their rows have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chalicelib.api import views
from chalicelib.domain.times import to_text
from chalicelib.services.market_data import queries
from chalicelib.services.market_data.market_data import MarketData
from chalicelib.services.market_data.queries import PriceQuery
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import NOW, Client, FakeServices, fill, make_ticks, send

SOONEST = "2026-11-20T16:06:00.000000Z"


@pytest.fixture(name="services")
def open_services() -> FakeServices:
    """Two hours of minutes from Yahoo, then one of Alpaca."""
    services = FakeServices()
    fill(services, make_ticks(120, end=NOW - timedelta(hours=1), source="yfinance"))
    fill(services, make_ticks(60, source="alpaca"))
    return services


@pytest.fixture(name="client")
def open_client(services: FakeServices) -> Client:
    return Client(services)


def switches(*named: tuple[str, str]) -> list[dict[str, str]]:
    return [{"timestamp": timestamp, "source": source} for timestamp, source in named]


def test_a_series_continues_with_another_source(services: FakeServices, client: Client) -> None:
    made = send(client, "PUT", "/symbols/TEST", {"source": "alpaca"})
    assert made.status == 201
    assert (made.json["source"], made.json["tracked"]) == ("yfinance", True)
    assert made.json["switches"] == switches((SOONEST, "alpaca"))
    again = send(client, "PUT", "/symbols/TEST", {"source": "alpaca"})
    assert (again.status, again.json) == (200, made.json)
    assert client.get("/symbols").json["symbols"] == [made.json]
    services.now += timedelta(minutes=7)
    assert client.get("/symbols").json["symbols"][0]["source"] == "alpaca"
    (tracked,) = services.stores.symbols.listed("tracked")
    assert (tracked.source, tracked.switches) == ("yfinance", f"{SOONEST} alpaca")


def test_a_switch_may_be_planned_and_taken_back(services: FakeServices, client: Client) -> None:
    planned = {"source": "alpaca", "from": "2026-11-23T14:30:00+00:00"}
    made = send(client, "PUT", "/symbols/TEST", planned).json
    assert made["switches"] == switches(("2026-11-23T14:30:00.000000Z", "alpaca"))
    assert send(client, "PUT", "/symbols/TEST", {"source": "yfinance"}).json["switches"] == []


def test_tracking_again_keeps_the_sources(services: FakeServices, client: Client) -> None:
    made = send(client, "PUT", "/symbols/TEST", {"source": "alpaca"}).json
    send(client, "DELETE", "/symbols/TEST")
    assert send(client, "PUT", "/symbols/TEST").json == made
    (tracked,) = services.stores.symbols.listed("tracked")
    assert tracked.switches == f"{SOONEST} alpaca"


def test_a_symbol_without_prices_begins_with_the_source_given(client: Client) -> None:
    made = send(client, "PUT", "/symbols/NEW", {"source": "coinbase"}).json
    assert (made["source"], made["switches"], made["seen"]) == ("coinbase", [], False)
    assert send(client, "PUT", "/symbols/NEW", {"source": "binance"}).json["source"] == "binance"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "source"),
        ({"source": None}, "source"),
        ({"source": 7}, "source"),
        ({"source": "unknown"}, "source"),
        ({"source": "a,b"}, "source"),
        ({"source": "alpaca", "from": "2026-11-20T16:05:00Z"}, "from"),
        ({"source": "alpaca", "from": "2026-11-20T16:07:01Z"}, "from"),
        ({"source": "alpaca", "from": "soon"}, "from"),
        ({"source": "alpaca", "at": SOONEST}, "at"),
        ([], "body"),
    ],
)
def test_a_refused_change_names_the_field_and_tracks_nothing(
    services: FakeServices, client: Client, body: Any, field: str
) -> None:
    refused = send(client, "PUT", "/symbols/TEST", body)
    assert (refused.status, refused.json["field"]) == (400, field)
    assert services.stores.symbols.listed("tracked") == []


def test_a_series_has_some_fifty_switches_at_most(services: FakeServices, client: Client) -> None:
    for n in range(100):
        services.now += timedelta(minutes=7)
        answer = send(client, "PUT", "/symbols/TEST", {"source": f"source-{n % 2}"})
        if answer.status == 409:
            break
    assert 40 < n < 60
    assert (answer.status, answer.json["field"]) == (409, "source")


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize(
    ("interval", "second"),
    [("tick", "15:01:00"), ("1m", "15:01:00"), ("5m", "15:05:00"), ("1h", None)],
)
def test_an_answer_says_where_the_source_of_its_rows_changes(
    client: Client, interval: str, second: str | None, sort: str
) -> None:
    answer = client.get(f"/prices/TEST?interval={interval}&sort={sort}&limit=1000").json
    first = min(row["timestamp"] for row in answer["prices"])
    changed = second or max(row["timestamp"] for row in answer["prices"])[11:19]
    assert answer["sources"] == switches(
        (first, "yfinance"), (f"2026-11-20T{changed}.000000Z", "alpaca")
    )
    assert answer["source"] == "alpaca"
    part = client.get(f"/prices/TEST?interval={interval}&sort=desc&limit=1").json
    assert part["sources"] == switches((part["prices"][0]["timestamp"], "alpaca"))


def test_a_whole_range_and_a_table_of_many_say_it_too(
    services: FakeServices, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = client.get("/prices?symbols=TEST&interval=1m").json["symbols"]
    assert [one["source"] for one in found["sources"]] == ["yfinance", "alpaca"]
    market_data = MarketData(
        services.stores, services.clock, anomaly_percent=Decimal(5), fast=5, slow=20
    )
    monkeypatch.setattr(queries, "MAX_LIMIT", 50)
    table = market_data.prices(PriceQuery(symbol="TEST", interval="1m", limit=None))
    assert len(table.rows) == 180
    assert list(map(msgspec.to_builtins, table.sources)) == found["sources"]


def test_the_list_has_the_newest_switches_and_a_symbols_own_answer_all(
    services: FakeServices, client: Client
) -> None:
    for n in range(5):
        services.now += timedelta(minutes=7)
        made = send(client, "PUT", "/symbols/TEST", {"source": f"source-{n % 2}"}).json
    assert len(made["switches"]) == made["switch_count"] == 5
    assert client.get("/symbols/TEST").json == made
    (listed,) = client.get("/symbols").json["symbols"]
    assert listed == {**made, "switches": made["switches"][-3:]}
    assert client.get("/symbols/NOSUCH").status == 404


def test_the_longest_lists_of_sources_fit_into_a_page_of_all_symbols(
    services: FakeServices, client: Client
) -> None:
    """A producer's first records may name them; the page asks for 5,000 symbols at a time."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    text = ",".join(f"{to_text(start + timedelta(minutes=n))} {'ba'[n % 2]}" for n in range(66))
    for n in range(5000):
        line = SymbolEntry(symbol=f"A{n}", added_at=to_text(NOW), source="a", switches=text)
        services.stores.symbols.pin(line)
    answer = client.get("/symbols?limit=5000")
    assert answer.status == 200
    assert len(answer.json["symbols"]) == 5000


def test_a_page_of_symbols_ends_before_its_answer_is_too_long(
    services: FakeServices, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_LIST_BYTES", 2_000)
    for n in range(20):
        line = SymbolEntry(symbol=f"A{n:02d}", added_at=to_text(NOW), problem="x" * 100 * n)
        services.stores.symbols.pin(line)
    found, path = [], "/symbols"
    while path:
        page = client.get(path).json
        assert len(page["symbols"]) < 10
        found += [row["symbol"] for row in page["symbols"]]
        token = page["next_page_token"]
        path = f"/symbols?page_token={token}" if token else ""
    assert found == sorted([*(f"A{n:02d}" for n in range(20)), "TEST"])
