"""Live prices from Yahoo, which is polled for each symbol."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import to_text
from producer.errors import SourceError
from producer.hours import Hours
from producer.reasons import reason
from producer.sources import yahoo
from producer.sources.resumable import Known
from producer.sources.yahoo_actions import dividend_in
from producer.sources.yahoo_history import History
from producer.split_watch import SplitWatch
from producer.status import Status
from producer.throttling import BURST_REQUESTS, REQUESTS_PER_SECOND, CircuitBreaker, TokenBucket
from producer.turns import FirstQuotes, Turns
from producer.watchlist import FixedList, Watchlist
from producer.wire import WireTick, tick_of_action
from producer.workers import Workers, without_cut

SYMBOLS = (
    "AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "AVGO", "TSLA", "LLY", "JPM", "WMT", "V",
    "UNH", "XOM", "MA", "ORCL", "COST", "HD", "PG", "JNJ", "NFLX", "BAC", "CRM", "KO", "AMD",
)  # fmt: skip
DEFAULT_INTERVAL_SECONDS = 15.0
WORKERS = 8
POLL_DEADLINE_SECONDS = 12.0
_SLICE_SECONDS = 20.0

_ANSWERS = (WireTick, yahoo.UnknownSymbol, yahoo.NoTrade)
"""Answers that show that Yahoo serves requests; other errors prove nothing."""

_HISTORIES_AT_ONCE = 8
_MOST_BESIDE_HISTORY = 16
"""The most prices asked after the history of _HISTORIES_AT_ONCE symbols, which takes as many
requests: two a symbol."""


class YfinancePoll:
    """Polls each symbol's quote every `interval` seconds while its exchange is open.

    If Yahoo allows fewer requests, symbols take turns: each of N symbols within N / 2 seconds plus
    a poll's deadline.

    A new symbol gets its history, and one quote at any hour. While many symbols have no quote,
    history and prices alternate, first quotes first. A symbol unknown to Yahoo is retried after
    growing waits; other failures of a symbol affect no other. A refusal of history stops prices,
    too. But history has a wait of its own, since answered prices prove nothing about history. `now`
    returns monotonic seconds, `clock` the time of day.

    The source ends if nothing can be asked for longer than `patience` seconds; another call of
    `batches` continues from its state.
    """

    name = "yfinance"
    recorded = False
    needs_hygiene = True

    def __init__(
        self,
        watchlist: Watchlist,
        status: Status,
        hours: Hours,
        *,
        interval: float = DEFAULT_INTERVAL_SECONDS,
        history: bool = True,
        breaker: CircuitBreaker | None = None,
        deadline_seconds: float = POLL_DEADLINE_SECONDS,
        patience: Callable[[], float] = lambda: math.inf,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._clock = clock
        self._patience = patience
        self._watchlist = watchlist
        self._status = status
        self._hours = hours
        self._bucket = TokenBucket(REQUESTS_PER_SECOND, BURST_REQUESTS, now)
        self._history = History(status, self._bucket) if history else None
        self._breaker = breaker or CircuitBreaker(now=now)
        self._history_breaker = CircuitBreaker(now=now)
        self._deadline = deadline_seconds
        self._workers: Workers[WireTick] = Workers(WORKERS)
        self._with_history: set[str] = set()
        self._splits = SplitWatch(status)
        self._told: set[tuple[str, str]] = set()
        self._first = FirstQuotes(now)
        self._knew_any = False
        self._is_fetching = False
        self._is_heard = False
        self._is_silent = False
        self._turns = Turns(interval, now)
        self.drops = watchlist.drops
        self.refuses = watchlist.refuses
        self.followed: Sequence[str] = ()

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield polled ticks and history. Raises SourceError if Yahoo knows none of the command
        line's symbols."""
        self._is_heard = False
        while not stop.is_set() and self._patience() > 0:
            symbols = self._followed()
            yield from self._histories(symbols, stop)
            askable = self._askable(symbols)
            due = self._due(askable)
            if due:
                yield self._poll(due, stop)
            elif not self._is_fetching:
                idle = self._turns.wait_seconds if askable else self._idle_seconds
                seconds = idle(askable or symbols)
                if seconds > self._patience():
                    return
                self._pause(stop, min(_SLICE_SECONDS, seconds))

    @property
    def known(self) -> Known:
        """Return the state that another process needs to continue. That process will ask for failed
        history again."""
        failed = self._history.failed if self._history else frozenset()
        return Known(
            with_history=tuple(sorted(self._with_history - failed)),
            answered=tuple(sorted(self._first.answered)),
            is_silent=self._is_silent,
            refusals=self._breaker.refusals,
            open_seconds=self._breaker.open_seconds,
            history_refusals=self._history_breaker.refusals,
            history_open_seconds=self._history_breaker.open_seconds,
        )

    def recall(self, known: Known) -> None:
        """Replace the source's state by that of another process."""
        self._with_history = set(known.with_history)
        if self._history:
            self._history.begin_again()
        self._is_silent = known.is_silent
        self._first.answered = set(known.answered)
        self._breaker.resume(known.refusals, known.open_seconds)
        self._history_breaker.resume(known.history_refusals, known.history_open_seconds)

    def doubt(self, symbols: Iterable[str]) -> None:
        """See Resumable.doubt."""
        for symbol in symbols:
            self._first.doubted(symbol)

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true. A symbol that is followed
        again gets its history and first quote again."""
        self._first.forget(drops)
        self._told = {key for key in self._told if not drops(key[0])}
        self._with_history -= {name for name in self._with_history if drops(name)}
        if self._history:
            self._history.forget(drops)

    def _histories(
        self, symbols: Sequence[str], stop: threading.Event
    ) -> Iterator[Sequence[WireTick]]:
        """Yield the history of some symbols that do not have it yet, while Yahoo answers."""
        self._is_fetching = False
        known = [symbol for symbol in symbols if not self._turns.is_missing(symbol)]
        fresh = [symbol for symbol in known if symbol not in self._with_history]
        if self._history is None or not fresh or self._is_silent or not self._may_ask(symbols):
            return
        some = fresh[:_HISTORIES_AT_ONCE]
        had, following = len(known) - len(fresh), len(fresh) - len(some)
        try:
            for batch in self._history.batches(some, self._history_breaker, stop, had, following):
                self._splits.learn(batch)
                yield batch
        finally:
            if self._history_breaker.open_seconds:
                self._breaker.pause()
        if self._history_breaker.is_half_open and not stop.is_set():
            self._history_breaker.pause()
        if self._history_breaker.is_closed and not stop.is_set():
            self._with_history.update(some)
            self._breaker.answered()
            self._is_fetching = bool(following)

    def _due(self, askable: Sequence[str]) -> list[str]:
        """Return the symbols to ask for now, beginning with those that had no quote yet.

        While other symbols wait, at most half of the returned symbols had no quote yet. So endless
        new symbols cannot delay the others' prices.
        """
        due = self._turns.due(askable)
        new = [name for name in due if self._first.wants(name)]
        others = [name for name in due if not self._first.wants(name)]
        most = _MOST_BESIDE_HISTORY if self._is_fetching else BURST_REQUESTS
        new = new[: max(most // 2, most - len(others))]
        return new + others[: most - len(new)]

    def _may_ask(self, symbols: Sequence[str]) -> bool:
        """Return whether history may be asked for. After a refusal a price is asked for first, if
        possible."""
        if self._breaker.open_seconds or self._history_breaker.open_seconds:
            return False
        return self._breaker.is_closed or not self._askable(symbols)

    def _pause(self, stop: threading.Event, seconds: float) -> None:
        stop.wait(max(0.05, seconds))

    def _followed(self) -> list[str]:
        symbols = list(self._watchlist.symbols())
        if symbols != self.followed:
            self.followed = symbols
            self._turns.keep(symbols)
            self.forget(self.drops)
        fixed = isinstance(self._watchlist, FixedList)
        if fixed and not self._knew_any and all(map(self._turns.is_missing, symbols)):
            raise SourceError("Yahoo knows none of the symbols")
        return symbols

    def _askable(self, symbols: Sequence[str]) -> list[str]:
        """Return the symbols that may take turns. There are none while the circuit is open, and one
        while it is half open."""
        if self._breaker.open_seconds:
            return []
        now = self._clock()
        askable = [
            name for name in symbols if self._first.wants(name) or self._hours.is_open(name, now)
        ]
        if self._breaker.is_half_open:
            return (self._turns.due(askable) or askable)[:1]
        return [name for name in askable if not self._turns.is_put_off(name)]

    def _idle_seconds(self, symbols: Sequence[str]) -> float:
        """Return the seconds until a request may be made; report why none is made now."""
        now = self._clock()
        if self._breaker.open_seconds:
            seconds = self._breaker.open_seconds
            self._status.say(f"throttled by Yahoo until {_instant_after(now, seconds)}")
            return seconds
        if not symbols:
            self._status.say("no symbols are tracked")
            return math.inf
        put_off = [name for name in symbols if self._hours.is_open(name, now)]
        if put_off:
            seconds = self._turns.wait_seconds(put_off)
            self._status.say(f"not found by Yahoo, asked again at {_instant_after(now, seconds)}")
            return seconds
        opens = self._hours.next_open(symbols, now)
        self._status.say(f"market closed until {to_text(opens)}")
        return (opens - now).total_seconds()

    def _poll(self, due: Sequence[str], stop: threading.Event) -> list[WireTick]:
        if not self._bucket.take(len(due), stop):
            return []
        if not self._first.answered:
            self._status.say("asking Yahoo")
        began = self._now()
        asked = self._workers.ask(yahoo.quote, due, self._deadline, stop)
        answers = without_cut(asked, stop)
        if not answers:
            return []
        self._turns.asked(answers, began)
        ticks = [answer for answer in answers.values() if isinstance(answer, WireTick)]
        for symbol, answer in answers.items():
            if not isinstance(answer, yahoo.Throttled | yahoo.UnknownSymbol):
                self._knew_any = True
                self._turns.found(symbol)
            if isinstance(answer, WireTick):
                self._first.found(symbol)
            if isinstance(answer, Exception) and not stop.is_set():
                self._failed(symbol, answer)
        self._judge(answers, len(ticks))
        self._listen(answers.values())
        self._with_history -= self._splits.seen_in(ticks)
        return ticks + self._dividends(ticks)

    def _dividends(self, ticks: Iterable[WireTick]) -> list[WireTick]:
        """Return the dividends of the ticks' sessions that have not been given yet. Splits come
        with history, which is fetched again after a split."""
        found = []
        for tick in ticks:
            action = dividend_in(tick, to_text(self._clock()))
            if action is not None and (action.symbol, action.place) not in self._told:
                self._told.add((action.symbol, action.place))
                found.append(tick_of_action(action))
        return found

    def _judge(self, answers: dict[str, WireTick | Exception], priced: int) -> None:
        """Open or close the circuit after a poll, and report the poll's result."""
        if any(isinstance(answer, yahoo.Throttled) for answer in answers.values()):
            seconds = self._breaker.refused()
            self._status.say(f"throttled by Yahoo until {_instant_after(self._clock(), seconds)}")
            return
        if any(isinstance(answer, _ANSWERS) for answer in answers.values()):
            self._breaker.answered()
        elif self._breaker.is_half_open:
            self._breaker.pause()
        if not self._is_fetching:
            self._status.say("live" if priced else "no prices from Yahoo")

    def _listen(self, answers: Iterable[WireTick | Exception]) -> None:
        """Record whether Yahoo has answered since `batches` was called. A price is an answer, and
        so is the error for a symbol that Yahoo does not know."""
        given = (WireTick, yahoo.UnknownSymbol)
        self._is_heard |= any(isinstance(answer, given) for answer in answers)
        self._is_silent = not self._is_heard

    def _failed(self, symbol: str, error: Exception) -> None:
        if isinstance(error, yahoo.UnknownSymbol):
            self._first.answered.discard(symbol)
            self._with_history.discard(symbol)
            wait = self._turns.not_found(symbol)
            self._status.problem(f"{error}; it is asked again in {wait:g} s")
        elif isinstance(error, yahoo.Throttled):
            self._status.problem(str(error), error)
        else:
            self._first.failed(symbol)
            self._status.problem(f"{symbol}: no price: {reason(error)}", error)


def _instant_after(now: datetime, seconds: float) -> str:
    return to_text((now + timedelta(seconds=seconds)).replace(microsecond=0))
