"""The interface of all channels."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.messages import Message

MAX_SEND_SECONDS = 10
"""The `send` of every channel returns or raises within this time."""


class Channel(Protocol):
    """Sends messages to people or programs: to a topic, a chat or a webhook. Several threads share
    it."""

    def prepare(self) -> None:
        """Load what the first send needs, so that it takes no longer than later ones. Calling this
        is optional. It may raise the errors of `send`."""

    def send(self, message: Message) -> None:
        """Try to send the message once, within MAX_SEND_SECONDS.

        Raises Passing if a later attempt may succeed, Lasting if none will. Any other exception
        counts as Passing.
        """
