"""Runs the collector's function each minute in a process of its own, as EventBridge does.

`python -m local.collecting` reads the function's environment. Like `python -m producer`, it writes
to stderr: a status every 2 s, messages and the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.event_sources.lambda_events import Context
from embedded_aws.event_sources.scheduling import scheduled_event
from producer.collector import function
from producer.endings import on_end_signal
from producer.errors import ProducerError, UsageError

EVERY_SECONDS = 60.0
TIMEOUT_SECONDS = 90.0
"""The deployed function's timeout."""

OK, USAGE = 0, 2
Handler = Callable[[dict[str, Any], Context], Mapping[str, Any]]


class Minutes:
    """Calls a handler at once and then each minute. `failed` gets the error of a failed run."""

    def __init__(
        self,
        handler: Handler,
        region: str,
        failed: Callable[[Exception], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._handler = handler
        self._region = region
        self._failed = failed
        self._now = now
        self._monotonic = monotonic
        self._wait = wait

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Minutes that start during a run are skipped."""
        begun = self._monotonic()
        while not stop.is_set():
            self._call()
            passed = self._monotonic() - begun
            self._wait(stop, EVERY_SECONDS - passed % EVERY_SECONDS)

    def _call(self) -> None:
        context = Context("collector", timeout_seconds=TIMEOUT_SECONDS, region=self._region)
        try:
            self._handler(scheduled_event(self._now(), self._region), context)
        except Exception as error:  # noqa: BLE001 - as with Lambda, the next run starts anyway
            self._failed(error)


def main() -> int:
    """Run until SIGTERM or SIGINT, then send the collected prices. Return the exit status."""
    with contextlib.redirect_stdout(sys.stderr):
        reporter = function.reporter()
    try:
        collector = function.collector()
    except UsageError as error:
        reporter.tell("problem", str(error))
        return USAGE
    stop = threading.Event()

    def end() -> None:
        stop.set()
        collector.stop()

    def failed(error: Exception) -> None:
        named = str(error) if isinstance(error, ProducerError) else repr(error)
        reporter.tell("problem", f"a run of the collector failed: {named}")

    with on_end_signal((signal.SIGTERM, signal.SIGINT), end, at_once=True):
        reporter.start(collector.status)
        Minutes(function.handler, os.environ["AWS_REGION"], failed).run(stop)
    reporter.stop()
    return OK


if __name__ == "__main__":
    sys.exit(main())
