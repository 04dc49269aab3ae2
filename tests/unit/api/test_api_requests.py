"""Invalid requests are refused: each refusal names the parameter, the value and the allowed
ones."""

from __future__ import annotations

import json

import pytest

from chalicelib.api import instants
from tests.api_support import Client, FakeServices, aapl_ticks, fill

SYMBOLS_10000 = ",".join(f"S{n}" for n in range(10_000))

REFUSED = [
    ("/prices/AAPL?interval=7m", 400, "interval"),
    ("/prices/AAPL?interval=1M", 400, "interval"),
    ("/prices/AAPL?limit=0", 400, "limit"),
    ("/prices/AAPL?limit=5001", 400, "limit"),
    ("/prices/AAPL?limit=-1", 400, "limit"),
    ("/prices/AAPL?limit=x", 400, "limit"),
    ("/prices/AAPL?limit=1e3", 400, "limit"),
    ("/prices/AAPL?limit=%D9%A3", 400, "limit"),  # an Arabic digit
    ("/prices/AAPL?limit=99999999999999999999", 400, "limit"),
    ("/prices/AAPL?limit=5&limit=6", 400, "limit"),
    ("/prices/AAPL?start=yesterdayish", 400, "start"),
    ("/prices/AAPL?start=2017-02-30", 400, "start"),
    ("/prices/AAPL?start=2017-W07-4T10:00:00Z", 400, "start"),
    ("/prices/AAPL?start=2017-02-16T10:00:00", 400, "start"),
    ("/prices/AAPL?start=999999999999999", 400, "start"),
    ("/prices/AAPL?start=-99999999999999", 400, "start"),
    ("/prices/AAPL?end=9999-12-31", 400, "end"),
    ("/prices/AAPL?end=0001-01-01T00:00:00%2B10:00", 400, "end"),
    ("/prices/AAPL?start=2017-01-01&end=2016-01-01", 400, "end"),
    ("/prices/AAPL?start=2017-01-01&end=2017-01-01", 400, "end"),
    ("/prices/AAPL?period=3d", 400, "period"),
    ("/prices/AAPL?period=1mo&start=2017-01-01", 400, "start"),
    ("/prices/AAPL?period=1mo&end=2017-01-01", 400, "end"),
    ("/prices/AAPL?sort=up", 400, "sort"),
    ("/prices/AAPL?format=xml", 400, "format"),
    ("/prices/AAPL?nonsense=1", 400, "nonsense"),
    ("/prices/AAPL?Interval=1d", 400, "Interval"),
    ("/prices/AAPL?__proto__=1", 400, "__proto__"),
    ("/prices/AAPL?page_token=abc", 400, "page_token"),
    ("/prices/AAPL?page_token=" + "A" * 5000, 400, "page_token"),
    ("/prices/AAPL?page_token=%00%FF", 400, "page_token"),
    ("/prices/%3Cscript%3E", 400, "symbol"),
    ("/prices/AAPL'%20OR%201=1--", 400, "symbol"),
    ("/prices/%2e%2e%2fetc%2fpasswd", 400, "symbol"),
    ("/prices/%255EGSPC", 400, "symbol"),
    ("/prices/%FF", 400, "symbol"),
    ("/prices/" + "A" * 25, 400, "symbol"),
    ("/prices/" + "A" * 9000, 400, "symbol"),
    ("/prices/NOSUCH", 404, "symbol"),
    ("/prices/NOSUCH/latest", 404, "symbol"),
    ("/prices/AAPL/latest?limit=5", 400, "limit"),
    ("/quotes", 400, "symbols"),
    ("/quotes?symbols=,", 400, "symbols"),
    ("/quotes?symbols=AAPL,%3Cb%3E", 400, "symbols"),
    ("/quotes?symbols=" + SYMBOLS_10000, 400, "symbols"),
    ("/indicators/AAPL", 400, "sma"),
    ("/indicators/NOSUCH?sma=5", 404, "symbol"),
    ("/indicators/AAPL?sma=0", 400, "sma"),
    ("/indicators/AAPL?sma=5,", 400, "sma"),
    ("/indicators/AAPL?sma=1,2,3,4,5,6,7,8,9,10,11", 400, "sma"),
    ("/indicators/AAPL?ema=401", 400, "ema"),
    ("/indicators/AAPL?rsi=x", 400, "rsi"),
    ("/indicators/AAPL?macd=26,12,9", 400, "macd"),
    ("/indicators/AAPL?macd=12,26", 400, "macd"),
    ("/indicators/AAPL?bbands=20", 400, "bbands"),
    ("/indicators/AAPL?bbands=20,0", 400, "bbands"),
    ("/indicators/AAPL?bbands=20,nan", 400, "bbands"),
    ("/indicators/AAPL?vwap=day", 400, "vwap"),
    ("/indicators/AAPL?atr=14&interval=tick", 400, "interval"),
    ("/indicators/AAPL?stochastic=14", 400, "stochastic"),
    ("/symbols?list=seen", 400, "list"),
    ("/alerts?condition=explodes", 400, "condition"),
    ("/alerts?symbol=%24", 400, "symbol"),
    ("/alerts?start=2026-01-01&end=2026-02-02", 400, "start"),
    ("/alerts?page_token=abc", 400, "page_token"),
    ("/health?verbose=1", 400, "verbose"),
    ("/openapi.json?x=1", 400, "x"),
]


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    return Client(services, origin="https://page.example")


@pytest.mark.parametrize(("path", "status", "parameter"), REFUSED, ids=lambda v: str(v)[:60])
def test_a_refusal_is_a_problem_that_names_the_parameter(
    client: Client, path: str, status: int, parameter: str
) -> None:
    answer = client.get(path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert {"type", "title", "status", "detail", "parameter", "value"} <= problem.keys()
    assert (problem["status"], problem["parameter"]) == (status, parameter)
    assert len(problem["value"]) <= 80
    assert ("allowed" in problem) == (status == 400)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/quotes", "symbols: is missing; allowed: 1 to 100 symbols, comma between them"),
        ("/prices?symbols=", "symbols: is missing; allowed: 1 to 100 symbols, comma between them"),
    ],
)
def test_a_missing_parameter_is_called_missing(client: Client, path: str, detail: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json["detail"], answer.json["value"]) == (400, detail, "")


def test_an_empty_value_counts_as_not_given(client: Client) -> None:
    path = "/alerts?symbol=&condition=&start=&end=&limit=&page_token=&sort="
    assert client.get(path).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused_in_the_same_shape(client: Client, method: str) -> None:
    answer = client.send(method, "/quotes")
    assert answer.status == 405
    assert answer.json["title"] == "Method not allowed"
    assert answer.headers["allow"] == "GET"
    assert answer.headers["access-control-allow-origin"] == "https://page.example"


def test_every_answer_carries_the_cors_headers(client: Client) -> None:
    for path in ("/prices/AAPL", "/prices/NOSUCH", "/prices/AAPL?limit=0"):
        headers = client.get(path, Origin="https://page.example").headers
        assert headers["access-control-allow-origin"] == "https://page.example"
        assert headers["access-control-expose-headers"] == "ETag,Link,Retry-After"


def test_another_origin_learns_the_allowed_one(client: Client) -> None:
    headers = client.get("/prices/AAPL", Origin="https://evil.example").headers
    assert headers["access-control-allow-origin"] == "https://page.example"


def test_without_an_origin_in_the_settings_cors_is_off() -> None:
    headers = Client(FakeServices()).get("/health", Origin="https://page.example").headers
    assert not any(name.startswith("access-control") for name in headers)


def test_internal_errors_reveal_no_details(caplog: pytest.LogCaptureFixture) -> None:
    services = FakeServices()
    services.stores = None  # type: ignore[assignment]
    answer = Client(services).get("/prices/AAPL")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["title"] == "Internal error"
    assert b"Traceback" not in answer.body
    assert b"NoneType" not in answer.body
    assert "NoneType" in caplog.text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20", "2026-11-20T00:00:00.000000Z"),
        ("2026-11-20T15:30:00Z", "2026-11-20T15:30:00.000000Z"),
        ("2026-11-20t15:30:00.123456789z", "2026-11-20T15:30:00.123456Z"),
        ("2026-11-20T10:30:00.5-05:00", "2026-11-20T15:30:00.500000Z"),
        ("1763652600123", "2025-11-20T15:30:00.123000Z"),
        ("-1", "1969-12-31T23:59:59.999000Z"),
    ],
)
def test_an_instant_becomes_its_stored_text(text: str, instant: str) -> None:
    assert instants.parse(text) == instant
