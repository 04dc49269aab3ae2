"""The local schedule, and what it calls compact with."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.event_sources import COMPACTION
from local import schedule
from local.event_sources.scheduling import scheduled_event


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-11-20T06:00", 0.5), ("2026-11-20T06:30", 24), ("2026-11-20T18:30", 12)],
)
def test_compaction_comes_when_the_deployed_schedule_first_has_it(now: str, hours: float) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert schedule.until_next(instant) == timedelta(hours=hours)
    assert COMPACTION[:2] == (30, "6-12/2")


def test_a_day_asked_for_by_hand_stands_in_the_detail() -> None:
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

    made = schedule.Schedule(compact, "us-east-1")
    made.start()
    assert twice.wait(10)
    assert called == ["Scheduled Event"] * 2
    assert "compact failed" in caplog.text
