"""One cheap request must not cost seconds of a function's time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from chalicelib.api import weights
from chalicelib.api.routes import ROUTES, Route
from chalicelib.services.market_data import bar_reading, indicator_tables, many_prices, studies
from tests.api_support import (
    SETTINGS,
    Answer,
    Client,
    FakeServices,
    aapl_ticks,
    fill,
    make_ticks,
    walk,
)
from tests.factories import make_alert

SLACK = 15
"""Bars that are read to choose an interval, or beside a page's own."""

ALL = "sma=5,20&ema=12&rsi=14&macd=12,26,9&bbands=20,2&atr=14&vwap=session"


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    fill(services, make_ticks(700))
    return Client(services)


def test_too_many_values_are_refused_before_any_is_computed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indicator_tables, "MOST_VALUES", 2_000)
    monkeypatch.setattr(studies.Study, "values", None)
    refused = client.get("/indicators/AAPL?sma=5,20&bbands=20,2&interval=1d&limit=max")
    assert (refused.status, refused.json["parameter"]) == (413, "limit")
    assert refused.json["allowed"] == "1 to 5000, or max for a range of at most 400 rows"
    assert "400 rows, the most for 5 columns" in refused.json["detail"]


def test_reading_ends_where_the_range_has_too_many_values(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.market_data.queries.MAX_LIMIT", 100)
    monkeypatch.setattr(indicator_tables, "MOST_VALUES", 250)
    pages: list[int] = []
    read = indicator_tables.IndicatorTables._page

    def counted(*args: Any) -> Any:
        page = read(*args)
        pages.append(len(page.rows))
        return page

    monkeypatch.setattr(indicator_tables.IndicatorTables, "_page", counted)
    assert client.get("/indicators/AAPL?sma=5&interval=1d&limit=max").status == 413
    assert pages == [100, 100, 100]


def test_the_longest_page_has_room_for_all_columns() -> None:
    from chalicelib.services.market_data.indicator_list import MAX_OF_A_KIND
    from chalicelib.services.market_data.queries import MAX_LIMIT

    columns = 4 * MAX_OF_A_KIND + 3 + 3 + 1  # sma, ema, rsi, atr; macd; bbands; vwap
    assert MAX_LIMIT * columns <= indicator_tables.MOST_VALUES


@pytest.mark.parametrize("query", ["AAPL?interval=1d", "TEST?interval=1m"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_a_whole_range_of_indicators_is_what_its_pages_are(
    client: Client, query: str, sort: str
) -> None:
    path = f"/indicators/{query}&sort={sort}&{ALL}"
    whole = client.get(f"{path}&limit=max").json["indicators"]
    assert whole == list(walk(client, f"{path}&limit=97", rows_name="indicators"))


@pytest.mark.parametrize(
    ("query", "rows", "weight"),
    [
        ("limit=max&limit=", 700, 10),
        ("limit=&limit=max", 700, 10),
        ("format=csv&limit=", 700, 10),
        ("format=csv&format=", 700, 10),
        ("limit=&format=json&format=", 500, 1),
        ("limit=5&limit=", 5, 1),
        ("limit=5&limit=max", None, 10),
        ("limit=max&limit=5", None, 10),
    ],
)
def test_a_whole_range_counts_as_one_however_it_is_asked_for(
    query: str, rows: int | None, weight: int
) -> None:
    services = FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))
    fill(services, make_ticks(700))
    bearer = f"Bearer {services.key('read')}"
    answer = Client(services).get(f"/prices/TEST?interval=1m&{query}", Authorization=bearer)
    assert _rows_in(answer) == rows
    assert sum(services.key_store.counted.values()) == weight


@pytest.mark.parametrize(
    ("when", "weight"),
    [
        (None, 10),
        ("close > sma(200, 1d)", 10),
        ("rsi(14, 30m) < 30", 12),
        (" or ".join(f"rsi(400, 1m{of}) > 1" for of in ("", ", SPY", ", QQQ", ", DIA")), 18),
        ("rsi(400, 5m) > 1", 10),
        ("nothing", 10),
        (5, 10),
    ],
)
def test_a_preview_counts_as_what_its_condition_may_read(when: object, weight: int) -> None:
    services = FakeServices(msgspec.structs.replace(SETTINGS, read_access="closed"))
    fill(services, aapl_ticks())
    headers = {
        "Authorization": f"Bearer {services.key('read')}",
        "Content-Type": "application/json",
    }
    given = {"symbol": "AAPL", "when": when}
    if when is None:
        given = {"symbol": "AAPL", "condition": "greater_than", "value": 1}
    Client(services).send("POST", "/rules/preview", given, headers)
    assert sum(services.key_store.counted.values()) == weight


NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
PRICES, MANY = (
    next(route for route in ROUTES if route.path == path)
    for path in ("/prices/{symbol}", "/prices")
)


def weighed(query: str, route: Route = PRICES) -> int:
    """Return the number of requests that a page counts as."""
    given = {name: [value] for name, value in parse_qsl(query)}
    return weights.weight_of(route, given, lambda: NOW)


@pytest.mark.parametrize(
    ("query", "weight"),
    [
        ("interval=tick&limit=5000", 1),
        ("interval=1m&limit=5000", 1),
        ("interval=1h&limit=5000", 1),
        ("interval=30m", 3),
        ("interval=30m&limit=5000", 3),
        ("interval=30m&limit=40", 1),
        ("interval=30m&limit=250", 2),
        ("interval=5m&limit=500", 1),
        ("interval=1wk&limit=5000", 3),
        ("interval=30m&limit=x", 3),
        ("interval=30m&start=x", 3),
        ("interval=none", 1),
        ("interval=30m&start=2026-11-18", 1),
        ("interval=30m&start=2026-11-17", 2),
        ("interval=30m&start=2026-11-10", 3),
        ("interval=30m&start=2020-01-01&end=2020-01-02", 1),
        ("interval=30m&end=2020-01-02", 3),
        ("interval=30m&start=2026-11-17&page_token=x", 3),
        ("interval=1mo&start=1980-01-01", 3),
        ("interval=1mo&start=2016-01-01", 1),
        ("", 3),
        ("limit=1", 3),
    ],
)
def test_a_page_counts_as_what_it_may_read(query: str, weight: int) -> None:
    assert weighed(query) == weight


def test_deleting_what_is_stored_of_a_symbol_counts_as_a_whole_range() -> None:
    (untrack,) = (r for r in ROUTES if (r.method, r.path) == ("DELETE", "/symbols/{symbol}"))
    assert [weighed(query, untrack) for query in ("", "data=true")] == [1, 10]


def test_a_page_over_several_symbols_counts_the_range_of_each() -> None:
    range_ = "interval=30m&start=2026-11-19T12:00:00Z"
    assert weighed(f"{range_}&symbols=A", MANY) == 1
    assert weighed(f"{range_}&symbols={','.join('ABCD')}", MANY) == 2
    assert weighed("symbols=A,B", MANY) == 1  # days


@pytest.mark.parametrize(("symbols", "weight"), [(1, 1), (10, 1), (11, 2), (100, 10)])
def test_adjusted_prices_count_the_lists_of_actions(symbols: int, weight: int) -> None:
    query = f"limit=1&symbols={','.join(f'S{number}' for number in range(symbols))}"
    assert weighed(query, MANY) == weighed(f"{query}&adjustment=raw", MANY) == 1
    assert weighed(f"{query}&adjustment=all", MANY) == weight


@pytest.mark.parametrize(
    "query",
    [
        "period=1d&interval=auto&limit=500&sort=desc",
        "interval=30m&start=2026-11-20T15:30:00.000Z&limit=500",
        "interval=1wk&start=2026-11-16T00:00:00.000Z&limit=500",
        "interval=30m&period=1d&limit=40",
        "interval=1d&period=max&sort=desc&limit=40",
    ],
)
def test_the_pages_repeated_requests_count_as_one(query: str) -> None:
    """The first chart, what follows it as prices come, and the small charts of the list."""
    assert weighed(query) == 1


@pytest.mark.parametrize(
    "query",
    [
        "interval=30m&limit=1",
        "interval=30m&limit=8",
        "interval=30m&limit=5000",
        "interval=15m&sort=desc",
        "interval=auto",
        "interval=auto&limit=1",
        "interval=5m&limit=10&start=2026-11-20T15:00:00Z",
    ],
)
def test_a_page_reads_no_more_than_it_counts(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch, minutes=700)
    for module in (bar_reading, weights):
        monkeypatch.setattr(module, "MOST_READ", 300)
    monkeypatch.setattr(weights, "READ_BY_ONE", 100)
    path: str | None = f"/prices/S00?{query}"
    while path:
        reading.bars = 0
        token = reading.client.get(path).json["next_page_token"]
        asked = path.partition("?")[2]
        assert reading.bars <= 100 * weighed(asked) + SLACK
        path = f"/prices/S00?{query}&page_token={token}" if token else None


def _rows_in(answer: Answer) -> int | None:
    """The rows of a table; None where it was refused."""
    if answer.status != 200:
        return None
    is_csv = answer.headers["content-type"].startswith("text/csv")
    return len(answer.rows if is_csv else answer.json["prices"])


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("hours", [0, 23])
def test_alerts_of_an_instant_are_not_looked_for_among_those_of_the_day(
    hours: int, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = FakeServices()
    for number in range(120):
        noon = make_alert(timestamp=f"2026-11-19T12:00:00.{number:06}Z")
        services.stores.alerts.record_all([noon], None)
    read: list[int] = []
    by_day = services.stores.alerts.by_day

    def counted(*args: Any, **options: Any) -> Any:
        page = by_day(*args, **options)
        read.append(len(page.rows))
        return page

    monkeypatch.setattr(services.stores.alerts, "by_day", counted)
    reach = f"start=2026-11-19T{hours:02}:00:00Z&end=2026-11-19T{hours:02}:00:01Z"
    assert Client(services).get(f"/alerts?{reach}&sort={sort}&limit=1").json["alerts"] == []
    assert read == [0]


class Reading:
    """Twelve symbols with their minutes, and how many bars are read of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, minutes: int = 300) -> None:
        services = FakeServices()
        self.symbols = [f"S{number:02}" for number in range(12)]
        for symbol in self.symbols:
            fill(services, make_ticks(minutes, symbol))
        self.client = Client(services)
        self.bars = 0
        self._read = services.stores.bars.bars
        monkeypatch.setattr(services.stores.bars, "bars", self._counted)

    def _counted(self, *args: Any, **options: Any) -> Any:
        page = self._read(*args, **options)
        self.bars += len(page.rows)
        return page

    def get(self, query: str) -> Answer:
        """Prices of all symbols."""
        return self.client.get(f"/prices?symbols={','.join(self.symbols)}&{query}")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    monkeypatch.setattr(many_prices, "PARALLEL_SYMBOLS", 2)
    return Reading(monkeypatch)


def test_reading_several_symbols_ends_where_their_rows_are_too_many(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.market_data.whole_ranges.MOST_WHOLE_ROWS", 500)
    monkeypatch.setattr("chalicelib.services.market_data.queries.MAX_LIMIT", 50)
    refused = reading.get("interval=1m&limit=max")
    assert (refused.status, refused.json["parameter"]) == (413, "limit")
    assert "more than 500 rows" in refused.json["detail"]
    assert 500 < reading.bars < 500 + 2 * 2 * 52  # each thread may have begun one page more


@pytest.mark.parametrize("path", ["/prices", "/prices/S00", "/indicators/S00"])
def test_a_whole_range_is_refused_that_is_made_of_too_many_stored_bars(
    path: str, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bar_reading, "MOST_READ_AT_ONCE", 50)
    query = {"/prices": "symbols=" + ",".join(reading.symbols), "/indicators/S00": "sma=2"}
    asked = f"{path}?interval=30m&limit=max&{query.get(path, '')}"
    assert reading.client.get(asked).status == 200
    monkeypatch.setattr(bar_reading, "MOST_STORED", 200)
    reading.bars = 0
    refused = reading.client.get(asked)
    assert (refused.status, refused.json["parameter"]) == (413, "limit")
    assert "made of more than 200 stored bars" in refused.json["detail"]
    assert 200 < reading.bars <= 200 + 2 * 50


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_a_page_over_several_symbols_ends_where_much_was_read_for_it(
    sort: str, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = f"interval=30m&sort={sort}&limit=5000"
    whole = reading.get(asked).json
    assert whole["next_page_token"] is None
    monkeypatch.setattr(many_prices, "MOST_READ", 700)
    reading.bars = 0
    first = reading.get(asked).json
    assert {row["symbol"] for row in first["prices"]} == {"S00", "S01", "S02"}
    assert 700 <= reading.bars <= 1_000
    path = f"/prices?symbols={','.join(reading.symbols)}&{asked}"
    assert list(walk(reading.client, path)) == whole["prices"]


@pytest.mark.parametrize(
    ("query", "weight"), [("", 1), ("limit=1", 1), ("condition=golden_cross", 4)]
)
def test_alerts_of_one_condition_count_as_what_they_may_read(query: str, weight: int) -> None:
    alerts = next(route for route in ROUTES if route.path == "/alerts")
    assert weighed(query, alerts) == weight
