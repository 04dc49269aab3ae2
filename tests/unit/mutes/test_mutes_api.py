"""Mutes over the API: made, listed, removed, by whom, and how many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.mutes import Mutes
from chalicelib.domain.mutes import MAX_MUTES, Mute
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.mute_book import MuteBook
from rigs.memory_aws.system import Aws
from tests.api_support import (
    NOW,
    Client,
    FakeServices,
    closed_client,  # noqa: F401 - a fixture
    closed_services,  # noqa: F401 - a fixture
    fill,
    send,
)
from tests.factories import make_ticks


def make(client: Client, **fields: object) -> Any:
    return send(client, "POST", "/mutes", {"symbol": "AAPL", "until": "until_open", **fields})


def test_a_mute_is_made_listed_and_removed(client: Client) -> None:
    made = make(client, name="earnings")
    mute_id = made.json["mute_id"]
    assert (made.status, made.headers["location"]) == (201, f"mutes/{mute_id}")
    expected = {
        "mute_id": mute_id,
        "name": "earnings",
        "symbol": "AAPL",
        "rule_id": None,
        "until": "2026-11-23T14:30:00.000000Z",
        "recurring": None,
        "created_at": "2026-11-20T16:00:00.000000Z",
    }
    assert made.json == expected
    assert send(client, "GET", "/mutes").json == {"mutes": [expected], "unreadable": []}
    assert send(client, "DELETE", f"/mutes/{mute_id}").status == 204
    assert send(client, "GET", "/mutes").json == {"mutes": [], "unreadable": []}
    gone = send(client, "DELETE", f"/mutes/{mute_id}")
    assert (gone.status, gone.json["parameter"]) == (404, "mute_id")


def test_a_recurring_mute_is_shown_as_it_was_given(client: Client) -> None:
    weekend = {"days": ["sat", "sun"], "start": "00:00", "end": "00:00", "time_zone": "UTC"}
    made = make(client, symbol=None, until=None, recurring=weekend)
    assert (made.status, made.json["recurring"], made.json["until"]) == (201, weekend, None)


def test_the_open_is_that_of_the_exchange_whose_time_zone_the_prices_have(
    client: Client, services: FakeServices
) -> None:
    fill(services, make_ticks([1, 2], symbol="HSBC", exchange_timezone="Asia/Hong_Kong"))
    made = make(client, symbol="HSBC")
    assert made.json["until"] == "2026-11-23T01:30:00.000000Z"


def test_a_field_that_is_not_allowed_is_named(client: Client) -> None:
    refused = make(client, until="tomorrow")
    assert (refused.status, refused.json["field"]) == (400, "until")
    refused = send(client, "DELETE", "/mutes/A-B")
    assert (refused.status, refused.json["parameter"]) == (400, "mute_id")


def test_mutes_that_have_ended_are_not_shown_and_give_way(
    client: Client, services: FakeServices
) -> None:
    until = to_text(NOW + timedelta(hours=1))
    made = [make(client, until=until).status for _ in range(MAX_MUTES + 1)]
    assert made == [201] * MAX_MUTES + [409]
    services.now = NOW + timedelta(hours=1)
    assert send(client, "GET", "/mutes").json == {"mutes": [], "unreadable": []}
    assert make(client).status == 201
    assert len(services.mutes.listed().entries) == 1


@pytest.mark.parametrize("scope", ["read", "write:symbols", "write:channels", "reports"])
def test_writing_needs_the_scope_of_rules(
    client: Client, services: FakeServices, scope: str
) -> None:
    bearer = f"Bearer {services.key(scope)}"
    mute_id = make(client).json["mute_id"]
    for method, path in (("POST", "/mutes"), ("DELETE", f"/mutes/{mute_id}")):
        assert send(client, method, path, {}, authorization=bearer).status == 403
    own = f"Bearer {services.key('write:rules')}"
    assert send(client, "DELETE", f"/mutes/{mute_id}", authorization=own).status == 204


def test_two_who_mute_at_once_lose_nothing(services: FakeServices) -> None:
    aws = Aws()
    store = Mutes(aws.dynamodb, "rules", services.clock)

    class Raced(Mutes):
        def write(self, table: Any, mutes: Iterable[Mute], /) -> bool:
            if table.version == 0:  # another write comes between
                store.write(table, (Mute(mute_id="other", until=to_text(NOW + timedelta(1))),))
            return super().write(table, mutes)

    book = MuteBook(
        Raced(aws.dynamodb, "rules", services.clock), lambda: services.stores.state, services.clock
    )
    made = book.create({"symbol": "AAPL", "until": "until_open"})
    assert [mute.mute_id for mute in book.listed().entries] == ["other", made.mute_id]
