"""One run at a time: a lease in the symbols table, taken and given back by conditional writes.

EventBridge starts a function at least once a minute, and Lambda may run it in two containers. The
number of a run tells it from earlier ones: it is the second of the epoch in which the run began, or
one more than the number before. It grows as well where somebody has deleted the item.

A lease ends by DynamoDB's clock, as the Date header of its answers tells it: that of a container
may be off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.domain.times import to_text
from producer.collector.fields import Fields
from producer.collector.items import Item, Items
from producer.errors import StoreError

KEY = "lease"
MOST_HELD = timedelta(seconds=78)
"""No run takes a lease for longer. One that says that it ends later, or does not say when, is held
for so long from when that is seen."""

MOST_AHEAD = timedelta(days=1)
"""A run whose number is so far ahead of the clock has none."""

_UNKNOWN = "?"
_GIVEN_BACK = ""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A lease: who holds it, "" once it is given back, as which run, and until when by DynamoDB's
    clock. `collected` is the instant up to which earlier runs have collected: what was traded since
    may be missing. `broken` names fields that could not be read."""

    owner: str
    run: int
    until: datetime
    collected: datetime
    broken: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """A lease of ours, and the one before it; None before the first."""

    ours: Held
    before: Held | None


class Lease:
    """The lease of a stage's collector. Instants that are passed in are of the container's clock.
    Methods raise what boto3 raises."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def take(self, owner: str, now: datetime, until: datetime) -> Taken | Held:
        """The lease, or the one that another run holds. `owner` is to be unlike any other run's."""
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
        """Ours once it is written, else what another run has written."""
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
            return ours  # the answer to our write was lost
        if fault is not None or held is None:
            raise fault or StoreError("the collector's lease was deleted while it was taken")
        return held

    def seconds_left(self, taken: Taken, now: datetime) -> float:
        """Seconds until a lease of ours ends, asked of the table; 0 where a later run has it."""
        item = self._items.read(KEY)
        at = now + self._items.ahead
        if item is None or held_of(item, at).run != taken.ours.run:
            return 0.0
        return (taken.ours.until - at).total_seconds()

    def seconds_held(self, held: Held, now: datetime) -> float:
        """Seconds until a lease of another run ends."""
        return (held.until - now - self._items.ahead).total_seconds()

    def release(self, taken: Taken, now: datetime, collected: datetime) -> None:
        """Give it back, unless a later run has it."""
        given_back = msgspec.structs.replace(
            taken.ours, owner=_GIVEN_BACK, until=now + self._items.ahead, collected=collected
        )
        self._write(given_back, {"run": {"N": str(taken.ours.run)}}, ("run",))

    def _write(
        self, held: Held, seen: Item | None, compared: Sequence[str] = ("run", "until")
    ) -> bool:
        """Whether it was written: only if what is compared still is as it was seen."""
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
    """Whether somebody may be sending under it, at an instant of DynamoDB's clock."""
    return lease.owner != _GIVEN_BACK and now < lease.until


def held_of(item: Item, now: datetime) -> Held:
    """A lease as its item says, at an instant of DynamoDB's clock. Where the item does not say when
    the lease ends, it ends once any lease would have."""
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
