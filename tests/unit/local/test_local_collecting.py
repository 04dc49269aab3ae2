"""The local schedule of the collector's function."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded_aws.event_sources.lambda_events import Context
from local.collecting import Minutes
from producer.collector.tenure import polling_seconds

NOW = datetime(2026, 11, 20, 15, 30, 7, tzinfo=UTC)


class Schedule:
    """Runs whose lengths are given, in a time that passes as they do."""

    def __init__(self, *lengths: float | Exception) -> None:
        self._lengths = list(lengths)
        self._stop = threading.Event()
        self.seconds = 0.0
        self.events: list[dict[str, Any]] = []
        self.begun: list[float] = []
        self.failed: list[Exception] = []

    def handler(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """A run."""
        self.events.append(event)
        self.begun.append(self.seconds)
        assert polling_seconds(event, self.now(), context.get_remaining_time_in_millis() / 1e3) > 56
        length = self._lengths.pop(0)
        if not self._lengths:
            self._stop.set()
        if isinstance(length, Exception):
            raise length
        self.seconds += length
        return {}

    def now(self) -> datetime:
        """The time of day."""
        return NOW + timedelta(seconds=self.seconds)

    def wait(self, _stop: threading.Event, seconds: float) -> None:
        """Time passes."""
        self.seconds += seconds

    def run(self) -> None:
        """Until the last run has begun."""
        minutes = Minutes(
            self.handler,
            "us-east-1",
            self.failed.append,
            now=self.now,
            monotonic=lambda: self.seconds,
            wait=self.wait,
        )
        minutes.run(self._stop)


def test_the_function_is_started_at_once_and_then_each_minute_as_eventbridge_does() -> None:
    schedule = Schedule(57, 0.5, 57)
    schedule.run()
    assert schedule.begun == [0, 60, 120]
    assert schedule.events[1]["time"] == "2026-11-20T15:31:07Z"
    assert schedule.events[1]["source"] == "aws.events"


def test_a_minute_that_passes_during_a_run_is_left_out() -> None:
    schedule = Schedule(70, 1)
    schedule.run()
    assert schedule.begun == [0, 120]


def test_a_failed_run_is_reported_and_the_next_minute_starts_another() -> None:
    error = ValueError("no table")
    schedule = Schedule(error, 1)
    schedule.run()
    assert (schedule.begun, schedule.failed) == ([0, 60], [error])
