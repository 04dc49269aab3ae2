"""When the producer's status is written, what is in it, and what happens if that fails."""

from __future__ import annotations

import argparse
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from producer.errors import UsageError
from producer.publishing import Item, Publisher, Put, item_of, published, table_of
from producer.records import Record
from producer.status import Status
from tests.producer_support.doubles import make_line

WRITTEN_AT = "2026-11-20T15:02:00.000000Z"


def make_status(told: list[str] | None = None) -> Status:
    status = Status(lambda _event, message: (told or []).append(message))
    status.source = "simulator"
    return status


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def no_table() -> Put:
    raise AssertionError("the test puts by itself")


def written_over(status: Status, seconds: int) -> list[int]:
    """The seconds at which a publisher that looks every second writes."""
    watch, found = Watch(), []
    publisher = Publisher("stream", status, no_table, monotonic=watch)
    for second in range(seconds):
        watch.seconds = 1000 + second
        if publisher.write_if_due(lambda _item: None):
            found.append(second)
    return found


def test_while_history_is_sent_the_status_is_written_every_two_seconds() -> None:
    status = make_status()
    status.say("sending history", 0.1)
    assert written_over(status, 7) == [0, 2, 4, 6]


def test_a_live_producer_writes_every_thirty_seconds() -> None:
    status = make_status()
    status.say("live")
    assert written_over(status, 91) == [0, 30, 60, 90]


def test_a_new_state_and_a_problem_are_written_at_once_and_the_same_state_is_not() -> None:
    status = make_status()
    watch = Watch()
    publisher = Publisher("stream", status, no_table, monotonic=watch)

    def is_due() -> bool:
        return publisher.write_if_due(lambda _item: None)

    assert is_due()
    status.say("live")
    assert is_due()
    status.say("live")
    assert not is_due()
    status.problem("AAPL: no price")
    assert is_due()


def test_the_item_has_what_the_api_tells() -> None:
    status = make_status()
    status.say("sending history", 0.4)
    status.problem("AAPL: no price")
    status.drop("repeat")
    assert item_of("stream", status, WRITTEN_AT) == {
        "list": {"S": "producers"},
        "symbol": {"S": "stream"},
        "source": {"S": "simulator"},
        "state": {"S": "sending history"},
        "time": {"S": WRITTEN_AT},
        "progress": {"N": "0.400"},
        "problem": {"S": "AAPL: no price"},
        "dropped": {"M": {"repeat": {"N": "1"}}},
    }


def test_the_item_stays_small_whatever_went_wrong() -> None:
    status = make_status()
    status.problem("x" * 5000)
    for number in range(500):
        status.drop(f"bad frame: {number} {'y' * 1000}")
    item = item_of("stream", status, WRITTEN_AT)
    assert len(item["problem"]["S"]) == 300
    assert len(item["dropped"]["M"]) == 10
    assert len(str(item)) < 5000


def test_progress_is_the_share_that_the_sink_has_acknowledged() -> None:
    status = make_status()
    waiting = [100]
    status.pending = lambda: waiting[0]
    status.say("replaying", 0.5)
    shares = [status.progress]
    status.sent([Record("AAPL", tuple(make_line("AAPL", n) for n in range(60)))])
    waiting[0] = 40
    shares.append(status.progress)
    status.say("sending the rest", 1.0)
    shares.append(status.progress)
    waiting[0] = 0
    shares.append(status.progress)
    status.say("live")
    shares.append(status.progress)
    assert shares == [0, 0.3, 0.6, 1, None]


def test_a_refusing_table_is_reported_once_and_disturbs_nothing() -> None:
    told: list[str] = []
    status = Status(lambda _event, message: told.append(message))
    watch = Watch()
    publisher = Publisher("stream", status, no_table, monotonic=watch)

    def refuse(_item: Item) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem")

    for _ in range(3):
        assert publisher.write_if_due(refuse)
        watch.seconds += 60
    assert len(told) == 1
    assert told[0].startswith("the producer's status cannot be written: ")


def test_missing_credentials_are_reported_and_end_only_the_publisher() -> None:
    told: list[str] = []

    def connect() -> Put:
        raise UsageError("no AWS credentials; set AWS_ACCESS_KEY_ID or AWS_PROFILE")

    publisher = Publisher("stream", Status(lambda _event, text: told.append(text)), connect)
    publisher.run()
    (message,) = told
    assert message.startswith("the producer's status cannot be written: no AWS credentials")


def test_the_last_state_is_written_at_the_end() -> None:
    status, items = make_status(), []
    began = threading.Event()

    def put(item: Item) -> None:
        items.append(item["state"]["S"])
        began.set()

    publisher = Publisher("replay", status, lambda: put)
    status.say("replaying", 0.0)
    publisher.start()
    assert began.wait(60)
    status.say("ended")
    publisher.end()
    publisher.join(60)
    assert items[0] == "replaying"
    assert items[-1] == "ended"


@pytest.mark.parametrize(
    ("options", "table"),
    [
        ({"sink": "kinesis"}, "of-the-environment"),
        ({"sink": "sqs", "symbols_table": None}, "of-the-environment"),
        ({"sink": "kinesis", "symbols_table": "named"}, "named"),
        ({"sink": "stdout", "symbols_table": "named"}, ""),
    ],
)
def test_the_table_is_the_named_one_and_none_beside_stdout(
    options: dict[str, Any], table: str
) -> None:
    environ = {"SYMBOLS_TABLE": "of-the-environment"}
    assert table_of(argparse.Namespace(**options), environ) == table


def test_a_run_that_fails_leaves_its_reason_as_the_problem() -> None:
    status = make_status()
    with (
        pytest.raises(UsageError),
        published(argparse.Namespace(command="stream", sink="stdout"), status),
    ):
        raise UsageError("--stream is needed")
    assert (status.state, status.current_problem) == ("ended", "--stream is needed")
