"""What delivering needs of its stores; adapters and the tests' fakes both provide it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from chalicelib.domain.alerts import StoredAlert
from chalicelib.domain.deliveries import Delivery, Retry
from chalicelib.domain.digests import Digest, Member, StoredDigest
from chalicelib.domain.holding import Window


class Key(Protocol):
    """What identifies an alert, or the head of a digest."""

    @property
    def symbol(self) -> str:
        """Return the symbol, or the digest's key."""

    @property
    def timestamp(self) -> str:
        """Return the tick's time, in its stored form."""

    @property
    def rule_id(self) -> str:
        """Return the rule's id."""


class DeliveryStore(Protocol):
    """The deliveries of alerts and digests."""

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | StoredDigest | None:
        """An alert or a digest with its deliveries, read consistently; None where it is gone."""

    def replace(self, key: Key, before: Delivery | None, after: Delivery) -> bool:
        """Write the delivery of an alert or a digest on a channel if it still is `before`; whether
        it was. It closes a digest.

        The first delivery is refused, too, while an earlier version is sending the alert, and once
        that version has sent it. The first one that is sent dates the alert's `notified_at`.
        """


class ToHold(NamedTuple):
    """An alert that is to be held: its delivery, and its member of the digest."""

    stored: StoredAlert
    delivery: Delivery
    member: Member


class Refusals(NamedTuple):
    """Whether alerts were held, and if not, why: the digest is closed or absent, these alerts
    (counted from 0) have a delivery, or another writer was faster."""

    made: bool
    closed: bool
    alerts: frozenset[int]
    contended: bool


class AgendaStore(Protocol):
    """The agendas of channels: digests that wait for a timer of their own."""

    def enter(self, digest: Digest) -> None:
        """Add a digest to its channel's agenda."""

    def leave(self, digest: Digest) -> None:
        """Take a digest out of its channel's agenda."""

    def waiting(self, channel: str) -> Iterable[Digest]:
        """The digests of a channel's agenda by the time at which they are due, read
        consistently."""

    def timer_at(self, channel: str) -> str | None:
        """The latest instant noted for the agenda's timer, read consistently; None if there is
        none."""

    def note_timer(self, channel: str, at: str) -> None:
        """Note that the agenda's timer has been put for an instant, unless a later one is noted.
        One that lies more than a minute later was noted by a clock that was wrong."""


class StoredWindow(NamedTuple):
    """The window of a channel's limit as stored. `window` is None before the first, and if it
    cannot be read; `stored` is the store's own form, which it compares when it writes."""

    window: Window | None = None
    stored: object = None


class DigestStore(Protocol):
    """Digests, their channels' agendas, and the windows of limits."""

    @property
    def agendas(self) -> AgendaStore:
        """Return the agendas."""

    @property
    def chunk(self) -> int:
        """Return the number of alerts that may be held at a time."""

    def open(self, digest: Digest) -> bool:
        """Make the head, open, where there is none; whether it was made."""

    def close_empty(self, digest: Digest, now: str) -> bool:
        """Make a head that is closed, where there is none; whether it was made."""

    def hold(self, digest: Digest, held: Sequence[ToHold]) -> Refusals:
        """Mark alerts as held and add them to an open digest: all of them, or none."""

    def members(self, digest: Digest) -> Iterable[Member]:
        """The members, the latest first, read consistently."""

    def window(self, channel: str) -> StoredWindow:
        """The window of a channel's limit, read consistently."""

    def count(self, channel: str, before: StoredWindow, after: Window) -> bool:
        """Write the window of a channel's limit if `before` still is stored; whether it was."""


class RetryQueue(Protocol):
    """Further attempts, each handed out when its time comes, and those that nobody makes."""

    def put(self, retry: Retry, seconds: float) -> None:
        """Deliver after `seconds`, or after the longest delay of the queue if that is shorter."""

    def depth(self) -> int:
        """The approximate number of messages to be handed out now or later, and of those that have
        been and are not yet done."""

    def bury(self, retry: Retry, reason: str) -> None:
        """Keep for a redrive: no further attempt is made by itself."""
