"""AppSync Events' protocol: our stand-in and, where it is installed, ministack, an independent
emulator, are held to the same tests."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chalicelib.adapters.event_api import EventApi as Publisher
from chalicelib.services.push.push import PublishError
from embedded_aws.environment import new_keys, point_at
from embedded_aws.event_api import EventApi
from embedded_aws.event_api.limits import Limits
from embedded_aws.signing import signed
from rigs.ports import free_ports
from tests.patience import PATIENCE_SECONDS

MINISTACK = Path(".venv/oracles/ministack/bin/ministack")
NAMESPACE, CHANNEL = "ticktape", "/ticktape/prices/0"
ORIGIN = "http://127.0.0.1:8080"
SMALL = Limits(
    connections=3,
    opening=5,
    waiting_events=8,
    message_bytes=1024,
    init_seconds=4 * PATIENCE_SECONDS,
)


class Service(msgspec.Struct):
    """Addresses and keys of one implementation; `headers` are sent with what is published."""

    name: str
    url: str
    socket: str
    key: str
    keys: Any
    headers: dict[str, str] = {}

    @property
    def authorization(self) -> dict[str, str]:
        """What a subscription contains."""
        return {"host": urlsplit(self.url).netloc, "x-api-key": self.key}

    def publish(self, body: object) -> tuple[int, Any]:
        """POST a signed body; return the status and the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.headers}
        headers = signed(self.keys, "appsync", "POST", self.url, data, sent)
        request = urllib.request.Request(self.url, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Service]:
    keys = new_keys()
    api = EventApi(keys, [NAMESPACE], [ORIGIN], SMALL)
    api.start()
    yield Service("ours", api.url, api.socket, api.key, keys)
    api.stop()


@pytest.fixture(scope="module")
def ministack() -> Iterator[Service]:
    program = shutil.which("ministack") or (str(MINISTACK) if MINISTACK.exists() else None)
    if program is None:
        pytest.skip("no ministack, beside which the stand-in is tested: `make setup` installs it")
    (port,) = free_ports(1)
    environ = {**os.environ, "GATEWAY_PORT": str(port), "APPSYNC_EVENTS_ENFORCE_AUTH": "1"}
    process = subprocess.Popen(
        [program], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield _made_by_ministack(port)
    finally:
        process.terminate()
        process.wait(10)


def _made_by_ministack(port: int) -> Service:
    """Make the API as Terraform does, once ministack answers."""
    import boto3

    address = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "appsync",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # nosec B106
    )
    end = time.monotonic() + PATIENCE_SECONDS
    modes = [{"authType": "API_KEY"}, {"authType": "AWS_IAM"}]
    while True:
        try:
            api = client.create_api(
                name="push",
                eventConfig={
                    "authProviders": modes,
                    "connectionAuthModes": modes[:1],
                    "defaultPublishAuthModes": modes,
                    "defaultSubscribeAuthModes": modes[:1],
                },
            )["api"]
            break
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    client.create_channel_namespace(
        apiId=api["apiId"],
        name=NAMESPACE,
        publishAuthModes=modes,
        subscribeAuthModes=modes[:1],
    )
    key = client.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
    host = f"{api['apiId']}.appsync-api.us-east-1.localhost:{port}"
    socket = f"ws://{api['apiId']}.appsync-realtime-api.us-east-1.localhost:{port}/event/realtime"
    keys = msgspec.structs.replace(new_keys(), access_key="test", secret_key="test")
    # It knows no signatures where it checks keys, so it publishes with the key.
    headers = {"Host": host, "x-api-key": key}
    return Service("ministack", f"{address}/event", socket, key, keys, headers)


@pytest.fixture(params=["stand_in", "ministack"])
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.getfixturevalue(request.param)
    return found


def protocols_of(authorization: object) -> list[Any]:
    """The subprotocols of a handshake."""
    text = json.dumps(authorization).encode()
    encoded = base64.urlsafe_b64encode(text).decode().rstrip("=")
    return [f"header-{encoded}", "aws-appsync-event-ws"]


class Subscriber:
    """A client's side of a socket."""

    def __init__(self, socket: ClientConnection, service: Service) -> None:
        self._socket, self._service = socket, service

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and return the next one."""
        await self._socket.send(json.dumps(message))
        return await self.next()

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        text = await asyncio.wait_for(self._socket.recv(), PATIENCE_SECONDS)
        found: dict[str, Any] = json.loads(text)
        return found

    async def subscribe(self, name: str, channel: str = CHANNEL) -> dict[str, Any]:
        """Subscribe with the key."""
        given = self._service.authorization
        return await self.ask(type="subscribe", id=name, channel=channel, authorization=given)


Converse = Callable[[Subscriber], Awaitable[None]]


def with_socket(service: Service, converse: Converse, authorization: object = None) -> None:
    """Connect, and converse."""

    async def run() -> None:
        given = protocols_of(service.authorization if authorization is None else authorization)
        port = urlsplit(service.socket).port
        async with connect(
            service.socket, subprotocols=given, host="127.0.0.1", port=port, proxy=None
        ) as socket:
            await converse(Subscriber(socket, service))

    asyncio.run(run())


def test_a_subscriber_gets_what_is_published_to_its_channel(service: Service) -> None:
    async def converse(subscriber: Subscriber) -> None:
        acknowledged = await subscriber.ask(type="connection_init")
        assert acknowledged == {"type": "connection_ack", "connectionTimeoutMs": 300_000}
        assert await subscriber.subscribe("one") == {"type": "subscribe_success", "id": "one"}
        await subscriber.subscribe("other", "/ticktape/prices/1")
        published = [json.dumps({"n": n}) for n in range(5)]
        status, answer = await asyncio.to_thread(
            service.publish, {"channel": CHANNEL, "events": published}
        )
        assert status == 200
        assert [one["index"] for one in answer["successful"]] == list(range(5))
        assert answer["failed"] == []
        got = [await subscriber.next() for _ in published]
        assert got == [{"type": "data", "id": "one", "event": event} for event in published]

    with_socket(service, converse)


def test_subscriptions_end_and_their_ids_are_unique(service: Service) -> None:
    async def converse(subscriber: Subscriber) -> None:
        await subscriber.ask(type="connection_init")
        await subscriber.subscribe("one")
        again = await subscriber.subscribe("one")
        assert (again["type"], again["id"]) == ("subscribe_error", "one")
        assert again["errors"][0].keys() == {"errorType", "message"}
        ended = await subscriber.ask(type="unsubscribe", id="one")
        assert ended == {"type": "unsubscribe_success", "id": "one"}
        unknown = await subscriber.ask(type="unsubscribe", id="one")
        assert unknown["type"] == "unsubscribe_error"
        assert unknown["errors"][0]["errorType"] == "UnknownOperationError"

    with_socket(service, converse)


@pytest.mark.parametrize("channel", ["/other/prices", "/ticktape/a b", "/ticktape/" + "a" * 51])
def test_subscriptions_to_other_namespaces_and_names_are_refused(
    service: Service, channel: str
) -> None:
    async def converse(subscriber: Subscriber) -> None:
        await subscriber.ask(type="connection_init")
        answer = await subscriber.subscribe("one", channel)
        assert (answer["type"], answer["id"]) == ("subscribe_error", "one")

    with_socket(service, converse)


@pytest.mark.parametrize("given", [{"x-api-key": "da2-another"}, {}], ids=["another", "none"])
def test_a_connection_without_the_key_is_refused(service: Service, given: dict[str, str]) -> None:
    async def converse(subscriber: Subscriber) -> None:
        answer = await subscriber.next()
        assert answer["type"] == "connection_error"
        assert answer["errors"][0]["errorType"] == "UnauthorizedException"
        with pytest.raises(ConnectionClosed):
            await subscriber.next()

    with_socket(service, converse, given)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ({"events": ["1"]}, 400),
        ({"channel": CHANNEL}, 400),
        ({"channel": CHANNEL, "events": ["1"] * 6}, 400),
        ({"channel": "/ticktape/*", "events": ["1"]}, 400),
        ({"channel": "/other/a", "events": ["1"]}, 401),
    ],
)
def test_invalid_events_and_channels_are_refused(
    service: Service, body: object, status: int
) -> None:
    found, answer = service.publish(body)
    assert found == status
    assert answer["errors"][0]["errorType"].endswith("Exception")


def test_our_publisher_publishes_and_says_what_was_refused(
    stand_in: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ: dict[str, str] = {}
    point_at(environ, "http://127.0.0.1:1", stand_in.keys)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    publisher = Publisher(stand_in.url)

    async def converse(subscriber: Subscriber) -> None:
        await subscriber.ask(type="connection_init")
        await subscriber.subscribe("one")
        await asyncio.to_thread(publisher.publish, CHANNEL, ['{"a": 1}'])
        assert (await subscriber.next())["event"] == '{"a": 1}'

    with_socket(stand_in, converse)
    with pytest.raises(PublishError, match=r"HTTP 401: .*UnauthorizedException"):
        publisher.publish("/other/a", ["1"])
    with pytest.raises(PublishError, match="no answer"):
        Publisher(f"http://127.0.0.1:{free_ports(1)[0]}/event").publish(CHANNEL, ["1"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(PublishError, match=r"HTTP 403: .*SignatureDoesNotMatch"):
        Publisher(stand_in.url).publish(CHANNEL, ["1"])


def test_too_large_an_event_is_refused(stand_in: Service) -> None:
    large = json.dumps("x" * 240 * 1024)
    status, answer = stand_in.publish({"channel": CHANNEL, "events": [large]})
    assert (status, answer["errors"][0]["message"]) == (400, "an event is larger than 240 KB")


def test_connections_beyond_the_limit_are_refused(stand_in: Service) -> None:
    async def run() -> None:
        given = protocols_of(stand_in.authorization)
        held = [await connect(stand_in.socket, subprotocols=given) for _ in range(3)]
        for socket in held:
            await Subscriber(socket, stand_in).ask(type="connection_init")
        with pytest.raises(InvalidStatus, match="503"):
            await connect(stand_in.socket, subprotocols=given)
        for socket in held:
            await socket.close()

    asyncio.run(run())


def test_connections_that_send_nothing_give_way_to_new_ones(stand_in: Service) -> None:
    address = urlsplit(stand_in.socket).hostname, urlsplit(stand_in.socket).port

    async def converse(subscriber: Subscriber) -> None:
        assert (await subscriber.ask(type="connection_init"))["type"] == "connection_ack"

    with contextlib.ExitStack() as closing:
        idle = [
            closing.enter_context(create_connection(address, PATIENCE_SECONDS)) for _ in range(30)
        ]
        for one in idle[:25]:  # all but `opening` of them
            assert one.recv(1) == b""
        with_socket(stand_in, converse)


def test_a_message_that_is_too_long_closes_its_connection(stand_in: Service) -> None:
    async def converse(subscriber: Subscriber) -> None:
        with pytest.raises(ConnectionClosed):
            await subscriber.ask(type="connection_init", text="x" * 2000)

    with_socket(stand_in, converse)


async def _read_all(subscriber: Subscriber) -> None:
    while True:
        await subscriber.next()


def test_a_reader_that_does_not_read_is_cut_off_and_others_get_all(stand_in: Service) -> None:
    event = json.dumps("x" * 200_000)

    async def run() -> None:
        given = protocols_of(stand_in.authorization)
        slow = await connect(stand_in.socket, subprotocols=given, max_queue=1, max_size=None)
        quick = await connect(stand_in.socket, subprotocols=given, max_size=None)
        for socket in (slow, quick):
            subscriber = Subscriber(socket, stand_in)
            await subscriber.ask(type="connection_init")
            await subscriber.subscribe("one")
        for _ in range(40):
            body = {"channel": CHANNEL, "events": [event]}
            assert (await asyncio.to_thread(stand_in.publish, body))[0] == 200
            assert (await Subscriber(quick, stand_in).next())["event"] == event
        with pytest.raises(ConnectionClosed):
            await _read_all(Subscriber(slow, stand_in))
        await quick.close()

    asyncio.run(run())


@pytest.mark.long
def test_two_hundred_subscribers_get_every_event_in_order() -> None:
    keys = new_keys()
    api = EventApi(keys, [NAMESPACE], [ORIGIN], Limits(connections=200, opening=200))
    api.start()
    service = Service("ours", api.url, api.socket, api.key, keys)
    events = [json.dumps(f"{n} {'x' * 4_000}") for n in range(100)]

    async def read(socket: ClientConnection) -> list[str]:
        return [(await Subscriber(socket, service).next())["event"] for _ in events]

    async def run() -> None:
        given = protocols_of(service.authorization)
        sockets = [await connect(api.socket, subprotocols=given) for _ in range(200)]
        for socket in sockets:
            subscriber = Subscriber(socket, service)
            await subscriber.ask(type="connection_init")
            await subscriber.subscribe("one")
        reading = asyncio.gather(*(read(socket) for socket in sockets))
        for event in events:
            await asyncio.to_thread(service.publish, {"channel": CHANNEL, "events": [event]})
        assert all(got == events for got in await reading)
        await asyncio.gather(*(socket.close() for socket in sockets))

    try:
        asyncio.run(run())
    finally:
        api.stop()
