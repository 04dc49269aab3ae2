"""Which prices and bars must be in the stores, said as simply as possible from the docs.

Nothing here knows of batches, containers or the order in which ticks came. Only the calendar is
the product's own: `tests/oracles/test_sessions_exchange_calendars.py` holds it to another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from chalicelib.domain.sessions import Calendar, calendar_for
from chalicelib.domain.ticks import Tick

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
COARSE = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE}


class Row(NamedTuple):
    """One bar. `start` is an aware instant, `day` the session's date."""

    start: datetime
    extended: bool
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    ticks: int
    day: date

    @property
    def key(self) -> tuple[datetime, bool]:
        """Return the key that distinguishes it from other bars of its interval."""
        return self.start, self.extended


class Print(NamedTuple):
    """A tick with its place: instant, session, kind, and the volume traded since the tick before.

    `traded` is None where the tick gives no volume.
    """

    tick: Tick
    at: datetime
    day: date
    extended: bool
    minute: datetime
    hour: datetime
    traded: Decimal | None


def instant_of(timestamp: str) -> datetime:
    """The aware instant of a stored timestamp."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)


def floor(at: datetime, size: timedelta, anchor: datetime) -> datetime:
    """The start of the span of `size`, counted from `anchor`, that holds the instant."""
    return anchor + (at - anchor) // size * size


def prints(ticks: Iterable[Tick]) -> list[Print]:
    """A symbol's ticks in order of time, each with its place."""
    found: list[Print] = []
    told: dict[date, Decimal] = {}
    for tick in sorted(ticks, key=lambda tick: tick.timestamp):
        one = _print(tick, found[-1] if found else None, told)
        found.append(one)
        if tick.volume is not None and not one.extended:
            told[one.day] = tick.volume
    return found


def _print(tick: Tick, before: Print | None, told: Mapping[date, Decimal]) -> Print:
    """`told` has by session the volume of its last regular tick with a volume."""
    at = instant_of(tick.timestamp)
    calendar = calendar_for(tick.symbol, tick.exchange_timezone)
    session = calendar.session_at(at)
    extended = is_extended(tick, calendar)
    minute = floor(at, MINUTE, datetime.min.replace(tzinfo=UTC))
    anchor = session.close if extended and at >= session.close else session.open
    known = None if extended else told.get(session.date)
    if extended and before is not None and before.extended and before.day == session.date:
        known = before.tick.volume
    opening = not extended and minute == floor(session.open, MINUTE, minute)
    traded = tick.volume
    if traded is not None and known is not None:
        traded = max(traded - known, Decimal(0))
    elif traded is not None and not opening:
        traded = Decimal(0)
    return Print(tick, at, session.date, extended, minute, floor(at, HOUR, anchor), traded)


def is_extended(tick: Tick, calendar: Calendar) -> bool:
    """The source's market state takes precedence over the calendar."""
    if tick.market_state in ("PRE", "POST"):
        return True
    if tick.market_state == "REGULAR":
        return False
    at = instant_of(tick.timestamp)
    session = calendar.session_at(at)
    return session.is_trading_day and session.phase(at) != "regular"


def bars(ticks: Iterable[Tick], interval: str, history: Iterable[Row] = ()) -> list[Row]:
    """All bars of an interval, finished or running, by start; the regular one of two first.

    `history` are days that came as bars: nothing that is made from ticks takes their place.
    """
    placed = prints(ticks)
    if interval in ("1d", "1wk", "1mo"):
        came = {row.start: row for row in history}
        days = sorted(({row.start: row for row in _days(placed)} | came).values())
        return days if interval == "1d" else _merged(days, _LONG[interval])
    groups = _grouped(placed, lambda one: (label(one, interval), one.extended))
    return sorted(_short(label(mine[0], interval), mine) for mine in groups.values())


def label(one: Print, interval: str) -> datetime:
    """The start of the bar that holds a tick."""
    if interval == "1d":
        return datetime(one.day.year, one.day.month, one.day.day, tzinfo=UTC)
    if interval == "1h":
        return one.hour
    return floor(one.at, COARSE.get(interval, MINUTE), datetime.min.replace(tzinfo=UTC))


def _grouped(
    placed: Sequence[Print], key: Callable[[Print], Hashable]
) -> Mapping[Hashable, list[Print]]:
    groups: dict[Hashable, list[Print]] = defaultdict(list)
    for one in placed:
        groups[key(one)].append(one)
    return groups


def _short(start: datetime, mine: Sequence[Print]) -> Row:
    """A bar of minutes or an hour: of the prices that were seen, and of what was traded."""
    prices = [one.tick.price for one in mine]
    traded = [one.traded for one in mine if one.traded is not None]
    return Row(
        start=start,
        extended=mine[0].extended,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=sum(traded, Decimal(0)) if traded else None,
        ticks=len(prices),
        day=mine[0].day,
    )


def _days(placed: Sequence[Print]) -> list[Row]:
    """Regular ticks alone make days."""
    regular = [one for one in placed if not one.extended]
    groups = _grouped(regular, lambda one: one.day)
    return sorted(_day([one.tick for one in mine], mine[0].day) for mine in groups.values())


def _day(ticks: Sequence[Tick], day: date) -> Row:
    """The session's own figures, of the last tick that gives each; else of the prices seen."""
    prices = [tick.price for tick in ticks]

    def given(name: str) -> tuple[Decimal | None, Sequence[Decimal]]:
        """The last figure of this name, and the prices from its tick on."""
        for place in reversed(range(len(ticks))):
            value: Decimal | None = getattr(ticks[place], name)
            if value is not None:
                return value, prices[place:]
        return None, prices

    first, _ = given("open")
    high, since_high = given("high")
    low, since_low = given("low")
    return Row(
        start=datetime(day.year, day.month, day.day, tzinfo=UTC),
        extended=False,
        open=prices[0] if first is None else first,
        high=max([*([] if high is None else [high]), *since_high]),
        low=min([*([] if low is None else [low]), *since_low]),
        close=prices[-1],
        volume=given("volume")[0],
        ticks=len(ticks),
        day=day,
    )


_LONG: dict[str, Callable[[date], date]] = {
    "1wk": lambda day: day - timedelta(days=day.weekday()),
    "1mo": lambda day: day.replace(day=1),
}


def _merged(days: Sequence[Row], label: Callable[[date], date]) -> list[Row]:
    """Weeks or months out of days."""
    groups: dict[date, list[Row]] = defaultdict(list)
    for row in days:
        groups[label(row.day)].append(row)
    return [
        Row(
            start=datetime(first.year, first.month, first.day, tzinfo=UTC),
            extended=False,
            open=mine[0].open,
            high=max(row.high for row in mine),
            low=min(row.low for row in mine),
            close=mine[-1].close,
            volume=_total([row.volume for row in mine]),
            ticks=sum(row.ticks for row in mine),
            day=mine[0].day,
        )
        for first, mine in sorted(groups.items())
    ]


def _total(volumes: Sequence[Decimal | None]) -> Decimal | None:
    known = [volume for volume in volumes if volume is not None]
    return sum(known, Decimal(0)) if known else None
