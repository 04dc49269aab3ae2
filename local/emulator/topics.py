"""Repairs of moto's SNS: it keeps every message, and a certificate for every message."""

from __future__ import annotations

from typing import Any

from moto.sns.models import SNSBackend, Topic

KEPT = 100


class LastMessages(list[Any]):
    """A list of the last KEPT entries; moto only appends."""

    def append(self, entry: Any) -> None:
        """Add, and let the oldest go."""
        super().append(entry)
        del self[:-KEPT]


class LastKeys(dict[str, bytes]):
    """The last KEPT entries; moto only sets and reads."""

    def __setitem__(self, name: str, key: bytes) -> None:
        super().__setitem__(name, key)
        while len(self) > KEPT:
            del self[next(iter(self))]


def install() -> None:
    """Put the repairs into moto."""
    create_topic, create_backend = Topic.__init__, SNSBackend.__init__

    def init_topic(self: Any, name: str, backend: Any) -> None:
        create_topic(self, name, backend)
        self.sent_notifications = LastMessages()

    def init_backend(self: Any, *arguments: Any, **named: Any) -> None:
        create_backend(self, *arguments, **named)
        self._message_public_keys = LastKeys()

    Topic.__init__ = init_topic
    SNSBackend.__init__ = init_backend
