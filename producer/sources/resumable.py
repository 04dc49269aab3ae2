"""The state of a live source, for the process that continues it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from producer.sources.base import Source


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The symbols whose history was given, and those that had a quote; whether the last requests
    gave no price; and the state of refusals.

    The state of refusals is their number since the last answer and the seconds until the source may
    be asked, separately for prices and history.
    """

    with_history: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    is_silent: bool = False
    refusals: int = 0
    open_seconds: float = 0.0
    history_refusals: int = 0
    history_open_seconds: float = 0.0


class Resumable(Source, Protocol):
    """A source whose `batches` can be called again, by this process or another."""

    @property
    def known(self) -> Known:
        """Return the source's state."""

    def recall(self, known: Known) -> None:
        """Take over another process's state."""

    def doubt(self, symbols: Iterable[str]) -> None:
        """Record that the first quotes of these symbols did not pass."""

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Forget the symbols that `drops` selects."""
