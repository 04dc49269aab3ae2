"""The stores and queues that delivery needs, in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain.alerts import Alert, StoredAlert
from chalicelib.domain.channels import ESTABLISHED_SECONDS
from chalicelib.domain.deliveries import Delivery, Retry
from chalicelib.domain.digests import Digest, Member
from chalicelib.domain.holding import Window
from chalicelib.domain.holding_settings import Holding
from chalicelib.domain.messages import Message
from chalicelib.domain.mutes import Mute
from chalicelib.services.delivery.channel import Channel
from chalicelib.services.delivery.stores import Key, Refusals, StoredWindow, ToHold


class FakeChannel:
    """A Channel that keeps the messages sent to it."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def prepare(self) -> None:
        """See Channel.prepare."""

    def send(self, message: Message) -> None:
        """See Channel.send."""
        self.sent.append(message)


class FakeDeliveries:
    """A DeliveryStore with the alerts that a test puts into it."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], StoredAlert] = {}
        self._lock = threading.Lock()

    def put(self, *alerts: StoredAlert) -> None:
        """Store alerts with their deliveries."""
        self.stored |= {_key(stored.alert): stored for stored in alerts}

    def of(self, alert: Alert, channel: str = "sns") -> Delivery | None:
        """Return the delivery of an alert on a channel, or None."""
        return self.stored[_key(alert)].on(channel)

    def find(self, symbol: str, timestamp: str, rule_id: str) -> StoredAlert | None:
        """See DeliveryStore.find."""
        return self.stored.get((symbol, timestamp, rule_id))

    def replace(self, key: Key, before: Delivery | None, after: Delivery) -> bool:
        """See DeliveryStore.replace."""
        with self._lock:
            found = self.stored.get(_key(key))
            if found is None or found.on(after.channel) != before:
                return False
            if before is None and found.notified_at and not found.deliveries:
                return False
            others = [one for one in found.deliveries if one.channel != after.channel]
            notified_at = found.notified_at or (after.at if after.status == "sent" else None)
            deliveries = tuple(sorted([*others, after], key=lambda one: one.channel))
            self.stored[_key(key)] = msgspec.structs.replace(
                found, deliveries=deliveries, notified_at=notified_at
            )
        return True


class FakeRetries:
    """A RetryQueue that keeps requests with their pauses, and buried requests with the reasons."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Retry, float]] = []
        self.dead: list[tuple[Retry, str]] = []
        self.others = 0
        """The number of further messages in the queue."""

    def depth(self) -> int:
        """See RetryQueue.depth."""
        return self.others + len(self.waiting)

    def put(self, retry: Retry, seconds: float) -> None:
        """See RetryQueue.put."""
        self.waiting.append((retry, seconds))

    def bury(self, retry: Retry, reason: str) -> None:
        """See RetryQueue.bury."""
        self.dead.append((msgspec.structs.replace(retry, dead=True), reason))


class NoAgendas:
    """An AgendaStore for channels whose digests are all due soon."""

    def enter(self, digest: Digest) -> None:
        """See AgendaStore.enter."""
        raise AssertionError("no digest is far ahead")

    def leave(self, digest: Digest) -> None:
        """See AgendaStore.leave."""
        raise AssertionError("no digest is far ahead")

    def waiting(self, channel: str) -> Iterable[Digest]:
        """See AgendaStore.waiting."""
        raise AssertionError("no digest is far ahead")

    def timer_at(self, channel: str) -> str | None:
        """See AgendaStore.timer_at."""
        raise AssertionError("no digest is far ahead")

    def note_timer(self, channel: str, at: str) -> None:
        """See AgendaStore.note_timer."""
        raise AssertionError("no digest is far ahead")


class FakeDigests:
    """A DigestStore for channels that hold no alerts of their own accord. Keeps what was held."""

    chunk = 2

    def __init__(self) -> None:
        self.held: list[tuple[Digest, ToHold]] = []
        self.agendas = NoAgendas()

    def open(self, digest: Digest) -> bool:
        """See DigestStore.open."""
        raise AssertionError("nothing is held")

    def close_empty(self, digest: Digest, now: str) -> bool:
        """See DigestStore.close_empty."""
        raise AssertionError("nothing is held")

    def hold(self, digest: Digest, held: Sequence[ToHold]) -> Refusals:
        """See DigestStore.hold."""
        self.held += [(digest, one) for one in held]
        return Refusals(made=True, closed=False, alerts=frozenset(), contended=False)

    def members(self, digest: Digest) -> Iterable[Member]:
        """See DigestStore.members."""
        raise AssertionError("nothing is held")

    def window(self, channel: str) -> StoredWindow:
        """See DigestStore.window."""
        raise AssertionError("nothing is held")

    def count(self, channel: str, before: StoredWindow, after: Window) -> bool:
        """See DigestStore.count."""
        raise AssertionError("nothing is held")


def _key(one: Key) -> tuple[str, str, str]:
    return one.symbol, one.timestamp, one.rule_id


class FakeDirectory:
    """Channels by id. Each alert goes to the channels that it names, or to all."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self.muted: tuple[Mute, ...] = ()
        self.since: dict[str, datetime] = {}
        """When channels got their addresses; other channels have had theirs for long."""

    def is_established(self, channel_id: str, now: datetime) -> bool:
        """See Channels.is_established."""
        since = self.since.get(channel_id)
        return since is None or (now - since).total_seconds() >= ESTABLISHED_SECONDS

    def mutes(self) -> tuple[Mute, ...]:
        """See Channels.mutes."""
        return self.muted

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """See Channels.receivers."""
        return alert.channels or tuple(self._channels)

    def find(self, channel_id: str) -> Channel | None:
        """See Channels.find."""
        return self._channels.get(channel_id)

    def holding(self, channel_id: str) -> Holding | None:
        """See Channels.holding."""
        return None
