"""GET /prices/{symbol}, .../latest and /quotes: what they answer with."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.times import from_text, to_text
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import NOW, TOKEN, Client, FakeServices, aapl_ticks, fill, make_ticks

TICK_COLUMNS = [
    "timestamp",
    "symbol",
    "open",
    "high",
    "low",
    "price",
    "previous_close",
    "change",
    "change_percent",
    "volume",
    "moving_average",
    "anomaly",
]


@pytest.fixture(scope="module")
def services() -> FakeServices:
    made = FakeServices()
    fill(made, aapl_ticks())
    fill(made, make_ticks(600))
    return made


@pytest.fixture(scope="module")
def client(services: FakeServices) -> Client:
    return Client(services)


def test_ticks_have_the_twelve_attributes(client: Client) -> None:
    rows = client.get("/prices/AAPL?interval=tick&limit=5000").json["prices"]
    assert len(rows) == 506
    assert all(list(row) == TICK_COLUMNS for row in rows)
    assert rows[0]["previous_close"] is None
    assert rows[1]["previous_close"] == rows[0]["price"]
    assert sum(row["anomaly"] == "Yes" for row in rows) == 8


def test_days_are_those_of_the_recording(client: Client) -> None:
    rows = client.get("/prices/AAPL?interval=1d&limit=5000").json["prices"]
    want = [
        (tick.timestamp[:10], tick.open, tick.high, tick.low, tick.price, tick.volume)
        for tick in aapl_ticks()
    ]
    got = [
        (row["timestamp"][:10], *(row[name] for name in ("open", "high", "low", "close", "volume")))
        for row in rows
    ]
    assert got == want
    assert [row["closed"] for row in rows] == [True] * 505 + [False]


@pytest.mark.parametrize(
    ("interval", "minutes"), [("1m", 1), ("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60)]
)
def test_bars_cover_their_interval(client: Client, interval: str, minutes: int) -> None:
    rows = client.get(f"/prices/TEST?interval={interval}&limit=5000").json["prices"]
    ticks = make_ticks(600)
    for row in rows:
        end = _plus(row["timestamp"], minutes)
        within = [tick.price for tick in ticks if row["timestamp"] <= tick.timestamp < end]
        assert (row["open"], row["close"]) == (within[0], within[-1])
        assert (row["high"], row["low"]) == (max(within), min(within))
    assert [row["closed"] for row in rows] == [True] * (len(rows) - 1) + [False]


def _plus(timestamp: str, minutes: int) -> str:
    instant = NOW.fromisoformat(timestamp) + timedelta(minutes=minutes)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_weeks_and_months_begin_where_calendars_do(client: Client) -> None:
    weeks = client.get("/prices/AAPL?interval=1wk&limit=5000").json["prices"]
    months = client.get("/prices/AAPL?interval=1mo&limit=5000").json["prices"]
    assert weeks[0]["timestamp"].startswith("2015-02-16")  # a Monday, before the first row's day
    assert [row["timestamp"][:10] for row in months[:3]] == [
        "2015-02-01",
        "2015-03-01",
        "2015-04-01",
    ]
    assert sum(row["volume"] for row in months) == sum(row["volume"] for row in weeks)


def test_a_bar_is_the_same_in_every_range(client: Client) -> None:
    whole = client.get("/prices/AAPL?interval=1wk&limit=5000").json["prices"]
    part = client.get("/prices/AAPL?interval=1wk&start=2015-06-03&end=2015-06-24").json["prices"]
    assert [row["timestamp"][:10] for row in part] == ["2015-06-08", "2015-06-15", "2015-06-22"]
    assert all(row in whole for row in part)


@pytest.mark.parametrize(
    ("query", "interval", "rows"),
    [
        ("start=2026-11-20T12:00:00Z", "1m", 241),
        ("start=2026-11-20T07:30:00Z&end=2026-11-20T14:10:00Z", "1m", 400),
        ("start=2026-11-20T07:30:00Z&end=2026-11-20T14:10:30Z", "5m", 81),
        ("", "5m", 121),
        ("start=2026-11-20T15:59:30Z", "1m", 1),
    ],
)
def test_auto_takes_the_finest_bar_of_at_most_400_rows(
    client: Client, query: str, interval: str, rows: int
) -> None:
    answer = client.get(f"/prices/TEST?{query}").json
    assert (answer["interval"], len(answer["prices"])) == (interval, rows)


def test_auto_takes_weeks_for_two_years_of_days(client: Client) -> None:
    answer = client.get("/prices/AAPL").json
    assert (answer["interval"], len(answer["prices"])) == ("1wk", 105)


def test_auto_shows_days_where_there_is_one_price_a_day(client: Client) -> None:
    answer = client.get("/prices/AAPL?start=2016-01-01&end=2017-01-01").json
    assert answer["interval"] == "1d"
    assert len(answer["prices"]) == 252


def test_auto_does_not_show_a_year_as_the_minutes_of_one_day() -> None:
    services = FakeServices()
    fill(services, make_ticks(100))
    days = [_day(NOW.date() - timedelta(days=back)) for back in range(1, 200)]
    services.stores.bars.write_history(days, "", 0.0)
    answer = Client(services).get("/prices/TEST").json
    assert (answer["interval"], len(answer["prices"])) == ("1d", 200)


def _day(date: object, symbol: str = "TEST") -> Bar:
    price = Decimal(100)
    start = f"{date}T00:00:00.000000Z"
    return Bar(
        symbol=symbol, interval="1d", start=start, open=price, high=price, low=price, close=price
    )


def test_auto_goes_newest_first_too(client: Client) -> None:
    up = client.get("/prices/TEST").json["prices"]
    down = client.get("/prices/TEST?sort=desc").json["prices"]
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("period", "first", "rows"),
    [
        ("1d", "2017-02-16", 1),
        ("5d", "2017-02-10", 5),
        ("1mo", "2017-01-17", 23),
        ("1y", "2016-02-17", 254),
        ("ytd", "2017-01-03", 32),
        ("2y", "2015-02-17", 506),
        ("max", "2015-02-17", 506),
    ],
)
def test_a_period_ends_with_the_newest_stored_price(
    client: Client, period: str, first: str, rows: int
) -> None:
    days = client.get(f"/prices/AAPL?interval=1d&limit=5000&period={period}").json["prices"]
    assert (days[0]["timestamp"][:10], len(days)) == (first, rows)
    assert days[-1]["timestamp"].startswith("2017-02-16")


def test_ranges_are_half_open(client: Client) -> None:
    query = "interval=tick&start=2015-03-23T20:00:00Z&end=2015-03-24T20:00:00Z"
    rows = client.get(f"/prices/AAPL?{query}").json["prices"]
    assert [row["timestamp"][:10] for row in rows] == ["2015-03-23"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2016-01-04", "2016-01-06"),
        ("2016-01-04T00:00:00Z", "2016-01-06T00:00:00.000Z"),
        ("2016-01-03T19:00:00-05:00", "2016-01-06T01:00:00%2B01:00"),
        ("2016-01-03T19:00:00-05:00", "2016-01-06T01:00:00+01:00"),
        ("1451865600000", "1452038400000"),
    ],
)
def test_times_are_dates_or_rfc_3339_or_milliseconds(client: Client, start: str, end: str) -> None:
    rows = client.get(f"/prices/AAPL?interval=1d&start={start}&end={end}").json["prices"]
    assert [row["timestamp"][:10] for row in rows] == ["2016-01-04", "2016-01-05"]


def test_a_known_symbol_without_rows_in_the_range_is_an_empty_list(client: Client) -> None:
    answer = client.get("/prices/AAPL?start=2001-01-01&end=2002-01-01")
    assert answer.status == 200
    assert answer.json["prices"] == []
    assert answer.json["next_page_token"] is None


def test_a_symbol_may_be_forgotten_with_its_data() -> None:
    services = FakeServices()
    fill(services, make_ticks(30))
    client = Client(services)
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert client.send("DELETE", "/symbols/TEST?data=yes", headers=headers).status == 400
    assert client.send("DELETE", "/symbols/TEST?data=true", headers=headers).json == {
        "symbol": "TEST", "prices": 30, "bars": 30, "alerts": 5, "complete": True
    }  # fmt: skip
    assert client.get("/prices/TEST").status == 404
    assert client.get("/symbols").json == {"symbols": [], "next_page_token": None}


def test_a_symbol_that_is_only_tracked_is_known() -> None:
    services = FakeServices()
    services.stores.symbols.put("tracked", SymbolEntry(symbol="NEW", added_at=""))
    client = Client(services)
    assert client.get("/prices/NEW?period=1mo").json["prices"] == []
    answer = client.get("/prices/NEW/latest")
    assert (answer.status, answer.json["title"]) == (404, "No price")


def test_history_without_a_tick_is_served() -> None:
    services = FakeServices()
    entry = SymbolEntry(symbol="OLD", added_at="", source="yfinance")
    services.stores.symbols.put("seen", entry)
    days = [_day(f"2026-10-{day:02d}", "OLD") for day in range(1, 31)]
    services.stores.bars.write_history(days, "", 0.0)
    answer = Client(services).get("/prices/OLD?period=5d").json
    assert [row["timestamp"][:10] for row in answer["prices"]][-1] == "2026-10-30"
    assert (answer["source"], answer["as_of"], answer["is_stale"]) == ("yfinance", None, True)


def test_symbols_are_percent_decoded_and_upper_cased() -> None:
    services = FakeServices()
    for symbol in ("^GSPC", "EURUSD=X", "BRK-B"):
        fill(services, make_ticks(3, symbol))
    client = Client(services)
    for path in ("%5EGSPC", "%5egspc", "EURUSD%3DX", "EURUSD=X", "brk-b"):
        assert client.get(f"/prices/{path}?interval=1m").status == 200
    quotes = client.get("/quotes?symbols=%5EGSPC,EURUSD%3DX,BRK-B").json["quotes"]
    assert [quote["symbol"] for quote in quotes] == ["^GSPC", "EURUSD=X", "BRK-B"]


def test_csv_has_the_columns_of_the_json(client: Client) -> None:
    query = "/prices/AAPL?interval=tick&limit=5000"
    answer = client.get(f"{query}&format=csv")
    rows = client.get(query).json["prices"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.body.startswith(b"timestamp,symbol,")
    assert [row["timestamp"] for row in answer.rows] == [row["timestamp"] for row in rows]
    assert answer.rows[0]["previous_close"] == ""
    assert [Decimal(row["price"]) for row in answer.rows] == [row["price"] for row in rows]
    bars = client.get("/prices/AAPL?interval=1d&format=csv").rows
    assert bars[0]["closed"] == "true"


def test_csv_of_no_rows_has_its_header(client: Client) -> None:
    answer = client.get("/prices/AAPL?format=csv&interval=1d&end=2001-01-01")
    assert answer.body == b"timestamp,open,high,low,close,volume,closed\n"


def test_latest_has_both_averages_and_their_trend(client: Client) -> None:
    answer = client.get("/prices/AAPL/latest").json
    prices = [tick.price for tick in aapl_ticks()]
    assert answer["timestamp"] == aapl_ticks()[-1].timestamp
    assert answer["sma_5"] == sum(prices[-5:]) / 5
    assert answer["sma_20"] == sum(prices[-20:]) / 20
    assert answer["trend"] == "up"
    assert [name for name in answer if name in TICK_COLUMNS] == TICK_COLUMNS


def test_latest_of_few_prices_has_no_trend_yet() -> None:
    services = FakeServices()
    fill(services, make_ticks(7))
    answer = Client(services).get("/prices/TEST/latest").json
    assert answer["sma_5"] is not None
    assert (answer["sma_20"], answer["trend"]) == (None, None)


def test_quotes_keep_the_order_asked_for(client: Client) -> None:
    answer = client.get("/quotes?symbols=test,NOSUCH,AAPL,TEST").json
    assert [quote["symbol"] for quote in answer["quotes"]] == ["TEST", "AAPL"]
    assert answer["without_price"] == ["NOSUCH"]


def test_labels_are_computed_from_clock_and_calendar() -> None:
    services = FakeServices()
    fill(services, make_ticks(3, "XYZ", timezone="America/New_York"))
    client = Client(services)
    labels = {
        "currency": "USD",
        "source": "simulator",
        "adjustment": "raw",
        "as_of": "2026-11-20T16:00:00.000000Z",
    }
    in_session = {"delay_seconds": 60, "is_stale": False, "market_state": "REGULAR"}
    late = {"delay_seconds": 301, "is_stale": True, "market_state": "REGULAR"}
    services.now = NOW + timedelta(seconds=60)
    assert _labels(client.get("/prices/XYZ").json) == labels | in_session
    services.now = NOW + timedelta(seconds=301)
    assert _labels(client.get("/prices/XYZ/latest").json) == labels | late
    state = services.stores.state.get("XYZ")
    assert isinstance(state, State)
    assert state.last is not None
    close = msgspec.structs.replace(state.last, timestamp="2026-11-20T21:00:00.000000Z")
    services.stores.state.put(msgspec.structs.replace(state, last=close))
    services.now = NOW.replace(day=22)  # a Sunday
    sunday = _labels(client.get("/quotes?symbols=XYZ").json["quotes"][0])
    assert sunday == labels | {
        "as_of": "2026-11-20T21:00:00.000000Z",
        "delay_seconds": 43 * 3600,
        "is_stale": False,
        "market_state": "CLOSED",
    }


def _labels(answer: dict[str, object]) -> dict[str, object]:
    names = ("currency", "source", "adjustment", "as_of", "delay_seconds", "is_stale")
    return {name: answer[name] for name in (*names, "market_state")}


@pytest.mark.parametrize(
    ("symbol", "opens", "minutes"),
    [("BTC-USD", "00:00", 1440), ("AAPL", "14:30", 390)],
)
def test_a_day_of_history_without_a_tick_is_its_last_session(
    symbol: str, opens: str, minutes: int
) -> None:
    services = FakeServices()
    entry = SymbolEntry(symbol=symbol, added_at="", source="replay")
    services.stores.symbols.put("seen", entry)
    for date in ("2026-11-12", "2026-11-13"):
        start = from_text(f"{date}T{opens}:00.000000Z")
        day = _day(date, symbol)
        rows = [to_text(start + timedelta(minutes=n)) for n in range(minutes)]
        bars = [msgspec.structs.replace(day, interval="1m", start=row) for row in rows]
        services.stores.bars.write_history([*bars, day], "", 0.0)
    client = Client(services)
    for interval, count in (("1m", minutes), ("1d", 1)):
        query = f"interval={interval}&period=1d&limit=5000"
        found = client.get(f"/prices/{symbol}?{query}").json["prices"]
        assert len(found) == count
        assert {row["timestamp"][:10] for row in found} == {"2026-11-13"}
