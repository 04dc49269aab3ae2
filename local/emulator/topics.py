"""Repairs of moto's SNS: it keeps every message and certificate that it ever made."""

from __future__ import annotations

from typing import Any

from moto.sns.models import Topic


class _Last(list[Any]):
    """A list that remembers the last few; moto only appends."""

    def append(self, entry: Any) -> None:
        super().append(entry)
        del self[:-100]


def install() -> None:
    """Put the repairs into moto."""
    create = Topic.__init__

    def init(self: Any, name: str, backend: Any) -> None:
        create(self, name, backend)
        self.sent_notifications = _Last()

    Topic.__init__ = init
