"""Messages of dead-letter queues that `redrive` passes to their function again."""

from __future__ import annotations

from typing import Any

import pytest

from commands.redrive import redrive_messages


class FakeQueue:
    """A queue that hides what it has handed out, as during the visibility timeout."""

    def __init__(self, messages: int, at_once: int) -> None:
        self.left = [f"m{number}" for number in range(messages)]
        self._hidden: set[str] = set()
        self._at_once = at_once
        self.waited: list[int] = []

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:dead"}}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.waited.append(request.get("WaitTimeSeconds", 0))
        names = [name for name in self.left if name not in self._hidden][: self._at_once]
        self._hidden |= set(names)
        found = [
            {
                "MessageId": name,
                "ReceiptHandle": name,
                "Body": name,
                "MD5OfBody": "",
                "Attributes": {},
            }
            for name in names
        ]
        return {"Messages": found} if found else {}

    def delete_message_batch(self, QueueUrl: str, Entries: Any) -> None:  # noqa: N803 - boto3's
        for entry in Entries:
            self.left.remove(entry["ReceiptHandle"])


def refusing(*refused: str) -> Any:
    def call(_: str, event: dict[str, Any]) -> dict[str, Any]:
        names = [record["messageId"] for record in event["Records"]]
        failed = [{"itemIdentifier": name} for name in names if name in refused]
        return {"batchItemFailures": failed}

    return call


@pytest.mark.parametrize("at_once", [10, 3])
def test_a_message_that_fails_again_holds_up_no_other(at_once: int) -> None:
    queue = FakeQueue(100, at_once)
    done = list(redrive_messages(queue, "https://x/dead", "f", "us-east-1", refusing("m0", "m50")))
    assert queue.left == ["m0", "m50"]
    assert sum(one.records for one in done) == 100
    assert len([one for one in done if one.error]) == 2
    assert min(queue.waited) > 0, "short polling may miss messages"


def test_a_fifo_queue_is_left_in_its_order_at_the_first_failure() -> None:
    queue = FakeQueue(30, 10)
    done = list(redrive_messages(queue, "https://x/dead.fifo", "f", "us-east-1", refusing("m12")))
    assert [one.error for one in done] == ["", "1 of its messages failed again"]
    assert queue.left == ["m12", *(f"m{number}" for number in range(20, 30))]


def test_messages_that_become_visible_again_end_the_run() -> None:
    queue = FakeQueue(3, 10)
    queue._hidden = set()
    done = redrive_messages(queue, "https://x/dead", "f", "us-east-1", refusing("m0", "m1", "m2"))
    assert next(done).error
    queue._hidden.clear()
    assert list(done) == []
