"""Keys: no more than there may be, none that outlives its maker, each with its maker's name."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters.keys import Keys
from chalicelib.domain.errors import Conflict, Contended
from chalicelib.domain.keys import COMMAND, IN_DEPLOYMENT, Key
from chalicelib.services.access.key_ring import MAX_KEYS, KeyRing, fingerprint
from rigs.emulated import Emulated
from rigs.memory_aws.system import Aws
from tests.api_support import TOKEN, Client, FakeServices
from tests.factories import at, instant
from tests.fakes import FakeKeys

ADMIN = {"name": "x", "scopes": ["admin"]}
CONTAINERS = 4


def stored(number: int) -> Key:
    return Key(key_id=f"k{number}", name="x", scopes=("read",), created_at=at(number))


@pytest.fixture(params=["memory", "emulator"])
def stores(request: pytest.FixtureRequest) -> list[Keys]:
    """Return the stores of several containers."""
    if request.param == "memory":
        client, table = Aws().dynamodb, "keys"
        return [Keys(client, table) for _ in range(CONTAINERS)]
    emulated: Emulated = request.getfixturevalue("emulated")
    table = emulated.provisioned().keys_table
    return [Keys(emulated.clients.dynamodb, table) for _ in range(CONTAINERS)]


def test_keys_made_concurrently_do_not_exceed_the_bound(stores: list[Keys]) -> None:
    for number in range(3):
        assert stores[0].put(fingerprint(f"before{number}"), stored(number), 6)
    gate = threading.Barrier(CONTAINERS)

    def make(at: int) -> int:
        gate.wait(timeout=60)
        made = 0
        for number in range(3):
            try:
                made += stores[at].put(fingerprint(f"{at}-{number}"), stored(10 * at + number), 6)
            except Contended:
                continue
        return made

    with ThreadPoolExecutor(CONTAINERS) as pool:
        assert sum(pool.map(make, range(CONTAINERS))) <= 3
    assert len(stores[0].all()) <= 6
    while stores[0].put(fingerprint("last"), stored(99), 6):
        pass
    assert len(stores[0].all()) == 6


def test_a_key_that_a_query_does_not_show_yet_counts() -> None:
    """DynamoDB may answer like this while it applies a transaction."""
    aws = Aws()
    keys = Keys(aws.dynamodb, "keys")
    assert keys.put(fingerprint("a"), stored(1), 1)
    aws.around = lambda operation, _, perform: (
        {"Items": [], "Count": 0} if operation == "Query" else perform()
    )
    assert not keys.put(fingerprint("b"), stored(2), 1)


def ring(store: FakeKeys) -> KeyRing:
    return KeyRing(store, lambda: instant(100), fingerprint(TOKEN))


def test_a_key_never_expires_after_the_one_that_made_it() -> None:
    keys = ring(FakeKeys())
    maker, _ = keys.create(ADMIN | {"expires_at": at(500)}, IN_DEPLOYMENT)
    assert keys.create(ADMIN, maker.key_id)[0].expires_at == at(500)
    assert keys.create(ADMIN | {"expires_at": at(400)}, maker.key_id)[0].expires_at == at(400)
    with pytest.raises(ValueError, match=f"no later than {at(500)}, when the key that makes it"):
        keys.create(ADMIN | {"expires_at": at(501)}, maker.key_id)
    assert keys.create(ADMIN, IN_DEPLOYMENT)[0].expires_at is None
    endless, _ = keys.create(ADMIN)
    assert (endless.expires_at, endless.made_by) == (None, COMMAND)
    assert keys.create(ADMIN, endless.key_id)[0].expires_at is None


def test_a_key_that_was_just_revoked_makes_no_other() -> None:
    keys = ring(FakeKeys())
    maker, _ = keys.create(ADMIN)
    keys.revoke(maker.key_id)
    with pytest.raises(Conflict, match="has been revoked"):
        keys.create(ADMIN, maker.key_id)
    assert len(keys.all()) == 1


def test_the_list_of_keys_names_the_maker_of_each() -> None:
    client = Client(FakeServices())

    def make(token: str) -> dict[str, str]:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        answer = client.send("POST", "/keys", ADMIN, headers)
        assert answer.status == 201
        return dict(answer.json)

    child = make(TOKEN)
    grandchild = make(child["token"])
    bearer = {"authorization": f"Bearer {TOKEN}"}
    rows = client.send("GET", "/keys", headers=bearer).json["keys"]
    makers = {row["key_id"]: row["made_by"] for row in rows}
    assert makers[IN_DEPLOYMENT] is None
    assert makers[child["key_id"]] == IN_DEPLOYMENT
    assert makers[grandchild["key_id"]] == child["key_id"]
    assert MAX_KEYS == 100
