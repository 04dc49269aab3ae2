"""Publishes the producer's status in the symbols table, where `/health` reads it.

Each command (`stream`, `replay`, `backfill`, `collector`) has one item in the list `producers`. The
item is replaced when the state changes, and every 30 s (every 2 s while history is sent). Ticks
never wait for it, and a failing write is reported once.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.times import to_text
from producer.errors import ProducerError
from producer.sinks import aws
from producer.status import Status

LIST = "producers"
HISTORY_SECONDS = 2.0
USUAL_SECONDS = 30.0
_LEAST_SECONDS = 1.0
_LAST_WRITE_SECONDS = 1.0
_MOST_TEXT = 300
_MOST_REASONS = 10

Item = dict[str, dict[str, Any]]
Put = Callable[[Item], None]


class Publisher(threading.Thread):
    """A thread that writes the status until `end` is called. `connect` returns the function that
    puts an item. It is called in this thread, since creating a client takes a while."""

    def __init__(
        self,
        command: str,
        status: Status,
        connect: Callable[[], Put],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="status-publisher", daemon=True)
        self._command = command
        self._status = status
        self._connect = connect
        self._now = now
        self._monotonic = monotonic
        self._written_at = float("-inf")
        self._has_failed = False
        self._stopped = threading.Event()

    def run(self) -> None:
        """Write the status when it is due until `end` is called, then write the last state."""
        try:
            put = self._connect()
        except ProducerError as error:
            self._fail(error)
            return
        while not self._stopped.is_set():
            self.write_if_due(put)
            self._stopped.wait(_LEAST_SECONDS)
            self._status.changed.wait(HISTORY_SECONDS - _LEAST_SECONDS)
        self._write(put)

    def end(self) -> None:
        """Make the thread write the last state, and wait at most a second for that."""
        self._stopped.set()
        self._status.changed.set()
        self.join(_LAST_WRITE_SECONDS)

    def write_if_due(self, put: Put) -> bool:
        """Write the status if it changed or the last write is old enough. Return whether it was
        written."""
        changed = self._status.changed.is_set()
        self._status.changed.clear()
        age = self._monotonic() - self._written_at
        most = USUAL_SECONDS if self._status.progress is None else HISTORY_SECONDS
        if not changed and age < most:
            return False
        self._written_at = self._monotonic()
        self._write(put)
        return True

    def _write(self, put: Put) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            put(item_of(self._command, self._status, to_text(self._now())))
        except (BotoCoreError, ClientError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            told = f"the producer's status cannot be written: {aws.why(error)}"
            self._status.note(told, error)


def item_of(command: str, status: Status, written_at: str) -> Item:
    """Build the status item: texts, the progress as a number, dropped ticks as a map by reason."""
    item: Item = {
        "list": {"S": LIST},
        "symbol": {"S": command},
        "source": {"S": status.source},
        "state": {"S": status.state},
        "time": {"S": written_at},
        "dropped": {"M": _reasons(status)},
    }
    if (progress := status.progress) is not None:
        item["progress"] = {"N": f"{progress:.3f}"}
    if problem := status.current_problem:
        item["problem"] = {"S": problem[:_MOST_TEXT]}
    return item


def _reasons(status: Status) -> dict[str, dict[str, str]]:
    most = status.dropped.most_common(_MOST_REASONS)
    return {reason[:_MOST_TEXT]: {"N": str(count)} for reason, count in most}


@contextmanager
def published(options: argparse.Namespace, status: Status) -> Iterator[None]:
    """Publish the status during the context. Do nothing unless the sink is on AWS and the symbols
    table's name is known."""
    table = table_of(options, os.environ)
    publisher = (
        Publisher(options.command, status, lambda: into(aws.client("dynamodb"), table))
        if table
        else None
    )
    if publisher:
        publisher.start()
    try:
        yield
    except ProducerError as error:
        status.failed(str(error))
        raise
    finally:
        status.say("ended")
        if publisher:
            publisher.end()


def table_of(options: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Return the name of the symbols table; "" if the status is not published."""
    if options.sink == "stdout":
        return ""
    return getattr(options, "symbols_table", None) or environ.get("SYMBOLS_TABLE", "")


def into(client: Any, table: str) -> Put:
    """Return a function that puts an item into the table."""
    return lambda item: client.put_item(TableName=table, Item=item)
