"""Fetches historical bars of symbols from Yahoo."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from chalicelib.domain.exchange_delays import exchange_delay
from producer.errors import SourceError
from producer.files.folding import SECONDS, with_folded
from producer.reasons import reason
from producer.sources import yahoo
from producer.status import Status
from producer.throttling import BURST_REQUESTS, REQUESTS_PER_SECOND, CircuitBreaker, TokenBucket
from producer.wire import Bar, WireTick
from producer.workers import Workers, without_cut

DEADLINE_SECONDS = 30.0
SPANS: tuple[tuple[str, Bar], ...] = (("1d", "1m"), ("2y", "1d"))
_WORKERS = 8
_AT_ONCE = 8


class History:
    """Fetches the bars of several periods; by default today's minutes, then two years of days.

    Each period is fetched for all symbols. If a call ends early, the next call for the same symbols
    gives the rest.
    """

    def __init__(
        self,
        status: Status,
        bucket: TokenBucket | None = None,
        spans: Sequence[tuple[str, Bar]] = SPANS,
    ) -> None:
        self._status = status
        self._bucket = bucket or TokenBucket(REQUESTS_PER_SECOND, BURST_REQUESTS)
        self._spans = spans
        self._workers: Workers[list[WireTick]] = Workers(_WORKERS)
        self._given: set[tuple[str, Bar]] = set()
        self._failed: set[tuple[str, Bar]] = set()

    @property
    def failed(self) -> frozenset[str]:
        """Return the symbols whose last answered request failed for at least one length of bars.
        Throttled requests do not count."""
        return frozenset(symbol for symbol, _ in self._failed)

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        for known in (self._given, self._failed):
            known -= {(symbol, bar) for symbol, bar in known if drops(symbol)}

    def begin_again(self) -> None:
        """Make `batches` give all history again, including what an interrupted call has given."""
        self._given.clear()

    def batches(
        self,
        symbols: Sequence[str],
        breaker: CircuitBreaker,
        stop: threading.Event,
        fetched: int = 0,
        following: int = 0,
    ) -> Iterator[Sequence[WireTick]]:
        """Yield one batch per symbol and period.

        Failures are reported and skipped. Once Yahoo refuses, no more requests are made until one
        trial request has succeeded. For the progress, `fetched` and `following` are the numbers of
        symbols before and after these in the same run.
        """
        total = (fetched + len(symbols) + following) * len(self._spans)
        done = fetched * len(self._spans) + len(self._given.intersection(self._all_of(symbols)))
        for period, bar in self._spans:
            left = [symbol for symbol in symbols if (symbol, bar) not in self._given]
            while left:
                self._status.say("fetching history", done / total)
                if stop.is_set() or breaker.open_seconds:
                    return
                fetch = partial(yahoo.bars, period=period, bar=bar)
                some = left[: 1 if breaker.is_half_open else _AT_ONCE]
                left = left[len(some) :]
                if not self._bucket.take(len(some), stop):
                    return
                asked = self._workers.ask(fetch, some, DEADLINE_SECONDS, stop)
                answers = without_cut(asked, stop)
                _judge(answers, breaker)
                yield from self._settled(bar, answers)
                done += len(some)
        if not stop.is_set() and not breaker.open_seconds:
            self._given.difference_update(self._all_of(symbols))

    def _all_of(self, symbols: Sequence[str]) -> set[tuple[str, Bar]]:
        return {(symbol, bar) for symbol in symbols for _, bar in self._spans}

    def _settled(
        self, bar: Bar, answers: dict[str, list[WireTick] | Exception]
    ) -> Iterator[Sequence[WireTick]]:
        for symbol, answer in answers.items():
            if not isinstance(answer, Exception):
                self._given.add((symbol, bar))
                self._failed.discard((symbol, bar))
                yield answer
            elif isinstance(answer, yahoo.Throttled):
                self._status.problem(f"{symbol}: no history: {answer}", answer)
            else:
                self._failed.add((symbol, bar))
                self._status.problem(_no_history(symbol, answer), answer)


def _judge(answers: dict[str, list[WireTick] | Exception], breaker: CircuitBreaker) -> None:
    """Open the circuit if Yahoo refused a request; else close it if any answer has data."""
    if any(isinstance(answer, yahoo.Throttled) for answer in answers.values()):
        breaker.refused()
    elif any(not isinstance(answer, Exception) for answer in answers.values()):
        breaker.answered()


def _seen_until(batch: Sequence[WireTick]) -> datetime:
    """Return the latest time whose prices Yahoo can have included in a symbol's batch."""
    now = datetime.now(UTC)
    return now - exchange_delay(batch[0].symbol) if batch else now


def _no_history(symbol: str, error: Exception) -> str:
    if isinstance(error, yahoo.UnknownSymbol):
        return f"{error}; there is no history of it"
    return f"{symbol}: no history: {reason(error)}"


class Backfill:
    """The source of `backfill`: it gives one period of all symbols and then ends."""

    name = "yfinance"
    recorded = True
    needs_hygiene = False

    def __init__(self, symbols: Sequence[str], period: str, bar: Bar, status: Status) -> None:
        self._symbols = symbols
        self._history = History(status, spans=((period, bar),))
        self._seconds = SECONDS[bar]
        self._breaker = CircuitBreaker()
        self._status = status

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield one batch per symbol, with the hours and days made from its bars.

        While Yahoo refuses, wait as the circuit breaker says. Raises SourceError at the end if a
        symbol has no history.
        """
        left = list(self._symbols)
        while left and not stop.is_set():
            stop.wait(self._breaker.open_seconds)
            for batch in self._history.batches(
                list(left), self._breaker, stop, len(self._symbols) - len(left)
            ):
                if batch:
                    left.remove(batch[0].symbol)
                parts = ((tick, self._seconds if tick.bar else 0) for tick in batch)
                yield list(with_folded(parts, _seen_until(batch)))
            if not self._breaker.open_seconds:
                break
        if left and not stop.is_set():
            raise SourceError(f"no history for {', '.join(left)}")
