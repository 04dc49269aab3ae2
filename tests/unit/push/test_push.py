from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chalicelib import bootstrap, handlers
from chalicelib.adapters import events
from chalicelib.domain.push_channels import channel_of
from chalicelib.services.push import push as pushing
from chalicelib.services.push.changes import Change
from chalicelib.services.push.push import PublishError, Push, requests_of
from rigs.memory_aws.system import Aws, services_over
from tests.api_support import SETTINGS, Client, FakeServices
from tests.factories import NEVER, make_priced, make_ticks, make_trigger


def unpacked(event: str) -> Any:
    """What an event contains."""
    return json.loads(zlib.decompress(base64.b64decode(json.loads(event))))


class FakePublisher:
    """Publisher that keeps what it got, unless it fails."""

    def __init__(self) -> None:
        self.published: list[tuple[str, list[dict[str, Any]]]] = []
        self.is_down = False

    def publish(self, channel: str, events: Sequence[str]) -> None:
        if self.is_down:
            raise PublishError("HTTP 503")
        self.published.append((channel, [unpacked(event) for event in events]))

    def changes(self) -> list[dict[str, Any]]:
        """All pushed changes in order."""
        return [
            change
            for _, events in self.published
            for event in events
            for change in event["changes"]
        ]


class World:
    """The app over AWS in memory, and a publisher that keeps what is pushed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, channels: int = 1) -> None:
        self.aws = Aws()
        self.services = services_over(self.aws)
        self.publisher = FakePublisher()
        self.read = 0
        quote_of = self.services.market_data().quote
        self.services.__dict__["push"] = Push(quote_of, self.publisher.publish, channels)
        monkeypatch.setattr(bootstrap, "get_services", lambda: self.services)

    def detect(self, *prices: float, start: float = 0, symbol: str = "AAPL") -> None:
        """Store ticks, a second apart, and have detect compute them."""
        ticks = make_ticks(prices, start=start, symbol=symbol)
        self.services.stores.prices.write([make_priced(ticks)], NEVER)
        self.services.detect([make_trigger(start + len(prices) - 1, start, symbol)])

    def push(self) -> dict[str, Any]:
        """Have the handler process the state table's new records."""
        records = self.aws.state_stream[self.read :]
        self.read = len(self.aws.state_stream)
        return handlers.push({"Records": records}, SimpleNamespace())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_batch_is_one_event_whatever_the_number_of_its_symbols(world: World) -> None:
    for symbol in ("AAPL", "MSFT", "BTC-USD"):
        world.detect(100, 101, symbol=symbol)
    world.push()
    ((channel, (event,)),) = world.publisher.published
    assert channel == "/ticktape/prices/0"
    assert [change["symbol"] for change in event["changes"]] == ["AAPL", "MSFT", "BTC-USD"]


def test_pushed_changes_are_what_the_api_answers(world: World) -> None:
    world.detect(100, 103, 101, start=0)
    world.push()
    (change,) = world.publisher.changes()
    client = Client(world.services)  # type: ignore[arg-type]
    (quote,) = client.get("/quotes?symbols=AAPL").json["quotes"]
    assert change["quote"].items() <= quote.items()
    assert {name for name, value in quote.items() if value is not None} - change[
        "quote"
    ].keys() == {
        "as_of",
        "delay_seconds",
        "adjustment",
    }
    for interval, bars in (("1m", change["minutes"]), ("1d", [change["day"]])):
        answer = client.get(f"/prices/AAPL?interval={interval}").json
        assert bars == answer["prices"]


def test_versions_of_a_symbol_follow_each_other_without_a_gap(world: World) -> None:
    for n in range(4):
        world.detect(100 + n, start=n)
        world.push()
    numbers = [(change["first"], change["version"]) for change in world.publisher.changes()]
    assert numbers == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_writes_of_a_batch_are_joined_with_all_their_alerts_and_minutes(world: World) -> None:
    rises = [100, 100, 110, 110]  # a move of more than 5% from the previous close
    for n, price in enumerate(rises):
        ticks = make_ticks([price], start=59 + n, previous_close=100)
        world.services.stores.prices.write([make_priced(ticks)], NEVER)
        world.services.detect([make_trigger(59 + n, 59 + n)])
    world.push()
    (change,) = world.publisher.changes()
    assert (change["first"], change["version"]) == (1, 4)
    assert [alert["condition"] for alert in change["alerts"]] == ["change_percent"]
    assert [bar["close"] for bar in change["minutes"]] == [100, 110]


def test_a_failure_to_publish_is_counted_and_fails_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.publisher.is_down = True
    world.detect(100)
    with caplog.at_level("INFO"):
        assert world.push() == {"batchItemFailures": []}
    (counters,) = [r.counters for r in caplog.records if hasattr(r, "counters")]
    assert counters == {"PushFailures": 1}
    world.publisher.is_down = False
    world.detect(101, start=1)
    world.push()
    assert [change["first"] for change in world.publisher.changes()] == [2]


def test_a_state_that_cannot_be_read_and_a_deleted_one_are_left_out(world: World) -> None:
    world.detect(100)
    (record,) = world.aws.state_stream
    broken = {**record["dynamodb"], "NewImage": {"symbol": {"S": "AAPL"}, "data": {"S": "{"}}}
    event = {
        "Records": [
            {**record, "dynamodb": broken},
            {**record, "eventName": "REMOVE"},
            record,
        ]
    }
    assert [state.symbol for state in events.written_states(event)] == ["AAPL"]


def test_long_batches_are_split_into_events_and_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "MOST_EVENT_BYTES", 400)
    changes = [Change(f"S{n}", 1, 1, 0, {"text": "x" * 100}) for n in range(14)]
    requests = list(requests_of(changes))
    assert [[count for _, count in request] for request in requests] == [[2] * 5, [2, 2]]
    told = [
        change["symbol"]
        for request in requests
        for event, _ in request
        for change in unpacked(event)["changes"]
    ]
    assert told == [change.symbol for change in changes]


def test_symbols_are_spread_over_the_channels_by_their_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, channels=100)
    for symbol in ("AAPL", "MSFT"):
        world.detect(100, symbol=symbol)
    world.push()
    assert [channel for channel, _ in world.publisher.published] == [
        channel_of("AAPL", 100),
        channel_of("MSFT", 100),
    ]
    assert channel_of("", 2**40) == f"/ticktape/prices/{0x811C9DC5}"
    assert channel_of("a", 2**40) == f"/ticktape/prices/{0xE40C292C}"  # FNV-1a's own test vectors
    assert channel_of("foobar", 2**40) == f"/ticktape/prices/{0xBF9CF968}"


def test_the_api_says_how_to_subscribe_or_that_nothing_is_pushed(world: World) -> None:
    assert Client(world.services).get("/push").status == 404  # type: ignore[arg-type]
    world.services.settings = msgspec.structs.replace(
        world.services.settings,
        push_url="https://a.appsync-api.us-east-1.amazonaws.com/event",
        push_socket="wss://a.appsync-realtime-api.us-east-1.amazonaws.com/event/realtime",
        push_key="da2-key",
        push_channels=3,
    )
    answer = Client(world.services).get("/push")  # type: ignore[arg-type]
    assert answer.json == {
        "socket": "wss://a.appsync-realtime-api.us-east-1.amazonaws.com/event/realtime",
        "authorization": {"host": "a.appsync-api.us-east-1.amazonaws.com", "x-api-key": "da2-key"},
        "channels": 3,
    }
    assert answer.headers["cache-control"] == "no-store"


def test_subscribing_needs_a_key_if_reading_does() -> None:
    settings = msgspec.structs.replace(SETTINGS, read_access="closed", push_socket="wss://a/b")
    services = FakeServices(settings)
    client = Client(services)
    assert client.get("/push").status == 401
    assert client.get("/push", authorization=f"Bearer {services.key('read')}").status == 200
