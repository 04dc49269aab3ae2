"""Channels as the table has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.adapters.channels import Channels
from chalicelib.domain.channel_ids import CHANNEL_ID
from chalicelib.domain.channel_secrets import Secrets
from chalicelib.domain.channels import TOPIC, StoredChannel, with_topic
from chalicelib.domain.errors import Unknown
from chalicelib.services.delivery.channel_book import ChannelBook
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport
from tests.api_support import NOW

GOOD = StoredChannel(channel_id="a1", name="phone", kind="apprise", service="Telegram")


def stored(aws: Aws) -> dict[str, Any]:
    (item,) = aws.tables["rules"].items.values()
    assert isinstance(item, dict)
    return item


def test_a_channel_that_cannot_be_read_is_left_out_and_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A later version may have stored it."""
    aws = Aws()
    store = Channels(Transport(aws).dynamodb, "rules")
    assert store.write(store.table(), (GOOD,))
    item = stored(aws)
    later = {"channel_id": "b2", "name": "pager", "kind": "pigeon", "service": 7}
    item["channels"] = {"S": json.dumps([*json.loads(item["channels"]["S"]), later])}
    table = store.table()
    assert table.entries == (GOOD,)
    assert "one of the stored channels cannot be read" in caplog.text
    assert store.write(table, ())
    item = stored(aws)
    assert json.loads(item["channels"]["S"]) == [later]


@pytest.mark.parametrize(
    ("channel_id", "kind"), [("sns", "webhook"), ("sns", "apprise"), ("b2", "sns")]
)
def test_no_other_channel_takes_the_place_of_the_topic(channel_id: str, kind: str) -> None:
    """A given data folder may have such a one: the topic's alerts would go to its maker."""
    aws = Aws()
    store = Channels(Transport(aws).dynamodb, "rules")
    assert store.write(store.table(), (GOOD,))
    planted = {"channel_id": channel_id, "name": "SNS topic", "kind": kind, "service": "Amazon SNS"}
    stored(aws)["channels"] = {"S": json.dumps([planted])}
    assert store.table().entries == ()
    assert with_topic(store.table().entries) == [TOPIC]


@pytest.mark.parametrize(
    "held",
    [
        {"digest": {"daily_at": "99:99", "time_zone": "UTC"}},
        {"digest": {"daily_at": "08:00", "time_zone": "Nowhere/X"}},
        {"quiet_hours": [{"days": ["mon"], "start": "z", "end": "07:00", "time_zone": "UTC"}]},
        {"limit": {"messages": 0, "minutes": 10}},
    ],
)
def test_a_channel_whose_settings_do_not_parse_is_left_out_and_kept(held: dict[str, Any]) -> None:
    aws = Aws()
    store = Channels(Transport(aws).dynamodb, "rules")
    assert store.write(store.table(), (GOOD,))
    item = stored(aws)
    bad = {"channel_id": "b2", "name": "b", "kind": "apprise", "service": "Slack", **held}
    item["channels"] = {"S": json.dumps([*json.loads(item["channels"]["S"]), bad])}
    table = store.table()
    assert table.entries == (GOOD,)
    assert [json.loads(raw) for raw in table.unreadable] == [bad]


def test_a_channel_that_cannot_be_read_is_listed_by_an_id_and_can_be_deleted() -> None:
    aws = Aws()
    store = Channels(Transport(aws).dynamodb, "rules")
    assert store.write(store.table(), (GOOD,))
    item = stored(aws)
    bad = [{"channel_id": f"b{n}", "kind": "pigeon"} for n in range(2)]
    item["channels"] = {"S": json.dumps([*json.loads(item["channels"]["S"]), *bad])}
    book = ChannelBook(store, _no_seal, lambda: NOW)
    channels, unreadable = book.listed()
    assert (channels, len(unreadable)) == ([TOPIC, GOOD], 2)
    assert all(CHANNEL_ID.fullmatch(channel_id) for channel_id in unreadable)
    book.remove(unreadable[0])
    assert book.listed() == ([TOPIC, GOOD], unreadable[1:])
    with pytest.raises(Unknown):
        book.remove(unreadable[0])
    book.remove(GOOD.channel_id)
    assert book.listed() == ([TOPIC], unreadable[1:])
    assert [json.loads(raw) for raw in store.table().unreadable] == bad[1:]


def _no_seal(channel_id: str, secrets: Secrets) -> str:
    raise AssertionError("nothing is sealed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel_id", ""),
        ("channel_id", "x" * 70_000),
        ("channel_id", "a#1"),
        ("name", "x" * 65),
        ("name", "a\x1b[2J"),
        ("service", "x" * 65),
    ],
)
def test_a_channel_with_another_id_or_name_than_is_made_is_left_out(field: str, value: str) -> None:
    """An entry without an id and of kind `sns` sent each alert to the topic once more."""
    aws = Aws()
    store = Channels(Transport(aws).dynamodb, "rules")
    assert store.write(store.table(), (GOOD,))
    kind = "apprise" if value else "sns"
    planted = {"channel_id": "b2", "name": "b", "kind": kind, "service": "Slack", field: value}
    stored(aws)["channels"] = {"S": json.dumps([planted])}
    assert store.table().entries == ()
