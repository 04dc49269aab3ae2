"""The time at which a queue's message was sent, according to its sender.

SQS changes the time and sequence number of a FIFO queue's message when it moves to a dead-letter
queue and when it moves back. Only the sender's attribute stays: `ticktape.sent`, `1763652600123-0`,
the sender's clock in epoch milliseconds and a count within the millisecond. With this attribute a
redriven message keeps its place among earlier and later messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

ATTRIBUTE = "ticktape.sent"
"""The name of the message attribute, of type String."""

MOST_AHEAD = 300_000
MOST_BEHIND = 20 * 86_400_000
"""If the times of SQS and the sender differ by more than these milliseconds, the sender's time is
ignored. A queue keeps a message for at most 14 days, and the ticks' queue for four."""

_FORM = re.compile(r"([0-9]{13})-([0-9]{1,6})", re.ASCII)
_PLACE_BITS = 20
_LAST_PLACE = 999_999


class Sending(NamedTuple):
    """The millisecond in which a message was sent, and the message's number within it."""

    milliseconds: int
    place: int = 0

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.place}"

    @property
    def number(self) -> str:
        """Return the sequence number of the message. Numbers grow with each message, by 256 within
        a millisecond like SQS's own numbers, and are above all of SQS's."""
        return str((1 << 62 | self.milliseconds << _PLACE_BITS | self.place) << 8)

    def after(self, milliseconds: int) -> Sending:
        """Return the next message's sending by the clock. A clock that goes back is ignored."""
        if milliseconds > self.milliseconds:
            return Sending(milliseconds)
        if self.place == _LAST_PLACE:
            return Sending(self.milliseconds + 1)
        return Sending(self.milliseconds, self.place + 1)


def sending_of(text: str | None, sent_milliseconds: int) -> Sending | None:
    """Return the sending in an attribute's text. None if it is missing, malformed, or too far from
    the time at which SQS received the message."""
    found = _FORM.fullmatch(text or "")
    if found is None:
        return None
    sending = Sending(int(found[1]), int(found[2]))
    ahead = sending.milliseconds - sent_milliseconds
    return sending if -MOST_BEHIND <= ahead <= MOST_AHEAD else None


class Sendings:
    """Numbers the messages of one sender. `now` returns its clock's epoch milliseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._last = Sending(0)

    def next(self) -> Sending:
        """Return the sending of the next message."""
        self._last = self._last.after(self._now())
        return self._last
