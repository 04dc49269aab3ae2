"""Corporate actions that lie in a table as no ingest stores them are left out, and cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.actions import Actions
from rigs.memory_aws.system import SETTINGS, Aws
from tests.action_support import make_split
from tests.factories import NEVER

SPLIT = {
    "series": {"S": "AAPL#actions"},
    "start": {"S": "2020-08-31#split"},
    "ratio": {"S": "4:1"},
    "known_at": {"S": "2020-08-31T13:30:00.000000Z"},
    "source": {"S": "alpaca"},
}
DIVIDEND = {
    **{name: SPLIT[name] for name in ("series", "known_at", "source")},
    "start": {"S": "2014-05-08#dividend"},
    "amount": {"N": "3.29"},
    "previous_close": {"N": "592.33"},
}


class Table:
    """Answers each query with the same items."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self._items = items

    def query(self, **_: Any) -> dict[str, Any]:
        return {"Items": list(self._items)}


@pytest.mark.parametrize(
    ("item", "change"),
    [
        (SPLIT, {"ratio": {"S": "-2:-1"}}),
        (SPLIT, {"ratio": {"S": "1:1"}}),
        (SPLIT, {"ratio": {"S": "9" * 4_200 + ":1"}}),
        (SPLIT, {"start": {"S": "x#split"}}),
        (SPLIT, {"start": {"S": "9999-99-99#split"}}),
        (SPLIT, {"known_at": {"S": "x"}}),
        (SPLIT, {"known_at": {"N": "1"}}),
        (DIVIDEND, {"amount": {"N": "3." + "1" * 3_000_000}}),
        (DIVIDEND, {"amount": {"N": "592.33"}}),
        (DIVIDEND, {"amount": {"N": "1e-100000000"}}),
        (DIVIDEND, {"previous_close": {"N": "9" * 400}}),
        (DIVIDEND, {"previous_close": {"N": "0"}}),
    ],
)
def test_actions_that_no_ingest_stores_are_left_out(
    item: dict[str, Any], change: dict[str, Any]
) -> None:
    listed = Actions(Table(item | change, SPLIT, DIVIDEND), "bars").actions("AAPL")
    assert [action.place for action in listed] == ["2014-05-08#dividend", "2020-08-31#split"]


@pytest.mark.parametrize(
    "planted",
    [
        SPLIT | {"ratio": {"S": "0:0"}},
        SPLIT | {"known_at": {"N": "1"}},
        SPLIT | {"known_at": {"N": "NaN"}},
        {name: SPLIT[name] for name in ("series", "start")},
    ],
)
def test_an_action_that_cannot_be_read_is_replaced_by_the_next_that_is_told(
    planted: dict[str, Any],
) -> None:
    aws, told = Aws(), make_split("2020-08-31", "4:1")
    aws.dynamodb.put_item(TableName=SETTINGS.bars_table, Item=planted)
    actions = Actions(aws.dynamodb, SETTINGS.bars_table)
    found = actions.record([told], NEVER)
    assert (found.left, found.conflicts) == (frozenset(), {})
    assert actions.actions("AAPL") == [told]
