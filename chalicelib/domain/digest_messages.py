"""Composes the message of a digest, which lists its alerts by symbol and condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from chalicelib.domain.digests import Digest, Member
from chalicelib.domain.message_forms import Body, Line, render
from chalicelib.domain.messages import SUBJECT_LIMIT, Message, fitting, plain
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import from_text

MOST_LINES = 6
"""The most groups in the text. With this many groups the text stays below Pushover's 1,024
characters, the lowest limit of all channels."""

MOST_GROUPS = 100
"""The most groups in the JSON."""

MOST_BYTES = 40_000
"""The most bytes of an attribute's values: some 4,000 symbols."""

MOST_MEMBERS = 10_000
"""The most members that a message lists. In a larger digest the latest members are listed, and the
others are counted."""

_MOST_REASONS = 2
_LINE_LIMIT = 72
_MINUTE, _DAY_AND_MINUTE = "%H:%M %Z", "%Y-%m-%d %H:%M"


class _Group:
    """The alerts of a digest with the same condition and symbol."""

    def __init__(self, first: Member) -> None:
        self.first = self.last = first
        self.count = 0
        self.sources: set[str] = set()
        self.severities: set[str] = set()

    def add(self, member: Member) -> None:
        """Count an alert of the group. Alerts must be added in the order of their times."""
        self.last = member
        self.count += 1
        self.sources.add(member.source)
        self.severities.add(member.severity)

    @property
    def is_urgent(self) -> bool:
        return "urgent" in self.severities

    def line(self) -> Line:
        """Return the group's line for people: a single alert's message, or the number of alerts."""
        last = self.last
        if self.count == 1:
            return Line(_local(last).strftime(_DAY_AND_MINUTE), _told(last))
        what = f"{last.symbol} {last.condition.replace('_', ' ')}"
        return Line(what, f"{self.count} alerts, {self._span()}, last at {plain(last.price)}")

    def _span(self) -> str:
        first, last = _local(self.first), _local(self.last)
        form = _MINUTE if first.date() == last.date() else _DAY_AND_MINUTE
        return f"{first.strftime(_DAY_AND_MINUTE)} to {last.strftime(form)}"

    def machine_form(self) -> dict[str, object]:
        return {
            "symbol": self.last.symbol,
            "condition": self.last.condition,
            "alerts": self.count,
            "first": self.first.timestamp,
            "last": self.last.timestamp,
            "price": self.last.price,
            "message": self.last.message,
            "source": self.last.source if len(self.sources) == 1 else None,
        }


class _Contents(msgspec.Struct, frozen=True):
    """The contents of a digest. `groups` are sorted by urgency and then by size. `grouped` is the
    number of alerts in the groups, `earlier` the number of older alerts outside the groups."""

    groups: tuple[_Group, ...]
    grouped: int
    earlier: int
    simulated: bool
    reasons: tuple[str, ...]

    @property
    def alerts(self) -> int:
        return self.grouped + self.earlier


def compose_digest(
    digest: Digest, members: Iterable[Member], page_url: str, earlier: int = 0
) -> Message | None:
    """Return the message of a digest; None if it has no members.

    `members` come in the order of their times; `earlier` is the number of older members, which are
    only counted. To bound its length, the message lists the first groups and counts the others.
    """
    contents = _contents(members, earlier)
    if not contents.groups:
        return None
    body = Body(_heading(contents), _lines(contents, page_url))
    named = _named(contents.groups)
    ascii_heading = body.heading.encode("ascii", "replace").decode()
    return Message(
        subject=ascii_heading[:SUBJECT_LIMIT],
        text=render(body, "text"),
        sms=ascii_heading[:140],
        data=msgspec.json.encode(_machine_form(digest, contents)).decode(),
        attributes={
            **{name: values[0] for name, values in named.items() if len(values) == 1},
            "event_type": "digest",
            "alert_id": digest.digest_id,
        },
        several={name: values for name, values in named.items() if len(values) > 1},
        body=body,
    )


def _contents(members: Iterable[Member], earlier: int) -> _Contents:
    groups: dict[tuple[str, str], _Group] = {}
    reasons: dict[str, None] = {}
    total, simulated = 0, False
    for member in members:
        total += 1
        groups.setdefault((member.symbol, member.condition), _Group(member)).add(member)
        simulated = simulated or member.simulated
        if len(reasons) <= _MOST_REASONS:
            reasons[member.reason] = None
    ordered = sorted(
        groups.values(), key=lambda one: (not one.is_urgent, -one.count, one.last.symbol)
    )
    return _Contents(tuple(ordered), total, earlier, simulated, tuple(reasons))


def _heading(contents: _Contents) -> str:
    symbols = sorted({group.last.symbol for group in contents.groups})
    mark = "[SIMULATED] " if contents.simulated else ""
    alerts = "1 alert" if contents.alerts == 1 else f"{contents.alerts:,} alerts"
    of = symbols[0] if len(symbols) == 1 else f"{len(symbols)} symbols"
    latest = f", the latest {contents.grouped:,}" if contents.earlier else ""
    return f"{mark}{alerts}{latest} on {of}"


def _told(member: Member) -> str:
    """Return an alert's message. If it is too long, return its first words and the price."""
    if len(member.message) <= _LINE_LIMIT:
        return member.message
    end = f"…, at {plain(member.price)}"
    kept = member.message[: _LINE_LIMIT - len(end)]
    whole = kept.rpartition(" ")[0]  # the last word may be part of a number
    return f"{whole or kept}{end}"


def _lines(contents: _Contents, page_url: str) -> tuple[Line, ...]:
    lines = [group.line() for group in contents.groups[:MOST_LINES]]
    rest = contents.groups[MOST_LINES:]
    if rest:
        alerts = sum(group.count for group in rest)
        lines.append(Line("And", f"{alerts:,} more of {_kinds(len(rest))}"))
    if contents.earlier:
        lines.append(Line("Before", f"{contents.earlier:,} more"))
    reasons = "; ".join(contents.reasons[:_MOST_REASONS])
    others = ", and others" if len(contents.reasons) > _MOST_REASONS else ""
    lines.append(Line("Held", reasons + others))
    if page_url:
        lines.append(Line("Page", f"{page_url.rstrip('/')}/", is_link=True))
    lines.append(Line("Note", "Informational only; not investment advice."))
    return tuple(lines)


def _kinds(number: int) -> str:
    return "another kind" if number == 1 else f"{number} other kinds"


def _machine_form(digest: Digest, contents: _Contents) -> dict[str, object]:
    return {
        "digest_id": digest.digest_id,
        "channel": digest.channel,
        "until": digest.until,
        "alerts": contents.alerts,
        "complete": not contents.earlier,
        "reasons": list(contents.reasons[:_MOST_REASONS]),
        "groups": [group.machine_form() for group in contents.groups[:MOST_GROUPS]],
        "more_groups": max(0, len(contents.groups) - MOST_GROUPS),
        "simulated": contents.simulated,
    }


def _named(groups: Sequence[_Group]) -> dict[str, tuple[str, ...]]:
    """Return the groups' values of each attribute by which subscriptions filter.

    Values beyond MOST_BYTES are left out. Values of urgent alerts come first, then those of the
    latest alerts.
    """
    latest = sorted(groups, key=lambda one: one.last.timestamp, reverse=True)
    ordered = sorted(latest, key=lambda one: not one.is_urgent)
    return {
        name: fitting(values, MOST_BYTES)
        for name, values in {
            "severity": (severity for one in ordered for severity in sorted(one.severities)),
            "condition": (one.last.condition for one in ordered),
            "symbol": (one.last.symbol for one in ordered),
            "source": (source for one in ordered for source in sorted(one.sources)),
        }.items()
    }


def _local(member: Member) -> datetime:
    """Return the time of a member in its exchange's time zone."""
    zone = calendar_for(member.symbol, member.exchange_timezone).zone
    return from_text(member.timestamp).astimezone(zone)
