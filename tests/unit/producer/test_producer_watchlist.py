"""Which symbols a producer follows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from producer import building
from producer.arguments import parse
from producer.collector.sources import Followed
from producer.sinks import aws
from producer.source_plans import SourcePlans
from producer.status import Status
from producer.watchlist import DefaultList, FixedList, TrackedList, Watchlist

PLANS = SourcePlans("yfinance", lambda: datetime(2026, 11, 20, 16, tzinfo=UTC))


class Changing(FixedList):
    """A list that a test changes."""

    def __init__(self) -> None:
        self.now: tuple[str, ...] = ()

    def symbols(self) -> Sequence[str]:
        """Those of this moment."""
        return self.now

    def drops(self, symbol: str) -> bool:
        """Return whether it is not among them."""
        return symbol not in self.now


def test_tracked_symbols_come_behind_the_sources_own_and_each_once() -> None:
    tracked = Changing()
    watched = DefaultList(("A", "B"), lambda: tracked)
    watched.symbols()
    tracked.now = ("C", "B")
    assert watched.symbols() == ("A", "B", "C")
    tracked.now = ()
    assert watched.symbols() == ("A", "B")


def test_first_prices_do_not_wait_for_the_table_of_tracked_symbols() -> None:
    connected = []

    def connect() -> Watchlist:
        connected.append(True)
        return FixedList(("C",))

    watched = DefaultList(("A",), connect)
    assert (watched.symbols(), connected) == (("A",), [])
    assert (watched.symbols(), connected) == (("A", "C"), [True])


class Table:
    """The table of symbols, which a test changes."""

    def __init__(self, *symbols: str) -> None:
        self.symbols = symbols
        self.plans: dict[str, dict[str, str]] = {}
        self.fails = False

    def get_paginator(self, _operation: str) -> Any:
        """Return Query's paginator."""
        return self

    def paginate(self, **_request: Any) -> list[dict[str, Any]]:
        """One page."""
        if self.fails:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        lines = [{"symbol": symbol, **self.plans.get(symbol, {})} for symbol in self.symbols]
        items = [{name: {"S": text} for name, text in line.items()} for line in lines]
        return [{"Items": items}]


def test_invalid_items_are_skipped_and_reported() -> None:
    told: list[str] = []
    seconds = [0.0]
    table = Table("AAPL", "not a symbol", "msft", *(f"{number} $" for number in range(7)))
    status = Status(lambda _event, text: told.append(text), now=lambda: seconds[0])
    tracked = TrackedList("symbols", table, status, PLANS, lambda: seconds[0])
    assert tracked.symbols() == ("AAPL", "MSFT")
    assert len(tracked.invalid) == 8
    assert told[0].startswith("skipping tracked items that are not symbols: 'not a symbol', ")
    assert told[0].endswith(" and 3 more")
    status.problem("Yahoo answers 429")
    for seconds[0] in (10.0, 50.0):
        tracked.symbols()
        assert status.current_problem == "Yahoo answers 429"
    seconds[0] = 60.0
    tracked.symbols()
    assert status.current_problem == told[0]


def test_a_table_that_does_not_answer_says_of_no_symbol_that_it_is_not_followed() -> None:
    seconds = [0.0]
    table = Table("AAPL")
    quiet = Status(lambda _event, _message: None)
    tracked = TrackedList("symbols", table, quiet, PLANS, lambda: seconds[0])
    watched = DefaultList(("A",), lambda: tracked)
    watched.symbols()
    assert not watched.drops("MSFT")  # the table was not asked yet
    watched.symbols()
    assert (watched.drops("MSFT"), watched.drops("AAPL"), watched.drops("A")) == (
        True,
        False,
        False,
    )
    seconds[0], table.fails = 10.0, True
    assert watched.symbols() == ("A", "AAPL")
    assert not watched.drops("MSFT")


def test_symbols_whose_series_have_another_source_are_not_followed() -> None:
    table = Table("COIN", "GONE", "NEXT", "OURS")
    table.plans = {
        "COIN": {"source": "coinbase"},
        "GONE": {"source": "yfinance", "switches": "2026-11-20T15:00:00.000000Z alpaca"},
        "NEXT": {"source": "alpaca", "switches": "2026-11-23T14:30:00.000000Z yfinance"},
        "OURS": {"source": "yfinance-live", "switches": "2026-11-20T15:30:00.000000Z alpaca"},
    }
    tracked = TrackedList("symbols", table, Status(lambda *_: None), PLANS, lambda: 0.0)
    assert tracked.symbols() == ("NEXT", "OURS")
    assert (tracked.drops("GONE"), tracked.drops("OURS")) == (True, False)
    watched = DefaultList(("A", "GONE"), lambda: tracked, at_call=1)
    assert watched.symbols() == ("A", "NEXT", "OURS")
    assert (watched.drops("GONE"), watched.drops("A")) == (True, False)
    followed = Followed(("A", "GONE"), tracked)
    assert followed.symbols() == ("A", "NEXT", "OURS")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, DefaultList),
        ({"symbols": "A,B"}, FixedList),
        ({"symbols": "tracked"}, TrackedList),
        ({"sink": "stdout"}, FixedList),
        ({"symbols_table": None}, FixedList),
        ({"command": "backfill"}, FixedList),
    ],
)
def test_without_symbols_a_stream_into_aws_follows_the_tracked_ones_too(
    given: dict[str, Any], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYMBOLS_TABLE", raising=False)
    for name, value in {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "DEFAULT_REGION": "r",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    options = argparse.Namespace(
        **{"command": "stream", "sink": "kinesis", "symbols": None, "symbols_table": "t", **given}
    )
    status = Status(lambda _event, _message: None)
    watched = building._watchlist(options, status, ("A",), "yfinance")
    assert isinstance(watched, kind)


@pytest.mark.parametrize(
    ("named", "symbols"),
    [
        ("tracked", ("TSLA",)),
        ("AAPL,tracked", ("AAPL", "TSLA")),
        ("Tracked, aapl", ("AAPL", "TSLA")),
        ("AAPL", ("AAPL",)),
    ],
)
@pytest.mark.parametrize("command", ["stream", "backfill"])
def test_tracked_among_the_named_symbols_stands_for_those_that_people_track(
    monkeypatch: pytest.MonkeyPatch, command: str, named: str, symbols: tuple[str, ...]
) -> None:
    monkeypatch.setattr(aws, "client", lambda *_: Table("TSLA"))
    flags = ["--symbols", named, "--symbols-table", "symbols", "--sink", "kinesis", "--stream", "x"]
    status = Status(lambda *_: None)
    watched = building._watchlist(parse([command, *flags]), status, ("OWN",), "yfinance")
    assert watched.symbols() == symbols
