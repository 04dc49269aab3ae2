"""Adjust bars for splits and dividends when they are read; stored bars stay as they are.

If a source gives prices as they were traded, its bars are adjusted for every reported split.
Yahoo's bars are already adjusted for splits when they are fetched. They are adjusted here only for
two kinds of later splits: splits after the series left Yahoo, and splits that the series' ticks
reported. The latter count only if the stored bars before and after such a split do not fit
together. A split that only prices show counts if no source reported it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from chalicelib.domain.actions import Action, Scale, Step
from chalicelib.domain.bars import Bar
from chalicelib.domain.detection import State
from chalicelib.domain.sources import Sources
from chalicelib.domain.splits import DatedClose, Split, unadjusted
from chalicelib.domain.when.points import session_date
from chalicelib.services.market_data.freshness import SPLIT_ADJUSTED
from chalicelib.services.market_data.queries import Adjustment
from chalicelib.services.stores import Stores

Adjust = Callable[[Sequence[Bar]], list[Bar]]

_NEAR = timedelta(days=3)
"""A split in ticks is the same as a reported split if they are at most this far apart."""


class Actions:
    """The corporate actions of one symbol, read for one request. `asked` has those that the
    adjustment includes: none, the splits, or all."""

    def __init__(self, stores: Stores, state: State, adjustment: Adjustment) -> None:
        found = stores.actions.actions(state.symbol) if adjustment != "raw" else []
        self._stores = stores
        self._state = state
        self.asked = [one for one in found if one.kind == "split" or adjustment == "all"]
        self._told = [one for one in found if one.kind == "split"]
        self._noted = list(state.splits) if adjustment != "raw" else []
        self.dividends = [one for one in found if one.kind == "dividend" and adjustment == "all"]

    def adjust(self, base: str) -> Adjust:
        """Return a function that adjusts stored bars of interval `base`, in any order."""
        noted = unadjusted(self._noted, lambda day: self._last_close(base, day))
        raw = self._scale([*self._told, *self.dividends], noted)
        fetched = self._scale([*self.told_apart, *self.dividends], noted)
        return _Adjuster(raw, fetched, self._state.timezone).adjusted

    @property
    def told_apart(self) -> list[Action]:
        """Return the reported splits that took effect while the series' source gave prices as they
        were traded."""
        if not self._told:
            return []
        entry = self._stores.symbols.find(self._state.symbol)
        sources = entry.known_sources if entry is not None else Sources(None)
        return [one for one in self._told if _was_raw(sources, one)]

    def noted_apart(self, told: Iterable[Action]) -> list[Split]:
        """Return the splits that ticks reported or showed. Splits near one in `told` are left
        out."""
        dates = [date.fromisoformat(one.ex_date) for one in told]
        return [
            split
            for split in self._noted
            if not any(abs(date.fromisoformat(split.date) - day) <= _NEAR for day in dates)
        ]

    def _scale(self, actions: Sequence[Action], noted: Sequence[Split]) -> Scale:
        apart = self.noted_apart(one for one in actions if one.kind == "split")
        steps = [Step(one.date, one.factor, one.volume_factor) for one in noted if one in apart]
        return Scale([*map(Step.of, actions), *steps])

    def _last_close(self, base: str, day: str) -> DatedClose | None:
        """Return the close of the last stored bar before a day; None if there is none."""
        end = f"{day}T00:00:00.000000Z"
        page = self._stores.bars.bars(self._state.symbol, base, None, end, limit=1, descending=True)
        return next(((bar.session_date or bar.start[:10], bar.close) for bar in page.rows), None)


class _Adjuster:
    """Adjusts bars of SPLIT_ADJUSTED sources by the scale `fetched`, other bars by the scale
    `raw`."""

    def __init__(self, raw: Scale, fetched: Scale, zone: str | None) -> None:
        self._raw = raw
        self._fetched = fetched
        self._zone = zone
        self._near = {day for scale in (raw, fetched) for day in scale.dates}
        self._near |= {_before(day) for day in self._near}

    def adjusted(self, bars: Sequence[Bar]) -> list[Bar]:
        """Return the adjusted bars."""
        return [self._adjusted(bar) for bar in bars]

    def _adjusted(self, bar: Bar) -> Bar:
        scale = self._fetched if bar.source in SPLIT_ADJUSTED else self._raw
        return scale.adjust(bar, self._date(bar)) if scale.dates else bar

    def _date(self, bar: Bar) -> str:
        """Return the date of a bar's session. Historical bars lack it, so it is computed near the
        dates of the scales. Elsewhere the UTC day gives the same factors."""
        day = bar.session_date or bar.start[:10]
        if bar.session_date or bar.interval == "1d" or day not in self._near:
            return day
        return session_date(bar.symbol, self._zone, bar.start)


def _was_raw(sources: Sources, split: Action) -> bool:
    """Return whether the source on the ex-date is known and gives prices as they were traded."""
    source = sources.at(f"{split.ex_date}T00:00:00.000000Z")
    return source is not None and source not in SPLIT_ADJUSTED


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
