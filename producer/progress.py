"""Keeps the position in a recording in the spool, so that a restart continues there."""

from __future__ import annotations

from collections.abc import Mapping

from producer.spool import Spool

_MOST_DIGITS = 18


class Progress:
    """The position in a recording: `taken` is the number of the recording's ticks in the spool so
    far.

    `identity` distinguishes recordings; another recording starts at 0. Live sources have no
    identity: only their symbols' last timestamps, `latest`, are kept.
    """

    def __init__(self, spool: Spool, identity: str | None) -> None:
        self._spool = spool
        self._identity = identity
        goes_on = identity is not None and spool.fact("recording") == identity
        self.taken = _count_of(spool.fact("taken")) if goes_on else 0
        self.latest = spool.latest() if self.taken or identity is None else {}

    def after(self, count: int) -> Mapping[str, str]:
        """Return the facts to spool with the next `count` ticks of the source."""
        if self._identity is None:
            return {}
        self.taken += count
        return {"recording": self._identity, "taken": str(self.taken)}

    def ended(self) -> None:
        """Record that the recording has ended, so that its next replay starts from the
        beginning."""
        if self._identity is not None:
            self._spool.append([], {}, {"recording": "", "taken": "0"})


def _count_of(text: str | None) -> int:
    """Return the number that a stored fact holds; 0 if it holds none."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text or 0) if is_number else 0
