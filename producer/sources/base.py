"""The interface of sources."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from producer.wire import WireTick


class Source(Protocol):
    """Gives ticks in batches, each symbol's in time order. If `recorded`, ticks keep their
    timestamps; those of a live source may be moved by microseconds."""

    @property
    def name(self) -> str:
        """Return the source's name for messages."""

    @property
    def needs_hygiene(self) -> bool:
        """Return whether the source's ticks have to be checked by hygiene, as Yahoo's do."""

    @property
    def recorded(self) -> bool:
        """Return whether the source's ticks come from a recording."""

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Yield batches as they arrive until the source ends, or soon after `stop` is set.

        Raises SourceError if the source cannot continue, UsageError for invalid input.
        """


@runtime_checkable
class Following(Protocol):
    """A source whose symbols may change while it runs."""

    followed: Sequence[str]
    """The symbols of the last poll."""

    drops: Callable[[str], bool]
    """Returns whether a symbol is known to be no longer followed."""


@runtime_checkable
class TakingTurns(Protocol):
    """A source whose symbols may have other sources for some times of their series."""

    refuses: Callable[[WireTick], bool]
    """Returns whether a tick's time belongs to another source of its series."""


@runtime_checkable
class Completing(Protocol):
    """A live source that computes some values of a tick, such as the session's high. It computes
    them only from prices that have passed hygiene."""

    def complete(self, tick: WireTick) -> None:
        """Set the computed values of a tick that has passed hygiene. Called in the order in which
        ticks pass."""


@runtime_checkable
class Continuing(Protocol):
    """A live source that asks history for the prices that came since an earlier run."""

    def continue_after(self, latest: Mapping[str, str]) -> None:
        """Take the last timestamp of each symbol (stored text) that an earlier run sent."""
