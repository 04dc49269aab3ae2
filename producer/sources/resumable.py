"""The state of a live source, which another process needs to continue it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from producer.sources.base import Source


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a live source.

    It has the symbols whose history was given, and the symbols that had a quote. It says whether
    the last requests gave no price. For prices and history separately it has the refusals since the
    last answer, and the seconds until the source may be asked.
    """

    with_history: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    is_silent: bool = False
    refusals: int = 0
    open_seconds: float = 0.0
    history_refusals: int = 0
    history_open_seconds: float = 0.0


class Resumable(Source, Protocol):
    """A source whose `batches` can be called again, by this process or by another one."""

    @property
    def known(self) -> Known:
        """Return the source's state."""

    def recall(self, known: Known) -> None:
        """Replace the source's state by another process's state."""

    def doubt(self, symbols: Iterable[str]) -> None:
        """Record that the first quotes of these symbols did not pass the filters."""

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Drop the state of each symbol for which `drops` returns true."""
