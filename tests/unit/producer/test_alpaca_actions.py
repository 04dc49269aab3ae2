"""Alpaca's splits and dividends, against a stand-in for its REST API, down to adjusted prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.actions import Action
from chalicelib.services.ingest.ingest import Ingest
from producer.malformed import flaw_of
from producer.sources.alpaca import AlpacaHistory, Keys
from producer.sources.pushed.http import KeysRefused, Unusable
from producer.wire import line_of
from rigs.pushed_services.alpaca import KEY, SECRET, AlpacaProtocol
from rigs.pushed_services.market import Market, Trade
from rigs.pushed_services.server import StandIn, standing
from tests.api_support import Client, FakeServices
from tests.factories import NEVER, make_incoming

NOW = datetime.now(UTC)
Rows = Mapping[str, Sequence[Mapping[str, object]]]


def day(back: int) -> str:
    """The date some days ago."""
    return (NOW - timedelta(days=back)).date().isoformat()


def split(back: int, new: object, old: object, symbol: str = "AAPL") -> dict[str, object]:
    return {"id": "x", "symbol": symbol, "ex_date": day(back), "new_rate": new, "old_rate": old}


def dividend(back: int, rate: object, symbol: str = "AAPL") -> dict[str, object]:
    return {"symbol": symbol, "ex_date": day(back), "rate": rate, "special": False}


@contextmanager
def alpaca(
    actions: Rows, prices: Mapping[int, int] = {}, symbol: str = "AAPL", **options: Any
) -> Iterator[tuple[AlpacaHistory, StandIn]]:
    """The history of a stand-in with a trade at noon in New York of some days ago."""
    market = Market()
    for back, price in sorted(prices.items(), reverse=True):
        at = (NOW - timedelta(days=back)).replace(hour=17, minute=0, second=0, microsecond=0)
        trades = market.trades.setdefault(symbol, [])
        trades.append(Trade(symbol, len(trades), at, Decimal(price), Decimal(1)))
    with standing(lambda: AlpacaProtocol(actions=actions, **options), market) as stand_in:
        yield AlpacaHistory(Keys(KEY, SECRET), "iex", stand_in.history_url), stand_in


def told(history: AlpacaHistory, symbol: str = "AAPL") -> list[Action]:
    ticks = history.actions(symbol, NOW)
    assert all(flaw_of(tick) is None for tick in ticks)
    return [tick.action for tick in ticks if tick.action is not None]


def test_actions_have_whole_ratios_and_the_close_before() -> None:
    actions: Rows = {
        "forward_splits": [split(20, 4, 1), split(19, "1.5", 1)],
        "reverse_splits": [split(18, 1, 15)],
        "cash_dividends": [dividend(10, 0.25), dividend(10, "0.05"), dividend(11, 1)],
        "name_changes": [{"symbol": "AAPL", "ex_date": day(9)}],
    }
    with alpaca(actions, {12: 200, 11: 198}) as (history, _):
        found = told(history)
    assert [(one.ex_date, one.ratio) for one in found[:3]] == [
        (day(20), "4:1"), (day(19), "3:2"), (day(18), "1:15"),
    ]  # fmt: skip
    assert [(one.ex_date, str(one.amount), one.previous_close) for one in found[3:]] == [
        (day(11), "1", 200), (day(10), "0.3", 198),
    ]  # fmt: skip
    assert {one.source for one in found} == {"alpaca"}


def test_several_pages_and_names_with_a_dot_are_read() -> None:
    actions: Rows = {
        "forward_splits": [split(n, 2, 1, "BRK.B") for n in range(30, 0, -1)] + [split(1, 3, 1)]
    }
    with alpaca(actions, page_size=7) as (history, _):
        found = told(history, "BRK-B")
    assert [one.ex_date for one in found] == [day(n) for n in range(30, 0, -1)]
    assert {one.symbol for one in found} == {"BRK-B"}


def test_senseless_ratios_and_announced_actions_are_left_out() -> None:
    rows = [split(n, *rates) for n, rates in enumerate([(0, 1), (1, 0), (2, 2), (-4, 1)], 5)]
    tomorrow = [split(-1, 4, 1), split(-9, 4, 1)]
    with alpaca({"forward_splits": [*rows, *tomorrow]}) as (history, _):
        assert told(history) == []


def test_rates_of_millions_of_digits_are_left_out_at_once() -> None:
    """As fractions they would hold the interpreter for minutes."""
    short = ["1e-999999999", "1e999999999", "1e-9", "NaN"]
    rows = [split(n, *rates) for n, rate in enumerate(short, 5) for rates in ((rate, 1), (1, rate))]
    with alpaca({"forward_splits": [*rows, split(2, "3.0", "2.00000000")]}) as (history, _):
        assert [one.ratio for one in told(history)] == ["3:2"]


def test_a_dividend_before_the_first_close_is_left_out() -> None:
    with alpaca({"cash_dividends": [dividend(10, 1)]}, {9: 100}) as (history, _):
        assert told(history) == []


def test_refused_keys_are_told() -> None:
    with alpaca({}) as (_, stand_in):
        wrong = AlpacaHistory(Keys(KEY, "wrong"), "iex", stand_in.history_url)
        with pytest.raises(KeysRefused):
            wrong.actions("AAPL", NOW)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{**split(5, 2, 1), "new_rate": "x"}], "other than corporate actions"),
        ([split(5, 2, 1)] * 9, "more than 5 pages"),
    ],
)
def test_answers_of_no_use_are_told(rows: list[dict[str, object]], why: str) -> None:
    unusable = pytest.raises(Unusable, match=why)
    with alpaca({"forward_splits": rows}, page_size=1) as (history, _), unusable:
        history.actions("AAPL", NOW)


def test_the_api_adjusts_for_actions_of_alpaca() -> None:
    actions: Rows = {
        "forward_splits": [split(10, 4, 1)],
        "cash_dividends": [dividend(11, 4)],
    }
    services = FakeServices()
    services.now = NOW
    ingest = Ingest(services.stores, lambda: NOW)
    with alpaca(actions, {12: 400, 11: 396, 10: 100}) as (history, _):
        sent = history.bars("AAPL", "1d", NOW - timedelta(days=99), NOW)
        sent += history.actions("AAPL", NOW)
    seconds = (NOW - datetime(2026, 11, 20, 15, 30, tzinfo=UTC)).total_seconds()
    records = [make_incoming(line_of(tick).payload, n, seconds) for n, tick in enumerate(sent)]
    for _ in range(2):  # redelivered
        assert ingest(records, NEVER).quarantined == 0
    client = Client(services)
    found = {}
    for adjustment in ("raw", "splits", "all"):
        page = client.get(f"/prices/AAPL?interval=1d&adjustment={adjustment}").json
        found[adjustment] = [row["close"] for row in page["prices"]]
    assert found == {"raw": [400, 396, 100], "splits": [100, 99, 100], "all": [99, 99, 100]}
