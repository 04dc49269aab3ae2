"""One run at a time: a lease in the symbols table, taken and given back by conditional writes.

EventBridge starts a function at least once a minute, and Lambda may run it in two containers. The
number of the run grows by one with each lease, so that an earlier run can be told by its number. It
begins with the seconds of the epoch: it grows as well where somebody has deleted the item.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.domain.times import from_text, to_text
from producer.collector.items import Items

KEY = "lease"
MOST_HELD = timedelta(minutes=5)
"""A lease that ends later than this from now was taken by a clock that was wrong: it is free."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A lease: who holds it, as which run, and until when. `collected` is the instant up to which
    earlier runs have collected: what was traded since may be missing."""

    owner: str
    run: int
    until: datetime
    collected: datetime


class Taken(msgspec.Struct, frozen=True):
    """A lease of ours, and the one before it; None before the first."""

    ours: Held
    before: Held | None


class Lease:
    """The lease of a stage's collector."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def take(self, owner: str, now: datetime, until: datetime) -> Taken | Held:
        """The lease, or the one that another run holds. Raises what boto3 raises."""
        before = self._read()
        if before is not None and is_held(before, now):
            return before
        run = before.run + 1 if before else int(now.timestamp())
        collected = min(before.collected, now) if before else now
        ours = Held(owner=owner, run=run, until=until, collected=collected)
        if self._write(ours, before.run if before else None):
            return Taken(ours, before)
        winner = self._read()
        if winner is None or winner.owner == owner:  # our write's answer was lost
            return Taken(ours, before)
        return winner

    def release(self, taken: Taken, now: datetime, collected: datetime) -> None:
        """Give it back, unless a later run has it. Raises what boto3 raises."""
        given_back = msgspec.structs.replace(taken.ours, until=now, collected=collected)
        self._write(given_back, taken.ours.run)

    def _read(self) -> Held | None:
        item = self._items.read(KEY)
        return None if item is None else _held(item)

    def _write(self, held: Held, seen: int | None) -> bool:
        """Whether it was written: only if the lease is still that of the run that was seen."""
        fields = {
            "owner": {"S": held.owner},
            "run": {"N": str(held.run)},
            "until": {"S": to_text(held.until)},
            "collected": {"S": to_text(held.collected)},
        }
        if seen is None:
            return self._items.write(KEY, fields, "attribute_not_exists(#run)", {"#run": "run"})
        values = {":seen": {"N": str(seen)}}
        return self._items.write(KEY, fields, "#run = :seen", {"#run": "run"}, values)


def is_held(lease: Held, now: datetime) -> bool:
    """Whether somebody may be sending under it."""
    return now < lease.until <= now + MOST_HELD


def _held(item: dict[str, Any]) -> Held:
    until = item["until"]
    return Held(
        owner=item["owner"]["S"],
        run=int(item["run"]["N"]),
        until=from_text(until["S"]),
        collected=from_text(item.get("collected", until)["S"]),
    )
