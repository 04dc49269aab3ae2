"""The producer's status: counts and states, which reporters show and the publisher stores."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from producer.reasons import in_full
from producer.records import Record
from producer.wire import WireTick

_REPEAT_PROBLEM_SECONDS = 30.0
_MOST_TOLD = 2000
"""The most characters of a message: a library may repeat a whole answer."""

_MOST_PROBLEMS = 100
"""The most different problems reported in a minute: a service may send any number of texts."""

_PROBLEM_SECONDS = 60.0
"""A problem that is not reported again for this long counts as solved."""


class Quote(msgspec.Struct):
    """A symbol's last tick that passed, and the number of its lines that were sent."""

    price: Decimal | None = None
    previous_close: Decimal | None = None
    timestamp: str = ""
    sent: int = 0


class GapReport(msgspec.Struct, frozen=True):
    """The gaps of pushed prices.

    `symbols` is how many symbols miss minutes that history has by now, and `since` is the first of
    these minutes (stored text). `filled_minutes` is the number of minutes that history has answered
    for, summed over symbols.
    """

    symbols: int
    since: str | None
    filled_minutes: int


class Status:
    """Counts and states since the start. `tell(event, message)` receives messages for users.

    Ticks and historical bars count as sent when the sink has acknowledged them; `refused_records`
    counts refused records. With `verbose` a message ends with the library's error. `now` returns
    monotonic seconds. `changed` is set when the state changes or a problem is reported.
    """

    def __init__(
        self,
        tell: Callable[[str, str], None],
        *,
        verbose: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verbose = verbose
        self._now = now
        self.source = ""
        self.sink = ""
        self.state = "starting"
        self.changed = threading.Event()
        self.sent_ticks = 0
        self.sent_bars = 0
        self.refused_records = 0
        self.dropped: Counter[str] = Counter()
        self.quotes: dict[str, Quote] = {}
        self.pending: Callable[[], int] = lambda: 0
        self.gaps: Callable[[], GapReport | None] = lambda: None
        self._tell = tell
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._minute = float("-inf")
        self._told_in_minute = self._omitted = 0
        self._given: float | None = None
        self._problem = ("", float("-inf"))

    def say(self, state: str, progress: float | None = None) -> None:
        """Set the source's state. `progress` is the share of its history that the source has given,
        from 0 to 1. It is None for sources without an end."""
        is_new = state != self.state
        self.state, self._given = state, progress
        if is_new:
            self.changed.set()

    @property
    def progress(self) -> float | None:
        """Return the share of the source's history that the sink has acknowledged, from 0 to 1.
        Return None for sources without an end."""
        if self._given is None:
            return None
        sent = self.sent_ticks + self.sent_bars
        passed = sent + self.pending()
        return round(min(1.0, self._given) * (sent / passed if passed else 1.0), 3)

    @property
    def current_problem(self) -> str | None:
        """Return the last problem if it was reported within a minute; else None."""
        message, told_at = self._problem
        return message if self._now() - told_at < _PROBLEM_SECONDS else None

    def failed(self, message: str) -> None:
        """Record why the run ends. The caller reports the message."""
        self._problem = (message, float("inf"))
        self.changed.set()

    def note(self, message: str, cause: BaseException | None = None) -> None:
        """Report a message that is not a problem."""
        self._tell("note", self._with(cause, message))

    def problem(self, message: str, cause: BaseException | None = None) -> None:
        """Report a temporary problem. The same problem is reported once in 30 s, and at most
        _MOST_PROBLEMS problems are in a minute."""
        now = self._now()
        self._problem = (message, now)
        self.changed.set()
        with self._lock:
            if now - self._told.get(message, float("-inf")) < _REPEAT_PROBLEM_SECONDS:
                return
            if len(self._told) > 1000:
                self._told.clear()
            self._told[message] = now
            omitted = self._omitted_before(now)
            if self._told_in_minute > _MOST_PROBLEMS:
                self._omitted += 1
                return
        if omitted:
            self._tell("problem", f"{omitted:,} more problems were not shown")
        self._tell("problem", self._with(cause, message))

    def _omitted_before(self, now: float) -> int:
        """Count a problem. If it begins a minute, return how many problems of the last minute were
        not shown; else 0."""
        omitted = 0
        if now - self._minute >= _PROBLEM_SECONDS:
            omitted, self._omitted = self._omitted, 0
            self._minute, self._told_in_minute = now, 0
        self._told_in_minute += 1
        return omitted

    def _with(self, cause: BaseException | None, message: str) -> str:
        if self._verbose and cause is not None:
            message = f"{message} [{in_full(cause.__cause__ or cause)}]"
        return message if len(message) <= _MOST_TOLD else f"{message[:_MOST_TOLD]}..."

    def refused(self, records: int, why: str) -> None:
        """Count and report refused records, which will be sent again."""
        self.refused_records += records
        self.problem(f"{self.sink} refuses records for now: {why}")

    def passed(self, ticks: Iterable[WireTick]) -> None:
        """Record the last tick of each symbol. The ticks are on their way to the sink."""
        for tick in ticks:
            quote = self._quote(tick.symbol)
            if tick.is_live:
                quote.price, quote.timestamp = tick.price, tick.timestamp
                quote.previous_close = tick.previous_close

    def drop(self, reason: str, count: int = 1) -> None:
        """Count dropped ticks by reason."""
        self.dropped[reason] += count

    def sent(self, records: Sequence[Record]) -> None:
        """Count the ticks and bars in acknowledged records."""
        for record in records:
            if record.lines[0].is_bar:
                self.sent_bars += len(record.lines)
                continue
            self.sent_ticks += len(record.lines)
            for line in record.lines:
                self._quote(line.symbol).sent += 1

    def _quote(self, symbol: str) -> Quote:
        quote = self.quotes.get(symbol)
        if quote is None:
            with self._lock:
                quote = self.quotes.setdefault(symbol, Quote())
        return quote
