"""Collects pages of ticks from items whose ticks overlap in time."""

from __future__ import annotations

import sys

from chalicelib.adapters.dynamodb import Item
from chalicelib.adapters.tick_items import count_of, first_stamp, read_ticks
from chalicelib.domain.errors import TooManyCopies
from chalicelib.domain.times import later
from chalicelib.services.priced import Copy, StoredTick, supersedes
from chalicelib.services.stores import Page

SPAN_SECONDS = 60
"""The longest time between an item's first and last tick. A search for ticks up to an instant
therefore reads items up to this many seconds beyond it."""

_SLACK = 1000
"""How many ticks beyond two pages are held before ticks that cannot be on the page are dropped."""


class Collected:
    """The first ticks of `[start, end)` in the order asked for, from items in the order of keys.

    A tick is settled once no later item can hold a tick that precedes it on the page. An item's
    ticks lie in the SPAN_SECONDS up to its key. In a minute with very many ticks nothing is settled
    for long, so ticks that cannot be on the page are dropped. If a tick has several copies, the
    last to arrive counts, in either direction.

    A page has `limit` ticks, or up to `most` if all items of a minute had to be read for it. Raises
    TooManyCopies if more than `most_copies` further copies or unsettled ticks are found.
    """

    def __init__(
        self,
        start: str | None,
        end: str | None,
        limit: int,
        descending: bool,
        most_copies: int | None,
        most: int | None,
    ) -> None:
        self._start = start
        self._end = end
        self._limit = limit
        self._descending = descending
        self._most_copies = most_copies or sys.maxsize
        self._most = max(limit, most or 0)
        self._found: dict[str, Copy] = {}
        self._copies = 0
        self._dropped = 0  # ticks after the page; one may be counted several times
        self._bound: str | None = None  # the page ends here or before
        self._settled: list[str] = []
        self._is_crowded = False
        self._is_finished = False

    def add(self, item: Item) -> None:
        """Add the ticks of an item."""
        if self._bound is not None and not self._descending and first_stamp(item) > self._bound:
            self._dropped += count_of(item)
            return
        key = item["timestamp"]["S"]
        for stored in read_ticks(item):
            self._take(key, stored)
        if self._copies > self._most_copies:
            raise TooManyCopies(self._most_copies)
        if len(self._found) > 2 * self._most + _SLACK:
            self._drop()

    def is_full(self, last: Item | None, is_finished: bool) -> bool:
        """Return whether the page is complete. `last` is the last item of the Query's newest page,
        and `is_finished` says whether the Query has no more pages."""
        self._is_finished = is_finished
        edge = last["timestamp"]["S"] if last else ""
        if not self._descending and edge:
            edge = later(edge, seconds=-SPAN_SECONDS)
        self._settled = sorted(
            (stamp for stamp in self._found if is_finished or self._is_settled(stamp, edge)),
            reverse=self._descending,
        )
        unsettled = len(self._found) + self._dropped - len(self._settled)
        if not is_finished and unsettled > self._most_copies:
            raise TooManyCopies(self._most_copies)
        if len(self._settled) >= self._limit:
            return True
        self._is_crowded |= unsettled > self._limit
        return False

    def page(self) -> Page[StoredTick]:
        """Return the page: the settled ticks that fit, and a position if there are more ticks."""
        settled = self._settled[: self._most if self._is_crowded else self._limit]
        rows = tuple(self._found[stamp][1] for stamp in settled)
        more = not self._is_finished or self._dropped or len(self._settled) > len(rows)
        return Page(rows, rows[-1].tick.timestamp if more and rows else None)

    def _take(self, key: str, stored: StoredTick) -> None:
        stamp = stored.tick.timestamp
        if (self._start is not None and stamp < self._start) or (
            self._end is not None and stamp >= self._end
        ):
            return
        if self._is_beyond(stamp):
            self._dropped += 1
            return
        known = self._found.get(stamp)
        self._copies += known is not None
        if known is None or supersedes((key, stored), known):
            self._found[stamp] = (key, stored)

    def _is_beyond(self, stamp: str) -> bool:
        if self._bound is None:
            return False
        return stamp < self._bound if self._descending else stamp > self._bound

    def _is_settled(self, stamp: str, edge: str) -> bool:
        return stamp >= edge if self._descending else stamp <= edge

    def _drop(self) -> None:
        kept = sorted(self._found, reverse=self._descending)[: self._most]
        self._dropped += len(self._found) - len(kept)
        self._found = {stamp: self._found[stamp] for stamp in kept}
        self._bound = kept[-1]
