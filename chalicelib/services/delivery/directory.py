"""Find the channels that get an alert, and the Channel that sends to each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from chalicelib.domain.alerts import Alert
from chalicelib.domain.channels import StoredChannel, is_established, receivers, with_topic
from chalicelib.domain.holding_settings import NOTHING_HELD, Holding
from chalicelib.domain.mutes import Mute
from chalicelib.services.delivery.channel import Channel

KEPT_SECONDS = 30.0

Make = Callable[[StoredChannel], Channel]
ReadAll = Callable[[], tuple[tuple[StoredChannel, ...], tuple[Mute, ...]]]
"""A function that returns all channels and mutes, with one consistent request."""


class Channels(Protocol):
    """The interface through which `deliver` finds channels and mutes."""

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """Return the ids of the channels that an alert is sent to."""

    def find(self, channel_id: str) -> Channel | None:
        """Return the Channel for an id; None if no channel has this id."""

    def holding(self, channel_id: str) -> Holding | None:
        """Return which alerts a channel holds back. Return None if it holds back none, or if no
        channel has this id."""

    def is_established(self, channel_id: str, now: datetime) -> bool:
        """Return whether a channel has kept its address for a long time; see domain.channels."""

    def mutes(self) -> tuple[Mute, ...]:
        """Return all mutes, including those that have ended."""


class _Reading(NamedTuple):
    """The channels and mutes as read once. `absent` has the requested ids that no channel had."""

    at: float
    known: Mapping[str, StoredChannel]
    mutes: tuple[Mute, ...]
    absent: frozenset[str]


class Directory:
    """The channels and mutes of a store, cached for KEPT_SECONDS. An unknown id causes them to be
    read again. If no channel has this id, it causes no further read during that time.

    While one thread reads, other threads get the cached channels. `now` is a monotonic clock in
    seconds.
    """

    def __init__(
        self, read: ReadAll, make: Make, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._read_all = read
        self._make = make
        self._now = now
        self._last = _Reading(float("-inf"), {}, (), frozenset())
        self._made: dict[str, tuple[StoredChannel, Channel]] = {}
        self._reading = threading.Lock()
        self._making = threading.Lock()

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """See Channels.receivers."""
        return receivers(alert.channels, tuple(self._read(alert.channels).known.values()))

    def find(self, channel_id: str) -> Channel | None:
        """See Channels.find."""
        stored = self._read([channel_id]).known.get(channel_id)
        if stored is None:
            return None
        with self._making:
            before, made = self._made.get(channel_id, (None, None))
            if made is None or before != stored:
                made = self._make(stored)
                self._made[channel_id] = stored, made
            return made

    def holding(self, channel_id: str) -> Holding | None:
        """See Channels.holding."""
        stored = self._read().known.get(channel_id)
        return stored.holding if stored and stored.holding != NOTHING_HELD else None

    def is_established(self, channel_id: str, now: datetime) -> bool:
        """See Channels.is_established."""
        stored = self._read().known.get(channel_id)
        return stored is not None and is_established(stored, now)

    def mutes(self) -> tuple[Mute, ...]:
        """See Channels.mutes."""
        return self._read().mutes

    def _read(self, asked: Collection[str] = ()) -> _Reading:
        """Return channels and mutes that were read recently, and that account for each id in
        `asked`, as present or absent."""
        if not self._tells(asked):
            with self._reading:
                if not self._tells(asked):  # another thread may have read meanwhile
                    self._last = self._following(asked)
                return self._last
        return self._last

    def _following(self, asked: Collection[str]) -> _Reading:
        absent = frozenset() if self._has_aged else self._last.absent
        now = self._now()
        channels, mutes = self._read_all()
        known = {channel.channel_id: channel for channel in with_topic(channels)}
        return _Reading(now, known, mutes, (absent | set(asked)) - known.keys())

    @property
    def _has_aged(self) -> bool:
        return self._now() - self._last.at > KEPT_SECONDS

    def _tells(self, asked: Collection[str]) -> bool:
        last = self._last
        return not self._has_aged and all(
            name in last.known or name in last.absent for name in asked
        )
