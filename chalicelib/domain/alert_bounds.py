"""Limits on alerts per minute of market time: per symbol, and for all symbols of a container.

A symbol's limits depend only on its ticks, so that they hold however ticks are batched. All symbols
of a container share a Room. The Room's limits are applied before the state is written, so that the
written state says which alerts exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from chalicelib.domain.rules import Rule
from chalicelib.domain.ticks import Tick

MAX_SENT_A_MINUTE = 1_500
MAX_RECORDED_A_MINUTE = 3_000
"""Limits on a symbol's alerts per minute of market time, so that no symbol delays the others.
Alerts above the first limit are not sent. Alerts above the second limit are not even recorded."""

MINUTE = len("2026-11-20T15:30")

RECORD_ONLY = "record only"
TOO_MANY = "too many"

Quiet = Callable[[Tick], str]
"""Returns why an alert at a tick is recorded without being sent; empty if it is to be sent."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """The numbers of alerts recorded in a minute of market time: of all alerts, and of the alerts
    of rules that notify. Suppressed alerts count, so that both depend only on the ticks."""

    recorded: int = 0
    notifying: int = 0


class Room(Protocol):
    """The capacity for alerts that all symbols of a container share. Each call takes a place."""

    def record(self, rule_id: str, minute: str, *, is_first: bool = False) -> bool:
        """Take a place for recording an alert of a rule in a minute of market time; return whether
        a place was free. More places are reserved for a symbol's first alert of the rule in that
        minute."""

    def send(self, rule_id: str, minute: str) -> bool:
        """Take a place for sending one more alert; return whether a place was free."""


class Boundless:
    """A Room without limits, for alerts that are neither recorded nor sent."""

    def record(self, rule_id: str, minute: str, *, is_first: bool = False) -> bool:  # noqa: ARG002
        """Return True: there is always a place."""
        return True

    def send(self, rule_id: str, minute: str) -> bool:  # noqa: ARG002
        """Return True: there is always a place."""
        return True


BOUNDLESS = Boundless()


class AlertCount:
    """Counts the alerts of one symbol during a run of ticks, by the minute of each tick.

    `told` is the count in the symbol's state. `dropped` counts by rule the alerts above the limits
    for recording. `unsent` counts the recorded alerts above the limits for sending.
    """

    def __init__(self, told: Told | None, quiet: Quiet, room: Room) -> None:
        self._told = told or Told()
        self._quiet = quiet
        self._room = room
        self.dropped: Counter[str] = Counter()
        self.unsent: Counter[str] = Counter()

    @property
    def told(self) -> Told | None:
        """Return the count to store in the symbol's state; None if the minute has no alerts."""
        return self._told if self._told.recorded else None

    def begin_minute(self) -> None:
        """Reset the count, since the next tick begins a minute."""
        self._told = Told()

    def admits(self, rule: Rule, newest: Tick, *, is_first: bool) -> bool:
        """Return whether an alert at the tick `newest` may be recorded; if not, count it as
        dropped. `is_first` says whether it is the rule's first alert in the minute."""
        full = self._told.recorded >= MAX_RECORDED_A_MINUTE
        minute = newest.timestamp[:MINUTE]
        if full or not self._room.record(rule.rule_id, minute, is_first=is_first):
            self.dropped[rule.rule_id] += 1
            return False
        return True

    def quiet(self, rule: Rule, newest: Tick) -> str:
        """Count a recorded alert. Return why it is not sent; empty if it is sent."""
        reason = self._quiet(newest) if rule.notify else RECORD_ONLY
        if not reason and not self._may_send(rule, newest):
            reason = TOO_MANY
            self.unsent[rule.rule_id] += 1
        self._told = Told(self._told.recorded + 1, self._told.notifying + rule.notify)
        return reason

    def _may_send(self, rule: Rule, newest: Tick) -> bool:
        if self._told.notifying >= MAX_SENT_A_MINUTE:
            return False
        return self._room.send(rule.rule_id, newest.timestamp[:MINUTE])
