"""TransactWriteItems that reports refusals write by write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_WRITES = 100
"""The most writes of one transaction."""

_PASSED = "None"
REFUSED = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"


def refusals(client: Any, writes: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Call TransactWriteItems; return an empty tuple if all writes were made.

    Otherwise none was made; return for each write REFUSED if its condition failed, CONFLICT if
    another writer was faster, or "None".

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
