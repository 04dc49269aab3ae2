"""Cache closes of 5m, 15m and 30m bars in a container. Rules that need many bars then read only the
minutes since the last close."""

from __future__ import annotations

import threading
import time
import zlib
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from chalicelib.domain.bar_closes import BarClose
from chalicelib.domain.folding import MINUTES, label

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes of all cached series. This is enough for 3,000 series of a thousand bars each."""

MAX_SECONDS = 86_400.0
"""How long closes are cached after a full read; stored bars may expire. For some symbols the time
is shorter, down to three quarters, so that not all closes expire at once."""

IDLE_SECONDS = 2 * 1800.0
"""A series that was not used for this long may be dropped to make room. Series of half-hours are
used every 30 minutes. If more series are in use than fit, new ones are not cached. If new ones
replaced others, no series would be cached at its next use."""

_FAST = 1


class Basis(msgspec.Struct, frozen=True, array_like=True):
    """The basis of cached closes: the state's count of repairs, and the mark of the symbol's
    history. While neither changes, no stored minute before the live one changes."""

    repairs: int
    mark: str


class KeptCloses(msgspec.Struct, frozen=True, array_like=True):
    """The cached closes of one series, from its first close up to the label `end`.

    `is_whole` says that no earlier bar is stored. `read_at` is the time of the last full read
    (time.monotonic).
    """

    basis: Basis
    end: str
    is_whole: bool
    read_at: float
    closes: tuple[BarClose, ...]

    def before(self, end: str) -> KeptCloses:
        """Return a copy without the closes of bars from the label `end` on."""
        end = min(end, self.end)
        closes = tuple(close for close in self.closes if close.label < end)
        return msgspec.structs.replace(self, end=end, closes=closes)


_Series = tuple[str, str]
"""A symbol and an interval."""


class _Packed(NamedTuple):
    body: bytes
    used_at: float


class CloseKeeper:
    """A cache of closes by symbol and interval, compressed. Threads may share it."""

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._packed: OrderedDict[_Series, _Packed] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, symbol: str, interval: str) -> KeptCloses | None:
        """Return the cached closes of a series; None if there are none or they are too old."""
        with self._lock:
            packed = self._packed.pop((symbol, interval), None)
            if packed is None:
                return None
            self._packed[symbol, interval] = _Packed(packed.body, time.monotonic())
        kept = msgspec.msgpack.decode(zlib.decompress(packed.body), type=KeptCloses)
        return kept if time.monotonic() < kept.read_at + _seconds_of(symbol) else None

    def keep(self, symbol: str, interval: str, kept: KeptCloses) -> None:
        """Cache the closes of a series in place of earlier ones. Drop the series if there is no
        room."""
        body = zlib.compress(msgspec.msgpack.encode(kept), _FAST)
        with self._lock:
            self._drop((symbol, interval))
            self._make_room(len(body))
            if self._bytes + len(body) <= self._most_bytes:
                self._packed[symbol, interval] = _Packed(body, time.monotonic())
                self._bytes += len(body)

    def _make_room(self, wanted: int) -> None:
        """Drop idle series, least recently used first, until there is room for `wanted` bytes."""
        idle_since = time.monotonic() - IDLE_SECONDS
        while self._packed and self._bytes + wanted > self._most_bytes:
            oldest = next(iter(self._packed))
            if self._packed[oldest].used_at > idle_since:
                return
            self._drop(oldest)

    def forget(self, symbol: str) -> None:
        """Drop all series of a symbol."""
        with self._lock:
            for interval in MINUTES:
                self._drop((symbol, interval))

    def repaired(self, symbol: str, before: int, after: int, since: str) -> None:
        """Keep a symbol's cached closes valid after a repair: drop those from the instant `since`
        on. The repair changed no earlier minute. It raised the count of repairs from `before` to
        `after`."""
        for interval in MINUTES:
            kept = self.get(symbol, interval)
            if kept is None or kept.basis.repairs != before:
                continue
            rest = kept.before(label(since, interval))
            basis = Basis(after, kept.basis.mark)
            self.keep(symbol, interval, msgspec.structs.replace(rest, basis=basis))

    def _drop(self, series: _Series) -> None:
        packed = self._packed.pop(series, None)
        self._bytes -= len(packed.body) if packed else 0


def _seconds_of(symbol: str) -> float:
    return MAX_SECONDS * (1 - zlib.crc32(symbol.encode()) / 2**34)
