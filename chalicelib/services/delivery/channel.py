"""What every channel offers."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.messages import Message

MAX_SEND_SECONDS = 10
"""Every channel's `send` returns or raises within this time."""


class Channel(Protocol):
    """A way to people or programs: a topic, a chat, a webhook. Several threads may use it."""

    def prepare(self) -> None:
        """Load what the first send needs, so that it takes no longer than others. It need not be
        called, and may raise what `send` raises."""

    def send(self, message: Message) -> None:
        """Try once to hand the message over, within MAX_SEND_SECONDS and without own retries.

        Raises Passing where a later attempt may succeed, Lasting where none will. Any other
        exception counts as Passing.
        """
