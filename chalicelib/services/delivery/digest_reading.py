"""Read the members that a digest's message shows: a limited number, in limited time."""

from __future__ import annotations

from itertools import islice

from chalicelib.domain.deliveries import Passing
from chalicelib.domain.digest_messages import MOST_MEMBERS
from chalicelib.domain.digests import Digest, Member
from chalicelib.services.delivery.stores import DigestStore
from chalicelib.services.delivery.tasks import Turn

UNREAD = "its alerts could not be read in time"


def latest_members(digests: DigestStore, digest: Digest, turn: Turn) -> list[Member]:
    """Return the latest members of a digest, at most MOST_MEMBERS, in the order of their times.
    Raises Passing if the invocation's time is up."""
    found = []
    for member in islice(digests.members(digest), MOST_MEMBERS):
        if not turn.has_time:
            raise Passing(UNREAD)
        found.append(member)
    found.reverse()
    return found
