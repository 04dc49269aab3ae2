"""Files in no order of time, which are put into it in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producer.errors import UsageError
from producer.files import joining
from producer.files.asked import Asked
from producer.files.opening import open_files
from producer.files.survey import Spacing
from producer.sources import sortable
from producer.sources.replay import Replay
from producer.status import Status
from tests.work import counted_calls

Make = Callable[[Path, range], Path]
HISTORY = Asked(history=True)
REFUSED = r"10 rows that are not in the order of time; allowed: up to 9; sort them by time"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine rows may be put into order."""
    monkeypatch.setattr(sortable, "MOST_ROWS", 9)


def csv(path: Path, minutes: range) -> Path:
    rows = [f"2024-01-02 09:{minute},1,2,1,1.5,10\n" for minute in minutes]
    path.write_text("Date,Open,High,Low,Close,Volume\n" + "".join(rows))
    return path


def ndjson(path: Path, minutes: range) -> Path:
    bar = '{{"symbol":"AAPL","price":1,"timestamp":"2024-01-02T15:{}:00Z","bar":"1m"}}\n'
    path.write_text("".join(bar.format(minute) for minute in minutes))
    return path


def read(*paths: Path) -> int:
    """Return the number of minutes in the files."""
    recording = open_files(paths, HISTORY)
    recording.check()
    return sum(tick.bar == "1m" for tick in recording.ticks())


@pytest.mark.parametrize(("make", "name"), [(csv, "AAPL.csv"), (ndjson, "x.ndjson")])
def test_too_many_rows_in_no_order_are_refused(tmp_path: Path, make: Make, name: str) -> None:
    made = make(tmp_path / name, range(39, 29, -1))
    with pytest.raises(UsageError, match=f"{name}: {REFUSED}"):
        open_files([made], HISTORY).check()


def test_rows_in_order_are_read_however_many_they_are(tmp_path: Path) -> None:
    assert read(csv(tmp_path / "AAPL.csv", range(30, 40))) == 10
    assert read(ndjson(tmp_path / "x.ndjson", range(30, 40))) == 10


def test_some_rows_in_no_order_are_put_into_it(tmp_path: Path) -> None:
    assert read(csv(tmp_path / "AAPL.csv", range(38, 29, -1))) == 9
    assert read(ndjson(tmp_path / "x.ndjson", range(38, 29, -1))) == 9


def test_too_many_rows_of_files_that_cannot_be_open_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_MOST_OPEN", 1)
    files = [ndjson(tmp_path / f"{number}.ndjson", range(30, 35)) for number in range(2)]
    with pytest.raises(UsageError, match=f"2 files: {REFUSED}"):
        read(*files)


@pytest.mark.parametrize(("make", "name"), [(csv, "AAPL.csv"), (ndjson, "x.ndjson")])
def test_nothing_is_put_into_order_or_sent_once_it_is_to_end(
    tmp_path: Path, make: Make, name: str
) -> None:
    stop = threading.Event()
    recording = open_files([make(tmp_path / name, range(38, 29, -1))], HISTORY, stop)
    recording.check()
    stop.set()
    assert list(recording.ticks()) == []


def test_files_in_order_are_not_sent_without_those_that_are_not(tmp_path: Path) -> None:
    stop = threading.Event()
    csv(tmp_path / "AAPL.csv", range(30, 35))
    ndjson(tmp_path / "x.ndjson", range(35, 31, -1))
    recording = open_files([tmp_path], HISTORY, stop)
    recording.check()
    stop.set()
    assert list(Replay(recording, None, Status(lambda *_: None)).batches(stop)) == []


def test_skipped_rows_with_the_newest_first_are_sorted_once() -> None:
    """Inserting each in its place took 7 s of CPU time for 200,000 rows, and 66 s for 800,000."""
    spacing = Spacing(UTC)
    newest = datetime(2024, 1, 2, tzinfo=UTC)
    with counted_calls() as calls:
        spacing.see_gaps([("AAPL", newest - timedelta(minutes=at)) for at in range(100)])
    assert (calls["sort"], calls["append"]) == (1, 100)
    assert not {"insert", "insort", "insort_right"} & calls.keys()
    assert spacing.has_gap("AAPL", newest - timedelta(seconds=30), newest + timedelta(seconds=1))
    assert not spacing.has_gap("AAPL", newest, newest + timedelta(seconds=1))


def test_too_many_skipped_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sortable, "MOST_SKIPPED", 9)
    path = csv(tmp_path / "AAPL.csv", range(30, 32))
    skipped = [f"2024-01-02 10:{minute},1,2,bad,1.5,10\n" for minute in range(10, 20)]
    path.write_text(path.read_text() + "".join(skipped[:9]))
    assert read(path) == 2
    path.write_text(path.read_text() + skipped[9])
    with pytest.raises(UsageError, match="more than 9 rows have a figure that cannot be read"):
        read(path)
