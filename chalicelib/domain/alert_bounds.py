"""How many alerts there may be in a minute of the market: of a symbol, and of what shares a room.

A symbol's bounds follow from its ticks alone, so that they hold however ticks are cut into batches.
A room is shared by all symbols of a container: what it has no place for is decided before the state
is written, and the state that is written says which alerts there are.
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
"""Alerts of a symbol in a minute of the market. Those beyond the first bound are recorded and not
sent, those beyond the second are dropped: no symbol may keep the others waiting."""

MINUTE = len("2026-11-20T15:30")

RECORD_ONLY = "record only"
TOO_MANY = "too many"

Quiet = Callable[[Tick], str]
"""Why an alert at this tick is only recorded; empty where it is to be sent."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """How many alerts of a minute of the market were recorded, and how many of them are of rules
    that notify, whether or not they were quiet: so the ticks alone decide."""

    recorded: int = 0
    notifying: int = 0


class Room(Protocol):
    """Places for alerts of all symbols. Each is taken by asking."""

    def record(self, rule_id: str, minute: str) -> bool:
        """Take a place for one more alert of a rule in a minute of the market, if there is one."""

    def send(self, rule_id: str, minute: str) -> bool:
        """Take a place for one more message, if there is one."""


class Boundless:
    """A Room that has a place for everything: for what is neither recorded nor sent."""

    def record(self, rule_id: str, minute: str) -> bool:  # noqa: ARG002
        """See Room."""
        return True

    def send(self, rule_id: str, minute: str) -> bool:  # noqa: ARG002
        """See Room."""
        return True


BOUNDLESS = Boundless()


class AlertCount:
    """Counts the alerts of a run of one symbol's ticks, by the minute of each tick.

    `told` is the state's count. `dropped` counts by rule the alerts for which there is no place,
    `unsent` those that are recorded and not sent for the same reason.
    """

    def __init__(self, told: Told | None, quiet: Quiet, room: Room) -> None:
        self._told = told or Told()
        self._quiet = quiet
        self._room = room
        self.dropped: Counter[str] = Counter()
        self.unsent: Counter[str] = Counter()

    @property
    def told(self) -> Told | None:
        """What the state is to remember; None for no alerts."""
        return self._told if self._told.recorded else None

    def begin_minute(self) -> None:
        """The next tick is the first of its minute."""
        self._told = Told()

    def admits(self, rule: Rule, newest: Tick) -> bool:
        """Whether an alert at the tick `newest` is recorded; it is counted as dropped otherwise."""
        full = self._told.recorded >= MAX_RECORDED_A_MINUTE
        if full or not self._room.record(rule.rule_id, newest.timestamp[:MINUTE]):
            self.dropped[rule.rule_id] += 1
            return False
        return True

    def quiet(self, rule: Rule, newest: Tick) -> str:
        """Count an alert that is recorded; why it is not sent, empty where it is to be sent."""
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
