"""A handler that records what it is called with, and fails where a test says."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

Answer = Callable[[list[str]], Any]
"""From the texts of a batch to the handler's answer; may raise."""


class Recorder:
    """A handler for Kinesis or SQS events whose records carry short texts."""

    def __init__(self, answer: Answer = lambda _texts: None) -> None:
        self.calls: list[list[str]] = []
        self.events: list[dict[str, Any]] = []
        self._answer = answer
        self._lock = threading.Lock()

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        assert context.get_remaining_time_in_millis() > 0
        texts = [text_of(record) for record in event["Records"]]
        with self._lock:
            self.calls.append(texts)
            self.events.append(event)
        return self._answer(texts)

    @property
    def seen(self) -> list[str]:
        """All texts in the order of the calls, repeats among them."""
        with self._lock:
            return [text for call in self.calls for text in call]


def text_of(record: dict[str, Any]) -> str:
    """The text of a record of either kind."""
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return str(record["body"])


def identifiers(event: dict[str, Any]) -> dict[str, str]:
    """By text: what `batchItemFailures` names a record by."""
    return {
        text_of(r): r["kinesis"]["sequenceNumber"] if "kinesis" in r else r["messageId"]
        for r in event["Records"]
    }


def report(*failed: str) -> dict[str, Any]:
    """A partial response."""
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
