"""Repair the bars that a late or redelivered tick affects.

A minute is computed again from its ticks, and an hour from its stored minutes. A day is computed
from its stored minutes and the session's newest ticks. The amount of data read therefore depends on
the repaired spans. It does not depend on the length of the session or of the history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.building import Hour, hour_around, place_of
from chalicelib.domain.correction import day_of, day_range, minutes_of
from chalicelib.domain.detection import State
from chalicelib.domain.sessions import Session, calendar_for
from chalicelib.domain.ticks import Tick
from chalicelib.domain.times import just_after, later, minute_of
from chalicelib.services.bars.day_repair import Days, Touched
from chalicelib.services.bars.repair_reading import NEWEST_TICKS, Expired, Reader, TooMuch
from chalicelib.services.bars.writing import BarWriter, Minutes, at_most
from chalicelib.services.priced import Span
from chalicelib.services.stores import BarStore, PriceStore


class Corrections:
    """Computes bars again from prices, and writes the bars that differ from the stored ones. Prices
    expire `prices_days` after their arrival at the earliest."""

    def __init__(self, prices: PriceStore, bars: BarStore, prices_days: int) -> None:
        self._prices = prices
        self._bars = bars
        self._prices_days = prices_days
        self._writer = BarWriter(bars)

    def repair(
        self, state: State, spans: Sequence[Span], arrival: str, doubtful: Sequence[Bar] = ()
    ) -> tuple[State, list[Span]]:
        """Repair all bars that have ticks in the spans. The spans are ordered and disjoint, and end
        by the state's last tick. This invocation stored the `doubtful` bars from an outdated state.
        A `doubtful` bar that has more ticks than are found does not prove that ticks have expired.

        Return the state with its last tick and live bars repaired, and the parts of spans that were
        not repaired. Those parts hold too many ticks or minutes.
        """
        if not spans:
            return state, []
        run = self._run(state, arrival, doubtful)
        for span in spans:
            run.repair(span)
        run.repair_days()
        return run.state, run.left

    def settle(
        self, state: State, clashes: Sequence[Bar], arrival: str, doubtful: Sequence[Bar] = ()
    ) -> State:
        """Compute bars again that another container has stored with different values. One of the
        two containers had a state without some of the ticks, so the stored prices decide. Return
        the state with its live bars repaired. `doubtful` is as in `repair`."""
        last = state.last_timestamp
        starts = sorted({bar.start for bar in clashes if bar.interval == "1m"})
        spans = [(start, min(f"{start[:17]}59.999999Z", last)) for start in starts]
        state, _ = self.repair(state, spans, arrival, doubtful)
        run = self._run(state, arrival)
        calendar = calendar_for(state.symbol, state.timezone)
        for bar in clashes:
            if bar.interval == "1d":
                session = calendar.session_on(date.fromisoformat(bar.session_date))
                run.repair_day(session)
        return run.state

    def _run(self, state: State, arrival: str, doubtful: Sequence[Bar] = ()) -> _Run:
        reader = Reader(self._prices, self._bars)
        oldest = later(arrival, days=-self._prices_days)
        return _Run(state, reader, self._writer, arrival, oldest, doubtful)


class _Run:
    """One repair of a symbol."""

    def __init__(
        self,
        state: State,
        reader: Reader,
        writer: BarWriter,
        arrival: str,
        expired_before: str,
        doubtful: Sequence[Bar],
    ) -> None:
        self.state = state
        self.left: list[Span] = []
        self._reader = reader
        self._writer = writer
        self._arrival = arrival
        self._expired_before = expired_before
        self._doubtful = doubtful
        self._touched = Touched()
        self._days = Days(reader, expired_before)

    def repair(self, span: Span) -> None:
        """Repair the minutes and hours of a span. Note its sessions for `repair_days`. If the span
        holds too many ticks, add it to `left`."""
        try:
            self._repair(span)
        except TooMuch:
            self.left.append(span)

    def repair_days(self) -> None:
        """Repair the days of all spans that were given to `repair`."""
        for session, ticks in self._touched.sessions():
            try:
                if self._touched.is_whole(session):
                    self._put_day(session, day_of(ticks), sum(place_of(t).extended for t in ticks))
                else:
                    self.repair_day(session, {minute_of(tick.timestamp) for tick in ticks})
            except TooMuch:
                self.left.append((ticks[0].timestamp, ticks[-1].timestamp))

    def repair_day(self, session: Session, whole: Collection[str] = frozenset()) -> None:
        """Repair a day, unless ticks of the day have expired. `whole` has the starts of the minutes
        whose ticks were all read. Raises TooMuch."""
        try:
            day, extended = self._days.day(self.state, session, whole)
        except Expired:
            return
        self._put_day(session, day, extended)

    def _repair(self, span: Span) -> None:
        symbol, last = self.state.symbol, self.state.last_timestamp
        low, high = minute_of(span[0]), later(minute_of(span[1]), minutes=1)
        found = [t for t in self._reader.ticks(symbol, low, high) if t.timestamp <= last]
        touched, beyond = self._reader.within_bound(found)
        if beyond:
            high = minute_of(beyond[0].timestamp)
            self.left.append((beyond[0].timestamp, beyond[-1].timestamp))
        if not touched:
            return
        has_volumes = self._has_volumes(touched)
        ticks = [*touched, *self._reader.following(touched, high, last, has_volumes=has_volumes)]
        self.state = self._with_last_regular(_with_stored(self.state, ticks))
        minutes = self._repair_minutes(
            self._reader.before(ticks[0], low, has_volumes=has_volumes), ticks
        )
        whole = [tick for tick in ticks if minute_of(tick.timestamp) not in minutes.expired]
        if whole:
            self._repair_hours(whole, minutes)
            self._writer.discard(minutes.gone, self._arrival)
            self._writer.discard_running(minutes.emptied, self._arrival)
            kept = {tick.timestamp for tick in whole}
            self._touched.add([tick for tick in touched if tick.timestamp in kept] or whole)

    def _has_volumes(self, touched: Sequence[Tick]) -> bool:
        """Return whether the touched ticks, the live day or the touched days have volumes. The
        stored days are checked too: a touched tick may have had a volume before its correction."""
        day = self.state.day
        known = day is not None and day.volume is not None
        if known or any(tick.volume is not None for tick in touched):
            return True
        first, last = (
            f"{place_of(tick).date}T00:00:00.000000Z" for tick in (touched[0], touched[-1])
        )
        days = self._reader.stored(self.state.symbol, "1d", first, just_after(last))
        return any(bar.volume is not None for bar in days)

    def _with_last_regular(self, state: State) -> State:
        """Return the state, with the newest regular tick as `mark` if it needs one. A state needs
        one if its last tick is extended. If `mark` is missing then, it is read from the prices."""
        last = state.last
        if last is None or state.mark is not None or not place_of(last).extended:
            return state
        ticks = self._reader.newest(state.symbol, None, last.timestamp, NEWEST_TICKS)
        regular = [tick for tick in ticks if not place_of(tick).extended]
        return msgspec.structs.replace(state, mark=regular[-1] if regular else None)

    def _repair_minutes(self, before: Sequence[Tick], ticks: Sequence[Tick]) -> Minutes:
        bars, state = minutes_of(before, ticks), self.state
        live = state.minute.start if state.minute and state.last else ""
        if live and self._have_expired(live, bars):
            kept = [bar for bar in bars if bar.start != live]
            put = self._put_minutes(kept)
            return msgspec.structs.replace(put, expired=put.expired | {live})
        running = {bar.extended: bar for bar in bars if bar.start == live}
        emptied = [bar for bar in state.minutes if running and bar.extended not in running]
        if running and state.last:
            kind = place_of(state.last).extended
            self.state = msgspec.structs.replace(
                state, minute=running.get(kind), beside=running.get(not kind)
            )
        ended = [bar for bar in bars if bar.start != live]
        return msgspec.structs.replace(self._put_minutes(ended), emptied=emptied)

    def _put_minutes(self, bars: Sequence[Bar]) -> Minutes:
        return self._writer.put_minutes(bars, self._arrival, self._expired_before, self._doubtful)

    def _have_expired(self, live: str, bars: Sequence[Bar]) -> bool:
        """Return whether ticks of the live minute have expired. They can: the last minute of an
        idle symbol stays live for long."""
        found = sum(bar.ticks for bar in bars if bar.start == live)
        known = sum(bar.ticks for bar in self.state.minutes)
        return live < self._expired_before and 0 < found < known

    def _repair_hours(self, ticks: Sequence[Tick], minutes: Minutes) -> None:
        """Repair the hours of the ticks, and the hours to which their minutes belonged before."""
        places = {place.minute: place for place in map(place_of, ticks)}
        emptied = {hour_around(bar, places[bar.start]) for bar in minutes.emptied + minutes.gone}
        hours = emptied | {hour_around(bar, places[bar.start]) for bar in minutes.beside}
        hours |= {place_of(tick).hour for tick in ticks}
        wanted = {hour: hour in emptied for hour in hours - _running_hours(self.state)}
        symbol, zone = self.state.symbol, ticks[0].exchange_timezone
        left_out = [*minutes.gone, *minutes.emptied]
        self._writer.put_hours_of(symbol, zone, wanted, left_out, self._arrival)

    def _is_running(self, session: Session) -> bool:
        """Return whether a session's day is the live one. If the state has no day, return whether
        its last tick is in the session."""
        day, last = self.state.day, self.state.last
        if day is not None:
            return day.session_date == session.date.isoformat()
        return last is not None and place_of(last).session.date == session.date

    def _put_day(self, session: Session, day: Bar | None, extended: int) -> None:
        """Put a day into the state if it is live, else into the table. If `day` is None, discard
        the known day. The known day may have up to `extended` more ticks, which now count as
        extended. If it has even more, some ticks have expired, and the known day stays."""
        start = f"{session.date.isoformat()}T00:00:00.000000Z"
        if self._is_running(session):
            if self._has_lost_ticks(session, day, extended):
                return
            emptied = [self.state.day] if self.state.day is not None and day is None else []
            self._writer.discard_running(emptied, self._arrival)
            self.state = msgspec.structs.replace(self.state, day=day)
        elif day is not None:
            self._writer.put_differing([day], "1d", self._arrival, at_most(extended))
        else:
            stored = self._reader.stored(self.state.symbol, "1d", start, just_after(start))
            emptied = [bar for bar in stored if 0 < bar.ticks <= extended]
            self._writer.discard(emptied, self._arrival)

    def _has_lost_ticks(self, session: Session, day: Bar | None, extended: int) -> bool:
        known = self.state.day.ticks if self.state.day is not None else 0
        may_expire = day_range(session)[0] < self._expired_before
        return may_expire and (day.ticks if day is not None else 0) + extended < known


def _with_stored(state: State, ticks: Sequence[Tick]) -> State:
    """Return the state with `last` and `mark` as they are stored now. These two ticks may have been
    corrected. A late or corrected tick may also have become the newest regular one."""
    if state.last is None:
        return state
    stored = {tick.timestamp: tick for tick in ticks}
    last = stored.get(state.last.timestamp, state.last)
    if not place_of(last).extended:
        return msgspec.structs.replace(state, last=last, mark=None)
    known = {state.mark.timestamp: state.mark} if state.mark is not None else {}
    regular = [tick for tick in (known | stored).values() if not place_of(tick).extended]
    mark = max(regular, key=lambda tick: tick.timestamp, default=None)
    return msgspec.structs.replace(state, last=last, mark=mark)


def _running_hours(state: State) -> set[Hour]:
    if state.last is None:
        return set()
    place = place_of(state.last)
    return {hour_around(bar, place) for bar in state.minutes}
