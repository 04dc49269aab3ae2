"""Bars of any interval: the stored ones, folded where need be, with the live one at their end.

A bar's figures do not depend on the range that it is asked for in: a range selects bars by their
label, and each one is complete. Reading stops after MOST_READ stored bars, so that no answer is
slow; a page may then have fewer rows than its limit and yet a next one.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.folding import BASE_OF, MOST_PARTS, SPAN, fold_bars
from chalicelib.domain.times import from_text, just_after, to_text
from chalicelib.services.queries import Range
from chalicelib.services.stores import BarStore

MOST_READ = 15_000


class BarRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Bars of a symbol whose labels lie in `range` and, in the order asked for, after `after`."""

    symbol: str
    interval: str
    range: Range
    limit: int
    descending: bool = False
    after: str | None = None

    @property
    def selected(self) -> Range:
        """The labels that are wanted."""
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


def read_bars(store: BarStore, request: BarRequest, live: Bar | None) -> BarPage:
    """One page. `live` is the unfinished bar of the stored interval, known from the state."""
    wanted = min((request.limit + 1) * MOST_PARTS[request.interval], MOST_READ)
    stored, exhausted = _stored(store, request, wanted, live)
    _add_live(stored, live, _stored_range(request), request.descending, exhausted)
    if request.descending:
        stored.reverse()
    bars = fold_bars(stored, request.interval)
    if not exhausted and BASE_OF[request.interval] != request.interval:
        del bars[0 if request.descending else -1]  # its other parts were not read
    selected = request.selected
    rows = [bar for bar in bars if selected.holds(bar.start)]
    if request.descending:
        rows.reverse()
    more = len(rows) > request.limit or not exhausted
    return BarPage(rows[: request.limit], more and bool(rows))


def _stored_range(request: BarRequest) -> Range:
    """Where the parts of the selected bars lie."""
    start, end = request.selected.start, request.selected.end
    span = SPAN.get(request.interval)
    if span and request.after is not None and request.descending:
        span = None  # labels fall on boundaries: nothing of what is left lies beyond
    return Range(start, past(end, span) if span else end)


def past(end: str | None, span: timedelta) -> str | None:
    """The end of a range moved on; an open one stays open, and so is one beyond all times."""
    try:
        return to_text(from_text(end) + span) if end else None
    except OverflowError:
        return None


def _stored(
    store: BarStore, request: BarRequest, wanted: int, live: Bar | None
) -> tuple[list[Bar], bool]:
    """Up to `wanted` stored bars in the order asked for, and whether there are no others.

    Read consistently where the live bar follows: the one before it may have closed just now.
    """
    reach, base = _stored_range(request), BASE_OF[request.interval]
    consistent = live is not None and reach.holds(live.start)
    rows: list[Bar] = []
    while True:
        page = store.bars(
            request.symbol,
            base,
            reach.start,
            reach.end,
            limit=wanted - len(rows),
            descending=request.descending,
            consistent=consistent,
        )
        rows += page.rows
        exhausted = page.next_key is None or not page.rows
        if exhausted or len(rows) >= wanted:
            return rows, exhausted
        reach = _beyond(reach, rows[-1].start, request.descending)


def _beyond(reach: Range, start: str, descending: bool) -> Range:
    return Range(reach.start, start) if descending else Range(just_after(start), reach.end)


def _add_live(
    stored: list[Bar], live: Bar | None, reach: Range, descending: bool, exhausted: bool
) -> None:
    """Put the live bar where it belongs, unless a stored one is as new.

    The state was read before the bars: a bar that closed in between is among the stored ones.
    """
    if live is None or not reach.holds(live.start):
        return
    newest = stored[0 if descending else -1].start if stored else ""
    if live.start <= newest:
        return
    if descending:
        stored.insert(0, live)
    elif exhausted:
        stored.append(live)
