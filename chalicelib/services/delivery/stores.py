"""The interfaces to the stores of deliveries. The adapters and the tests' fakes implement them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery, Retry
from chalicelib.domain.digests import Digest, Member, StoredDigest
from chalicelib.domain.holding import Window


class Key(Protocol):
    """Identifies an alert, or the head of a digest."""

    @property
    def symbol(self) -> str:
        """Return the symbol of the alert, or the digest's key."""

    @property
    def timestamp(self) -> str:
        """Return the time of the tick, in its stored form."""

    @property
    def rule_id(self) -> str:
        """Return the id of the rule."""


class DeliveryStore(Protocol):
    """Stores the deliveries of alerts and digests."""

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | StoredDigest | None:
        """Return an alert or a digest with its deliveries, with a consistent read; None if it is
        not stored."""

    def replace(self, key: Key, before: Delivery | None, after: Delivery) -> bool:
        """Write the delivery of an alert or a digest on a channel, if the stored delivery is still
        `before`. Return whether it was written. Writing a digest's delivery closes the digest.

        The first delivery of an alert is refused if an earlier version of Ticktape is sending the
        alert or has sent it. The first sent delivery sets the alert's `notified_at`.
        """


class ToHold(NamedTuple):
    """An alert that is to be held, with its delivery and its entry in the digest."""

    stored: StoredAlert
    delivery: Delivery
    member: Member


class Refusals(NamedTuple):
    """The result of holding alerts. `made` says whether they were held. If not, one of these was
    the reason: the digest is `closed` or absent, the `alerts` at these indexes have a delivery, or
    another writer was faster (`contended`)."""

    made: bool
    closed: bool
    alerts: frozenset[int]
    contended: bool


class AgendaStore(Protocol):
    """Stores the agendas of channels: the digests that have no timer of their own yet."""

    def enter(self, digest: Digest) -> None:
        """Add a digest to its channel's agenda."""

    def leave(self, digest: Digest) -> None:
        """Remove a digest from its channel's agenda."""

    def waiting(self, channel: str) -> Iterable[Digest]:
        """Return the digests of a channel's agenda, ordered by due time, with consistent reads."""

    def timer_at(self, channel: str) -> str | None:
        """Return the instant noted for the agenda's timer, read consistently; None if there is
        none."""

    def note_timer(self, channel: str, at: str) -> None:
        """Note the instant for which the agenda's timer has been put. Keep a noted instant that is
        up to a minute later. Replace one that is even later, since a wrong clock has noted it."""


class StoredWindow(NamedTuple):
    """The window of a channel's limit as stored. `window` is None if there is none or it cannot be
    read. `stored` is the stored form, with which the store compares when it writes."""

    window: Window | None = None
    stored: object = None


class DigestStore(Protocol):
    """Stores digests, their channels' agendas, and the windows of limits."""

    @property
    def agendas(self) -> AgendaStore:
        """Return the store of the agendas."""

    @property
    def chunk(self) -> int:
        """Return the most alerts that `hold` takes at a time."""

    def open(self, digest: Digest) -> bool:
        """Store an open head for a digest that has no head. Return whether it was stored."""

    def close_empty(self, digest: Digest, now: str) -> bool:
        """Store a closed head for a digest that has no head. Return whether it was stored."""

    def hold(self, digest: Digest, held: Sequence[ToHold]) -> Refusals:
        """Mark alerts as held and add them to an open digest: all of them or none. Return whether
        they were held, and if not, why."""

    def members(self, digest: Digest) -> Iterable[Member]:
        """Return the members of a digest, latest first, with consistent reads."""

    def window(self, channel: str) -> StoredWindow:
        """Return the window of a channel's limit, with a consistent read."""

    def count(self, channel: str, before: StoredWindow, after: Window) -> bool:
        """Write the window of a channel's limit, if the stored window is still `before`. Return
        whether it was written."""


class RetryQueue(Protocol):
    """A queue of requests for further attempts. Each request is delivered when its time comes.
    Requests of dead deliveries are kept for `redrive`."""

    def put(self, retry: Retry, seconds: float) -> None:
        """Put a request into the queue, to be delivered after `seconds`. If that exceeds the
        queue's longest delay, it is delivered after this delay."""

    def depth(self) -> int:
        """Return the approximate number of messages that wait or are being processed."""

    def bury(self, retry: Retry, reason: str) -> None:
        """Keep a request for `redrive`. No further attempt is made before that."""
