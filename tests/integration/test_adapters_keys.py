"""The contract of KeyStore."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.keys import Keys
from chalicelib.domain.keys import Key
from chalicelib.domain.times import epoch_seconds
from chalicelib.services.access.key_ring import KeyStore, fingerprint
from rigs.emulated import Emulated
from rigs.memory_aws.system import Aws
from rigs.memory_aws.transport import Transport
from tests.factories import at
from tests.fakes import FakeKeys


@pytest.fixture(params=["fake", "in memory", "emulated"])
def keys(request: pytest.FixtureRequest) -> KeyStore:
    if request.param == "fake":
        return FakeKeys()
    if request.param == "in memory":
        return Keys(Transport(Aws()).dynamodb, "keys")
    emulated: Emulated = request.getfixturevalue("emulated")
    return Keys(emulated.clients.dynamodb, emulated.provisioned().keys_table)


def key(number: int, **fields: Any) -> Key:
    return Key(
        key_id=f"k{number}", name="grafana", scopes=("read",), created_at=at(number), **fields
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"scopes": ("read", "write:rules", "admin")},
        {"expires_at": at(100), "requests_per_minute": 600},
    ],
)
def test_a_key_comes_back_as_it_was_put_by_the_hash_of_its_token(
    keys: KeyStore, fields: dict[str, Any]
) -> None:
    made = Key(**{"key_id": "a", "name": "x", "scopes": ("read",), "created_at": at(0), **fields})
    keys.put(fingerprint("token"), made)
    assert keys.find(fingerprint("token")) == made
    assert keys.find(fingerprint("other")) is None
    assert keys.all() == [made]


def test_all_keys_come_the_oldest_first(keys: KeyStore) -> None:
    for number in (2, 0, 1):
        keys.put(fingerprint(str(number)), key(number))
    assert [one.key_id for one in keys.all()] == ["k0", "k1", "k2"]


def test_a_removed_key_is_gone_and_the_others_stay(keys: KeyStore) -> None:
    for number in range(3):
        keys.put(fingerprint(str(number)), key(number))
    assert keys.remove("k1")
    assert not keys.remove("k1")
    assert keys.find(fingerprint("1")) is None
    assert [one.key_id for one in keys.all()] == ["k0", "k2"]


def test_requests_are_counted_up_to_the_limit_by_key_and_minute(keys: KeyStore) -> None:
    assert [keys.count("a", at(0), 2) for _ in range(3)] == [True, True, False]
    assert keys.count("a", at(60), 2)
    assert keys.count("b", at(0), 2)
    assert keys.all() == []


def test_a_request_counts_as_its_weight(keys: KeyStore) -> None:
    assert [keys.count("a", at(0), 10, 4) for _ in range(3)] == [True, True, False]
    assert [keys.count("a", at(0), 10) for _ in range(3)] == [True, True, False]
    assert keys.count("b", at(0), 4, 4)


def test_counters_expire_and_keys_do_not(emulated: Emulated) -> None:
    """TTL deletes by a number in expires_at: an expired key stays to be seen."""
    settings = emulated.provisioned()
    keys = Keys(emulated.clients.dynamodb, settings.keys_table)
    keys.put(fingerprint("token"), key(0, expires_at=at(1)))
    keys.count("k0", at(0), 1)
    items = emulated.clients.dynamodb.scan(TableName=settings.keys_table)["Items"]
    expiries = {item["kind"]["S"]: item.get("expires_at") for item in items}
    counter = {"N": str(epoch_seconds(at(0)) + 600)}
    assert expiries == {"key": None, "last": None, "requests#k0": counter}
