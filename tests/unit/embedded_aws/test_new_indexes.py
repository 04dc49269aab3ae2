"""A file that was written before its table had an index."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item

from embedded_aws.emulator.schema import TABLES
from embedded_aws.emulator.table_items import TableItems


def table(*indexes: str) -> Any:
    """A table whose indexes are by the attributes of their names."""
    schema = [
        SimpleNamespace(name=name, schema=[{"AttributeName": name, "KeyType": "HASH"}])
        for name in indexes
    ]
    return SimpleNamespace(
        name="alerts", hash_key_attr="symbol", range_key_attr="at", global_indexes=schema, ttl={}
    )


def item(number: int) -> Item:
    given = {"symbol": {"S": "AAPL"}, "at": {"S": str(number)}, "day": {"S": "d"}}
    if number:
        given["alert_id"] = {"S": f"a{number}"}
    return Item(DynamoType(given["symbol"]), DynamoType(given["at"]), given)


def found(items: TableItems, index: str, value: str) -> list[str]:
    rows = items.rows(value, "", "z", index=index, descending=False)
    return [row.attributes()["at"]["S"] for row in rows]


def test_items_of_before_are_entered_into_a_new_index() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES)
    older = TableItems(table("day"), connection)
    for number in range(3):
        older.put("AAPL", str(number), item(number))
    for _ in range(2):
        newer = TableItems(table("day", "alert_id"), connection)
        assert [found(newer, "alert_id", f"a{number}") for number in range(3)] == [[], ["1"], ["2"]]
        assert found(newer, "day", "d") == ["0", "1", "2"]
