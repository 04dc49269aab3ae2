"""Which raw objects a survey takes for new, and how the marks are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib.adapters.lake_marks import marks_of, parameters_of
from chalicelib.adapters.raw_survey import MOST_KNOWN, Survey
from chalicelib.domain.times import from_text
from chalicelib.services.lake.arrivals import ArrivalHours
from chalicelib.services.lake.stores import Changed, CompactionState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = ArrivalHours("2026-11-20", 12, 12)


def listed(*objects: tuple[str, int], since: Changed | None = None) -> Changed:
    """A survey of objects of one hour, given as name and minute of writing."""
    newest = from_text(since.newest) if since and since.newest else None
    survey = Survey(newest, since.lately if since else frozenset())
    for name, minute in objects:
        written = NOON + timedelta(minutes=minute)
        survey.add(f"raw/date=2026-11-20/hour=12/{name}", written, f"etag of {name}")
    return survey.changed()


def test_everything_is_new_at_first() -> None:
    assert listed(("a", 1), ("b", 30)).hours == {HOUR: None}


def test_nothing_is_new_when_nothing_was_written() -> None:
    objects = ("a", 1), ("b", 29), ("c", 30)
    again = listed(*objects, since=listed(*objects))
    assert again.hours == {}
    assert again == listed(*objects, since=again)


def test_new_objects_are_named_beside_older_ones() -> None:
    first = listed(("a", 1), ("b", 30))
    found = listed(("a", 1), ("b", 30), ("c", 31), since=first)
    assert found.hours == {HOUR: frozenset({"date=2026-11-20/hour=12/c"})}


def test_an_object_that_was_listed_late_is_new() -> None:
    first = listed(("a", 1), ("c", 30))
    found = listed(("a", 1), ("b", 26), ("c", 30), since=first)
    assert found.hours == {HOUR: frozenset({"date=2026-11-20/hour=12/b"})}


def test_an_object_that_was_written_again_with_other_content_is_new() -> None:
    first = listed(("a", 30))
    survey = Survey(from_text(first.newest or ""), first.lately)
    survey.add("raw/date=2026-11-20/hour=12/a", NOON + timedelta(minutes=30), "another etag")
    assert survey.changed().hours == {HOUR: None}


def test_a_burst_of_objects_does_not_outgrow_the_parameter() -> None:
    found = listed(*((f"{number}", 30) for number in range(MOST_KNOWN + 5)))
    assert len(found.lately) == MOST_KNOWN
    assert len(parameters_of(CompactionState(lately=found.lately))["lately"]) < 512_000


def test_keys_that_ingest_does_not_write_are_passed_over() -> None:
    survey = Survey(None, frozenset())
    survey.add("raw/notes.txt", NOON, "x")
    assert survey.changed() == Changed({}, None)


def test_marks_are_read_back_as_they_were_written() -> None:
    marks = CompactionState(
        "2026-11-20",
        "2026-11-21T06:30:00.000000Z",
        frozenset({"a", "b"}),
        ("2015-01", "2015-02"),
        {"2015-01-02": ("2026-11-20",)},
        {"1d 2015": ("2026-11-20",)},
    )
    assert marks_of(parameters_of(marks)) == marks
    assert marks_of({}) == CompactionState()
    assert marks_of(parameters_of(CompactionState(due={}))) == CompactionState(due={})
