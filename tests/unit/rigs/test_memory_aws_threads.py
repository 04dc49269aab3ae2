"""AWS in memory under threads, as a handler's pools use it: one call takes effect at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from rigs.memory_aws.system import Aws

THREADS = 4
TIMES = 200


@pytest.fixture(autouse=True)
def threads_that_alternate() -> Iterator[None]:
    """Python changes threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_one_of_several_conditional_puts_takes_effect() -> None:
    aws = Aws()

    def put_all(thread: int) -> int:
        return sum(_put_first(aws, number, thread) for number in range(TIMES))

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(put_all, range(THREADS))) == TIMES


def _put_first(aws: Aws, number: int, thread: int) -> int:
    names = {"symbol": "AAPL", "rule_id": f"r{number}", "kind": "rule", "by": str(thread)}
    item = {name: {"S": value} for name, value in names.items()}
    try:
        aws.dynamodb.put_item(
            TableName="rules", Item=item, ConditionExpression="attribute_not_exists(rule_id)"
        )
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return 0
    return 1
