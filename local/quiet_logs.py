"""Limits the log in a terminal: the same warning or failure once a minute, counted, and an expected
failure without its traceback.

Expected are failures of a busy or unreachable AWS: no answer in time, a refused or broken
connection, throttling. The caller tries again.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Iterator

from producer.reasons import is_unanswered
from producer.sinks.aws import why
from untrusted.printable import PrintableFormatter

EVERY_SECONDS = 60.0
MOST_KINDS = 500

_LEFT_OUT = "left_out"
"""Attribute of a log record: how many records of its kind were left out before it."""

_BUSY_CODES = frozenset(
    """ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled SlowDown
    ThrottledException Throttling ThrottlingException TooManyRequestsException""".split()  # noqa: SIM905
)
_BUSY_STATUSES = (429, 502, 503, 504)


class OnceAMinute(logging.Filter):
    """Suppresses a warning with the same message and last argument as another of the last minute,
    and an exception of the same class in the same place.

    Otherwise a producer whose every batch is quarantined, or an AWS that does not answer, would
    fill the terminal. The panel and the status lines show the counts. The next record of the same
    kind tells how many were left out. Errors without an exception always pass. With `verbose`,
    every exception is shown.
    """

    def __init__(self, verbose: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._verbose = verbose
        self._now = now
        self._guard = threading.Lock()
        self._shown: dict[tuple[str, ...], float] = {}
        self._left_out: dict[tuple[str, ...], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to show the log record."""
        error = _error_of(record)
        if record.levelno >= logging.ERROR and (error is None or self._verbose):
            return True
        kind = _kind_of(record, error)
        with self._guard:
            now = self._now()
            if now - self._shown.get(kind, float("-inf")) < EVERY_SECONDS:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return False
            self._make_room(now)
            self._shown[kind] = now
            setattr(record, _LEFT_OUT, self._left_out.pop(kind, 0))
        return True

    def left_out(self) -> int:
        """Return the number of records left out that no later one has told of."""
        with self._guard:
            return sum(self._left_out.values())

    def _make_room(self, now: float) -> None:
        """Forget kinds of more than a minute ago without a count, and the oldest if there are too
        many."""
        self._shown = {
            kind: at
            for kind, at in self._shown.items()
            if now - at < EVERY_SECONDS or kind in self._left_out
        }
        while len(self._shown) >= MOST_KINDS:
            oldest = min(self._shown, key=self._shown.__getitem__)
            del self._shown[oldest]
            self._left_out.pop(oldest, None)


class TerminalFormatter(PrintableFormatter):
    """Formats a log line. The exception of an expected failure is named in a few words, unless
    `verbose`."""

    def __init__(self, verbose: bool = False) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        shown = copy.copy(record)
        text = record.getMessage()
        cause = expected(_error_of(record))
        if cause is not None and not self._verbose:
            text = f"{text}: {why(cause)}"
            shown.exc_info = shown.exc_text = None
        if count := getattr(record, _LEFT_OUT, 0):
            text = f"{text} ({count:,} more were left out)"
        shown.msg, shown.args = text, ()
        return super().format(shown)


def expected(error: BaseException | None) -> Exception | None:
    """Return the expected failure that is the error or one of its causes; None if there is none."""
    for cause in _with_causes(error):
        if isinstance(cause, Exception) and _is_temporary(cause):
            return cause
    return None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_temporary(error: Exception) -> bool:
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return is_unanswered(error)
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code in _BUSY_CODES or status in _BUSY_STATUSES


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _kind_of(record: logging.LogRecord, error: BaseException | None) -> tuple[str, ...]:
    """Return what records of a kind have in common: an exception's class, or a warning's last
    argument."""
    if error is not None:
        return record.name, str(record.msg), type(expected(error) or error).__name__
    arguments = record.args if isinstance(record.args, tuple) else ()
    return record.name, str(record.msg), *map(str, arguments[-1:])
