"""Mutes: alerts of a symbol, of a rule or of everything are held back for a time.

A muted alert is recorded like any other. When the mute ends, the alert is sent in a digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.domain.alerts import TEST_CONDITION, Alert
from chalicelib.domain.errors import ChannelError, MuteError
from chalicelib.domain.holding import Held
from chalicelib.domain.holding_settings import parse_hours
from chalicelib.domain.keys import NAME, NAME_ALLOWED
from chalicelib.domain.quiet_hours import QuietHours, never_end, quiet_end
from chalicelib.domain.rules import RULE_ID, RULE_ID_ALLOWED
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.ticks import SYMBOL_ALLOWED, parse_symbol
from chalicelib.domain.times import EPOCH, from_text, to_text

MAX_MUTES = 100
MAX_DAYS = 31
"""The most days that a mute may last. To silence a rule for longer, switch it off."""

UNTIL_OPEN = "until_open"
"""The value of `until` that means the next opening of the symbol's market."""

_MINUTE = timedelta(minutes=1)

MUTE_ID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
MUTE_ID_ALLOWED = "1 to 32 of a-z 0-9"

_UNTIL_ALLOWED = (
    f"an RFC 3339 date-time with an offset, in the future and at most {MAX_DAYS} days ahead, "
    f"or {UNTIL_OPEN}"
)
_GIVEN = ("symbol", "rule_id", "name", "until", "open_of", "recurring")

Opening = Callable[[str], datetime]
"""Returns the next opening of a symbol's market."""


class Mute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mute: which alerts are held back, and when.

    A mute applies to the alerts of `symbol` or of `rule_id`, or to all alerts if both are None.
    `until`, in its stored form, ends a mute that begins at once; a `recurring` mute has no `until`.
    A `removed` mute mutes nothing: it is kept so that no link makes the same mute again.
    """

    mute_id: str
    name: str = ""
    symbol: str | None = None
    rule_id: str | None = None
    until: str | None = None
    recurring: QuietHours | None = None
    created_at: str = ""
    removed: bool = False

    @property
    def what(self) -> str:
        """Return in words what is muted: `AAPL`, `the rule mine` or `everything`."""
        if self.rule_id is not None:
            return f"the rule {self.rule_id}"
        return self.symbol if self.symbol is not None else "everything"

    def has_expired(self, now: datetime) -> bool:
        """Return whether `until` has passed, after which the mute never mutes again."""
        return self.until is not None and self.until <= to_text(now)

    def applies_to(self, alert: Alert) -> bool:
        """Return whether the mute applies to an alert. Urgent alerts are muted only by their rule's
        mute, and test alerts by none."""
        if alert.condition == TEST_CONDITION:
            return False
        if self.rule_id is not None:
            return self.rule_id == alert.rule_id
        return alert.severity != "urgent" and self.symbol in (None, alert.symbol)

    def ends_after(self, now: datetime) -> datetime | None:
        """Return when the mute ends if it is in force at `now`; else None."""
        if self.removed:
            return None
        if self.recurring is not None:
            end, _ = quiet_end((self.recurring,), now)
            return end if end > now else None
        if self.until is None or self.has_expired(now):
            return None
        return from_text(self.until)


def in_force(mutes: Iterable[Mute], now: datetime) -> list[tuple[datetime, Mute]]:
    """Return the mutes in force, each with its end. The mute with the latest end comes first."""
    ends = [(end, mute) for mute in mutes if (end := mute.ends_after(now))]
    return sorted(ends, key=lambda found: found[0], reverse=True)


def held_by(found: Sequence[tuple[datetime, Mute]], alert: Alert) -> Held | None:
    """Return until when, and why, an alert that is raised now is held; None if no mute holds it.

    `found` is from `in_force`. If several mutes apply, the one that ends last counts. Its end is
    rounded up to a whole minute, so that many mutes make at most one digest a minute on a channel.
    """
    for until, mute in found:
        if mute.applies_to(alert):
            return Held(_whole_minute(until), f"muted until {to_text(until)}: {mute.what}")
    return None


def _whole_minute(instant: datetime) -> datetime:
    """Return an instant rounded up to a whole minute."""
    return instant + (EPOCH - instant) % _MINUTE


def check_stored(mute: Mute, now: datetime) -> None:
    """Raise ValueError if a stored mute has values that `parse_mute` never makes.

    A mute that has ended is valid. Since clocks differ, the end may be MAX_DAYS and an hour ahead.
    """
    if not MUTE_ID.fullmatch(mute.mute_id):
        raise MuteError("mute_id", mute.mute_id, MUTE_ID_ALLOWED)
    given = msgspec.json.decode(msgspec.json.encode(mute))
    _target(given)
    _name(mute.name)
    if (mute.recurring is None) == (mute.until is None):
        raise MuteError("until", mute.until, "until or recurring, one of them")
    if mute.until is None:
        _recurring(given["recurring"])
        return
    until = from_text(mute.until)
    if to_text(until) != mute.until or until - now > timedelta(days=MAX_DAYS, hours=1):
        raise MuteError("until", mute.until, _UNTIL_ALLOWED)


def still_needed(mutes: Iterable[Mute], now: datetime) -> list[Mute]:
    """Return the mutes that have not expired."""
    return [mute for mute in mutes if not mute.has_expired(now)]


def next_open(symbol: str, exchange_timezone: str | None, now: datetime) -> datetime:
    """Return the next opening, on a trading day, of a symbol's market.

    If only the market's time zone is known, its days open at midnight. A market that never closes
    opens at midnight in UTC.
    """
    calendar = calendar_for(symbol, exchange_timezone)
    opening = calendar.next_open(now)
    while not calendar.trades_on(calendar.session_at(opening).date):
        opening = calendar.next_open(opening)
    return opening


def parse_mute(given: dict[str, Any], mute_id: str, now: datetime, opening: Opening) -> Mute:
    """Return the mute that a client describes, made at `now`. Raises MuteError, which names the
    invalid field."""
    for name in given:
        if name not in _GIVEN:
            raise MuteError(name, given[name], f"only the fields {', '.join(_GIVEN)}")
    symbol, rule_id = _target(given)
    recurring, until = given.get("recurring"), given.get("until")
    if (recurring is None) == (until is None):
        raise MuteError("until", until, "until or recurring, one of them")
    if recurring is not None and given.get("open_of") is not None:
        raise MuteError("open_of", given["open_of"], f"only with until {UNTIL_OPEN}")
    return Mute(
        mute_id=mute_id,
        name=_name(given.get("name")),
        symbol=symbol,
        rule_id=rule_id,
        until=None if until is None else to_text(_until(given, symbol, now, opening)),
        recurring=None if recurring is None else _recurring(recurring),
        created_at=to_text(now),
    )


def _until(given: dict[str, Any], symbol: str | None, now: datetime, opening: Opening) -> datetime:
    until, open_of = given["until"], _symbol(given, "open_of")
    if until == UNTIL_OPEN:
        if open_of is not None and symbol is not None:
            raise MuteError("open_of", open_of, "none for a symbol, whose own market counts")
        counts = symbol or open_of
        if counts is None:
            raise MuteError("open_of", None, "the symbol whose market's opening ends the mute")
        return opening(counts)
    if open_of is not None:
        raise MuteError("open_of", open_of, f"only with until {UNTIL_OPEN}")
    try:
        instant = from_text(until)
    except (TypeError, ValueError, OverflowError):
        raise MuteError("until", until, _UNTIL_ALLOWED) from None
    if not now < instant <= now + timedelta(days=MAX_DAYS):
        raise MuteError("until", until, _UNTIL_ALLOWED)
    return instant


def _target(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the symbol and the rule's id that a client wants to mute. At least one of them is
    None; both are None if everything is muted. Raises MuteError."""
    symbol, rule_id = _symbol(given, "symbol"), _rule_id(given)
    if symbol is not None and rule_id is not None:
        raise MuteError("rule_id", rule_id, "symbol or rule_id, not both")
    return symbol, rule_id


def _symbol(given: dict[str, Any], field: str) -> str | None:
    value = given.get(field)
    if value is None:
        return None
    try:
        return parse_symbol(value)
    except ValueError:
        raise MuteError(field, value, SYMBOL_ALLOWED) from None


def _rule_id(given: dict[str, Any]) -> str | None:
    value = given.get("rule_id")
    if value is None or (isinstance(value, str) and RULE_ID.fullmatch(value)):
        return value
    raise MuteError("rule_id", value, RULE_ID_ALLOWED)


def _name(given: Any) -> str:
    if given in (None, ""):
        return ""
    if isinstance(given, str) and NAME.fullmatch(given):
        return given
    raise MuteError("name", given, NAME_ALLOWED)


def _recurring(given: Any) -> QuietHours:
    try:
        hours = parse_hours(given, "recurring")
    except ChannelError as error:
        raise MuteError(error.field, error.value, error.allowed) from None
    if never_end((hours,)):
        raise MuteError("recurring", given, "hours that leave a part of the week")
    return hours
