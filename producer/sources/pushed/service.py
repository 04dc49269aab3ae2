"""The interface between a pushed source and its service: frames, history and limits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec

from chalicelib.domain.payloads import UNREADABLE
from producer.sources.pushed.action_questions import Told
from producer.sources.pushed.history import History
from producer.sources.pushed.messages import BadFrame, Message
from producer.sources.pushed.so_far import Listing


class Feed(ABC):
    """The frames of one service. Subclasses know their format. A feed keeps no state beyond a
    connection."""

    service: ClassVar[str]
    """The service's name in messages, such as Coinbase."""

    greets = False
    """Whether the service says that it is ready before it accepts a subscription."""

    acknowledges = True
    """Whether the service acknowledges subscriptions."""

    is_silence_doubtful = False
    """Whether trades may be missing after a silence, since nothing numbers or counts them."""

    beat_seconds: float | None = None
    """The seconds after which the subscription is sent again; None if once is enough."""

    def __init__(self, url: str) -> None:
        self.url = url

    def opening(self) -> Sequence[str]:
        """Return the first frames of a new connection, before any subscription."""
        return ()

    @abstractmethod
    def subscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """Return the frames that subscribe to additional symbols."""

    @abstractmethod
    def unsubscribe(self, symbols: Sequence[str]) -> Sequence[str]:
        """Return the frames that end the subscription to symbols."""

    def read(self, frame: str | bytes) -> Sequence[Message]:
        """Parse a frame; return no messages if none of them counts. Raises only BadFrame."""
        try:
            return self.parsed(frame)
        except BadFrame:
            raise
        except (*UNREADABLE, ValueError, OverflowError) as error:
            raise BadFrame(f"no message of {self.service}") from error

    @abstractmethod
    def parsed(self, frame: str | bytes) -> Sequence[Message]:
        """Parse a frame. It may also raise the errors that `read` converts to BadFrame."""


class Service(msgspec.Struct, frozen=True):
    """A service: its feed and history, what its symbols share, and its requests per second.

    `listing` returns None for symbols that the service cannot have. `split_today` returns the split
    that the service lists for a symbol's last session. It is None if the service is not asked for
    splits. `actions` returns the splits and dividends of a symbol up to an instant. It is None if
    the service has none.
    """

    name: str
    feed: Feed
    history: History
    listing: Callable[[str], Listing | None]
    requests_per_second: float
    split_today: Callable[[str], str | None] | None = None
    actions: Told | None = None
