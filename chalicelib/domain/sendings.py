"""When a message of a queue was sent, as its sender says.

SQS gives a message of a FIFO queue another time and sequence number when it moves to a dead-letter
queue, and again when it is moved back. Only what the sender gave stays with it: the attribute
`ticktape.sent`, `1763652600123-0`, the sender's clock in epoch milliseconds and a count within the
millisecond. By it a redriven message keeps its place among those that were sent before and after.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

ATTRIBUTE = "ticktape.sent"
"""The name of the message attribute, of type String."""

MOST_AHEAD = 300_000
MOST_BEHIND = 20 * 86_400_000
"""Milliseconds between SQS's time and the sender's beyond which the sender's is not believed. A
queue keeps a message for at most 14 days, and the ticks' queue for four."""

_FORM = re.compile(r"([0-9]{13})-([0-9]{1,6})", re.ASCII)
_PLACE_BITS = 20
_LAST_PLACE = 999_999


class Sending(NamedTuple):
    """The instant at which a message was sent and its place among those of that millisecond."""

    milliseconds: int
    place: int = 0

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.place}"

    @property
    def number(self) -> str:
        """A sequence number: it grows with each message, by 256 within a millisecond as SQS's own
        numbers do, and is above all of those."""
        return str((1 << 62 | self.milliseconds << _PLACE_BITS | self.place) << 8)

    def after(self, milliseconds: int) -> Sending:
        """The next message's, by the clock; a clock that goes back is not followed."""
        if milliseconds > self.milliseconds:
            return Sending(milliseconds)
        if self.place == _LAST_PLACE:
            return Sending(self.milliseconds + 1)
        return Sending(self.milliseconds, self.place + 1)


def sending_of(text: str | None, sent_milliseconds: int) -> Sending | None:
    """The sending that an attribute names; None where it cannot be: it is missing, of another form,
    or too far from the time at which SQS took the message."""
    found = _FORM.fullmatch(text or "")
    if found is None:
        return None
    sending = Sending(int(found[1]), int(found[2]))
    ahead = sending.milliseconds - sent_milliseconds
    return sending if -MOST_BEHIND <= ahead <= MOST_AHEAD else None


class Sendings:
    """Numbers the messages of one sender. `now` is its clock, in epoch milliseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._last = Sending(0)

    def next(self) -> Sending:
        """The next message's."""
        self._last = self._last.after(self._now())
        return self._last
