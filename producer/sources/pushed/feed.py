"""The interface of feeds: what a service expects and says over its socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from producer.sources.pushed.messages import Message


class Feed(Protocol):
    """The frames of one service. It keeps no state beyond a connection."""

    service: str
    """The service's name in messages, such as Coinbase."""

    url: str

    greets: bool
    """Whether the service says that it is ready before it accepts a subscription."""

    acknowledges: bool
    """Whether the service acknowledges subscriptions."""

    is_silence_doubtful: bool
    """Whether trades may be missing after a silence, since nothing numbers or counts them."""

    beat_seconds: float | None
    """The seconds after which the subscription is sent again; None if once is enough."""

    def opening(self) -> Sequence[str]:
        """Return the first frames of a new connection, before any subscription."""

    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """Return the frames that subscribe to more symbols."""

    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """Return the frames that end the subscription of symbols."""

    def read(self, frame: str | bytes) -> Sequence[Message]:
        """Parse a frame. One without a message that counts gives nothing. Raises only BadFrame."""
