"""Holds messages for slow subscribers, with limits for each subscriber and for all together."""

from __future__ import annotations

import asyncio
import json

from embedded_aws.event_api.limits import Limits
from embedded_aws.event_api.session import Session

_KEEP_ALIVE = json.dumps({"type": "ka"})


class Waiting:
    """Counts the bytes that wait for all subscribers of an endpoint together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes = 0
        self._readers: set[Subscriber] = set()

    def add(self, reader: Subscriber, size: int) -> None:
        """Count bytes that wait for a reader. While all bytes together exceed the limit, cut off
        the reader for which most bytes wait."""
        self.bytes += size
        self._readers.add(reader)
        while self.bytes > self.limits.all_waiting_bytes:
            max(self._readers, key=lambda one: one.bytes).cut_off()

    def remove(self, reader: Subscriber, size: int) -> None:
        """Subtract bytes that do not wait for a reader any more."""
        self.bytes -= size
        if size >= reader.bytes:
            self._readers.discard(reader)


class Subscriber:
    """A subscriber and the messages that wait for it. `bytes` is their size in all."""

    def __init__(self, session: Session, waiting: Waiting) -> None:
        self.session = session
        self.bytes = 0
        self.is_behind = asyncio.Event()
        self._all = waiting
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    def put(self, text: str) -> None:
        """Add a message. If too many messages or bytes would wait, cut off the subscriber instead.

        Does nothing if the subscriber is cut off already.
        """
        limits = self._all.limits
        full = self._waiting.qsize() >= limits.waiting_events
        if self.is_behind.is_set():
            return
        if full or self.bytes + len(text) > limits.waiting_bytes:
            self.cut_off()
            return
        self.bytes += len(text)
        self._waiting.put_nowait(text)
        self._all.add(self, len(text))

    async def next(self) -> str:
        """Return the next message, or a keep-alive if there is none for a time."""
        try:
            seconds = self._all.limits.keep_alive_seconds
            text = await asyncio.wait_for(self._waiting.get(), seconds)
        except TimeoutError:
            return _KEEP_ALIVE
        self._all.remove(self, len(text))
        self.bytes -= len(text)
        return text

    def cut_off(self) -> None:
        """Drop the waiting messages and set `is_behind`, so that the connection is closed."""
        self.is_behind.set()
        self.close()

    def close(self) -> None:
        """Drop the waiting messages."""
        self._all.remove(self, self.bytes)
        self.bytes = 0
        self._waiting = asyncio.Queue()
