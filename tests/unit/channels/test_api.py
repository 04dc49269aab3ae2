"""Channels over the API: made, shown without secrets, changed, deleted, tried, named by rules."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from chalicelib.adapters.channels import Channels
from chalicelib.adapters.json_logs import JsonFormatter
from chalicelib.adapters.sealing import Sealing
from chalicelib.domain.channels import MAX_CHANNELS
from chalicelib.services.delivery.channel_book import ChannelBook
from rigs.memory_aws.system import KMS, Aws
from tests.api_support import (
    Client,
    FakeServices,
    closed_client,  # noqa: F401 - a fixture
    closed_services,  # noqa: F401 - a fixture
    send,
)

BOT = "123456789:AAbot-token-nobody-may-see"
ADDRESS = f"tgram://{BOT}/12315544"
SECRET = "a-secret-of-forty-characters-or-thereabouts"
WEBHOOK = {"kind": "webhook", "address": f"https://hooks.example/{BOT}", "secret": SECRET}
PLACE = {"symbol": {"S": "#channels"}, "rule_id": {"S": "#channels"}}
RULE = {"symbol": "AAPL", "condition": "crossing_up", "value": 140.5}


def make(client: Client, **fields: object) -> Any:
    given = {"name": "phone", "kind": "apprise", "address": ADDRESS, **fields}
    return send(client, "POST", "/channels", given)


def test_a_channel_is_made_and_shown_without_its_address(client: Client) -> None:
    made = make(client)
    assert made.status == 201
    channel_id = made.json["channel_id"]
    assert made.headers["location"] == f"channels/{channel_id}"
    expected = {
        "channel_id": channel_id,
        "name": "phone",
        "kind": "apprise",
        "service": "Telegram",
        "enabled": True,
        "default": False,
        "picture": True,
        "created_at": "2026-11-20T16:00:00.000000Z",
        "limit": None,
        "digest": "as_it_happens",
        "quiet_hours": [],
        "ended": None,
    }
    assert made.json == expected
    assert send(client, "GET", f"/channels/{channel_id}").json == expected
    topic, listed = send(client, "GET", "/channels").json["channels"]
    assert (topic["channel_id"], topic["default"], listed) == ("sns", True, expected)


def test_no_answer_log_or_item_holds_an_address_or_a_secret(
    services: FakeServices, caplog: pytest.LogCaptureFixture
) -> None:
    aws = Aws()
    store = Channels(aws.dynamodb, "rules")
    services.channels = ChannelBook(store, Sealing(KMS(), "alias/a", "test").seal, services.clock)
    client = Client(services)
    answers = []
    with caplog.at_level(logging.DEBUG):
        answers += [make(client), make(client, name="hook", **WEBHOOK)]
        for made in answers[:2]:
            path = f"/channels/{made.json['channel_id']}"
            given = {"name": made.json["name"], "default": True}
            answers += [
                send(client, "GET", path),
                send(client, "PUT", path, given),
                send(client, "POST", f"{path}/test"),
                send(client, "PUT", path, {**given, "address": f"nowhere://{BOT}"}),
                send(client, "POST", "/channels", {**WEBHOOK, "name": "x", "secret": SECRET[:9]}),
            ]
        answers.append(send(client, "GET", "/channels"))
    formatted = [JsonFormatter("api").format(record) for record in caplog.records]
    told = "\n".join([a.body.decode() + json.dumps(a.headers) for a in answers] + formatted)
    assert "channels" in told
    stored = repr(aws.dynamodb.get_item(TableName="rules", Key=PLACE))
    assert "hook" in stored
    for secret in (BOT, SECRET, SECRET[:9]):
        assert secret not in told
        assert secret not in stored


def test_limit_digest_and_quiet_hours_are_stored_kept_and_switched_off(client: Client) -> None:
    quiet = {"days": ["mon"], "start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}
    fields = {
        "limit": {"messages": 5, "minutes": 10},
        "digest": {"daily_at": "08:00", "time_zone": "Europe/Berlin"},
        "quiet_hours": [quiet],
    }
    made = make(client, **fields).json
    assert {name: made[name] for name in fields} == fields
    path = f"/channels/{made['channel_id']}"
    kept = send(client, "PUT", path, {"name": "desk"}).json
    assert {name: kept[name] for name in fields} == fields
    changed: dict[str, object] = {
        "name": "desk",
        "limit": None,
        "digest": "at_close",
        "quiet_hours": [],
    }
    assert send(client, "PUT", path, changed).status == 200
    shown = send(client, "GET", path).json
    assert (shown["limit"], shown["digest"], shown["quiet_hours"]) == (None, "at_close", [])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"limit": {"messages": 5}}, "limit"),
        ({"digest": "weekly"}, "digest"),
        ({"quiet_hours": [{"days": ["mon"]}]}, "quiet_hours"),
    ],
)
def test_a_bad_holding_field_is_named_with_what_is_allowed(
    client: Client, fields: dict[str, object], named: str
) -> None:
    refused = make(client, **fields)
    assert (refused.status, refused.json["field"]) == (400, named)
    assert refused.json["allowed"]


def test_a_put_keeps_the_secrets_that_it_does_not_give(
    client: Client, services: FakeServices
) -> None:
    channel_id = make(client, name="hook", **WEBHOOK).json["channel_id"]
    before = services.channels.find(channel_id).sealed
    path = f"/channels/{channel_id}"
    shown = send(client, "GET", path).json
    changed = send(client, "PUT", path, {**shown, "name": "desk", "enabled": False})
    assert (changed.status, changed.json["name"], changed.json["enabled"]) == (200, "desk", False)
    assert services.channels.find(channel_id).sealed == before
    assert services.channels.find(channel_id).address_at == ""
    replaced = {"name": "desk", "address": "https://other.example/", "secret": SECRET[::-1]}
    assert send(client, "PUT", path, replaced).status == 200
    sealed = services.channels.find(channel_id).sealed
    secrets = Sealing(KMS(), "alias/test", "test").unseal(channel_id, sealed)
    assert (secrets.address, secrets.secret) == ("https://other.example/", SECRET[::-1])
    assert services.channels.find(channel_id).address_at == "2026-11-20T16:00:00.000000Z"
    assert send(client, "PUT", path, {**shown, "name": "again"}).status == 200
    assert services.channels.find(channel_id).address_at == "2026-11-20T16:00:00.000000Z"


def test_a_new_address_of_a_webhook_needs_a_secret(client: Client) -> None:
    channel_id = make(client, name="hook", **WEBHOOK).json["channel_id"]
    given = {"name": "hook", "address": "https://other.example/"}
    refused = send(client, "PUT", f"/channels/{channel_id}", given)
    assert (refused.status, refused.json["field"]) == (400, "secret")


def test_a_channel_keeps_its_kind(client: Client) -> None:
    channel_id = make(client).json["channel_id"]
    refused = send(client, "PUT", f"/channels/{channel_id}", {"name": "x", "kind": "webhook"})
    assert (refused.status, refused.json["field"]) == (400, "kind")


def test_a_deleted_channel_is_gone(client: Client) -> None:
    path = f"/channels/{make(client).json['channel_id']}"
    assert send(client, "DELETE", path).status == 204
    for method in ("GET", "DELETE"):
        gone = send(client, method, path)
        assert (gone.status, gone.json["parameter"]) == (404, "channel_id")
    assert send(client, "PUT", path, {"name": "x"}).status == 404
    assert send(client, "POST", f"{path}/test").status == 404


def test_the_topic_stays_and_may_be_switched_off(client: Client) -> None:
    assert send(client, "DELETE", "/channels/sns").status == 409
    given = {"name": "Mails", "enabled": False, "default": False}
    assert send(client, "PUT", "/channels/sns", given).json["enabled"] is False
    (topic,) = send(client, "GET", "/channels").json["channels"]
    assert (topic["channel_id"], topic["name"], topic["enabled"]) == ("sns", "Mails", False)
    refused = send(client, "PUT", "/channels/sns", {"name": "Mails", "address": ADDRESS})
    assert (refused.status, refused.json["field"]) == (400, "address")


def test_two_channels_cannot_share_a_name(client: Client) -> None:
    make(client)
    again = make(client, name="Phone")
    assert (again.status, again.json["field"]) == (400, "name")


def test_the_number_of_channels_is_bounded(client: Client) -> None:
    made = [make(client, name=f"c{number}").status for number in range(MAX_CHANNELS + 1)]
    assert made == [201] * MAX_CHANNELS + [409]


def test_a_stage_without_a_key_says_how_to_have_one(services: FakeServices) -> None:
    store = Channels(Aws().dynamodb, "rules")
    services.channels = ChannelBook(store, Sealing(KMS(), "", "test").seal, services.clock)
    refused = make(Client(services))
    assert (refused.status, "own_key" in refused.json["detail"]) == (409, True)


def test_a_test_records_an_alert_for_this_channel_alone(
    client: Client, services: FakeServices
) -> None:
    channel_id = make(client).json["channel_id"]
    accepted = send(client, "POST", f"/channels/{channel_id}/test")
    alert_id = accepted.json["alert_id"]
    assert accepted.status == 202
    assert accepted.headers["location"] == f"../../alerts/{alert_id}"
    (stored,) = services.stores.alerts.by_symbol("TEST", None, None, limit=9).rows
    assert (stored.alert.alert_id, stored.alert.channels) == (alert_id, (channel_id,))


def test_a_channel_that_is_switched_off_is_not_tested(client: Client) -> None:
    channel_id = make(client, enabled=False).json["channel_id"]
    refused = send(client, "POST", f"/channels/{channel_id}/test")
    assert (refused.status, "switched off" in refused.json["detail"]) == (409, True)


@pytest.mark.parametrize("scope", ["read", "write:rules", "write:symbols", "reports"])
def test_writing_needs_its_own_scope(client: Client, services: FakeServices, scope: str) -> None:
    bearer = f"Bearer {services.key(scope)}"
    channel_id = make(client).json["channel_id"]
    path = f"/channels/{channel_id}"
    for method, where in (
        ("POST", "/channels"),
        ("PUT", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
    ):
        assert send(client, method, where, {}, authorization=bearer).status == 403
    own = f"Bearer {services.key('write:channels')}"
    assert send(client, "DELETE", path, authorization=own).status == 204


def test_a_rule_names_channels_that_there_are(client: Client) -> None:
    channel_id = make(client).json["channel_id"]
    made = send(client, "POST", "/rules", {**RULE, "channels": [channel_id, "sns", "sns"]})
    assert (made.status, made.json["channels"]) == (201, [channel_id, "sns"])
    listed = send(client, "GET", f"/rules/{made.json['rule_id']}").json
    assert listed["channels"] == [channel_id, "sns"]
    for channels in (["nowhere"], ["sns", "nowhere"], "sns", [1], ["A!"], ["sns"] * 11):
        refused = send(client, "POST", "/rules", {**RULE, "channels": channels})
        assert (refused.status, refused.json["field"]) == (400, "channels"), channels


@pytest.mark.parametrize("channel_id", ["A", "a-b", "a" * 33])
def test_an_id_of_another_form_is_refused(client: Client, channel_id: str) -> None:
    refused = send(client, "GET", f"/channels/{channel_id}")
    assert (refused.status, refused.json["parameter"]) == (400, "channel_id")
