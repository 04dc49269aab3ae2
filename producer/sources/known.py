"""What a live source has learnt, for the process that goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from producer.sources.base import Source


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Symbols whose history was given, those that had a quote, whether the source was asked last
    without giving any price, and how its refusals stand: their number since the last answer, and
    the seconds for which it is not to be asked. Those of history stand by themselves."""

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
        """What it has learnt so far."""

    def recall(self, known: Known) -> None:
        """Take over what another process has learnt."""

    def doubt(self, symbols: Iterable[str]) -> None:
        """The first quotes of these symbols did not pass."""

    def forget(self, drops: Callable[[str], bool]) -> None:
        """Know nothing of the symbols that `drops` names any more."""
