"""Bars of any interval: the stored ones, folded where need be, with the live ones at their end.

A bar's figures do not depend on the range that it is asked for in: a range selects bars by their
label, and each one is complete. Reading stops after MOST_READ stored bars, so that no answer is
slow; a page may then have fewer rows than its limit and yet a next one. A whole range is read page
after page, and refused above MOST_STORED stored bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

import msgspec

from chalicelib.domain.bars import Bar, key_of, shown, start_of
from chalicelib.domain.errors import TicktapeError
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, SPAN, fold_bars
from chalicelib.domain.times import from_text, just_after, to_text
from chalicelib.services.market_data.queries import Range
from chalicelib.services.stores import BarStore

MOST_READ = 15_000
MOST_READ_AT_ONCE = 6_000
"""About as many as one Query returns: 1 MB."""
MOST_STORED = 150_000
"""The most stored bars that one request may read, as many as a preview: 2.7 s of CPU."""


class TooManyStored(TicktapeError):  # noqa: N818 - named as the problem that it becomes
    """A request needs more stored bars than one may read. `args` is that number."""


class StoredCount:
    """The stored bars that one request has read; several threads may share one."""

    def __init__(self) -> None:
        self.bars = 0
        self._lock = Lock()

    def add(self, bars: int) -> None:
        """Count bars that were read. Raises TooManyStored where too many were counted."""
        with self._lock:
            self.bars += bars
        self.check()

    def check(self) -> None:
        """Raises TooManyStored where too many were counted."""
        if self.bars > MOST_STORED:
            raise TooManyStored(MOST_STORED)


class BarRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Bars of a symbol whose labels lie in `range` and, in the order asked for, after the one with
    the key `after`."""

    symbol: str
    interval: str
    range: Range
    limit: int
    descending: bool = False
    after: str | None = None

    @property
    def selected(self) -> Range:
        """The keys that are wanted."""
        start, end = self.range.start, self.range.end
        if self.after is not None and self.descending:
            end = self.after if end is None else min(end, self.after)
        elif self.after is not None:
            start = max(start or "", just_after(self.after))
        return Range(start, end)


class BarPage(msgspec.Struct, frozen=True):
    """Bars in the order asked for; `more` says that the range has others after them."""

    rows: list[Bar]
    more: bool


def read_bars(
    store: BarStore, request: BarRequest, live: Sequence[Bar], count: StoredCount
) -> BarPage:
    """One page. `live` are the unfinished bars of the stored interval, known from the state.

    Raises TooManyStored.
    """
    wanted = min(_parts(request.interval, request.limit + 1), MOST_READ)
    stored, exhausted = _stored(store, request, wanted, live, count)
    for bar in live:
        _add_live(stored, bar, _stored_range(request), request.descending, exhausted)
    if request.descending:
        stored.reverse()
    bars = fold_bars(shown(stored), request.interval)
    if not exhausted and BASE_OF[request.interval] != request.interval:
        cut = bars[0 if request.descending else -1].start  # its other parts were not read
        bars = [bar for bar in bars if bar.start != cut]
    selected = request.selected
    rows = [bar for bar in bars if selected.holds(bar.key)]
    if request.descending:
        rows.reverse()
    more = len(rows) > request.limit or not exhausted
    return BarPage(rows[: request.limit], more and bool(rows))


def _parts(interval: str, bars: int) -> int:
    """How many stored bars are enough for `bars` bars: a label may have both kinds, the parts of
    the last label may not all be among them, and one lies before a range that begins with an
    extended bar."""
    parts = MOST_PARTS[interval]
    return 1 + (bars if parts == 1 else (bars + 1) * parts)


def _stored_range(request: BarRequest) -> Range:
    """Where the parts of the selected bars lie, and what hides the first of them: history of the
    same minute."""
    start, end = request.selected.start, request.selected.end
    start = start and start_of(start, extended=start == key_of(start, extended=True))
    span = SPAN.get(request.interval)
    if request.after is not None and request.descending and request.after.endswith("0Z"):
        span = None  # a regular bar's label, a boundary: nothing of what is left lies beyond
    return Range(start, past(end, span) if span else end)


def past(end: str | None, span: timedelta) -> str | None:
    """The end of a range moved on; an open one stays open, and so is one beyond all times."""
    try:
        return to_text(from_text(end) + span) if end else None
    except OverflowError:
        return None


def _stored(
    store: BarStore, request: BarRequest, wanted: int, live: Sequence[Bar], count: StoredCount
) -> tuple[list[Bar], bool]:
    """Stored bars of which `wanted` are shown, in the order asked for, and whether there are no
    others.

    Read consistently where a live bar follows: the one before it may have closed just now.
    """
    reach, base = _stored_range(request), BASE_OF[request.interval]
    consistent = any(reach.holds(bar.key) for bar in live)
    rows: list[Bar] = []
    while True:
        count.check()
        page = store.bars(
            request.symbol,
            base,
            reach.start,
            reach.end,
            limit=min(max(1, wanted - len(rows)), MOST_READ_AT_ONCE),
            descending=request.descending,
            consistent=consistent,
        )
        count.add(len(page.rows))
        rows += page.rows
        if page.next_key is None:
            return rows, True
        beside = request.descending and rows[-1].extended  # what it lies beside is still to come
        if len(shown(rows)) >= wanted and not beside:
            return rows, False
        reach = _beyond(reach, page.next_key, request.descending)


def _beyond(reach: Range, key: str, descending: bool) -> Range:
    return Range(reach.start, key) if descending else Range(just_after(key), reach.end)


def _add_live(
    stored: list[Bar], live: Bar, reach: Range, descending: bool, exhausted: bool
) -> None:
    """Put a live bar where it belongs, unless a stored one is newer.

    The state was read before the bars: a bar that closed in between is among the stored ones. One
    of as many ticks may be what an hour was when it ended before: ticks of the other kind lay
    between, and since then it has gone on and lost some. The newest bar need not be the live one's
    neighbour: hours of both kinds overlap.
    """
    if not reach.holds(live.key):
        return
    newer = 0
    for bar in stored if descending else reversed(stored):
        if bar.key <= live.key:
            break
        newer += 1
    beyond = newer == len(stored) if descending else newer == 0
    if beyond and not exhausted:
        return
    place = newer if descending else len(stored) - newer
    twin = place if descending else place - 1
    if newer < len(stored) and stored[twin].key == live.key:
        if 0 < stored[twin].ticks <= live.ticks:
            stored[twin] = live
    else:
        stored.insert(place, live)
