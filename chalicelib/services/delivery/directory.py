"""The channels as `deliver` uses them: which ones an alert goes to, and what sends to each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from chalicelib.domain.alerts import Alert
from chalicelib.domain.channels import StoredChannel, receivers, with_topic
from chalicelib.domain.holding_settings import NOTHING_HELD, Holding
from chalicelib.domain.mutes import Mute
from chalicelib.services.delivery.channel import Channel

KEPT_SECONDS = 30.0

Make = Callable[[StoredChannel], Channel]


class Channels(Protocol):
    """What `deliver` asks about channels."""

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """Return the ids of the channels that an alert goes to."""

    def find(self, channel_id: str) -> Channel | None:
        """Return what sends to a channel; None if there is no such channel."""

    def holding(self, channel_id: str) -> Holding | None:
        """Return what a channel holds back; None if nothing, or if there is no such channel."""

    def mutes(self) -> tuple[Mute, ...]:
        """Return the mutes, also those that have ended."""


class DirectoryStore(Protocol):
    """Where channels and mutes are read."""

    def read(self) -> tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]:
        """Return all of them, read consistently, in one request."""


class Directory:
    """Channels and mutes of a store, read again when they have aged and when a channel is asked for
    that is not known yet. `now` is a monotonic clock in seconds."""

    def __init__(
        self, store: DirectoryStore, make: Make, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._make = make
        self._now = now
        self._read_at = float("-inf")
        self._known: dict[str, StoredChannel] = {}
        self._mutes: tuple[Mute, ...] = ()
        self._made: dict[str, tuple[StoredChannel, Channel]] = {}
        self._lock = threading.Lock()

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """See Channels."""
        with self._lock:
            known = self._fresh()
            if not all(name in known for name in alert.channels):
                self._read()
            return receivers(alert.channels, tuple(self._known.values()))

    def find(self, channel_id: str) -> Channel | None:
        """See Channels."""
        with self._lock:
            if channel_id not in self._fresh():
                self._read()
            stored = self._known.get(channel_id)
            if stored is None:
                return None
            before, made = self._made.get(channel_id, (None, None))
            if made is None or before != stored:
                made = self._make(stored)
                self._made[channel_id] = stored, made
            return made

    def holding(self, channel_id: str) -> Holding | None:
        """See Channels."""
        with self._lock:
            stored = self._fresh().get(channel_id)
        return stored.holding if stored and stored.holding != NOTHING_HELD else None

    def mutes(self) -> tuple[Mute, ...]:
        """See Channels."""
        with self._lock:
            self._fresh()
            return self._mutes

    def _fresh(self) -> dict[str, StoredChannel]:
        if self._now() - self._read_at > KEPT_SECONDS:
            self._read()
        return self._known

    def _read(self) -> None:
        channels, self._mutes = self._store.read()
        self._known = {channel.channel_id: channel for channel in with_topic(channels)}
        self._read_at = self._now()
