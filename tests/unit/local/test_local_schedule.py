"""The local schedule, and what it calls compact with."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.event_sources import COMPACTION, COMPACTION_HOURS
from embedded_aws.event_sources.scheduling import scheduled_event
from local import schedule
from tests.patience import PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-11-20T06:00", 0.5), ("2026-11-20T06:30", 24), ("2026-11-20T18:30", 12)],
)
def test_compaction_comes_when_the_deployed_schedule_first_has_it(now: str, hours: float) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert schedule.until_next(instant) == timedelta(hours=hours)
    assert (COMPACTION[:2], COMPACTION_HOURS[0]) == ((30, "*"), 6)


def test_a_manually_requested_day_is_in_the_detail() -> None:
    now = datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert scheduled_event(now, "us-east-1")["detail"] == {}
    assert scheduled_event(now, "us-east-1", "2026-11-20")["detail"] == {"date": "2026-11-20"}


def test_a_run_that_fails_does_not_end_the_schedule(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schedule, "AFTER_START", timedelta())
    monkeypatch.setattr(schedule, "until_next", lambda now: timedelta())
    called: list[str] = []
    twice = threading.Event()

    def compact(event: dict[str, Any], context: Any) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 800_000
        called.append(event["detail-type"])
        if len(called) == 2:
            twice.set()
            made.stop()
        raise ValueError("this one failed")

    said: list[str] = []
    made = schedule.Schedule(compact, "us-east-1", said.append)
    made.start()
    assert twice.wait(PATIENCE_SECONDS)
    assert called == ["Scheduled Event"] * 2
    assert "compact failed" in caplog.text
    assert "compaction failed: this one failed" in said


def test_the_start_and_end_of_each_run_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "AFTER_START", timedelta())
    monkeypatch.setattr(schedule, "AFTER_PART", timedelta())
    done = {"days": ("2026-11-19", "2026-11-20"), "ticks": 5, "left": True, "busy": False}
    answers = [done, {**done, "days": (), "ticks": 0, "left": False}]
    said: list[str] = []
    ended = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 4:
            ended.set()

    made = schedule.Schedule(lambda event, context: answers.pop(0), "us-east-1", say)
    made.start()
    assert ended.wait(PATIENCE_SECONDS)
    made.stop()
    which = "2026-11-19 to 2026-11-20"
    begins = "scheduled compaction started: finished days of the archive become Parquet"
    assert said == [
        begins,
        f"compaction finished: 2 days ({which}), 5 ticks; more days remain, continuing shortly",
        begins,
        "compaction finished: there was nothing to do",
    ]
