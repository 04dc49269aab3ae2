"""Compute a day again from its stored minutes and the session's newest ticks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import groupby

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import place_of
from chalicelib.domain.correction import (
    day_of_parts,
    day_range,
    minutes_of,
)
from chalicelib.domain.detection import State
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, just_after, later
from chalicelib.services.bars.repair_reading import NEWEST_TICKS, Expired, Reader


class Touched:
    """The sessions whose ticks a repair has read, with these ticks."""

    def __init__(self) -> None:
        self._sessions: dict[date, Session] = {}
        self._ticks: dict[date, list[Tick]] = {}
        self._edges: set[date] = set()

    def add(self, ticks: Sequence[Tick]) -> None:
        """Add all ticks of a span, in order. The span may cover its first and last session only in
        part."""
        for tick in ticks:
            session = place_of(tick).session
            self._sessions[session.date] = session
            self._ticks.setdefault(session.date, []).append(tick)
        if ticks:
            self._edges |= {place_of(ticks[at]).session.date for at in (0, -1)}

    def sessions(self) -> list[tuple[Session, list[Tick]]]:
        """Return the sessions in order, each with the ticks that were read."""
        return [(self._sessions[day], self._ticks[day]) for day in sorted(self._sessions)]

    def is_whole(self, session: Session) -> bool:
        """Return whether all of a session's ticks were read."""
        return session.date not in self._edges


class Days:
    """Computes daily bars from stored data."""

    def __init__(self, reader: Reader, expired_before: str) -> None:
        self._reader = reader
        self._expired_before = expired_before

    def day(self, state: State, session: Session, whole: Collection[str]) -> tuple[Bar | None, int]:
        """Return a session's daily bar, made from its regular minutes, and the number of extended
        ticks.

        The bar is None if the session has no regular tick. Minutes that historical bars hide are
        made again from their ticks. `whole` has the starts of the minutes whose ticks are all known
        to be stored. Raises TooMuch, and Expired if ticks of the session are no longer stored.
        """
        reach = day_range(session)
        minutes = self._minutes(state, session, self._reader.stored(state.symbol, "1m", *reach))
        extended = sum(minute.ticks for minute in minutes if minute.extended)
        regular = [minute for minute in minutes if not minute.extended]
        parts = [minute for minute in regular if minute.ticks]
        for is_history, run in groupby(regular, key=lambda minute: not minute.ticks):
            parts += self._hidden_minutes(state, session, list(run)) if is_history else []
        if not parts:
            return None, extended
        parts.sort(key=_key)
        return self._of_parts(state, session, parts, whole), extended

    def _of_parts(
        self, state: State, session: Session, parts: Sequence[Bar], whole: Collection[str]
    ) -> Bar | None:
        first = next((part for part in parts if part.start not in whole), None)
        if first is not None and first.start < self._expired_before:
            self._require_all_ticks(state.symbol, session, first)
        newest = self._newest_regular(state, session, parts[-1], day_range(session)[0])
        if not newest or newest[-1].price != parts[-1].close:
            raise Expired
        day = day_of_parts(parts, newest)
        if day is None or day.volume is not None or all(part.volume is None for part in parts):
            return day
        low = day_range(session)[0]
        with_volume = self._reader.last_with_volume(state.symbol, low, newest[0].timestamp)
        return msgspec.structs.replace(day, volume=with_volume[0].volume) if with_volume else day

    def _require_all_ticks(self, symbol: str, session: Session, minute: Bar) -> None:
        """Raise Expired if a minute has lost ticks. The caller checks only the day's first minute,
        to read less. A loss may be missed, since DynamoDB deletes expired items in any order."""
        ticks = self._reader.ticks(symbol, minute.start, later(minute.start, minutes=1))
        if sum(_is_regular(tick, session) for tick in ticks) < minute.ticks:
            raise Expired

    def _hidden_minutes(self, state: State, session: Session, history: Sequence[Bar]) -> list[Bar]:
        """Make the regular minutes that historical bars hide from their ticks, and return them."""
        end = min(later(history[-1].start, minutes=1), just_after(state.last_timestamp))
        if end <= history[0].start:
            return []
        ticks = self._reader.ticks(state.symbol, history[0].start, end)
        return minutes_of([], [tick for tick in ticks if _is_regular(tick, session)])

    def _minutes(self, state: State, session: Session, stored: Iterable[Bar]) -> list[Bar]:
        calendar = calendar_for(state.symbol, state.timezone)
        minutes = {bar.key: bar for bar in (*stored, *state.minutes)}
        return [
            minute
            for minute in sorted(minutes.values(), key=_key)
            if calendar.session_at(from_text(minute.start)).date == session.date
        ]

    def _newest_regular(self, state: State, session: Session, last: Bar, start: str) -> list[Tick]:
        """Return the newest regular ticks of a session, in order. If the last tick has all of the
        day's figures, return only that tick. `last` is the session's last regular minute."""
        known = next(
            (tick for tick in (state.last, state.mark) if _is_regular(tick, session)), None
        )
        if known is not None and _has_all_figures(known):
            return [known]
        behind = just_after(known.timestamp) if known else later(last.start, minutes=1)
        end = min(behind, just_after(state.last_timestamp))
        ticks = self._reader.newest(state.symbol, start, end, NEWEST_TICKS)
        return [tick for tick in ticks if _is_regular(tick, session)]


def _is_regular(tick: Tick | None, session: Session) -> bool:
    if tick is None:
        return False
    place = place_of(tick)
    return not place.extended and place.session.date == session.date


def _has_all_figures(tick: Tick) -> bool:
    return None not in (tick.open, tick.high, tick.low, tick.volume)


def _key(bar: Bar) -> str:
    return bar.key
