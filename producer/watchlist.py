"""Which symbols to follow: those of the command line, the table of tracked symbols, or both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from producer.errors import UsageError
from producer.sinks import aws
from producer.status import Status
from producer.wire import symbols_of

REFRESH_SECONDS = 5.0


class Watchlist(Protocol):
    """Symbols that may change while the producer runs."""

    def symbols(self) -> Sequence[str]:
        """The symbols now."""


class FixedList:
    """The symbols of the command line."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)

    def symbols(self) -> Sequence[str]:
        """Always the same."""
        return self._symbols


class TrackedList:
    """The items with list = "tracked" of the table of symbols, asked for every 5 seconds.

    A failure keeps the last list, and is told; `is_known` says whether there ever was one,
    `is_current` whether the last question was answered.
    """

    def __init__(
        self,
        table: str,
        client: Any,
        status: Status,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._client = client
        self._status = status
        self._now = now
        self._symbols: tuple[str, ...] = ()
        self._next = float("-inf")
        self.is_known = False
        self.is_current = False

    def symbols(self) -> Sequence[str]:
        """The symbols of at most 5 seconds ago."""
        if self._now() >= self._next:
            self._next = self._now() + REFRESH_SECONDS
            self._refresh()
        return self._symbols

    def _refresh(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self.is_current = False
        try:
            self._symbols = symbols_of(self._read(), f"table {self._table}")
            self.is_known = self.is_current = True
        except (BotoCoreError, ClientError, UsageError) as error:
            self._status.problem(f"the tracked symbols cannot be read: {aws.why(error)}", error)

    def _read(self) -> list[str]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#list = :tracked",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues={":tracked": {"S": "tracked"}},
        )
        return [item["symbol"]["S"] for page in pages for item in page["Items"]]


class DefaultList:
    """The source's own symbols, and those that people track beside them.

    The table is first asked in the second call: the first prices do not wait for it.
    """

    def __init__(self, default: Sequence[str], tracked: Callable[[], Watchlist]) -> None:
        self._default = tuple(default)
        self._connect = tracked
        self._tracked: Watchlist = FixedList(())
        self._calls = 0

    def symbols(self) -> Sequence[str]:
        """Each symbol once, the source's own first."""
        self._calls += 1
        if self._calls == 2:
            self._tracked = self._connect()
        return tuple(dict.fromkeys((*self._default, *self._tracked.symbols())))
