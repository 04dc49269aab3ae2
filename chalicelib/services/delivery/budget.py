"""Limit how many messages a container of `deliver` sends per minute (docs/decisions/0290). Also
limit how many alerts it leaves to the queue of retries. Alerts beyond a limit wait for a digest.

Otherwise, rules that fire often, or receivers that fail often, could delay all other alerts.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class MessageBound(NamedTuple):
    """The limits of messages per minute. An alert counts once for each channel. The first message
    of each rule on each channel is always sent, until there are `firsts` of them. The other limits
    are: `rule` for each rule, `channel` for each channel, and `shared` for all together."""

    firsts: int
    rule: int
    channel: int
    shared: int


class RetryBound(NamedTuple):
    """The limits of alerts per minute that go to the queue of retries. Each channel may always put
    `own` alerts, and at most `each`. Beyond `own`, all channels together may put `shared`. While
    the queue has `waiting` messages or more, a channel may put one alert every `minutes`
    minutes."""

    own: int
    each: int
    shared: int
    waiting: int
    minutes: int = 60


MESSAGES = MessageBound(firsts=600, rule=600, channel=600, shared=900)
RETRIES = RetryBound(own=2, each=20, shared=60, waiting=2000)

log = logging.getLogger("ticktape.deliver")


class _Minute:
    """The counts of messages or alerts in one minute."""

    def __init__(self) -> None:
        self.firsts: set[tuple[str, str]] = set()
        self.by_rule: Counter[str] = Counter()
        self.by_channel: Counter[str] = Counter()
        self.shared = 0


class MessageBudget:
    """Counts the messages of a container, by the minute of its clock."""

    def __init__(self, bound: MessageBound = MESSAGES) -> None:
        self._bound = bound
        self._at = -1
        self._minute = _Minute()

    def take(self, rule_id: str, channel: str, now: datetime) -> bool:
        """Count a message of a rule on a channel and return True. Return False if the budget is
        used up."""
        at = _minute_of(now)
        if at != self._at:
            self._at, self._minute = at, _Minute()
        minute, bound = self._minute, self._bound
        first = rule_id, channel
        if first not in minute.firsts and len(minute.firsts) < bound.firsts:
            minute.firsts.add(first)
            return True
        if (
            minute.shared >= bound.shared
            or minute.by_rule[rule_id] >= bound.rule
            or minute.by_channel[channel] >= bound.channel
        ):
            return False
        minute.shared += 1
        minute.by_rule[rule_id] += 1
        minute.by_channel[channel] += 1
        return True


class RetryBudget:
    """Counts the alerts that a container leaves to the queue of retries, by the minute of its
    clock. Several threads share it.

    `depth` returns the number of messages in the queue, to which other containers add. It is called
    at most once a minute, when the first alert goes to the queue. If the queue was full in the
    minute before, it is called when a channel with a recent alert asks for room.
    """

    def __init__(self, depth: Callable[[], int], bound: RetryBound = RETRIES) -> None:
        self._depth = depth
        self._bound = bound
        self._is_full: bool | None = None
        self._was_full = False
        self._lately: dict[str, int] = {}
        self._at = -1
        self._minute = _Minute()
        self._lock = threading.Lock()

    def has_room(self, channel: str, now: datetime) -> bool:
        """Return whether an alert of a channel may go to the queue."""
        with self._lock:
            return self._has_room(channel, now)

    def take(self, channel: str, now: datetime) -> bool:
        """Count an alert that goes to the queue and return True. Return False if the budget is used
        up."""
        with self._lock:
            if not self._has_room(channel, now):
                return False
            if self._is_full is None:
                self._is_full = self._asked()
                if not self._has_room(channel, now):
                    return False
            self._lately[channel] = self._at
            self._minute.shared += self._minute.by_channel[channel] >= self._bound.own
            self._minute.by_channel[channel] += 1
            return True

    def _asked(self) -> bool:
        try:
            return self._depth() >= self._bound.waiting
        except Exception:
            log.exception("the queue of retries does not say how long it is")
            return True

    def _has_room(self, channel: str, now: datetime) -> bool:
        at = _minute_of(now)
        if at != self._at:
            self._was_full = self._is_full is True
            self._at, self._minute, self._is_full = at, _Minute(), None
            since = at - self._bound.minutes
            self._lately = {name: last for name, last in self._lately.items() if last > since}
        if self._was_full and self._is_full is None and channel in self._lately:
            self._is_full = self._asked()
        if self._is_full:
            return channel not in self._lately
        taken = self._minute.by_channel[channel]
        return taken < self._bound.own or (
            taken < self._bound.each and self._minute.shared < self._bound.shared
        )


def _minute_of(now: datetime) -> int:
    return int(now.timestamp() // 60)
