"""Deletes one symbol's data from DynamoDB's tables."""

from __future__ import annotations

import time
from typing import Any

from chalicelib.adapters.actions import ACTIONS
from chalicelib.adapters.bars import MARK
from chalicelib.adapters.dynamodb import delete_all, key_range, query
from chalicelib.domain.bars import STORED
from chalicelib.services.symbol_stores import Erased, SeriesKind

_KEYS_A_READ = 1000


class Eraser:
    """Implements SeriesEraser on DynamoDB."""

    def __init__(self, client: Any, *, prices: str, bars: str, alerts: str) -> None:
        self._client = client
        self._prices, self._bars, self._alerts = prices, bars, alerts

    def erase(self, kind: SeriesKind, symbol: str, deadline: float) -> Erased:
        """See SeriesEraser.erase."""
        if kind == "bars":
            erased = [
                self._partition(self._bars, ("series", "start"), f"{symbol}#{it}", deadline)
                for it in (*STORED, ACTIONS, MARK)
            ]
            bars = erased[: len(STORED)]
            return Erased(sum(one.count for one in bars), all(one.complete for one in erased))
        if kind == "prices":
            return self._partition(self._prices, ("symbol", "timestamp"), symbol, deadline)
        return self._partition(self._alerts, ("symbol", "timestamp_rule"), symbol, deadline)

    def _partition(self, table: str, key: tuple[str, str], value: str, deadline: float) -> Erased:
        names = {f"#{name}": name for name in key}
        request = key_range(key[0], value, key[1], None, None)
        request["ExpressionAttributeNames"] |= names
        count = 0
        for keys, _ in query(
            self._client,
            TableName=table,
            ProjectionExpression=", ".join(names),
            Limit=_KEYS_A_READ,
            ConsistentRead=True,
            **request,
        ):
            left = delete_all(self._client, table, key, keys, deadline)
            count += len(keys) - len(left)
            if left or time.monotonic() >= deadline:
                return Erased(count, complete=False)
        return Erased(count, complete=True)
