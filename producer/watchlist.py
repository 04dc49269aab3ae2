"""Lists the symbols to follow: those of the command line, the tracked ones, or both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from producer.errors import UsageError
from producer.sinks import aws
from producer.source_plans import SourcePlans
from producer.status import Status
from producer.wire import WireTick, symbols_of

REFRESH_SECONDS = 5.0
TOLD_AGAIN_SECONDS = 60.0
"""Seconds between reports of invalid items, so that other problems are shown in between."""

_SHOWN, _SHOWN_CHARACTERS = 5, 40


class Watchlist(Protocol):
    """The interface for the symbols to follow, which may change while the producer runs."""

    def symbols(self) -> Sequence[str]:
        """Return the symbols to follow now."""

    def drops(self, symbol: str) -> bool:
        """Return whether a symbol is known to be no longer followed, as of the last call of
        `symbols`."""

    def is_anothers(self, symbol: str, /) -> bool:
        """Return whether a symbol's series has another source than this producer."""

    def refuses(self, tick: WireTick, /) -> bool:
        """Return whether another source of the series covers the tick's time."""


class FixedList:
    """The fixed symbols of the command line."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._known = frozenset(self._symbols)

    def symbols(self) -> Sequence[str]:
        """Return the symbols, which never change."""
        return self._symbols

    def drops(self, symbol: str) -> bool:
        """See Watchlist.drops."""
        return symbol not in self._known

    def is_anothers(self, _symbol: str, /) -> bool:
        """Return False: the sources of these symbols' series are not known."""
        return False

    def refuses(self, _tick: WireTick, /) -> bool:
        """Return False: the sources of these symbols' series are not known."""
        return False


class TrackedList:
    """The items with list = "tracked" of the symbols table, read every 5 seconds.

    A failure to read keeps the last list and is reported. `is_known` says whether a read ever
    succeeded, `is_current` whether the last one did. Invalid items are skipped, reported and kept
    in `invalid`. A symbol whose series has another source is not followed.
    """

    def __init__(
        self,
        table: str,
        client: Any,
        status: Status,
        plans: SourcePlans,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plans = plans
        self.is_anothers = plans.is_anothers
        self.refuses = plans.refuses
        self._table = table
        self._client = client
        self._status = status
        self._now = now
        self._symbols: tuple[str, ...] = ()
        self._tracked: frozenset[str] = frozenset()
        self.invalid: tuple[str, ...] = ()
        self._next = float("-inf")
        self._next_told = float("-inf")
        self.is_known = False
        self.is_current = False

    def symbols(self) -> Sequence[str]:
        """Return the tracked symbols. The symbols table is read at most every 5 seconds."""
        if self._now() >= self._next:
            self._next = self._now() + REFRESH_SECONDS
            self._refresh()
        return self._symbols

    def drops(self, symbol: str) -> bool:
        """See Watchlist.drops. Return False if the table does not answer."""
        return self.is_current and symbol not in self._tracked

    def _refresh(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self.is_current = False
        try:
            read = self._read()
        except (BotoCoreError, ClientError) as error:
            self._status.problem(f"the tracked symbols cannot be read: {aws.why(error)}", error)
            return
        self._plans.learn(read)
        symbols, self.invalid = sorted_out(item["symbol"]["S"] for item in read)
        self._symbols = tuple(name for name in symbols if not self.is_anothers(name))
        self._tracked = frozenset(self._symbols)
        self.is_known = self.is_current = True
        if self.invalid and self._now() >= self._next_told:
            self._next_told = self._now() + TOLD_AGAIN_SECONDS
            self._status.problem(_passed_over(self.invalid))

    def _read(self) -> list[dict[str, dict[str, str]]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#list = :tracked",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues={":tracked": {"S": "tracked"}},
        )
        return [item for page in pages for item in page["Items"]]


def sorted_out(texts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split texts into symbols and invalid texts. The symbols are in upper case and without
    repeats."""
    symbols: list[str] = []
    invalid: list[str] = []
    for text in texts:
        try:
            symbols += symbols_of((text,), "")
        except UsageError:
            invalid.append(text)
    return tuple(dict.fromkeys(symbols)), tuple(invalid)


def _passed_over(invalid: Sequence[str]) -> str:
    named = ", ".join(repr(text[:_SHOWN_CHARACTERS]) for text in invalid[:_SHOWN])
    more = f" and {len(invalid) - _SHOWN:,} more" if len(invalid) > _SHOWN else ""
    return f"skipping tracked items that are not symbols: {named}{more}"


class DefaultList:
    """The source's own symbols, and the tracked symbols.

    The symbols table is first read in call number `at_call` of `symbols`. By default that is the
    second call, so that the first prices do not wait for the table.
    """

    def __init__(
        self, default: Sequence[str], tracked: Callable[[], Watchlist], at_call: int = 2
    ) -> None:
        self._at_call = at_call
        self._default = tuple(default)
        self._connect = tracked
        self._tracked: Watchlist = FixedList(())
        self._calls = 0

    def symbols(self) -> Sequence[str]:
        """Return each symbol once. The source's own symbols come first."""
        self._calls += 1
        if self._calls == self._at_call:
            self._tracked = self._connect()
        symbols = dict.fromkeys((*self._default, *self._tracked.symbols()))
        return tuple(name for name in symbols if not self._tracked.is_anothers(name))

    def drops(self, symbol: str) -> bool:
        """See Watchlist.drops."""
        if self._tracked.is_anothers(symbol):
            return True
        is_asked = self._calls >= self._at_call
        return is_asked and symbol not in self._default and self._tracked.drops(symbol)

    def is_anothers(self, symbol: str) -> bool:
        """See Watchlist.is_anothers."""
        return self._tracked.is_anothers(symbol)

    def refuses(self, tick: WireTick) -> bool:
        """See Watchlist.refuses."""
        return self._tracked.refuses(tick)
