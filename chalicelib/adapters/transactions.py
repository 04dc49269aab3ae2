"""TransactWriteItems whose refusals are told write by write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_WRITES = 100
"""Writes of one transaction."""

_PASSED = "None"
REFUSED = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"


def refusals(client: Any, writes: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Call TransactWriteItems; return an empty tuple if all writes were made, else for each write
    REFUSED by its condition, CONFLICT with another writer, or "None". Then none was made.

    Raises what botocore raises for anything else, such as throttling.
    """
    from botocore.exceptions import ClientError

    try:
        client.transact_write_items(TransactItems=list(writes))
    except ClientError as error:
        response: Any = error.response
        codes = tuple(each.get("Code", _PASSED) for each in response.get("CancellationReasons", ()))
        if not codes or not set(codes) <= {_PASSED, REFUSED, CONFLICT}:
            raise
        return codes
    return ()
