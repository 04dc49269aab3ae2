"""A stored state that cannot be read harms its own symbol alone, and can be replaced."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.bootstrap import Services
from rigs.memory_aws.system import Aws, services_over
from tests.api_support import Client
from tests.factories import NEVER, LambdaContext, kinesis_event, payload, wire

Item = dict[str, Any]
SYMBOLS = ("AAPL", "MSFT")


def data(change: Callable[[dict[str, Any]], object]) -> Callable[[Item], Item]:
    """Return what changes the JSON text of an item."""

    def changed(item: Item) -> Item:
        held = json.loads(item["data"]["S"])
        change(held)
        return item | {"data": {"S": json.dumps(held)}}

    return changed


def replaced(name: str, value: dict[str, Any]) -> Callable[[Item], Item]:
    """Return what replaces an attribute."""
    return lambda item: item | {name: value}


PLANTED: dict[str, Callable[[Item], Item]] = {
    "data is not JSON": replaced("data", {"S": "x"}),
    "data is a list": replaced("data", {"L": []}),
    "data is deep": replaced("data", {"S": "[" * 100_000}),
    "no data": lambda item: {name: item[name] for name in ("symbol", "version")},
    "nothing": lambda item: {"symbol": item["symbol"]},
    "version is a text": replaced("version", {"S": "x"}),
    "version is infinite": replaced("version", {"N": "1E+400"}),
    "version is at DynamoDB's limit": replaced("version", {"N": "9" * 38}),
    "version is negative": replaced("version", {"N": "-4"}),
    "timestamp is a number": replaced("timestamp", {"N": "1"}),
    "timestamp is none": replaced("timestamp", {"S": "soon"}),
    "stamp of a rule": data(lambda held: held.update(k={"x": "f,,,," + "f" * 40})),
    "date of a rule": data(lambda held: held.update(k={"x": "f,,,soon"})),
    "price is not a number": data(lambda held: held["t"].__setitem__(0, "NaN")),
    "price is endless": data(lambda held: held["t"].__setitem__(0, "1E+999999")),
    "close is infinite": data(lambda held: held.update(c=["Infinity"])),
    "start of a bar": data(lambda held: held["m"].__setitem__(0, "soon")),
    "split by nothing": data(lambda held: held.update(e=[["2026-11-20", 0, 1, "1"]])),
}


class World:
    """The app over AWS in memory, with two symbols that have a price and a state."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.aws = Aws()
        self.services: Services = services_over(self.aws)
        self._read = 0
        monkeypatch.setattr(bootstrap, "get_services", lambda: self.services)
        assert self.tick(0) == []

    def restart(self) -> None:
        """Continue with services that have cached nothing."""
        self.services = services_over(self.aws)

    def tick(self, second: int) -> list[Any]:
        """Ingest and detect a price of each symbol; return the failed records."""
        for number, symbol in enumerate(SYMBOLS):
            sent = kinesis_event([payload(wire(100 + second, second, symbol=symbol))], number)
            self.services.ingest(events.from_kinesis(sent), NEVER)
        new, self._read = self.aws.stream[self._read :], len(self.aws.stream)
        failed = handlers.detect({"Records": new}, LambdaContext())["batchItemFailures"]
        return list(failed)

    def plant(self, change: Callable[[Item], Item]) -> None:
        """Replace the state of the first symbol."""
        table = self.aws.tables["state"]
        table.put(change(dict(table.items[SYMBOLS[0], ""])))
        self.restart()

    def prices(self) -> dict[str, str]:
        """Return the prices of all readable states."""
        states = self.services.stores.state.get_many(SYMBOLS)
        return {name: str(state.last.price) for name, state in states.items() if state.last}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize("name", PLANTED)
def test_an_unreadable_state_is_left_to_rebuild_and_others_go_on(
    name: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.plant(PLANTED[name])
    with caplog.at_level(logging.INFO):
        assert world.tick(1) == []
    assert world.prices() == {"MSFT": "101"}
    assert "AAPL: its state cannot be read, run `rebuild AAPL`" in caplog.text
    counted = [record.counters for record in caplog.records if hasattr(record, "counters")]
    assert counted[-1]["RepairsLeft"] == 1
    client = Client(world.services)  # type: ignore[arg-type]
    assert client.get("/health").json["detect_lag_seconds"] == 0
    answer = client.get("/quotes?symbols=AAPL,MSFT")
    assert [row["symbol"] for row in answer.json["quotes"]] == ["MSFT"]
    assert client.get("/prices/AAPL").status == 200
    assert client.get("/prices/AAPL/latest").status == 404
    written = events.written_states({"Records": world.aws.state_stream[-2:]})
    assert [state.symbol for state in written] == ["MSFT"]


@pytest.mark.parametrize("name", PLANTED)
def test_rebuild_replaces_an_unreadable_state(name: str, world: World) -> None:
    world.plant(PLANTED[name])
    assert world.tick(1) == []
    assert world.services.rebuild("AAPL").ticks == 2
    assert world.prices() == {"AAPL": "101", "MSFT": "101"}
    assert world.tick(2) == []
    assert world.prices() == {"AAPL": "102", "MSFT": "102"}


@pytest.mark.parametrize("name", PLANTED)
def test_forget_replaces_an_unreadable_state(name: str, world: World) -> None:
    world.plant(PLANTED[name])
    assert world.services.forget("AAPL", NEVER).complete
    assert world.tick(1) == []
    assert world.prices() == {"AAPL": "101", "MSFT": "101"}


def test_a_state_that_becomes_unreadable_during_a_step_is_left_alone(world: World) -> None:
    table = world.aws.tables["state"]
    table.put(PLANTED["no data"](dict(table.items["AAPL", ""])) | {"version": {"N": "9"}})
    assert world.tick(1) == []  # the container has cached the state before
    assert world.prices() == {"MSFT": "101"}
