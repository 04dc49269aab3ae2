"""The API's adapter reads what the producer writes into the symbols table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.adapters.producers import Producers
from chalicelib.services.symbol_stores import ProducerStatus
from producer.publishing import Item, item_of
from producer.status import Status
from rigs.emulated import Emulated
from tests.factories import at


def written(state: str, progress: float | None = None, problem: str = "") -> Item:
    status = Status(lambda _event, _message: None)
    status.source = "simulator"
    status.say(state, progress)
    if problem:
        status.problem(problem)
        status.drop("repeat")
    return item_of("stream", status, at(5))


@pytest.fixture
def table(emulated: Emulated) -> str:
    return emulated.provisioned().symbols_table


def test_each_command_has_one_status_which_is_replaced(emulated: Emulated, table: str) -> None:
    client = emulated.clients.dynamodb
    producers = Producers(client, table)
    assert producers.statuses() == []
    client.put_item(TableName=table, Item=written("sending history", 0.25, "AAPL: no price"))
    assert producers.statuses() == [
        ProducerStatus(
            command="stream",
            source="simulator",
            state="sending history",
            time=at(5),
            progress=Decimal("0.250"),
            problem="AAPL: no price",
            dropped={"repeat": 1},
        )
    ]
    client.put_item(TableName=table, Item=written("live"))
    (status,) = producers.statuses()
    assert (status.state, status.progress, status.problem) == ("live", None, None)


def test_an_item_of_another_version_is_left_out(emulated: Emulated, table: str) -> None:
    client = emulated.clients.dynamodb
    for command, fields in {
        "backfill": {"state": {"S": "live"}},
        "replay": {**written("live"), "time": {"S": "yesterday"}},
        "stream": written("live"),
    }.items():
        item = {**fields, "list": {"S": "producers"}, "symbol": {"S": command}}
        client.put_item(TableName=table, Item=item)
    assert [s.command for s in Producers(client, table).statuses()] == ["stream"]


def test_items_of_no_command_of_the_producer_cost_nothing(
    emulated: Emulated, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = emulated.clients.dynamodb
    for command in ("!", "0", "stream", "streamz", "~"):
        item = {**written("live"), "symbol": {"S": command}}
        client.put_item(TableName=table, Item=item if command == "stream" else _named(item))
    assert [one.command for one in Producers(client, table).statuses()] == ["stream"]
    assert caplog.text == ""


def _named(item: Item) -> Item:
    """Only what every item has to have."""
    return {name: item[name] for name in ("list", "symbol")}


def test_a_status_is_shortened_for_display(emulated: Emulated, table: str) -> None:
    item = written("x" * 300_000, problem="y" * 2_000)
    item["problem"] = {"S": "y" * 2_000}
    item["dropped"] = {"M": {f"{n:03}{'z' * 500}": {"N": "1"} for n in range(100)}}
    emulated.clients.dynamodb.put_item(TableName=table, Item=item)
    (status,) = Producers(emulated.clients.dynamodb, table).statuses()
    assert (len(status.state), len(status.problem or "")) == (100, 300)
    assert [len(reason) for reason in status.dropped] == [100] * 10
