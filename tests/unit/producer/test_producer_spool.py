"""The spool keeps what was not acknowledged, across restarts."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from producer.errors import SpoolError, UsageError
from producer.outbox import Outbox
from producer.progress import Progress
from producer.spool import Spool
from tests.producer_support.doubles import LIMITS, make_line

NEVER = threading.Event()


def always(_key: str) -> bool:
    return True


def drained(outbox: Outbox) -> list[bytes]:
    payloads = []
    while records := outbox.take(LIMITS, always):
        payloads += [line.payload for record in records for line in record.lines]
        outbox.acknowledge(records)
    return payloads


def identity(symbol: str) -> str:
    return symbol


def test_lines_that_were_not_acknowledged_come_first_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    lines = [make_line("A", number) for number in range(6)]
    first = Spool(path, "kinesis:s")
    outbox = Outbox(identity, spool=first)
    outbox.put(lines[:4], NEVER)
    outbox.acknowledge(outbox.take(LIMITS, always))
    first.close()
    again = Outbox(identity, spool=Spool(path, "kinesis:s"))
    assert again.pending == 3
    again.put(lines[4:], NEVER)
    assert drained(again) == [line.payload for line in lines[1:]]
    assert again.pending == 0


def test_a_spool_is_closed_to_other_users(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", "s")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    spool.close()
    assert modes == {0o600}


def test_a_spool_of_an_earlier_version_is_closed_to_other_users(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    Spool(path, "s").close()
    path.chmod(0o644)
    (tmp_path / "spool.db-wal").touch(0o644)
    spool = Spool(path, "s")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    spool.close()
    assert modes == {0o600}


def test_more_than_fits_into_memory_is_read_back_in_order(tmp_path: Path) -> None:
    outbox = Outbox(identity, spool=Spool(tmp_path / "spool.db", "s"), window=10)
    lines = [make_line("AB"[number % 2], number) for number in range(95)]
    for first in range(0, 95, 7):
        outbox.put(lines[first : first + 7], NEVER)
    assert outbox.pending == 95
    sent = drained(outbox)
    for name in (b'"A"', b'"B"'):
        mine = [line.payload for line in lines if name in line.payload]
        assert [payload for payload in sent if name in payload] == mine


def test_puts_between_acknowledgements_keep_the_order(tmp_path: Path) -> None:
    outbox = Outbox(identity, spool=Spool(tmp_path / "spool.db", "s"), window=4)
    lines = [make_line("A", number) for number in range(60)]
    sent: list[bytes] = []
    for first in range(0, 60, 3):
        outbox.put(lines[first : first + 3], NEVER)
        records = outbox.take(LIMITS, always)
        sent += [line.payload for record in records for line in record.lines]
        outbox.acknowledge(records)
    assert sent + drained(outbox) == [line.payload for line in lines]


def test_a_full_spool_makes_the_source_wait_and_loses_nothing(tmp_path: Path) -> None:
    outbox = Outbox(identity, capacity=3, spool=Spool(tmp_path / "spool.db", "s"))
    outbox.put([make_line("A", number) for number in range(3)], NEVER)
    assert outbox.is_full
    ending = threading.Event()
    ending.set()
    outbox.put([make_line("A", 3)], ending)
    assert len(drained(outbox)) == 4


def test_the_last_timestamps_are_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", "s")
    spool.append([make_line("A", 1)], {"A": "2026-11-20T15:00:01.000000Z"}, {})
    spool.append([], {"A": "2026-11-20T15:00:02.000000Z"}, {})
    spool.close()
    assert Progress(Spool(tmp_path / "spool.db", "s"), None).latest == {
        "A": "2026-11-20T15:00:02.000000Z"
    }


def test_a_recording_continues_where_it_stopped_and_another_starts_from_the_beginning(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "spool.db", "s")
    progress = Progress(spool, "days.csv")
    spool.append([make_line("A", 1)], {"A": "t"}, progress.after(500))
    assert Progress(spool, "days.csv").taken == 500
    assert Progress(spool, "other.csv").taken == 0
    assert Progress(spool, "other.csv").latest == {}
    progress.ended()
    assert Progress(spool, "days.csv").taken == 0


def test_a_spool_in_use_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", "s")
    with pytest.raises(UsageError, match=r"--spool: .*locked"):
        Spool(tmp_path / "spool.db", "s")
    spool.close()


def test_lines_for_one_sink_are_not_sent_to_another(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", "kinesis:a")
    spool.append([make_line()], {}, {})
    spool.close()
    with pytest.raises(UsageError, match="holds 1 lines for kinesis:a"):
        Spool(tmp_path / "spool.db", "kinesis:b")


def test_a_full_disk_stores_all_or_nothing_and_is_reported(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db", "s")
    spool.append([make_line("A", 0)], {}, {})
    spool.connection.execute("PRAGMA max_page_count=10")
    with pytest.raises(SpoolError, match=r"--spool: .*full"):
        spool.append([make_line("A", number) for number in range(5000)], {"A": "t"}, {})
    assert (spool.count(), spool.latest()) == (1, {})


def test_a_path_that_cannot_be_a_spool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are no pages of a database" * 99)
    for path in (tmp_path, tmp_path / "none" / "spool.db", tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match="--spool: "):
            Spool(path, "s")
