"""A handler that records its calls, and fails if a test wants it to."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

Answer = Callable[[list[str]], Any]
"""Returns the handler's answer for the texts of a batch, or raises an error."""


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
        """Return all texts in the order of the calls, including repeated ones."""
        with self._lock:
            return [text for call in self.calls for text in call]


def text_of(record: dict[str, Any]) -> str:
    """Return the text of a Kinesis or SQS record."""
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return str(record["body"])


def identifiers(event: dict[str, Any]) -> dict[str, str]:
    """Return the `itemIdentifier` of each record by the record's text."""
    return {
        text_of(r): r["kinesis"]["sequenceNumber"] if "kinesis" in r else r["messageId"]
        for r in event["Records"]
    }


def report(*failed: str) -> dict[str, Any]:
    """Return a partial response that names these records as failed."""
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
