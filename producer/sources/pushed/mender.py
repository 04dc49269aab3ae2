"""Fills gaps: asks history for the minutes that the stream has not covered.

A gap begins when a connection is lost, and where trades are missing. At the start it begins with
the last session, or where an earlier run ended. It ends once the stream covers the symbol again and
history has answered for the minute in which that began. While there is no connection, history is
asked for each minute when it is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import to_text
from producer.backoff import Backoff
from producer.reasons import reason
from producer.sources.pushed import http
from producer.sources.pushed.gaps import Gaps, Span
from producer.sources.pushed.history import (
    History,
    instant_of,
    midnight_of,
    minute_at,
)
from producer.status import GapReport, Status
from producer.throttling import CircuitBreaker, TokenBucket
from producer.wire import WireTick

DAYS = timedelta(days=730)
LATE_SECONDS = 10
"""A minute is asked this long after its end, when services have its bar."""

_PUT_OFF_SECONDS = 3600.0
_MOST_AHEAD = timedelta(seconds=5)
"""If our clock is ahead of the service's by this or more, it is corrected. The answer's date is
compared with the time at which it was asked for, so that a slow answer makes no difference."""

_MOST_CORRECTED = timedelta(minutes=10)
"""A clock that is ahead by more is not corrected: then the answer's date is probably wrong."""

_KEPT_OVER_SECONDS = 1.0


class Mender:
    """Asks history for the gaps of all symbols, one request after another.

    If `with_history` is false, it asks for no minute before the start. Otherwise it asks for all
    minutes since `first(symbol)`: an earlier run may have been killed before it had sent them.
    Methods may be called from several threads.
    """

    def __init__(
        self,
        service: str,
        history: History,
        status: Status,
        bucket: TokenBucket,
        *,
        backoff: Callable[[], Backoff],
        with_history: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        now: Callable[[], float],
        first: Callable[[str], datetime],
    ) -> None:
        self._service = service
        self._history = history
        self._status = status
        self._bucket = bucket
        self._breaker = CircuitBreaker(now=now)
        self._backoff = backoff
        self._latest: dict[str, str] = {}
        self._with_history = with_history
        self._clock = clock
        self._now = now
        self._first = first
        self._lock = threading.Lock()
        self._gaps = Gaps()
        self._symbols: tuple[str, ...] = ()
        self._without_days: dict[str, None] = {}
        self._waits: dict[str, tuple[float, Backoff]] = {}
        self._ahead = timedelta()
        self._away = backoff()
        self._away_until = 0.0
        self._minutes = 0
        self._lost_since: datetime | None = None
        self._minutes_then = 0
        self._is_live = False
        status.gaps = self.report

    def continue_after(self, latest: Mapping[str, str]) -> None:
        """Begin each symbol's gap at the symbol's last timestamp of an earlier run."""
        self._latest = dict(latest)

    def follow(self, symbols: Sequence[str]) -> None:
        """Set the symbols to follow. A new symbol begins with a gap."""
        with self._lock:
            known = set(self._symbols)
            self._symbols = tuple(symbols)
            minute = minute_at(self.time())
            for name in symbols:
                if name not in known:
                    self._gaps.open(name, self._first_minute(name, minute))
                    if self._with_history:
                        self._without_days[name] = None

    def _first_minute(self, symbol: str, minute: int) -> int:
        if not self._with_history:
            return minute
        last = self._latest.pop(symbol, None)
        since = minute_at(datetime.fromisoformat(last)) if last else minute
        return min(since, minute_at(self._first(symbol)))

    def with_days(self) -> list[str]:
        """Return the symbols whose daily bars have been given. Return an empty list without
        history, or while the service may not be asked."""
        if self._breaker.open_seconds or self._now() < self._away_until:
            return []
        with self._lock:
            if not self._with_history:
                return []
            return [name for name in self._symbols if name not in self._without_days]

    def fetch_again(self, symbol: str) -> None:
        """Ask for all of a symbol's history again, for example after a split."""
        with self._lock:
            minute = minute_at(self.time())
            self._gaps.forget(lambda name: name == symbol)
            self._gaps.add(symbol, min(minute, minute_at(self._first(symbol))), minute)
            self._without_days[symbol] = None

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
        with self._lock:
            self._gaps.forget(drops)
            for known in (self._without_days, self._waits):
                for name in list(filter(drops, known)):
                    del known[name]

    def time(self) -> datetime:
        """Return the time of day. It is corrected if the service's answers show that our clock is
        ahead."""
        return self._clock() - self._ahead

    def lost(self, silent_seconds: float) -> None:
        """Record that the stream has covered no symbol for `silent_seconds`, and covers none from
        now on."""
        since = self.time() - timedelta(seconds=silent_seconds)
        with self._lock:
            if self._is_live and self._lost_since is None:
                self._lost_since, self._minutes_then = since, self._minutes
            self._is_live = False
            for name in self._symbols:
                self._gaps.open(name, minute_at(since))

    def live(self, symbols: frozenset[str]) -> None:
        """Record that the stream covers these symbols from now on."""
        with self._lock:
            self._is_live = True
            minute = minute_at(self.time())
            for name in symbols:
                self._gaps.close(name, minute)
            self._tell()

    def missing(self, symbol: str, first: datetime, last: datetime) -> None:
        """Record that trades of a symbol may be missing between two instants."""
        with self._lock:
            if symbol in self._symbols:
                self._gaps.add(symbol, minute_at(first), minute_at(last))

    def report(self) -> GapReport | None:
        """Return how many symbols miss minutes that history has by now, and since when. The report
        also has the number of minutes that history has filled."""
        with self._lock:
            open_ones = [name for name in self._symbols if self._due(name, 1) is not None]
            start = self._gaps.started(open_ones)
            since = to_text(instant_of(start)) if start is not None else None
            return GapReport(len(open_ones), since, self._minutes)

    def step(self, stop: threading.Event) -> list[WireTick] | None:
        """Make one request: for missing minutes, else for a symbol's daily bars. Return the bars.
        Return None if no request may be made now, or if the request failed, which is reported."""
        if self._breaker.open_seconds or self._now() < self._away_until:
            return None
        with self._lock:
            asked = self._next()
        if asked is None or not self._bucket.take(1, stop):
            return None
        span = asked if isinstance(asked, Span) else None
        symbol = span.symbol if span else str(asked)
        asked_at = self._clock()
        try:
            bars = self._minutes_of(span) if span else self._days_of(symbol)
        except (http.Throttled, http.KeysRefused) as error:
            seconds = self._breaker.refused()
            self._tell_failure(error, seconds)
            return None
        except OSError as error:
            self._away_until = self._now() + (wait := _KEPT_OVER_SECONDS + self._away.failed())
            self._tell_failure(error, wait)
            return None
        except Exception as error:  # noqa: BLE001 - reported; other symbols continue
            self._failed(symbol, error)
            return None
        served_at = self._compare_clocks(asked_at)
        if span is not None:
            span = _over_by(served_at, span)
            last = to_text(instant_of(span.end))
            bars = [bar for bar in bars if bar.timestamp < last]
        self._settled(symbol, span)
        return bars

    def _compare_clocks(self, asked_at: datetime) -> datetime | None:
        """Return the time of the last answer by the service's clock. Correct our clock if it is
        ahead. Return None if the time is unknown or not plausible."""
        served_at = self._history.served_at
        if served_at is None:
            return None
        ahead = asked_at - served_at
        if ahead > _MOST_CORRECTED:
            self._ahead = timedelta()
            self._status.problem(
                f"{self._service} dates an answer more than 10 minutes before this machine's time: "
                "that date is not used"
            )
            return None
        is_ahead = ahead >= _MOST_AHEAD
        if is_ahead and not self._ahead:
            self._status.note(
                f"this machine's clock is {ahead.total_seconds():.0f} s ahead of {self._service}'s"
            )
        self._ahead = ahead if is_ahead else timedelta()
        return served_at

    def _tell_failure(self, error: Exception, seconds: float) -> None:
        """Report a failure of the service that concerns all symbols."""
        told = f"{self._service}: no history: {reason(error)}; asked again in {seconds:.0f} s"
        self._status.problem(told, error)

    def _next(self) -> Span | str | None:
        """Return the next minutes to ask for. Without such minutes return the next symbol whose
        daily bars to ask for, or None."""
        now = self._now()
        ready = [name for name in self._symbols if self._waits.get(name, (0.0,))[0] <= now]
        for name in ready:
            if (span := self._due(name, self._history.most_minutes)) is not None:
                return span
        return next((name for name in ready if name in self._without_days), None)

    def _due(self, symbol: str, most: int) -> Span | None:
        over = minute_at(self.time() - timedelta(seconds=LATE_SECONDS))
        return self._gaps.due(symbol, over, most)

    def _minutes_of(self, span: Span) -> list[WireTick]:
        start, end = instant_of(span.start), instant_of(span.end)
        found = self._history.bars(span.symbol, "1m", start, end)
        first, last = to_text(start), to_text(end)
        return [bar for bar in found if first <= bar.timestamp < last]

    def _days_of(self, symbol: str) -> list[WireTick]:
        today = midnight_of(self.time())
        return self._history.bars(symbol, "1d", today - DAYS, today + timedelta(days=1))

    def _settled(self, symbol: str, span: Span | None) -> None:
        self._breaker.answered()
        self._away.succeeded()
        with self._lock:
            self._waits.pop(symbol, None)
            if span is None:
                self._without_days.pop(symbol, None)
            elif symbol in self._symbols and span.start < span.end:
                self._gaps.filled(span)
                self._minutes += span.end - span.start
            self._tell()

    def _tell(self) -> None:
        """Report the share of symbols that have all their history, and each gap that history has
        filled."""
        if self._without_days:
            total = max(1, len(self._symbols))
            self._status.say("fetching history", 1 - min(total, len(self._without_days)) / total)
        elif self._is_live:
            self._status.say("live")
        if self._lost_since is None or not self._is_live or self._gaps.symbols:
            return
        minutes = self._minutes - self._minutes_then
        self._status.note(
            f"{self._service}: prices were missing since {to_text(self._lost_since)}; "
            f"history was asked for {minutes:,} minutes of {len(self._symbols):,} symbols"
        )
        self._lost_since = None

    def _failed(self, symbol: str, error: Exception) -> None:
        """Report a symbol's failure, and ask for its history again later. Other symbols do not
        wait."""
        with self._lock:
            _, backoff = self._waits.get(symbol, (0.0, self._backoff()))
            if isinstance(error, http.UnknownSymbol):
                wait = _PUT_OFF_SECONDS
            else:
                wait = _KEPT_OVER_SECONDS + backoff.failed()
            self._waits[symbol] = self._now() + wait, backoff
        told = f"{symbol}: no history: {reason(error)}; asked again in {wait:.0f} s"
        self._status.problem(told, error)


def _over_by(served_at: datetime | None, span: Span) -> Span:
    """Return the minutes of a span that are over by the service's clock. If our clock is ahead, the
    last bar may still be in progress. Without the service's time, return all minutes."""
    if served_at is None:
        return span
    return Span(span.symbol, span.start, max(span.start, min(span.end, minute_at(served_at))))
