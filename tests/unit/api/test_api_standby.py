"""A standby is set over the API, takes over on its producer's claim, and hands back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.times import to_text
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import NOW, Answer, Client, FakeServices, fill, make_ticks, send

PUT = {"source": "alpaca", "standby": "yfinance", "standby_after": 120}


@pytest.fixture(name="services")
def open_services() -> FakeServices:
    """Two hours of minutes of Alpaca's, until now."""
    services = FakeServices()
    fill(services, make_ticks(120, source="alpaca"))
    return services


@pytest.fixture(name="client")
def open_client(services: FakeServices) -> Client:
    return Client(services)


def claim(client: Client, source: str, *symbols: str) -> Answer:
    return send(client, "POST", "/standby", {"source": source, "symbols": symbols or ["TEST"]})


def granted(client: Client, source: str) -> bool:
    (answer,) = claim(client, source).json["symbols"]
    assert answer["granted"] == (answer["reason"] is None)
    found: bool = answer["granted"]
    return found


def test_a_standby_takes_over_and_hands_back_with_causes(
    services: FakeServices, client: Client
) -> None:
    made = send(client, "PUT", "/symbols/TEST", PUT).json
    assert (made["standby"], made["standby_after"]) == ("yfinance", 120)
    assert client.get("/symbols").json["symbols"] == [made]
    services.now += timedelta(seconds=100)
    assert not granted(client, "yfinance")
    services.now += timedelta(seconds=50)
    assert granted(client, "yfinance")
    assert granted(client, "yfinance")
    assert not granted(client, "alpaca")
    services.now += timedelta(minutes=32)
    assert granted(client, "alpaca")
    found = client.get("/symbols/TEST").json
    assert [(one["source"], one["cause"]) for one in found["switches"]] == [
        ("yfinance", "silent"),
        ("alpaca", "steady"),
    ]
    assert found["source"] == "yfinance"
    (tracked,) = services.stores.symbols.listed("tracked")
    assert tracked.known_sources == services.stores.symbols.listed("seen")[0].known_sources


def test_a_claim_after_half_a_change_completes_it(services: FakeServices, client: Client) -> None:
    """The API was stopped between the two lines of the symbol."""
    send(client, "PUT", "/symbols/TEST", PUT)
    services.now += timedelta(minutes=5)
    symbols: Any = services.stores.symbols
    before = symbols.lists["tracked"]["TEST"]
    assert granted(client, "yfinance")
    after = symbols.lists["tracked"]["TEST"]
    symbols.lists["tracked"]["TEST"] = before
    assert granted(client, "yfinance")
    assert symbols.lists["tracked"]["TEST"] == after


def test_a_closed_market_is_not_silent(services: FakeServices, client: Client) -> None:
    fill(services, make_ticks(5, "NYC", source="alpaca", timezone="America/New_York"))
    send(client, "PUT", "/symbols/NYC", PUT)
    services.now += timedelta(days=1)
    (answer,) = claim(client, "yfinance", "NYC").json["symbols"]
    reason = "the market is closed, or its hours are unknown"
    assert answer == {"symbol": "NYC", "granted": False, "reason": reason}


def test_stored_prices_count_even_if_detection_lags(services: FakeServices, client: Client) -> None:
    send(client, "PUT", "/symbols/TEST", PUT)
    services.now += timedelta(minutes=5)
    (late,) = make_ticks(1, source="alpaca", end=services.now)
    services.stores.prices.write([PricedRecord((late,), late.timestamp)], 0.0)
    (answer,) = claim(client, "yfinance").json["symbols"]
    assert answer["reason"] == "alpaca had a price 0 s ago"


def test_a_symbol_without_a_standby_or_of_others_is_not_granted(
    services: FakeServices, client: Client
) -> None:
    services.stores.symbols.pin(SymbolEntry(symbol="OTHER", added_at=to_text(NOW)))
    send(client, "PUT", "/symbols/TEST", PUT)
    services.now += timedelta(hours=1)
    for source in ("yfinance", "coinbase"):
        answers = claim(client, source, "OTHER", "NOSUCH").json["symbols"]
        assert [one["granted"] for one in answers] == [False, False]
    assert not granted(client, "coinbase")


@pytest.mark.parametrize("ending", [{"source": "alpaca"}, None])
def test_a_request_without_a_standby_ends_it_and_one_without_a_body_does_not(
    services: FakeServices, client: Client, ending: object
) -> None:
    send(client, "PUT", "/symbols/TEST", PUT)
    found = send(client, "PUT", "/symbols/TEST", ending).json
    assert found["standby"] == (None if ending else "yfinance")
    services.now += timedelta(hours=1)
    assert granted(client, "yfinance") == (ending is None)


def test_a_symbol_that_is_no_longer_tracked_has_no_standby(client: Client) -> None:
    send(client, "PUT", "/symbols/TEST", PUT)
    send(client, "DELETE", "/symbols/TEST")
    assert client.get("/symbols/TEST").json["standby"] is None
    assert send(client, "PUT", "/symbols/TEST").json["standby"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**PUT, "standby": 7}, "standby"),
        ({**PUT, "standby": "unknown"}, "standby"),
        ({**PUT, "standby": "a,b"}, "standby"),
        ({**PUT, "standby": "alpaca"}, "standby"),
        ({**PUT, "standby_after": 59}, "standby_after"),
        ({**PUT, "standby_after": 86_401}, "standby_after"),
        ({**PUT, "standby_after": "120"}, "standby_after"),
        ({**PUT, "standby_after": True}, "standby_after"),
        ({"source": "alpaca", "standby_after": 120}, "standby_after"),
    ],
)
def test_a_standby_that_cannot_be_is_refused(
    services: FakeServices, client: Client, body: Any, field: str
) -> None:
    refused = send(client, "PUT", "/symbols/TEST", body)
    assert (refused.status, refused.json["field"]) == (400, field)
    assert services.stores.symbols.listed("tracked") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "unknown", "symbols": ["TEST"]}, "source"),
        ({"symbols": ["TEST"]}, "source"),
        ({"source": "a", "symbols": []}, "symbols"),
        ({"source": "a", "symbols": "TEST"}, "symbols"),
        ({"source": "a", "symbols": ["A"] * 101}, "symbols"),
        ({"source": "a", "symbols": ["A/B"]}, "symbols"),
        ({"source": "a", "symbols": ["A"], "force": True}, "force"),
    ],
)
def test_a_claim_that_cannot_be_names_the_field(client: Client, body: Any, field: str) -> None:
    refused = send(client, "POST", "/standby", body)
    assert (refused.status, refused.json["field"]) == (400, field)
