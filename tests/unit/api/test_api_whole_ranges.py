"""Whole ranges and several symbols in one answer: nothing is cut without a word."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from tests.api_support import Client, FakeServices, aapl_ticks, fill, make_ticks, walk


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    fill(services, make_ticks(700))
    return Client(services)


def _frame(client: Client, path: str) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(client.get(path).body), parse_dates=["timestamp"], index_col="timestamp"
    )


def test_pandas_reads_every_row_without_naming_a_limit(client: Client) -> None:
    days = _frame(client, "/prices/AAPL?interval=1d&format=csv")
    assert (len(days), str(days.index[-1].date())) == (506, "2017-02-16")


def test_json_without_a_limit_stays_a_page_of_500(client: Client) -> None:
    page = client.get("/prices/AAPL?interval=1d").json
    assert len(page["prices"]) == 500
    assert page["next_page_token"]


@pytest.mark.parametrize("interval", ["tick", "1m", "5m", "1h", "1d", "auto"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_limit_max_is_what_a_walk_by_pages_gives(client: Client, interval: str, sort: str) -> None:
    query = f"/prices/TEST?interval={interval}&sort={sort}"
    whole = client.get(f"{query}&limit=max").json
    assert whole["prices"] == list(walk(client, f"{query}&limit=97"))
    assert whole["next_page_token"] is None


def test_indicators_are_whole_too(client: Client) -> None:
    frame = _frame(client, "/indicators/AAPL?sma=20&interval=1d&format=csv")
    assert (len(frame), int(frame["sma_20"].isna().sum())) == (506, 19)


def test_a_range_of_several_reads_is_joined_in_order(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.market_data.queries.MAX_LIMIT", 100)
    whole = client.get("/prices/TEST?interval=1m&limit=max").json["prices"]
    assert [row["timestamp"] for row in whole] == sorted({row["timestamp"] for row in whole})
    assert len(whole) == 700


def test_a_range_too_long_for_one_answer_is_refused_and_says_what_to_do(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.market_data.queries.MAX_LIMIT", 100)
    monkeypatch.setattr("chalicelib.services.market_data.whole_ranges.MOST_WHOLE_ROWS", 300)
    for path in ("/prices/AAPL?interval=1d&format=csv", "/prices?symbols=AAPL&limit=max"):
        refused = client.get(path)
        assert (refused.status, refused.json["parameter"]) == (413, "limit")
        assert "narrow it with start and end" in refused.json["detail"]


def test_several_symbols_make_one_table(client: Client) -> None:
    frame = _frame(client, "/prices?symbols=test,AAPL&format=csv")
    assert list(frame["symbol"].unique()) == ["TEST", "AAPL"]
    apple = frame[frame["symbol"] == "AAPL"]
    alone = _frame(client, "/prices/AAPL?interval=1d&format=csv")
    pd.testing.assert_frame_equal(apple.drop(columns="symbol"), alone)


@pytest.mark.parametrize("limit", [1, 37, 253, 506, 507])
@pytest.mark.parametrize("query", ["symbols=AAPL,TEST", "symbols=TEST,AAPL&sort=desc&period=1y"])
def test_pages_over_several_symbols_are_the_whole(client: Client, query: str, limit: int) -> None:
    whole = client.get(f"/prices?{query}&limit=max").json
    pages = client.get(f"/prices?{query}&limit={limit}").json
    rows, token = pages["prices"], pages["next_page_token"]
    assert len(rows) == min(limit, len(whole["prices"]))
    while token and len(rows) < 600:
        pages = client.get(f"/prices?{query}&limit={max(limit, 100)}&page_token={token}").json
        rows, token = rows + pages["prices"], pages["next_page_token"]
    assert rows == whole["prices"][: len(rows)]
    assert token is not None or rows == whole["prices"]


def test_labels_stand_beside_each_symbol(client: Client) -> None:
    table = client.get("/prices?symbols=AAPL,TEST&period=1d").json
    assert [one["symbol"] for one in table["symbols"]] == ["AAPL", "TEST"]
    assert all(
        {"source", "as_of", "currency", "is_stale"} <= one.keys() for one in table["symbols"]
    )


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("", 400, "symbols"),
        ("symbols=AAPL,NOSUCH", 404, "symbol"),
        ("symbols=AAPL&interval=auto", 400, "interval"),
        ("symbols=AAPL&limit=min", 400, "limit"),
        ("symbols=AAPL&page_token=abc", 400, "page_token"),
    ],
)
def test_invalid_requests_are_named(client: Client, query: str, status: int, named: str) -> None:
    refused = client.get(f"/prices?{query}")
    assert (refused.status, refused.json["parameter"]) == (status, named)


def test_a_token_of_other_symbols_is_refused(client: Client) -> None:
    token = client.get("/prices?symbols=AAPL,TEST&limit=3").json["next_page_token"]
    assert client.get(f"/prices?symbols=AAPL,TEST&page_token={token}").status == 200
    assert client.get(f"/prices?symbols=TEST&page_token={token}").status == 400
    assert client.get(f"/prices?symbols=AAPL,TEST&interval=1h&page_token={token}").status == 400
