"""The backlog of streams and queues."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.backlog import NOTHING, Backlog, Position, Waiting
from embedded_aws.emulator import database
from embedded_aws.emulator.backlog import waiting
from embedded_aws.emulator.item_changes import FIRST


def filled(path: Path) -> sqlite3.Connection:
    """Records 5 to 9 of a shard, changes 3 to 4 of a table, two messages."""
    connection = database.connect(path)
    for number in range(5, 10):
        row = ("ticks", "shard-0", number, 100.0 + number, "A", None, b"")
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    for number in range(3, 5):
        change = ("prices", number, 50.0 + number, b"")
        connection.execute("INSERT INTO item_changes VALUES (?, ?, ?, ?)", change)
    for name in "xy":
        connection.execute("INSERT INTO messages VALUES ('q', ?, 1, '')", name)
    return connection


def asked(
    connection: sqlite3.Connection, streams: list[Position], queues: Sequence[str] = ()
) -> tuple[int, float | None]:
    found = json.loads(waiting(connection, streams, list(queues)))
    return found["count"], found["oldest"]


def test_records_after_the_last_finished_one_are_counted(tmp_path: Path) -> None:
    connection = filled(tmp_path / "aws.sqlite")
    ticks, prices = ("kinesis", "ticks", "shard-0"), ("dynamodb", "prices", "shard-0")
    assert asked(connection, [(*ticks, "6")]) == (3, 107.0)
    assert asked(connection, [(*ticks, None)]) == (5, 105.0)
    assert asked(connection, [(*ticks, "9")]) == (0, None)
    assert asked(connection, [(*prices, str(FIRST + 3))]) == (1, 54.0)
    assert asked(connection, [(*ticks, "8"), (*prices, None)]) == (3, 53.0)
    assert asked(connection, [], ["q", "other"]) == (2, None)


class Control:
    """Answers what the test sets, and counts how often it is asked."""

    def __init__(self) -> None:
        self.answer = Waiting(0)
        self.asked = 0
        self.is_gone = False

    def waiting(self, streams: Sequence[Position], queues: Sequence[str]) -> Waiting:
        assert (streams, queues) == ([("kinesis", "ticks", "shard-0", "1")], ["q"])
        self.asked += 1
        if self.is_gone:
            raise ConnectionRefusedError
        return self.answer


class World:
    def __init__(self) -> None:
        self.control = Control()
        self.generation = 0
        self.now = 0.0
        positions: list[Position] = [("kinesis", "ticks", "shard-0", "1")]
        self.backlog = Backlog(
            self.control.waiting,
            lambda: positions,
            ["q"],
            lambda: self.generation,
            lambda: self.now,
        )


def test_the_emulator_is_left_alone_while_nothing_happens() -> None:
    world = World()
    for _ in range(10):
        assert world.backlog() == NOTHING
        world.now += 1
    assert world.control.asked == 1


def test_the_backlog_is_queried_each_second_until_it_is_empty() -> None:
    world = World()
    world.backlog()
    world.control.answer, world.generation = Waiting(7, 3.0), 1
    world.now = 0.5
    assert world.backlog() == NOTHING
    world.now = 1.0
    assert world.backlog() == Waiting(7, 3.0)
    world.control.answer, world.now = NOTHING, 2.0
    assert world.backlog() == NOTHING
    world.now = 9.0
    world.backlog()
    assert world.control.asked == 3


def test_an_emulator_that_ends_leaves_the_last_answer() -> None:
    world = World()
    world.control.answer = Waiting(7, 3.0)
    assert world.backlog() == Waiting(7, 3.0)
    world.control.is_gone, world.now = True, 5.0
    assert world.backlog() == Waiting(7, 3.0)


def test_the_age_is_that_of_the_oldest() -> None:
    assert Waiting(7, 3.0).age_seconds(5.5) == 2.5
    assert NOTHING.age_seconds(5.5) == 0
