"""Reading what a digest's message is made of: bounded, and no longer than there is time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from chalicelib.domain.deliveries import Passing
from chalicelib.domain.digest_messages import MOST_MEMBERS
from chalicelib.domain.digests import Digest, Member
from chalicelib.services.delivery.stores import DigestStore
from chalicelib.services.delivery.tasks import Turn

UNREAD = "its alerts could not be read in time"


def latest_members(digests: DigestStore, digest: Digest, turn: Turn) -> list[Member]:
    """Return the latest members of a digest, at most MOST_MEMBERS, in the order of their times.
    Raises Passing when the invocation's time is up."""
    found = []
    for member in islice(digests.members(digest), MOST_MEMBERS):
        if not turn.has_time:
            raise Passing(UNREAD)
        found.append(member)
    found.reverse()
    return found


def earlier_members(read: list[Member], in_all: Callable[[], int]) -> int:
    """Return how many members a digest has before those that were read; `in_all` is only asked
    where these are as many as are read."""
    return max(0, in_all() - len(read)) if len(read) == MOST_MEMBERS else 0
