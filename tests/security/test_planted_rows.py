"""Rows of wrong types, as the maker of a data folder or another version may store them: whatever
one of AAPL's rows or of the shared ones holds, MSFT goes on, and the API has no error of ours."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from chalicelib import bootstrap, handlers
from chalicelib.services.push.push import Push
from rigs.memory_aws.system import Aws, services_over
from tests.api_support import ADMIN, SETTINGS, Client
from tests.factories import LambdaContext, kinesis_event, make_rule, payload, wire
from tests.stored_rules import store_rule

VALUES: tuple[dict[str, Any], ...] = (
    {"S": "x"},
    {"S": ""},
    {"S": "[" * 5_000},
    {"S": "2026-11-20T15:30:00.000000Z"},
    {"N": "1"},
    {"N": "-1"},
    {"N": "1E+400"},
    {"N": "1E+1000000"},
    {"N": "9" * 38},
    {"BOOL": True},
    {"NULL": True},
    {"L": []},
    {"M": {}},
    {"M": {"x": {"S": "y"}}},
    {"M": {"x": {"N": "1E+1000000"}}},
    {"SS": ["x"]},
)
KEYS = {
    "prices": ("symbol", "timestamp"),
    "bars": ("series", "start"),
    "state": ("symbol",),
    "alerts": ("symbol", "timestamp_rule"),
    "rules": ("symbol", "rule_id"),
    "symbols": ("list", "symbol"),
    "keys": ("kind", "id"),
}
READS = (
    "/prices?symbols=AAPL,MSFT",
    "/prices/AAPL",
    "/prices/AAPL?interval=tick",
    "/prices/AAPL?interval=1m",
    "/prices/MSFT",
    "/prices/AAPL/latest",
    "/indicators/AAPL?interval=1m",
    "/quotes?symbols=AAPL,MSFT",
    "/symbols",
    "/alerts",
    "/alerts?symbol=AAPL",
    "/rules",
    "/rules/each",
    "/channels",
    "/mutes",
    "/keys",
    "/push",
    "/health",
)
_INDEXED = ("kind", "day", "timestamp_symbol_rule", "alert_id")
"""Keys of indexes: DynamoDB refuses other types for them than theirs."""

Item = dict[str, Any]
Case = tuple[str, Any, str, Item]
"""A table, the key of a row, one of its attributes, and a value for it."""


class World:
    """The app over AWS in memory. `seen` counts the passed records of each table's stream."""

    def __init__(self, aws: Aws, seen: dict[str, int]) -> None:
        self.aws, self.seen = aws, seen
        self.services = services_over(aws, SETTINGS)
        push = Push(self.services.market_data().quote, lambda *_: None, 1)
        self.services.__dict__["push"] = push
        self.client = Client(self.services)  # type: ignore[arg-type]

    def go(self, second: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Pass a price of each symbol through all functions; return what is to come again."""
        monkeypatch.setattr(bootstrap, "get_services", lambda: self.services)
        failed = []
        for number, symbol in enumerate(("AAPL", "MSFT")):
            tick = wire(100 + second, second, symbol=symbol)
            sent = kinesis_event([payload(tick)], second + number)
            failed += handlers.ingest_kinesis(sent, LambdaContext())["batchItemFailures"]
        for table, run in _FUNCTIONS.items():
            stream = self.aws.tables[table].stream
            records, self.seen[table] = stream[self.seen.get(table, 0) :], len(stream)
            failed += run({"Records": records}, LambdaContext())["batchItemFailures"]
        return failed


_PRODUCER: Item = {
    "list": {"S": "producers"},
    "symbol": {"S": "stream"},
    "source": {"S": "yahoo"},
    "state": {"S": "live"},
    "time": {"S": "2026-11-20T15:31:00.000000Z"},
    "progress": {"N": "0.5"},
    "problem": {"S": "none"},
    "dropped": {"M": {"late": {"N": "1"}}},
}
_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "prices": handlers.detect,
    "alerts": handlers.deliver,
    "state": handlers.push,
}


@cache
def filled() -> World:
    """Return a system with a row or more in each table."""
    world = World(Aws(), {})
    each = make_rule("every_record", value=None, rule_id="each", symbol="*")
    store_rule(world.services.stores.rules, each)
    world.services.keys.create({"name": "a test", "scopes": ["read"]})
    for method, path, body in (
        ("PUT", "/symbols/AAPL", None),
        ("POST", "/mutes", {"symbol": "TSLA", "until": "2026-11-20T16:00:00Z"}),
        ("POST", "/channels", {"name": "a", "kind": "apprise", "address": "ntfy://1.1.1.1/a"}),
    ):
        assert world.client.send(method, path, body, ADMIN).status < 300
    world.aws.tables["symbols"].put(_PRODUCER)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert world.go(0, monkeypatch) == world.go(70, monkeypatch) == []
    return world


def cases() -> Iterator[Case]:
    """Yield each value for each attribute of each row that is not MSFT's."""
    for table, names in KEYS.items():
        for key, item in filled().aws.tables[table].items.items():
            if "MSFT" in key[0] or "MSFT" in key[1]:
                continue
            for name in sorted(item.keys() - {*names, *_INDEXED}):
                yield from ((table, key, name, value) for value in VALUES if value != item[name])


def copied(aws: Aws) -> Aws:
    """Return an AWS with the same rows, streams and messages."""
    new = Aws()
    for name, table in aws.tables.items():
        new.tables[name].__dict__.update(copy.deepcopy(table.__dict__))
    new.published = list(aws.published)
    return new


def check(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a row, restart, and let one more price come."""
    table, key, name, value = case
    base = filled()
    world = World(copied(base.aws), dict(base.seen))
    item = {**world.aws.tables[table].items[key], name: value}
    world.aws.tables[table].put(item)
    failed = world.go(75, monkeypatch)
    assert failed == [], case
    answers = {path: world.client.send("GET", path, headers=ADMIN) for path in READS}
    errors = {path: answer.status for path, answer in answers.items() if answer.status >= 500}
    assert errors == {}, case
    quotes = {row["symbol"]: row["price"] for row in answers[_QUOTES].json["quotes"]}
    assert quotes["MSFT"] == 175, case
    told = [str(sent) for sent in world.aws.published[len(base.aws.published) :]]
    assert any("MSFT" in text for text in told) or table in ("rules", "keys"), case


_QUOTES = "/quotes?symbols=AAPL,MSFT"


@pytest.mark.parametrize("table", KEYS)
def test_a_row_of_wrong_types_harms_its_own_symbol_alone(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [case for case in cases() if case[0] == table]
    for case in random.Random(12).sample(some, 4):
        check(case, monkeypatch)


def test_a_count_of_a_million_digits_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an integer it would take half a minute of processor at each question."""
    dropped = {"M": {"late": {"N": "1E+1000000"}}}
    check(("symbols", ("producers", "stream"), "dropped", dropped), monkeypatch)


@pytest.mark.long
def test_every_row_of_wrong_types_harms_its_own_symbol_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for case in cases():
        check(case, monkeypatch)
