"""What a source is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from producer.wire import WireTick


class Source(Protocol):
    """Gives ticks in batches, each symbol's in the order of time.

    `recorded` sources keep their timestamps, those of live ones may be moved by microseconds.
    """

    @property
    def name(self) -> str:
        """What people read about where the ticks come from."""

    @property
    def needs_hygiene(self) -> bool:
        """Whether what it says has to be checked, as Yahoo's answers have."""

    @property
    def recorded(self) -> bool:
        """Whether the ticks are a recording."""

    def batches(self, stop: threading.Event) -> Iterator[Sequence[WireTick]]:
        """Batches as they come; ends with the source, or soon after `stop` is set.

        Raises SourceError when the source cannot go on, UsageError for what the user gave.
        """


@runtime_checkable
class Following(Protocol):
    """A source whose symbols may change."""

    followed: Sequence[str]
    """The symbols that were followed last."""

    drops: Callable[[str], bool]
    """Whether a symbol is known not to be followed any more."""
