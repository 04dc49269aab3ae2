"""Read bars of any interval: stored bars, folded if necessary, followed by the live bars.

A range selects bars by their label, and each bar is complete: its values do not depend on the
range. To keep requests fast, reading stops after MOST_READ stored bars. A page may then have fewer
rows than its limit although another page follows. A whole range is read page by page, and refused
above MOST_STORED stored bars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Lock

import msgspec

from chalicelib.domain.bars import Bar, key_of, shown, start_of
from chalicelib.domain.errors import TooLarge
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, SPAN, fold_bars
from chalicelib.domain.times import from_text, just_after, to_text
from chalicelib.services.market_data.queries import Range
from chalicelib.services.stores import BarStore

MOST_READ = 15_000
MOST_READ_AT_ONCE = 6_000
"""The most bars read by one call. One Query returns about this many: 1 MB."""
MOST_STORED = 150_000
"""The most stored bars that one request may read: 2.7 s of CPU. A preview has the same limit."""


class StoredCount:
    """Counts the stored bars that one request has read. Several threads may share it."""

    def __init__(self) -> None:
        self.bars = 0
        self._lock = Lock()

    def add(self, bars: int) -> None:
        """Count bars that were read. Raises TooLarge if the total is above MOST_STORED."""
        with self._lock:
            self.bars += bars
        self.check()

    def check(self) -> None:
        """Raise TooLarge if the total is above MOST_STORED."""
        if self.bars > MOST_STORED:
            raise TooLarge(
                f"the range is made of more than {MOST_STORED:,} stored bars: narrow it with start"
                " and end, name fewer symbols, or ask for pages with limit and follow Link or"
                " next_page_token"
            )


class BarRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a symbol's bars whose labels are in `range`. If `after` is set, only bars that
    follow the bar with this key are returned. "Follow" refers to the requested order."""

    symbol: str
    interval: str
    range: Range
    limit: int
    descending: bool = False
    after: str | None = None

    @property
    def selected(self) -> Range:
        """Return the range of the keys of the requested bars."""
        start, end = self.range.start, self.range.end
        if self.after is not None and self.descending:
            end = self.after if end is None else min(end, self.after)
        elif self.after is not None:
            start = max(start or "", just_after(self.after))
        return Range(start, end)


class BarPage(msgspec.Struct, frozen=True):
    """Bars in the requested order. `more` says whether further bars of the range follow."""

    rows: list[Bar]
    more: bool


def read_bars(
    store: BarStore,
    request: BarRequest,
    live: Sequence[Bar],
    count: StoredCount,
    adjust: Callable[[Sequence[Bar]], list[Bar]] = list,
) -> BarPage:
    """Return one page of bars. `live` has the unfinished bars of the stored interval, which the
    state has. `adjust` adjusts bars of that interval.

    Raises TooLarge.
    """
    wanted = min(_parts(request.interval, request.limit + 1), MOST_READ)
    stored, exhausted = _stored(store, request, wanted, live, count)
    for bar in live:
        _add_live(stored, bar, _stored_range(request), request.descending, exhausted)
    if request.descending:
        stored.reverse()
    bars = fold_bars(adjust(shown(stored)), request.interval)
    if not exhausted and BASE_OF[request.interval] != request.interval:
        cut = bars[0 if request.descending else -1].start  # only some of its parts were read
        bars = [bar for bar in bars if bar.start != cut]
    selected = request.selected
    rows = [bar for bar in bars if selected.holds(bar.key)]
    if request.descending:
        rows.reverse()
    more = len(rows) > request.limit or not exhausted
    return BarPage(rows[: request.limit], more and bool(rows))


def _parts(interval: str, bars: int) -> int:
    """Return how many stored bars are enough to make `bars` bars of an interval.

    A label may have both a regular and an extended bar. The last label may be incomplete. If the
    range begins with an extended bar, one stored bar before it is read too.
    """
    parts = MOST_PARTS[interval]
    return 1 + (bars if parts == 1 else (bars + 1) * parts)


def _stored_range(request: BarRequest) -> Range:
    """Return the range of the stored bars that form the selected bars. A historical bar of the same
    minute may hide the first bar, so the range includes it."""
    start, end = request.selected.start, request.selected.end
    start = start and start_of(start, extended=start == key_of(start, extended=True))
    span = SPAN.get(request.interval)
    if request.after is not None and request.descending and request.after.endswith("0Z"):
        span = None  # a regular bar's label is a boundary: no remaining part lies beyond
    return Range(start, shifted_end(end, span) if span else end)


def shifted_end(end: str | None, span: timedelta) -> str | None:
    """Return the end of a range, shifted by `span`; None if it is open or beyond all times."""
    try:
        return to_text(from_text(end) + span) if end else None
    except OverflowError:
        return None


def _stored(
    store: BarStore, request: BarRequest, wanted: int, live: Sequence[Bar], count: StoredCount
) -> tuple[list[Bar], bool]:
    """Return stored bars in the requested order, and whether the range has no others. At least
    `wanted` of the bars are visible, if there are as many.

    If a live bar follows, reads are consistent, since the bar before it may have closed just now.
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
        beside = request.descending and rows[-1].extended  # the bar beside it has not been read
        if len(shown(rows)) >= wanted and not beside:
            return rows, False
        reach = _beyond(reach, page.next_key, request.descending)


def _beyond(reach: Range, key: str, descending: bool) -> Range:
    return Range(reach.start, key) if descending else Range(just_after(key), reach.end)


def _add_live(
    stored: list[Bar], live: Bar, reach: Range, descending: bool, exhausted: bool
) -> None:
    """Insert a live bar in its place among the stored bars that were read. Do nothing if it lies
    beyond them, or if a newer version of it is stored.

    The state was read before the bars, so a bar that has closed since is also stored. A live hour
    may also have been stored earlier, even with as many ticks. It ended when ticks of the other
    kind came, then continued and lost some ticks. The newest stored bar need not be next to the
    live one, since regular and extended hours overlap.
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
