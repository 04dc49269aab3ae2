"""Walking by pages: the same rows as in one piece, whatever the page's size, while ticks come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api import page_tokens
from chalicelib.services.priced import PricedRecord
from chalicelib.services.symbol_stores import SymbolEntry
from tests.api_support import NOW, Client, FakeServices, aapl_ticks, fill, make_ticks, walk

INTERVALS = ["auto", "tick", "1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo"]


@pytest.fixture(scope="module")
def client() -> Client:
    services = FakeServices()
    fill(services, aapl_ticks())
    fill(services, make_ticks(900))
    return Client(services)


@settings(max_examples=60, deadline=None)
@given(
    symbol=st.sampled_from(["AAPL", "TEST"]),
    interval=st.sampled_from(INTERVALS),
    limit=st.integers(40, 700),
    sort=st.sampled_from(["asc", "desc"]),
    start=st.sampled_from(["", "2015-06-03", "2026-11-20T03:17:00Z"]),
    end=st.sampled_from(["", "2026-11-20T12:03:30Z"]),
)
def test_pages_together_are_the_range_in_one_piece(
    client: Client, symbol: str, interval: str, limit: int, sort: str, start: str, end: str
) -> None:
    query = f"/prices/{symbol}?interval={interval}&sort={sort}&start={start}&end={end}"
    whole = client.get(f"{query}&limit=5000").json
    assert whole["next_page_token"] is None
    assert list(walk(client, f"{query}&limit={limit}")) == whole["prices"]


@settings(max_examples=40, deadline=None)
@given(
    interval=st.sampled_from(INTERVALS[1:]),
    limit=st.integers(1, 30),
    sort=st.sampled_from(["asc", "desc"]),
    late=st.lists(st.integers(0, 25), min_size=1, max_size=30),
)
def test_a_walk_repeats_and_skips_nothing_while_ticks_come(
    interval: str, limit: int, sort: str, late: list[int]
) -> None:
    services = FakeServices()
    ticks = make_ticks(60, step_seconds=90)
    fill(services, ticks)
    client = Client(services)
    query = f"/prices/TEST?interval={interval}&sort={sort}"
    before = _labels(client.get(f"{query}&limit=5000").json["prices"])
    walked: list[str] = []
    token: str | None = ""
    newest = NOW
    for more in [*late, *[0] * 80]:
        page = client.get(f"{query}&limit={limit}&page_token={token}").json
        walked += _labels(page["prices"])
        token = page["next_page_token"]
        if token is None:
            break
        if more:
            newest += timedelta(seconds=20 * more)
            fill(services, make_ticks(more, end=newest, step_seconds=20))
    after = _labels(client.get(f"{query}&limit=5000").json["prices"])
    assert token is None
    assert walked == sorted(set(walked), reverse=sort == "desc")
    assert set(before) <= set(walked) <= set(after)
    if sort == "desc":
        assert walked == before


def _labels(rows: list[dict[str, Any]]) -> list[str]:
    return [row["timestamp"] for row in rows]


def test_auto_keeps_its_interval_over_all_pages() -> None:
    services = FakeServices()
    fill(services, make_ticks(390))
    client = Client(services)
    first = client.get("/prices/TEST?limit=100").json
    fill(services, make_ticks(100, end=NOW + timedelta(minutes=100)))
    second = client.get(f"/prices/TEST?limit=100&page_token={first['next_page_token']}").json
    assert (first["interval"], second["interval"]) == ("1m", "1m")
    assert client.get("/prices/TEST").json["interval"] == "5m"


def test_a_period_keeps_its_start_over_all_pages() -> None:
    services = FakeServices()
    fill(services, make_ticks(3000, end=NOW - timedelta(days=1), step_seconds=60))
    fill(services, make_ticks(10))
    client = Client(services)
    query = "/prices/TEST?interval=tick&period=1d&sort=desc&limit=5"
    first = client.get(query).json
    fill(services, make_ticks(1, end=NOW + timedelta(days=3)))
    second = client.get(f"{query}&page_token={first['next_page_token']}").json
    assert [row["timestamp"][11:16] for row in second["prices"]] == [
        "15:55",
        "15:54",
        "15:53",
        "15:52",
        "15:51",
    ]


def test_a_tick_is_shown_once_all_before_it_are_stored() -> None:
    """Detection has seen the first five; of a batch still being written, one is missing."""
    services = FakeServices()
    ticks = make_ticks(8)
    fill(services, ticks[:5])
    late = [PricedRecord((tick,), "") for tick in (ticks[5], ticks[7])]
    services.stores.prices.write(late, 0.0)
    query = "/prices/TEST?interval=tick&limit=4"
    client = Client(services)
    first = client.get(query).json
    second = client.get(f"{query}&page_token={first['next_page_token']}").json
    assert len(second["prices"]) == 1
    assert second["next_page_token"] is None
    fill(services, ticks[5:])
    assert len(list(walk(client, query))) == 8


def test_ticks_that_detection_has_not_seen_are_not_shown_before_its_first_look() -> None:
    """Shown and then hidden until detection has caught up, they would look like lost ones."""
    services = FakeServices()
    ticks = make_ticks(8)
    services.stores.prices.write([PricedRecord((tick,), "") for tick in ticks], 0.0)
    services.stores.symbols.put("seen", SymbolEntry(symbol="TEST", added_at=""))
    client = Client(services)
    assert client.get("/prices/TEST?interval=tick").json["prices"] == []
    fill(services, ticks[:3])
    assert len(client.get("/prices/TEST?interval=tick").json["prices"]) == 3


def test_the_link_leads_to_the_next_page(client: Client) -> None:
    answer = client.get("/prices/AAPL?interval=1d&limit=2&format=csv")
    target, relation = answer.headers["link"].split("; ")
    assert relation == 'rel="next"'
    following = client.get(f"/prices/AAPL{target.strip('<>')}")
    assert [row["timestamp"][:10] for row in following.rows] == ["2015-02-19", "2015-02-20"]


def test_a_token_is_bound_to_its_query(client: Client) -> None:
    token = client.get("/prices/AAPL?interval=1d&limit=2").json["next_page_token"]
    good = ["interval=1d&limit=9", "limit=2&interval=1d&format=csv"]
    bad = ["interval=1h&limit=2", "interval=1d&sort=desc", "interval=1d&start=2015-01-01", ""]
    for query in good:
        assert client.get(f"/prices/AAPL?{query}&page_token={token}").status == 200
    for query in bad:
        assert client.get(f"/prices/AAPL?{query}&page_token={token}").status == 400
    assert client.get(f"/prices/TEST?interval=1d&page_token={token}").status == 400
    assert client.get(f"/alerts?page_token={token}").status == 400


@pytest.mark.parametrize(
    "position",
    [
        ["1d", None, None, "nonsense"],
        ["1d", None, None, None],
        ["7m", None, None, "2015-02-19T00:00:00.000000Z"],
        ["1d", "x", None, "2015-02-19T00:00:00.000000Z"],
        ["1d", None, None, "9999-12-31T23:59:59.999999Z"],
        ["1d", None, None],
    ],
)
def test_a_token_with_a_valid_checksum_is_still_checked(
    client: Client, position: page_tokens.Position
) -> None:
    token = page_tokens.encode(position, "/prices/AAPL", {"interval": "1d"})
    assert client.get(f"/prices/AAPL?interval=1d&page_token={token}").status == 400


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_no_invented_token_decodes(token: str) -> None:
    with pytest.raises(ValueError, match="page token"):
        page_tokens.decode(token, "/prices/AAPL", {}, 4)
