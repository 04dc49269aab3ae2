"""The lease that lets one run collect at a time: conditional writes to the symbols table.

EventBridge starts a function at least once a minute, and Lambda may run it in two containers. A
run's number is the epoch second in which the run began, or the previous number plus one if that is
higher. So the numbers grow even if the item was deleted.

A container's clock may be wrong. So a lease expires by DynamoDB's clock, which is taken from the
Date header of its responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.domain.times import to_text
from producer.collector.items import Fields, Item, Items
from producer.errors import StoreError

KEY = "lease"
MOST_HELD = timedelta(seconds=78)
"""The longest lease a run takes. A lease with a later end, or none, counts as held for this long
from when it is first seen."""

MOST_AHEAD = timedelta(days=1)
"""A run number further ahead of the clock is invalid."""

_UNKNOWN = "?"
_GIVEN_BACK = ""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A lease that another run holds.

    It has the owner ("" once released), the run's number, and the lease's end by DynamoDB's clock.
    `collected` is the instant up to which earlier runs have collected: later trades may be missing.
    `broken` names invalid fields.
    """

    owner: str
    run: int
    until: datetime
    collected: datetime
    broken: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """A lease that this run holds, and the previous lease (None for the first)."""

    ours: Held
    before: Held | None


class Lease:
    """Acquires and releases the lease of a stage's collector. Callers pass instants of the
    container's clock. Methods raise boto3's errors."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def take(self, owner: str, now: datetime, until: datetime) -> Taken | Held:
        """Acquire the lease, or return the lease that another run holds. `owner` is unique to the
        run."""
        item = self._items.read(KEY)
        at, until = now + self._items.ahead, until + self._items.ahead
        before = None if item is None else held_of(item, at)
        if before is not None and is_held(before, at):
            if "until" in before.broken:
                self._write(before, item)
            return before
        ours = Held(
            owner=owner,
            run=max(before.run + 1 if before else 0, int(at.timestamp())),
            until=until,
            collected=min(before.collected, now) if before else now,
        )
        winner = self._won(ours, item, at)
        return Taken(ours, before) if winner is ours else winner

    def _won(self, ours: Held, seen: Item | None, at: datetime) -> Held:
        """Write our lease and return it; if another run wrote first, return that run's lease.
        Raises boto3's errors, and StoreError if the lease was deleted meanwhile."""
        from botocore.exceptions import BotoCoreError, ClientError

        fault: Exception | None = None
        try:
            if self._write(ours, seen):
                return ours
        except (BotoCoreError, ClientError) as error:
            fault = error
        item = self._items.read(KEY)
        held = None if item is None else held_of(item, at)
        if held is not None and (held.owner, held.run) == (ours.owner, ours.run):
            return ours  # our write succeeded, but its response was lost
        if fault is not None or held is None:
            raise fault or StoreError("the collector's lease was deleted while acquiring it")
        return held

    def seconds_left(self, taken: Taken, now: datetime) -> float:
        """Read the table and return the seconds until our lease ends; 0 if a later run holds the
        lease."""
        item = self._items.read(KEY)
        at = now + self._items.ahead
        if item is None or held_of(item, at).run != taken.ours.run:
            return 0.0
        return (taken.ours.until - at).total_seconds()

    def seconds_held(self, held: Held, now: datetime) -> float:
        """Return the seconds until another run's lease ends."""
        return (held.until - now - self._items.ahead).total_seconds()

    def release(self, taken: Taken, now: datetime, collected: datetime) -> None:
        """Release our lease, unless a later run holds it."""
        given_back = msgspec.structs.replace(
            taken.ours, owner=_GIVEN_BACK, until=now + self._items.ahead, collected=collected
        )
        self._write(given_back, {"run": {"N": str(taken.ours.run)}}, ("run",))

    def _write(
        self, held: Held, seen: Item | None, compared: Sequence[str] = ("run", "until")
    ) -> bool:
        """Write the lease if the `compared` fields of the stored item are still those of `seen`.
        Return whether it was written."""
        fields = {
            "owner": {"S": held.owner},
            "run": {"N": str(held.run)},
            "until": {"S": to_text(held.until)},
            "collected": {"S": to_text(held.collected)},
        }
        conditions, values = [], {}
        for name in compared:
            if seen is None or name not in seen:
                conditions.append(f"attribute_not_exists(#{name})")
            else:
                conditions.append(f"#{name} = :{name}")
                values[f":{name}"] = seen[name]
        names = {f"#{name}": name for name in compared}
        return self._items.write(KEY, fields, " AND ".join(conditions), names, values)


def is_held(lease: Held, now: datetime) -> bool:
    """Return whether the lease's run may still be sending at an instant of DynamoDB's clock."""
    return lease.owner != _GIVEN_BACK and now < lease.until


def held_of(item: Item, now: datetime) -> Held:
    """Parse a lease from its item. `now` is an instant of DynamoDB's clock. If the item has no
    valid end, the lease ends after the longest time that a run takes."""
    fields = Fields(item)
    owner = fields.text("owner")
    run = fields.number("run", int((now + MOST_AHEAD).timestamp()))
    until = fields.instant("until")
    if until is not None and until > now + MOST_HELD:
        fields.fail("until")
        until = None
    collected = fields.instant("collected")
    return Held(
        owner=_UNKNOWN if owner is None else owner,
        run=run or 0,
        until=until or now + MOST_HELD,
        collected=collected or _LONG_AGO,
        broken=tuple(fields.broken),
    )
