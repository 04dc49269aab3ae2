"""The number of DynamoDB calls of each route, on the real adapters; docs/api.md has the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.adapters.actions import Actions
from chalicelib.adapters.alerts import Alerts
from chalicelib.adapters.bars import Bars
from chalicelib.adapters.keys import Keys
from chalicelib.adapters.prices import Prices
from chalicelib.adapters.producers import Producers
from chalicelib.adapters.rules import Rules
from chalicelib.adapters.state import States
from chalicelib.adapters.symbols import Symbols
from chalicelib.services.access import key_ring
from chalicelib.services.access.key_ring import KeyRing
from chalicelib.services.access.rate_limit import RateLimit
from chalicelib.services.rules.preview import Preview
from chalicelib.services.stores import Stores
from chalicelib.services.symbol_stores import SymbolEntry
from infra import resources
from infra.provision import provision
from tests.api_support import TOKEN, Client, FakeServices, fill, make_ticks, walk
from tests.fakes import fake_stores
from tests.local_support.aws import emulator

CALLS = [
    ("GET", "/prices/TEST?interval=tick", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices/TEST?interval=tick&sort=desc&limit=5", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices/TEST?interval=1m", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices/TEST?interval=1d&format=csv", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices?symbols=TEST,TRACKED", {"BatchGetItem": 3, "GetItem": 3, "Query": 2}),
    ("GET", "/prices/TEST?interval=1h", {"GetItem": 1, "Query": 2}),
    ("GET", "/prices/TEST?interval=5m&sort=desc", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices/TEST?interval=1wk", {"GetItem": 1, "Query": 1}),
    ("GET", "/prices/TEST", {"GetItem": 1, "Query": 5}),
    ("GET", "/prices/TEST?period=1d&interval=1m", {"GetItem": 1, "Query": 2}),
    ("GET", "/prices/TEST/latest", {"GetItem": 1}),
    ("GET", "/indicators/TEST?sma=5&interval=1m", {"GetItem": 1, "Query": 2}),
    ("GET", "/quality/TEST", {"GetItem": 1, "BatchGetItem": 1, "Query": 3}),
    ("GET", "/quotes?symbols=TEST,OTHER,NOSUCH", {"BatchGetItem": 1}),
    ("GET", "/symbols", {"Query": 2}),
    ("GET", "/symbols/TEST", {"BatchGetItem": 2}),
    ("POST", "/standby", {"BatchGetItem": 2}),  # of a symbol without a standby
    ("PUT", "/symbols/NEW", {"Query": 1, "PutItem": 1, "BatchGetItem": 1}),
    ("DELETE", "/symbols/NEW", {"DeleteItem": 1}),
    ("GET", "/alerts?symbol=TEST", {"Query": 1}),
    ("GET", "/alerts?start=2026-11-20&end=2026-11-21T00:00:01Z", {"Query": 2}),
    ("GET", "/rules", {"Query": 1}),
    ("GET", "/rules/default-golden-cross", {"Query": 1}),
    ("PUT", "/rules/mine", {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}),
    ("POST", "/rules/preview", {"GetItem": 1, "Query": 1}),
    ("DELETE", "/rules/mine", {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}),
    ("GET", "/keys", {"Query": 1}),
    ("POST", "/keys", {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}),
    ("GET", "/health", {"Query": 7, "BatchGetItem": 3}),  # of two symbols
    ("GET", "/openapi.json", {}),
    ("GET", "/prices/TRACKED?interval=1d", {"GetItem": 1, "BatchGetItem": 1, "Query": 1}),
    ("GET", "/prices/NOSUCH", {"GetItem": 1, "BatchGetItem": 1}),
    ("GET", "/prices/TEST?limit=0", {}),
]
KEY_MADE = ("POST", "/keys")
RULE = {"symbol": "TEST", "condition": "crossing_up", "value": 104}


class Counted:
    """A system's stores, and the operations that were asked of them."""

    def __init__(self, client: Any, stores: Stores, keys_table: str) -> None:
        self.operations: Counter[str] = Counter()
        self.services = FakeServices()
        self.services.stores = stores
        keys = Keys(client, keys_table)
        self.services.keys = KeyRing(keys, self.services.clock, key_ring.fingerprint(TOKEN))
        self.services.rate_limit = RateLimit(keys, self.services.clock)
        self.services.preview = Preview(stores, self.services.preview._shown)
        self.client = Client(self.services)
        client.meta.events.register("before-call.dynamodb", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.operations[model.name] += 1

    def send(self, method: str, path: str) -> tuple[int, dict[str, int]]:
        """The status of an answer, and the calls that it took."""
        self.operations.clear()
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        body: Any = RULE if method in ("PUT", "POST") and path.startswith("/rules") else None
        body = {"name": "a key", "scopes": ["read"]} if (method, path) == KEY_MADE else body
        body = {"source": "yfinance", "symbols": ["TEST"]} if path == "/standby" else body
        status = self.client.send(method, path, body, headers).status
        return status, dict(self.operations)


@pytest.fixture(scope="module")
def counted() -> Iterator[Counted]:
    with emulator() as running:
        names = provision(running.clients, resources.load(), ingest="kinesis")
        client = running("dynamodb")
        fakes = fake_stores()
        stores = Stores(
            prices=Prices(client, names["PRICES_TABLE"], Decimal(5), 30),
            bars=Bars(client, names["BARS_TABLE"], {}),
            actions=Actions(client, names["BARS_TABLE"]),
            state=States(client, names["STATE_TABLE"]),
            alerts=Alerts(client, names["ALERTS_TABLE"]),
            rules=Rules(client, names["RULES_TABLE"]),
            symbols=Symbols(client, names["SYMBOLS_TABLE"]),
            archive=fakes.archive,
            failures=fakes.failures,
            producers=Producers(client, names["SYMBOLS_TABLE"]),
        )
        made = Counted(client, stores, names["KEYS_TABLE"])
        fill(made.services, make_ticks(150))
        fill(made.services, make_ticks(3, "OTHER"))
        entry = SymbolEntry(symbol="TRACKED", added_at="2026-11-20T00:00:00.000000Z")
        stores.symbols.put("tracked", entry)
        yield made


@pytest.mark.parametrize(("method", "path", "calls"), CALLS, ids=lambda value: str(value)[:50])
def test_a_route_makes_no_more_calls_than_documented(
    counted: Counted, method: str, path: str, calls: dict[str, int]
) -> None:
    status, made = counted.send(method, path)
    assert made == calls
    assert status in (200, 201, 204) or "NOSUCH" in path or "limit=0" in path


def test_a_key_takes_one_read_for_its_policy_and_one_write_for_each_request(
    counted: Counted,
) -> None:
    key, token = counted.services.keys.create({"name": "a key", "scopes": ["admin"]})
    for policy in ({"GetItem": 1}, {}):
        counted.operations.clear()
        headers = {"authorization": f"Bearer {token}"}
        assert counted.client.send("GET", "/keys", headers=headers).status == 200
        assert counted.operations == {**policy, "UpdateItem": 1, "Query": 1}
    counted.operations.clear()
    counted.services.keys.revoke(key.key_id)
    assert counted.operations == {"Query": 1, "DeleteItem": 1}


@pytest.mark.parametrize("interval", ["tick", "1m", "5m", "1h", "1d", "auto"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_of_the_real_stores_are_the_range_in_one_piece(
    counted: Counted, interval: str, sort: str
) -> None:
    query = f"/prices/TEST?interval={interval}&sort={sort}"
    whole = counted.client.get(f"{query}&limit=5000").json["prices"]
    assert whole
    assert list(walk(counted.client, f"{query}&limit=7")) == whole


def test_alerts_of_all_symbols_come_in_pages_over_days(counted: Counted) -> None:
    client = counted.client
    for sort in ("asc", "desc"):
        whole = client.get(f"/alerts?sort={sort}").json["alerts"]
        stamps = [alert["timestamp"] for alert in whole]
        assert stamps == sorted(stamps, reverse=sort == "desc")
        assert len(whole) > 3
        assert list(walk(client, f"/alerts?sort={sort}&limit=2", "alerts")) == whole
        crosses = [alert for alert in whole if alert["condition"] == "golden_cross"]
        path = f"/alerts?sort={sort}&condition=golden_cross&limit=1"
        assert list(walk(client, path, "alerts")) == crosses
