"""Cache desks in a container, so that only newer bars are read at the next point."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from chalicelib.domain.splits import Split
from chalicelib.domain.when.costs import MAX_NUMBERS
from chalicelib.domain.when.desk import Desk

KEPT_SECONDS = 3600.0
"""A desk that was not used for this long is read again, and may be dropped to make room. If more
desks are in use than fit, new ones are not cached. If they replaced others, none would be cached at
its next use. But a desk that is costly to read replaces a cheap one. There is room for all costly
desks, since rules that need more cannot be saved."""

Key = tuple[str, str, bool]
"""A symbol, an interval, and whether the rules are costly."""

Basis = tuple[object, ...]
"""The versions and marks under which stored bars were read. The bars are unchanged while these are
the same."""


class KeptDesk(msgspec.Struct, frozen=True):
    """A desk, with the splits that it is adjusted for, the basis under which its bars were read,
    and the time of its last use (monotonic seconds)."""

    desk: Desk
    splits: tuple[Split, ...]
    basis: Basis
    used_at: float = 0.0


class KeptDesks:
    """A cache of desks by symbol, interval and cost. Threads may share it."""

    def __init__(
        self, most_numbers: int = MAX_NUMBERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most_numbers
        self._clock = clock
        self._numbers = 0
        self._kept: OrderedDict[Key, KeptDesk] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: Key, basis: Basis) -> KeptDesk | None:
        """Remove a desk from the cache and return it, since the caller changes it. Return None if
        there is no desk or it is outdated."""
        with self._lock:
            kept = self._drop(key)
        is_valid = kept is not None and kept.basis == basis and not self._is_idle(kept)
        return kept if is_valid else None

    def keep(self, key: Key, kept: KeptDesk) -> None:
        """Cache a desk in place of the previous one. Other desks may be dropped to make room. If
        there is still no room, the desk is not cached."""
        weight = kept.desk.numbers
        with self._lock:
            self._drop(key)
            while self._numbers + weight > self._most and self._kept:
                replaced = self._replaced_by(kept.desk)
                if replaced is None:
                    return
                self._drop(replaced)
            if self._numbers + weight <= self._most:
                self._kept[key] = msgspec.structs.replace(kept, used_at=self._clock())
                self._numbers += weight

    def forget(self, symbol: str) -> None:
        """Drop all desks of a symbol."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == symbol]:
                self._drop(key)

    def _replaced_by(self, desk: Desk) -> Key | None:
        oldest = next(iter(self._kept))
        if self._is_idle(self._kept[oldest]):
            return oldest
        if desk.is_cheap:
            return None
        return next((key for key, kept in self._kept.items() if kept.desk.is_cheap), None)

    def _is_idle(self, kept: KeptDesk) -> bool:
        return kept.used_at <= self._clock() - KEPT_SECONDS

    def _drop(self, key: Key) -> KeptDesk | None:
        kept = self._kept.pop(key, None)
        self._numbers -= kept.desk.numbers if kept is not None else 0
        return kept
