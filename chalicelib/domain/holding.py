"""Decides whether a channel holds an alert back, until when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.domain.alerts import TEST_CONDITION, Alert
from chalicelib.domain.holding_settings import DailyAt, Holding, Limit
from chalicelib.domain.quiet_hours import local_instant, quiet_end
from chalicelib.domain.sessions import Calendar, calendar_for
from chalicelib.domain.times import EPOCH, from_text, to_text

AFTER_CLOSE = timedelta(minutes=15)
"""How long after the close the digest at the close is due. The digest thus includes alerts on the
day's bars."""

_FIVE_MINUTES = timedelta(minutes=5)
_QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_SKEW = timedelta(minutes=1)
"""The most by which the clocks of two containers differ."""

_DIGEST = "digest"
"""Stands in place of an alert's id for the digest that begins a window."""


class Held(msgspec.Struct, frozen=True):
    """The aware instant until which an alert is held back, and why."""

    until: datetime
    reason: str


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """A window of a channel's limit: when it started, and the ids of the alerts that were sent in
    it. `over` says that alerts were held, so that their digest begins the next window."""

    start: str
    ids: tuple[str, ...] = ()
    over: bool = False


def passes(alert: Alert) -> bool:
    """Return whether an alert is sent at once, whatever its channel holds back."""
    return alert.severity == "urgent" or alert.condition == TEST_CONDITION


def hold(
    holding: Holding,
    alert: Alert,
    exchange_timezone: str | None,
    now: datetime,
    also: Sequence[Held] = (),
) -> Held | None:
    """Return until when the channel's digest and quiet hours hold an alert, and why. None if
    neither does, so that only the channel's limit decides (`count`).

    `also` has further reasons to hold the alert. The reason that ends last counts, and quiet hours
    may move its end. An alert that passes (`passes`) is held by `also` alone.
    """
    if passes(alert):
        return max(also, key=lambda each: each.until, default=None)
    digest = _digest_end(holding, alert, exchange_timezone, now)
    reasons = [*([digest] if digest else []), *also]
    longest = max(reasons, key=lambda each: each.until, default=None)
    return after_quiet_hours(holding, longest or Held(now, ""))


def after_quiet_hours(holding: Holding, held: Held) -> Held | None:
    """Return `held`, with its end moved to the end of quiet hours if it falls into them.

    An empty reason holds nothing, so outside quiet hours the result is then None.
    """
    end, said = quiet_end(holding.quiet_hours, held.until)
    if not said:
        return held if held.reason else None
    reason = f"quiet hours until {said}"
    return Held(end, f"{held.reason}; {reason}" if held.reason else reason)


def _digest_end(
    holding: Holding, alert: Alert, exchange_timezone: str | None, now: datetime
) -> Held | None:
    """Return when the channel's next digest is due. None if alerts are sent as they happen, for
    example with `until_open` while the market is open."""
    digest = holding.digest
    if isinstance(digest, DailyAt):
        said = f"digest daily at {digest.daily_at} {digest.time_zone}"
        return Held(_next_daily(digest, now), said)
    if digest == "every_15_minutes":
        return Held(now - (now - EPOCH) % _QUARTER + _QUARTER, "digest every 15 minutes")
    calendar = calendar_for(alert.symbol, exchange_timezone)
    if digest == "at_close":
        return Held(_next_close(calendar, now), "digest at the close")
    if digest == "until_open" and not calendar.is_open(now):
        return Held(calendar.next_open(now), "held until the open")
    return None


def _next_daily(digest: DailyAt, now: datetime) -> datetime:
    zone = ZoneInfo(digest.time_zone)
    day = now.astimezone(zone).date()
    while (due := local_instant(day, digest.daily_at, zone)) <= now:
        day += _DAY
    return due


def _next_close(calendar: Calendar, now: datetime) -> datetime:
    """Return the first instant after `now` that is AFTER_CLOSE after the close of a session."""
    day = calendar.session_at(now).date - _DAY
    while True:
        if calendar.trades_on(day):
            due = calendar.trading_ends(calendar.session_on(day)) + AFTER_CLOSE
            if due > now:
                return due
        day += _DAY


def count(
    before: Window | None, limit: Limit, ids: Sequence[str], now: datetime
) -> tuple[Window, frozenset[str]]:
    """Count alerts against a channel's limit.

    Returns the window afterwards and the ids of the alerts to be sent; other alerts are held until
    `end_of` the window. A window begins with its first message and has a fixed length. If it held
    alerts, their digest begins the next window. A repeated alert is counted once. A window that
    starts in the future is ignored, since a clock was wrong.
    """
    window = _window_at(before, limit, now)
    new = [each for each in dict.fromkeys(ids) if each not in window.ids]
    taken = new[: max(0, limit.messages - len(window.ids))]
    after = Window(
        start=window.start,
        ids=(*window.ids, *taken),
        over=window.over or len(taken) < len(new),
    )
    return after, frozenset(ids) & frozenset(after.ids)


def end_of(window: Window, limit: Limit) -> datetime:
    """Return the end of a window of a limit."""
    return from_text(window.start) + timedelta(minutes=limit.minutes)


def held_by_limit(holding: Holding, window: Window, limit: Limit) -> Held:
    """Return until when, and why, alerts beyond a channel's limit are held."""
    said = f"limit of {_many(limit.messages, 'message')} in {_many(limit.minutes, 'minute')}"
    held = Held(end_of(window, limit), said)
    return after_quiet_hours(holding, held) or held


def held_back(holding: Holding, alert: Alert, reason: str, now: datetime) -> Held:
    """Return until when to hold an alert that its channel cannot take now, for `reason`.

    This is the next multiple of five minutes. If that falls into quiet hours, and the alert does
    not pass them, it is the end of the quiet hours.
    """
    held = Held(now - (now - EPOCH) % _FIVE_MINUTES + _FIVE_MINUTES, reason)
    return held if passes(alert) else after_quiet_hours(holding, held) or held


def _window_at(before: Window | None, limit: Limit, now: datetime) -> Window:
    if before is not None and from_text(before.start) <= now + _SKEW:
        end = end_of(before, limit)
        if now < end:
            return before
        if before.over and now < end + timedelta(minutes=limit.minutes):
            return Window(start=to_text(end), ids=(_DIGEST,))
    return Window(start=to_text(now))


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
