"""Mutes as the table has them, also those that another version or somebody else has stored."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.directory_items import DirectoryItems
from chalicelib.adapters.listed_items import ListedItem
from chalicelib.adapters.mutes import Mutes
from chalicelib.domain.channels import StoredChannel
from chalicelib.domain.errors import Unknown
from chalicelib.domain.mutes import MAX_DAYS, MUTE_ID, Mute
from chalicelib.domain.times import to_text
from chalicelib.services.delivery.mute_book import MuteBook
from chalicelib.services.delivery.stored_lists import StoredList
from chalicelib.services.stores import StateStore
from rigs.memory_aws.system import Aws
from tests.api_support import NOW

GOOD = Mute(mute_id="a1", symbol="AAPL", until=to_text(NOW + timedelta(days=1)))
CHANNEL = StoredChannel(channel_id="a1", name="phone", kind="apprise", service="Telegram")
WEEKLY = {"days": ["sat"], "start": "00:00", "end": "12:00", "time_zone": "UTC"}
EVERY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def table_of(aws: Aws) -> Mutes:
    return Mutes(aws.dynamodb, "rules", lambda: NOW)


def plant(aws: Aws, attribute: dict[str, Any] | None, name: str = "mutes") -> None:
    item: dict[str, Any] = {"symbol": {"S": f"#{name}"}, "rule_id": {"S": f"#{name}"}}
    if attribute is not None:
        item[name] = attribute
    aws.dynamodb.put_item(TableName="rules", Item=item)


@pytest.mark.parametrize(
    "fields",
    [
        {"until": "z"},
        {"until": "9999-12-31T00:00:00.000000Z"},
        {"until": to_text(NOW + timedelta(days=MAX_DAYS + 1))},
        {"until": "2026-11-21T00:00:00+05:00"},
        {},
        {"until": GOOD.until, "recurring": WEEKLY},
        {"until": GOOD.until, "symbol": "a b"},
        {"until": GOOD.until, "symbol": "AAPL", "rule_id": "r1"},
        {"until": GOOD.until, "rule_id": "\u001b[2J"},
        {"until": GOOD.until, "name": "\u001b[2J"},
        {"until": GOOD.until, "mute_id": "../.."},
        {"recurring": {**WEEKLY, "time_zone": "Nowhere/X"}},
        {"recurring": {**WEEKLY, "time_zone": "../../etc/passwd"}},
        {"recurring": {**WEEKLY, "start": "99:99"}},
        {"recurring": {**WEEKLY, "days": EVERY, "end": "00:00"}},
    ],
)
def test_a_mute_with_values_that_no_mute_has_is_left_out_and_kept(
    fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    aws = Aws()
    bad = {"mute_id": "b2", **fields}
    good = {"mute_id": "a1", "symbol": "AAPL", "until": GOOD.until}
    plant(aws, {"S": json.dumps([bad, good])})
    store = table_of(aws)
    table = store.table()
    assert table.entries == (GOOD,)
    (line,) = caplog.records
    assert line.message.startswith("one of the stored mutes cannot be read: ")
    assert DirectoryItems(aws.dynamodb, "rules", lambda: NOW).read() == ((), (GOOD,))
    assert store.write(table, ())
    assert [json.loads(raw) for raw in store.table().unreadable] == [bad]


def test_a_mute_that_has_ended_can_be_read() -> None:
    aws = Aws()
    ended = Mute(mute_id="a1", until=to_text(NOW - timedelta(days=400)))
    store = table_of(aws)
    assert store.write(store.table(), (ended,))
    assert store.table().entries == (ended,)


@pytest.mark.parametrize(
    "attribute",
    [
        None,
        {"N": "1"},
        {"S": "{}"},
        {"S": "null"},
        {"S": "[1"},
        {"S": ""},
        {"S": "[" * 100_000},
        {"S": "[" + "[" * 50_000 + "]" * 50_000 + "]"},
    ],
)
@pytest.mark.parametrize("name", ["mutes", "channels"])
def test_an_item_without_a_list_is_one_unreadable_entry(
    name: str, attribute: dict[str, Any] | None
) -> None:
    aws = Aws()
    plant(aws, attribute, name)
    assert DirectoryItems(aws.dynamodb, "rules", lambda: NOW).read() == ((), ())
    if name == "mutes":
        store = table_of(aws)
        table = store.table()
        assert (table.entries, len(table.unreadable)) == ((), 1)
        assert store.write(table, (GOOD,))
        after = store.table()
        assert (after.entries, len(after.unreadable)) == ((GOOD,), 1)


@pytest.mark.parametrize(
    "version",
    [{"S": "1"}, {"S": ""}, {"BOOL": True}, {"N": "0"}, {"N": "-1"}, {"N": "1.5"}, {"M": {}}],
)
@pytest.mark.parametrize("name", ["mutes", "channels"])
def test_a_list_whose_version_cannot_be_read_is_written_and_counts_again(
    name: str, version: dict[str, Any]
) -> None:
    """Each write was refused for ever."""
    aws = Aws()
    item = {"symbol": {"S": f"#{name}"}, "rule_id": {"S": f"#{name}"}, name: {"S": "[]"}}
    aws.dynamodb.put_item(TableName="rules", Item=item | {"version": version})
    listed: ListedItem[Any] = getattr(
        DirectoryItems(aws.dynamodb, "rules", lambda: NOW), f"_{name}"
    )
    entry = {"mutes": GOOD, "channels": CHANNEL}[name]
    before = listed.table()
    assert before.version == 0
    assert listed.write(before, (entry,))
    assert not listed.write(before, ()), "another write was faster"
    after = listed.table()
    assert after == StoredList(1, (entry,), ())
    assert listed.write(after, ())


def test_a_mute_that_cannot_be_read_is_listed_by_its_id_and_can_be_removed() -> None:
    aws = Aws()
    bad = [{"mute_id": f"b{n}", "until": "z"} for n in range(2)]
    good = {"mute_id": "a1", "symbol": "AAPL", "until": GOOD.until}
    plant(aws, {"S": json.dumps([*bad, good])})
    book = MuteBook(table_of(aws), _no_states, lambda: NOW)
    mutes, unreadable = book.listed()
    assert (mutes, len(unreadable)) == ([GOOD], 2)
    assert all(MUTE_ID.fullmatch(mute_id) for mute_id in unreadable)
    book.remove(unreadable[0])
    assert book.listed() == ([GOOD], unreadable[1:])
    with pytest.raises(Unknown):
        book.remove(unreadable[0])
    book.remove("a1")
    assert book.listed() == ([], unreadable[1:])
    assert [json.loads(raw) for raw in table_of(aws).table().unreadable] == bad[1:]


def _no_states() -> StateStore:
    raise AssertionError("no symbol is looked up")
