from __future__ import annotations

import asyncio
import base64
import gc
import json
from typing import Any

import pytest

from embedded_aws.event_api.channels import covers, segments_of
from embedded_aws.event_api.handshake import authorization_of, has_key, refusal
from embedded_aws.event_api.limits import MOST_SUBSCRIPTIONS, Limits
from embedded_aws.event_api.places import Places
from embedded_aws.event_api.session import Session
from embedded_aws.event_api.sockets import until_one_ends
from embedded_aws.event_api.subscribers import Subscriber, Waiting

KEY = "da2-key"
ORIGIN = "http://127.0.0.1:8080"


def subscribe(channel: str, name: str = "1", **authorization: str) -> str:
    """A client's message."""
    given = authorization or {"x-api-key": KEY}
    message = {"type": "subscribe", "id": name, "channel": channel, "authorization": given}
    return json.dumps(message)


@pytest.fixture
def session() -> Session:
    return Session(KEY, {"news"})


@pytest.mark.parametrize(
    ("channel", "valid"),
    [
        ("/news/a", True),
        ("news/a-1/b/c/d", True),
        ("/news/a/b/c/d/e", False),
        ("/news/-a", False),
        ("/news/a b", False),
        ("/news//a", False),
        ("/news/" + "a" * 51, False),
        ("/news/*", False),
        ("/news/é", False),
        ("", False),
        (None, False),
    ],
)
def test_channels_have_up_to_five_segments_of_letters_digits_and_dashes(
    channel: Any, valid: bool
) -> None:
    assert bool(segments_of(channel)) is valid


def test_a_star_at_the_end_covers_what_is_below() -> None:
    pattern = segments_of("/news/*", wildcard=True)
    assert covers(pattern, ("news", "a"))
    assert covers(pattern, ("news", "a", "b"))
    assert not covers(pattern, ("news",))
    assert not covers(pattern, ("other", "a"))
    assert segments_of("/*", wildcard=True) == segments_of("/news/*/a", wildcard=True) == ()


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("{", "BadRequestException"),
        ("[" * 60_000, "BadRequestException"),
        (subscribe("/news/a", **{"x-api-key": "\ud800"}), "UnauthorizedException"),
        ("[]", "BadRequestException"),
        ('{"type": "publish", "id": "1"}', "UnsupportedOperation"),
        (subscribe("/news/ "), "BadRequestException"),
        (subscribe("/other/a"), "UnauthorizedException"),
        (subscribe("/news/a", x="y"), "UnauthorizedException"),
        (subscribe("/news/a", name=""), "BadRequestException"),
        (subscribe("/news/a", name="1" * 129), "BadRequestException"),
        ('{"type": "unsubscribe", "id": "1"}', "UnknownOperationError"),
    ],
)
def test_an_invalid_message_is_answered_with_the_services_error(
    session: Session, message: str, error: str
) -> None:
    answer = session.answer(message)
    assert answer["errors"][0]["errorType"] == error
    assert session.receives(("news", "a")) == []


def test_a_connection_has_a_limited_number_of_subscriptions(session: Session) -> None:
    for n in range(MOST_SUBSCRIPTIONS):
        assert session.answer(subscribe(f"/news/{n}", str(n)))["type"] == "subscribe_success"
    assert session.answer(subscribe("/news/a", "more"))["type"] == "subscribe_error"
    session.answer('{"type": "unsubscribe", "id": "0"}')
    assert session.answer(subscribe("/news/a", "more"))["type"] == "subscribe_success"


def test_a_connection_has_one_subscription_of_a_channel(session: Session) -> None:
    assert session.answer(subscribe("/news/a", "1"))["type"] == "subscribe_success"
    again = session.answer(subscribe("news/a/", "2"))
    assert again["errors"][0]["errorType"] == "LimitExceededError"
    assert session.answer(subscribe("/news/*", "3"))["type"] == "subscribe_success"
    assert session.receives(("news", "a")) == ["1", "3"]


@pytest.mark.parametrize(
    ("host", "origins", "path", "status"),
    [
        ("127.0.0.1:80", [ORIGIN], "/event/realtime", None),
        ("LOCALHOST:80", [], "/event/realtime", None),
        ("127.0.0.1:81", [], "/event/realtime", 421),
        ("rebound.example:80", [ORIGIN], "/event/realtime", 421),
        ("127.0.0.1:80", ["https://elsewhere.example"], "/event/realtime", 403),
        ("127.0.0.1:80", ["null"], "/event/realtime", 403),
        ("127.0.0.1:80", [ORIGIN, ORIGIN], "/event/realtime", 403),
        ("127.0.0.1:80", [], "/event", 404),
    ],
)
def test_other_hosts_and_pages_of_other_origins_are_refused(
    host: str, origins: list[str], path: str, status: int | None
) -> None:
    refused = refusal(path, host, 80, origins, {ORIGIN})
    assert (refused and refused[0]) == status


@pytest.mark.parametrize("text", ["{", "[]", "*", "é", '{"x-api-key": 5}', '{"x-api-key": "da2"}'])
def test_a_malformed_or_other_key_is_none(text: str) -> None:
    encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for name in (f"header-{encoded}", f"header-{text}"):
        assert not has_key(authorization_of([name]), KEY)


def test_a_slow_reader_is_found_by_what_waits_for_it() -> None:
    async def behind(limits: Limits, *messages: str) -> bool:
        subscriber = Subscriber(Session(KEY, ()), Waiting(limits))
        for message in messages:
            subscriber.put(message)
        return subscriber.is_behind.is_set()

    few, small = Limits(waiting_events=2), Limits(waiting_bytes=10)
    assert not asyncio.run(behind(few, "a", "b"))
    assert asyncio.run(behind(few, "a", "b", "c"))
    assert not asyncio.run(behind(small, "12345", "12345"))
    assert asyncio.run(behind(small, "12345", "123456"))


def test_the_reader_that_is_furthest_behind_gives_way_to_all_together() -> None:
    async def run() -> None:
        waiting = Waiting(Limits(all_waiting_bytes=20))
        slow, slower, quick = (Subscriber(Session(KEY, ()), waiting) for _ in range(3))
        slow.put("12345")
        for _ in range(2):
            slower.put("12345")
        quick.put("12345")
        assert not any(one.is_behind.is_set() for one in (slow, slower, quick))
        quick.put("1")
        assert [one.is_behind.is_set() for one in (slow, slower, quick)] == [False, True, False]
        assert waiting.bytes == 11
        assert [await quick.next(), await quick.next()] == ["12345", "1"]
        slow.close()
        assert waiting.bytes == 0

    asyncio.run(run())


def test_a_writer_that_fails_as_it_is_stopped_leaves_no_traceback() -> None:
    async def write() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError

    async def end() -> None:
        await asyncio.sleep(0)

    async def run() -> list[Any]:
        left: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: left.append(told))
        await until_one_ends(write(), end())
        await asyncio.sleep(0)
        gc.collect()
        return left

    assert asyncio.run(run()) == []


def test_a_reader_that_keeps_up_gets_all_and_keep_alives_in_silence() -> None:
    async def read() -> list[str]:
        limits = Limits(waiting_events=1, waiting_bytes=5, keep_alive_seconds=0.01)
        subscriber = Subscriber(Session(KEY, ()), Waiting(limits))
        got = []
        for text in ("first", "other"):
            subscriber.put(text)
            got.append(await subscriber.next())
        assert not subscriber.is_behind.is_set()
        return [*got, await subscriber.next()]

    assert asyncio.run(read()) == ["first", "other", '{"type": "ka"}']


def test_the_connection_that_has_been_opening_longest_gives_way() -> None:
    places: Places[str] = Places(Limits(connections=2, opening=3))
    assert [places.accepted(one) for one in "abc"] == [None, None, None]
    places.closed("b")
    assert [places.accepted(one) for one in "de"] == [None, "a"]
    assert not places.initialised("a")
    assert [places.accepted(one) for one in "fg"] == ["c", "d"]


def test_subscribers_do_not_give_way_and_their_places_are_limited() -> None:
    places: Places[str] = Places(Limits(connections=2, opening=3))
    for one in "ab":
        assert not places.are_taken
        places.accepted(one)
        assert places.initialised(one)
    assert places.are_taken
    assert [places.accepted(one) for one in "cdef"] == [None, None, None, "c"]
    assert [places.initialised(one) for one in "abd"] == [True, True, False]
    places.closed("a")
    assert places.initialised("d")
