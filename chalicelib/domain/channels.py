"""Channels: where alerts are sent, and what clients may set and see.

A channel of kind `sns` is the stage's topic. It always exists, under the id `sns`. Every other
channel has a secret address, which a client gives. The address is stored encrypted and never shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.domain.channel_ids import CHANNEL_ID, CHANNEL_ID_ALLOWED, SNS
from chalicelib.domain.channel_secrets import (
    ADDRESSED,
    HIDDEN,
    WITH_PICTURES,
    Kind,
    Secrets,
    parse_secrets,
    service_of,
)
from chalicelib.domain.errors import ChannelError
from chalicelib.domain.holding_settings import (
    AT_ONCE,
    FIELDS,
    NOTHING_HELD,
    Cadence,
    DailyAt,
    Holding,
    Limit,
    parse_holding,
)
from chalicelib.domain.holding_settings import check_stored as check_holding
from chalicelib.domain.keys import NAME, NAME_ALLOWED
from chalicelib.domain.quiet_hours import QuietHours
from chalicelib.domain.times import from_text

MAX_CHANNELS = 20

ESTABLISHED_SECONDS = 6 * 3600.0
"""How long a channel must have had its address to count as established."""


class StoredChannel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored channel. Raises ValueError if only one of its id and its kind is the topic's.

    `service` names where an address leads without revealing it ("Telegram", "webhook"). `default`:
    rules that name no channels send to this channel. `picture`: a chart is attached to each
    message, if the service is one of WITH_PICTURES. `sealed` is the encrypted Secrets as base64;
    empty for the topic. `address_at` is when the channel got its present address; empty if it was
    created with that address. `vapid` is the encrypted key pair with which a browser's subscription
    was made. `ended` is why nothing can be sent any more, else empty. `limit`, `digest` and
    `quiet_hours` say what the channel holds back (domain/holding_settings.py).
    """

    channel_id: str
    name: str
    kind: Kind
    service: str
    enabled: bool = True
    default: bool = False
    picture: bool = True
    created_at: str | None = None
    sealed: str = ""
    address_at: str = ""
    vapid: str = ""
    ended: str = ""
    limit: Limit | None = None
    digest: Cadence | DailyAt = AT_ONCE
    quiet_hours: tuple[QuietHours, ...] = ()

    def __post_init__(self) -> None:
        if self.channel_id and (self.channel_id == SNS) != (self.kind == "sns"):
            raise ValueError(f"a channel of kind {self.kind} has the id {self.channel_id}")

    @property
    def holding(self) -> Holding:
        """Return the settings that decide which alerts the channel holds back."""
        return Holding(self.limit, self.digest, self.quiet_hours)


TOPIC = StoredChannel(
    channel_id=SNS, name="SNS topic", kind="sns", service="Amazon SNS", default=True
)
"""The topic's channel unless a client has changed it."""

_SECRET = ("address", "secret", "subscription")
_GIVEN = ("name", "kind", *_SECRET, "enabled", "default", "picture", *FIELDS)
_SHOWN_TOO = ("channel_id", "service", "created_at", "ended")
"""Fields of an answer that a client may send back with PUT; they are ignored."""


def parse_new(given: dict[str, Any]) -> tuple[StoredChannel, Secrets]:
    """Return the channel that a client describes, without an id and a time, and the channel's
    secrets. Raises ChannelError for an invalid field."""
    _refuse_unknown(given)
    kind = given.get("kind")
    if kind not in ADDRESSED:
        raise ChannelError("kind", kind, ", ".join(ADDRESSED))
    secrets = parse_secrets(kind, given)
    return _channel(given, kind, service_of(kind, secrets), NOTHING_HELD), secrets


def parse_changed(
    given: dict[str, Any], before: StoredChannel
) -> tuple[StoredChannel, Secrets | None]:
    """Return `before` with a client's changes, and the new secrets; None if the old secrets stay.

    A client that gives an address, a secret or a subscription must give all of the channel's
    secrets. A channel that has ended remains ended unless it gets new secrets. Absent settings of
    what is held back keep their values. Raises ChannelError for an invalid field or another kind.
    """
    _refuse_unknown(given)
    kind = before.kind
    if given.get("kind", kind) != kind:
        raise ChannelError("kind", given["kind"], f"{kind}, which a channel keeps")
    new = [name for name in _SECRET if given.get(name) is not None]
    if kind == SNS and new:
        raise ChannelError(new[0], HIDDEN, "none for the topic")
    secrets = parse_secrets(kind, given) if new else None
    service = service_of(kind, secrets) if secrets else before.service
    unless_given = {"default": before.default, "picture": before.picture}
    if service not in WITH_PICTURES:
        del unless_given["picture"]
    changed = _channel({**unless_given, **given}, kind, service, before.holding)
    kept = ["channel_id", "created_at", "sealed", "address_at", "vapid"]
    if before.ended and secrets is None:
        kept += ["ended", "enabled"]
    same = {name: getattr(before, name) for name in kept}
    return msgspec.structs.replace(changed, **same), secrets


def check_stored(channel: StoredChannel) -> None:
    """Raise ValueError if a stored channel has values that `parse_new` never makes."""
    if not CHANNEL_ID.fullmatch(channel.channel_id):
        raise ChannelError("channel_id", channel.channel_id, CHANNEL_ID_ALLOWED)
    if not NAME.fullmatch(channel.name):
        raise ChannelError("name", channel.name, NAME_ALLOWED)
    if not NAME.fullmatch(channel.service):
        raise ChannelError("service", channel.service, NAME_ALLOWED)
    check_holding(channel.holding)


def shown(channel: StoredChannel) -> dict[str, Any]:
    """Return the fields of a channel that may be shown: all but the secrets."""
    names = (
        "channel_id",
        "name",
        "kind",
        "service",
        "enabled",
        "default",
        "created_at",
        *FIELDS,
    )
    fields = {name: msgspec.to_builtins(getattr(channel, name)) for name in names}
    has_picture = channel.picture and channel.service in WITH_PICTURES
    return fields | {"picture": has_picture, "ended": channel.ended or None}


def with_topic(stored: Iterable[StoredChannel]) -> list[StoredChannel]:
    """Return all channels: first the topic, even if it is not stored, then the others by age."""
    found = list(stored)
    if all(channel.channel_id != SNS for channel in found):
        found.insert(0, TOPIC)
    return sorted(found, key=lambda channel: (channel.channel_id != SNS, channel.created_at or ""))


def is_established(channel: StoredChannel, now: datetime) -> bool:
    """Return whether a channel has had its address for ESTABLISHED_SECONDS. Always true of the
    topic, which is part of the stage."""
    if channel.kind == SNS:
        return True
    try:
        since = from_text(channel.address_at or channel.created_at or "")
    except ValueError:
        return False
    return (now - since).total_seconds() >= ESTABLISHED_SECONDS


def receivers(named: Collection[str], stored: Sequence[StoredChannel]) -> tuple[str, ...]:
    """Return the ids of the channels to which a rule's alert is sent.

    These are the channels that the rule names, or else the default channels, without disabled ones.
    A named channel that has been deleted stays in the list, so that its delivery shows this.
    """
    by_id = {channel.channel_id: channel for channel in with_topic(stored)}
    if not named:
        return tuple(c.channel_id for c in by_id.values() if c.default and c.enabled)
    return tuple(name for name in named if name not in by_id or by_id[name].enabled)


def _refuse_unknown(given: dict[str, Any]) -> None:
    for name in given:
        if name not in _GIVEN + _SHOWN_TOO:
            raise ChannelError(name, HIDDEN, f"only the fields {', '.join(_GIVEN)}")


def _channel(given: dict[str, Any], kind: Kind, service: str, before: Holding) -> StoredChannel:
    name = given.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ChannelError("name", name, NAME_ALLOWED)
    holding = parse_holding(given, before)
    return StoredChannel(
        channel_id="",
        name=name,
        kind=kind,
        service=service,
        enabled=_flag(given, "enabled", True),
        default=_flag(given, "default", False),
        picture=_picture(given, service),
        limit=holding.limit,
        digest=holding.digest,
        quiet_hours=holding.quiet_hours,
    )


def _picture(given: dict[str, Any], service: str) -> bool:
    """Return whether messages have pictures. Raises ChannelError if the service has none."""
    wanted = _flag(given, "picture", True)
    if wanted and given.get("picture") and service not in WITH_PICTURES:
        raise ChannelError("picture", True, f"false: {service} takes no pictures")
    return wanted


def _flag(given: dict[str, Any], field: str, default: bool) -> bool:
    value = given.get(field)
    value = default if value is None else value
    if not isinstance(value, bool):
        raise ChannelError(field, value, "true, false")
    return value
