"""A day computed again: out of its stored hours and the session's newest ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import hour_around, place_of
from chalicelib.domain.correction import (
    HourSpan,
    day_of_parts,
    day_range,
    hour_of,
    hour_span,
    minutes_of,
)
from chalicelib.domain.detection import State
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import from_text, just_after, later
from chalicelib.services.repair_reading import Expired, Reader

NEWEST_TICKS = 60
"""Among how many of a session's newest ticks its own open, high, low and volume are looked for."""


class Touched:
    """The sessions of which a repair has read ticks."""

    def __init__(self) -> None:
        self._sessions: dict[date, Session] = {}
        self._ticks: dict[date, list[Tick]] = {}
        self._edges: set[date] = set()

    def add(self, ticks: Sequence[Tick]) -> None:
        """Take all the ticks of a span, in order: all of the sessions within it, and parts of its
        first and its last one."""
        for tick in ticks:
            session = place_of(tick).session
            self._sessions[session.date] = session
            self._ticks.setdefault(session.date, []).append(tick)
        if ticks:
            self._edges |= {place_of(ticks[at]).session.date for at in (0, -1)}

    def sessions(self) -> list[tuple[Session, list[Tick]]]:
        """In order, with the ticks that were read."""
        return [(self._sessions[day], self._ticks[day]) for day in sorted(self._sessions)]

    def is_whole(self, session: Session) -> bool:
        """Whether all of a session's ticks were read."""
        return session.date not in self._edges


class Days:
    """Reads what a day is made of."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def day(self, state: State, session: Session) -> Bar | None:
        """A day out of its regular hours; where history that came as such stands for one, or
        another session shares one, out of minutes and the ticks behind the history. None where it
        has no regular tick.

        Raises TooMuch, and Expired where the session's last tick is not stored any more.
        """
        reach = day_range(session)
        hours = self._reader.stored(state.symbol, "1h", *reach)
        parts = self._regular(state, session, "1h", hours)
        if not all(part.ticks for part in parts) or _is_one_shared(hours, state, session):
            stored = self._reader.stored(state.symbol, "1m", *reach)
            minutes = self._regular(state, session, "1m", stored)
            parts = [minute for minute in minutes if minute.ticks]
            for is_history, run in groupby(minutes, key=lambda minute: not minute.ticks):
                parts += self._behind(state, session, list(run)) if is_history else []
            parts.sort(key=_key)
        if not parts:
            return None
        newest = self._newest_regular(state, session, parts[-1], reach[0])
        if not newest or newest[-1].price != parts[-1].close:
            raise Expired
        return day_of_parts(parts, newest)

    def _behind(self, state: State, session: Session, history: Sequence[Bar]) -> list[Bar]:
        """The regular minutes that ticks make where history is stored in their place."""
        end = min(later(history[-1].start, minutes=1), just_after(state.last_timestamp))
        if end <= history[0].start:
            return []
        ticks = self._reader.ticks(state.symbol, history[0].start, end)
        return minutes_of(None, [tick for tick in ticks if _is_regular(tick, session)])

    def _regular(
        self, state: State, session: Session, interval: str, stored: Iterable[Bar]
    ) -> list[Bar]:
        """The session's regular ones of stored bars, and the running one."""
        day = session.date.isoformat()

        def is_part(bar: Bar) -> bool:
            return not bar.extended and bar.session_date == day

        parts = {bar.start: bar for bar in filter(is_part, stored)}
        running = list(filter(is_part, state.minutes))
        if interval == "1m":
            parts |= {bar.start: bar for bar in running}
        elif running and state.last:
            calendar = calendar_for(state.symbol, state.timezone)
            span = hour_span(hour_around(running[0], place_of(state.last)), calendar)
            if hour := self._running_hour(state, span):
                parts[hour.start] = hour
        return sorted(parts.values(), key=_key)

    def _running_hour(self, state: State, span: HourSpan) -> Bar | None:
        minutes = self._reader.stored(state.symbol, "1m", span.start, span.end)
        return hour_of(span, [*minutes, *state.minutes])

    def _newest_regular(self, state: State, session: Session, last: Bar, start: str) -> list[Tick]:
        """The newest regular ticks of a session in order, as many as tell its figures; `last` is
        its last regular part."""
        known = next(
            (tick for tick in (state.last, state.mark) if _is_regular(tick, session)), None
        )
        if known is not None and _has_all_figures(known):
            return [known]
        end = just_after(known.timestamp) if known else self._end_of_regular(state, last)
        ticks = self._reader.newest(state.symbol, start, end, NEWEST_TICKS)
        return [tick for tick in ticks if _is_regular(tick, session)]

    def _end_of_regular(self, state: State, last: Bar) -> str:
        """An instant behind a session's last regular tick with few others before it; `last` is
        its last regular part."""
        length = {"hours": 1} if last.interval == "1h" else {"minutes": 1}
        minutes = self._reader.stored(state.symbol, "1m", last.start, later(last.start, **length))
        regular = [bar.start for bar in minutes if not bar.extended]
        end = later(regular[-1], minutes=1) if regular else later(last.start, **length)
        return min(end, just_after(state.last_timestamp))


def _is_regular(tick: Tick | None, session: Session) -> bool:
    if tick is None:
        return False
    place = place_of(tick)
    return not place.extended and place.session.date == session.date


def _is_one_shared(hours: Iterable[Bar], state: State, session: Session) -> bool:
    """Whether one of the regular hours has ticks of this session and of a neighbour's: of days on
    which trade never stops, hours do not begin where the days do."""
    calendar = calendar_for(state.symbol, state.timezone)
    for hour in hours:
        if not hour.extended:
            begin = from_text(hour.start)
            ends = (begin, begin + timedelta(hours=1) - timedelta(microseconds=1))
            dates = {calendar.session_at(instant).date for instant in ends}
            if len(dates) > 1 and session.date in dates:
                return True
    return False


def _has_all_figures(tick: Tick) -> bool:
    return None not in (tick.open, tick.high, tick.low, tick.volume)


def _key(bar: Bar) -> str:
    return bar.key
