"""Stores moto's SQS messages in SQLite.

moto replaces a queue's list of messages while others append to it, which could lose a message. So
requests run one at a time, except while a request waits for messages.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from moto.sqs.models import Message, Queue

WAIT_SECONDS = 0.1

STEP = 256
"""Sequence numbers of AWS's FIFO queues are multiples of this number."""

FIRST = 10**20
"""Larger than every number that moto drew at random for messages stored by earlier versions."""

_NAMES = frozenset(vars(Message("", "")))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


def install(
    connection: sqlite3.Connection, lock: threading.Lock, changed: Callable[[], None]
) -> Callable[[bool], None]:
    """Install the storage, and return a function that stores the changes in a transaction.

    Call that function with True after a request to SQS, and with False after any other request,
    which may have sent a notice. The caller of moto holds `lock`. Each message calls `changed`.
    """
    kept: list[KeptQueue] = []
    sent: set[str] = set()
    numbers = growing(lambda: FIRST + time.time_ns())
    create, add, visible = Queue.__init__, Queue.add_message, Queue.messages.fget

    def init(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
        create(self, name, *args, **kwargs)
        if not any(queue.name == name for queue in kept):  # moto makes another to compare
            kept.append(KeptQueue(self, connection))

    def add_message(self: Any, message: Message) -> None:
        if self.fifo_queue:
            enqueue(message, next(numbers))
        add(self, message)
        sent.add(self.name)
        changed()

    def messages(self: Any) -> list[Message]:
        """Return the queue's visible messages in order.

        moto alone counts a message as received until its turn comes, even if it is visible again.
        So a later message of its group could overtake it.
        """
        found: list[Message] = visible(self)
        self.pending_messages.difference_update(found)
        return found

    def wait_for_messages(_self: Any, timeout: float) -> None:
        lock.release()
        try:
            threading.Event().wait(min(timeout, WAIT_SECONDS))
        finally:
            lock.acquire()

    Queue.__init__, Queue.add_message = init, add_message
    Queue.wait_for_messages, Queue.messages = wait_for_messages, property(messages)

    def save(received: bool) -> None:
        for queue in kept:
            if received or queue.name in sent:
                queue.save()
        sent.clear()

    return save


def growing(now: Callable[[], int]) -> Iterator[int]:
    """Yield numbers that grow even across restarts, as in FIFO queues. moto's are random."""
    last = 0
    while True:
        last = max(last + STEP, now())
        yield last


def enqueue(message: Any, number: int) -> None:
    """Give a message of a FIFO queue its sequence number, in place.

    If the message was received before, it has been moved to a dead-letter queue. AWS then also
    renews its sending time and makes its id the deduplication id. moto changes none of these.
    """
    message.sequence_number = str(number)
    if message.approximate_receive_count:
        message.mark_sent()
        message.deduplication_id = message.id


def encode(message: Message) -> bytes:
    """Return the stored form of a message: msgpack of its attributes."""
    return _encode({name: value for name, value in vars(message).items() if name in _NAMES})


def decode(raw: bytes) -> Message:
    """Return the message that `encode` encoded. Raises msgspec.DecodeError or ValidationError."""
    found = _decode(raw)
    message = Message(found["id"], found["body"])
    for name in _NAMES & found.keys():
        setattr(message, name, found[name])
    return message


class KeptQueue:
    """A queue of moto whose messages are stored in SQLite."""

    def __init__(self, queue: Any, connection: sqlite3.Connection) -> None:
        self.name: str = queue.name
        self._queue = queue
        self._connection = connection
        self._position = 0
        self._rows: dict[str, tuple[int, float]] = {}
        self._restore()

    def _restore(self) -> None:
        """Load the stored messages as visible: their receivers ended with the last process."""
        rows = self._connection.execute(
            "SELECT position, message FROM messages WHERE queue = ? ORDER BY position", (self.name,)
        )
        for self._position, raw in rows.fetchall():
            message: Any = decode(raw)
            message.visible_at = 0.0
            self._queue._messages.append(message)
            self._rows[message.id] = _version(message)

    def save(self) -> None:
        """Store new, received and moved messages, and delete removed ones."""
        present = {message.id: message for message in self._queue._messages}
        for gone in self._rows.keys() - present.keys():
            del self._rows[gone]
            self._connection.execute(
                "DELETE FROM messages WHERE queue = ? AND id = ?", (self.name, gone)
            )
        for name, message in present.items():
            version = _version(message)
            if self._rows.get(name) != version:
                self._rows[name] = version
                self._put(name, encode(message))
        self._queue.deleted_messages = set(list(self._queue.deleted_messages)[-10_000:])

    def _put(self, name: str, raw: bytes) -> None:
        self._position += 1
        self._connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?)"
            " ON CONFLICT (queue, id) DO UPDATE SET message = excluded.message",
            (self.name, name, self._position, raw),
        )


def _version(message: Any) -> tuple[int, float]:
    return message.approximate_receive_count, message.visible_at
