"""The settings of what a channel holds back: its limit, its digest and its quiet hours."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

import msgspec

from chalicelib.domain.errors import ChannelError
from chalicelib.domain.quiet_hours import DAYS, QuietHours, never_end
from chalicelib.domain.sessions import zone_names

Cadence = Literal["as_it_happens", "every_15_minutes", "at_close", "until_open"]
AT_ONCE: Cadence = "as_it_happens"

MOST_MESSAGES = 100
MOST_MINUTES = 1440
MOST_QUIET_HOURS = 7

CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
"""The pattern of a wall-clock time, `HH:MM`."""

_CLOCK = re.compile(CLOCK, re.ASCII)
_CLOCK_ALLOWED = "HH:MM from 00:00 to 23:59"
_LIMIT_ALLOWED = 'null, or an object such as {"messages": 5, "minutes": 10}'
_DIGEST_ALLOWED = (
    f"{', '.join(get_args(Cadence))}, "
    'or an object such as {"daily_at": "08:00", "time_zone": "Europe/Berlin"}'
)
_HOURS = '{"days": ["mon", "tue"], "start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}'
_HOURS_ALLOWED = f"an object such as {_HOURS}"
_QUIET_ALLOWED = f"a list of at most {MOST_QUIET_HOURS} objects such as {_HOURS}"


class Limit(msgspec.Struct, frozen=True):
    """At most `messages` messages in a window of `minutes` minutes."""

    messages: int
    minutes: int


class DailyAt(msgspec.Struct, frozen=True):
    """One digest a day at `daily_at`, `HH:MM` in `time_zone`."""

    daily_at: str
    time_zone: str


class Holding(msgspec.Struct, frozen=True):
    """The settings of what a channel holds back."""

    limit: Limit | None = None
    digest: Cadence | DailyAt = AT_ONCE
    quiet_hours: tuple[QuietHours, ...] = ()


NOTHING_HELD = Holding()
FIELDS = Holding.__struct_fields__


def parse_holding(given: dict[str, Any], before: Holding = NOTHING_HELD) -> Holding:
    """Return the settings in a channel's fields.

    Absent fields keep their values in `before`; null removes a setting. Raises ChannelError, which
    names the invalid field.
    """
    parsers = {"limit": _limit, "digest": _digest, "quiet_hours": _quiet_hours}
    taken = {name: parse(given[name]) for name, parse in parsers.items() if name in given}
    return msgspec.structs.replace(before, **taken)


def check_stored(holding: Holding) -> None:
    """Raise ChannelError if stored settings have values that `parse_holding` never makes."""
    given = msgspec.json.decode(msgspec.json.encode(holding))
    parse_holding(given)


def _limit(given: Any) -> Limit | None:
    if given is None:
        return None
    fields = _fields(given, "limit", Limit, _LIMIT_ALLOWED)
    return Limit(
        messages=_count(fields, "messages", MOST_MESSAGES),
        minutes=_count(fields, "minutes", MOST_MINUTES),
    )


def _digest(given: Any) -> Cadence | DailyAt:
    if given is None:
        return AT_ONCE
    if isinstance(given, str) and given in get_args(Cadence):
        cadence: Cadence = given  # type: ignore[assignment]
        return cadence
    fields = _fields(given, "digest", DailyAt, _DIGEST_ALLOWED)
    return DailyAt(
        daily_at=_clock(fields["daily_at"], "digest.daily_at"),
        time_zone=_time_zone(fields["time_zone"], "digest.time_zone"),
    )


def _quiet_hours(given: Any) -> tuple[QuietHours, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_QUIET_HOURS:
        raise ChannelError("quiet_hours", given, _QUIET_ALLOWED)
    entries = tuple(parse_hours(entry, "quiet_hours") for entry in given)
    if never_end(entries):
        raise ChannelError("quiet_hours", given, "hours that leave a part of the week")
    return entries


def parse_hours(given: Any, field: str) -> QuietHours:
    """Return the weekly hours that a client gives. Raises ChannelError, which names `field`."""
    fields = _fields(given, field, QuietHours, _HOURS_ALLOWED)
    days = fields["days"]
    if not isinstance(days, list) or not days or not all(day in DAYS for day in days):
        raise ChannelError(f"{field}.days", days, f"a list of {', '.join(DAYS)}")
    return QuietHours(
        days=tuple(day for day in DAYS if day in days),
        start=_clock(fields["start"], f"{field}.start"),
        end=_clock(fields["end"], f"{field}.end"),
        time_zone=_time_zone(fields["time_zone"], f"{field}.time_zone"),
    )


def _fields(given: Any, field: str, kind: type[msgspec.Struct], allowed: str) -> dict[str, Any]:
    """Return `given` if it is an object with exactly the fields of `kind`. Raises ChannelError
    otherwise."""
    if not isinstance(given, dict) or given.keys() != set(kind.__struct_fields__):
        raise ChannelError(field, given, allowed)
    return given


def _count(fields: dict[str, Any], name: str, most: int) -> int:
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ChannelError(f"limit.{name}", value, f"a whole number from 1 to {most}")
    return value


def _clock(given: Any, field: str) -> str:
    if not isinstance(given, str) or not _CLOCK.fullmatch(given):
        raise ChannelError(field, given, _CLOCK_ALLOWED)
    return given


def _time_zone(given: Any, field: str) -> str:
    if not isinstance(given, str) or given not in zone_names():
        raise ChannelError(field, given, "a time zone of the IANA database, as Europe/Berlin")
    return given
