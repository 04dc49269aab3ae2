"""Signed links in messages. A link mutes the symbol or the rule of the message's alert for a while.

A link leads to the page, which asks before it sends the link to the API. The link is base64url text
of a JSON list and an HMAC-SHA256 over that list, cut to 16 bytes. The HMAC's key is derived for
this purpose and stage alone. A link can only mute what it names, until the time that it names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.domain.alerts import TEST_CONDITION, Alert
from chalicelib.domain.errors import MuteError
from chalicelib.domain.message_forms import Line
from chalicelib.domain.mutes import MAX_DAYS, Mute, next_open
from chalicelib.domain.sessions import calendar_for
from chalicelib.domain.times import EPOCH, from_epoch_seconds, to_text

VALID_FOR = timedelta(days=7)
MAX_LINK = 300
"""The most characters of a link's text."""

NAME = "from a message"
"""The name of a mute that a link made."""

_PURPOSE = b"ticktape mute link 1"
_MAC_BYTES = 16
_A_DAY = timedelta(days=1)
_HALF_A_DAY = timedelta(hours=12)
_REFUSED = "the text after #mute= of a link in a message"


class _Payload(msgspec.Struct, frozen=True, array_like=True):
    """The signed contents of a link: what it mutes, until when, and until when it is valid, in
    epoch seconds."""

    symbol: str | None
    rule_id: str | None
    until: int
    valid_until: int


_decoder = msgspec.json.Decoder(_Payload)


def link_key(secret: str, stage: str) -> bytes:
    """Return the key of a stage's links. Without a secret it is empty, and there are no links."""
    if not secret:
        return b""
    return hmac.digest(secret.encode(), _PURPOSE + b"|" + stage.encode(), hashlib.sha256)


def mute_line(
    alert: Alert, exchange_timezone: str | None, page_url: str, key: bytes, now: datetime
) -> Line | None:
    """Return the line of a message with the link that mutes its alert. None without a page or key,
    and for test alerts.

    The link mutes the symbol. For an urgent alert, which a symbol's mute lets through, it mutes the
    rule. The mute lasts until the next open. If the market never closes, it lasts until a midnight
    in UTC, so that all links of a day's messages end together.
    """
    if not page_url or not key or alert.condition == TEST_CONDITION:
        return None
    is_urgent = alert.severity == "urgent"
    calendar = calendar_for(alert.symbol, exchange_timezone)
    never_closes = calendar.zone is UTC
    until = (
        _midnight_after(now) if never_closes else next_open(alert.symbol, exchange_timezone, now)
    )
    local = until.astimezone(calendar.zone).strftime("%a %d %b %H:%M %Z")
    payload = _Payload(
        None if is_urgent else alert.symbol,
        alert.rule_id if is_urgent else None,
        _seconds(until),
        _seconds(now + VALID_FOR),
    )
    what = "this rule" if is_urgent else alert.symbol
    length = "until midnight" if never_closes else "until the open"
    address = f"{page_url.rstrip('/')}/#mute={_signed(payload, key)}"
    return Line(f"Mute {what} {length} ({local})", address, is_link=True)


def _midnight_after(now: datetime) -> datetime:
    """Return the first midnight in UTC that is at least half a day ahead."""
    noon_or_later = now + _HALF_A_DAY
    return noon_or_later - (noon_or_later - EPOCH) % _A_DAY + _A_DAY


def parse_link(link: object, key: bytes, now: datetime) -> Mute:
    """Return the mute that a link makes. The mute's id follows from its target and end, so links
    that agree in both make the same mute.

    Raises MuteError for a link that was not made with `key`, that is too old, or whose mute has
    ended.
    """
    payload = _verified(link, key)
    if payload is None:
        raise MuteError("link", "...", _REFUSED)
    until = from_epoch_seconds(payload.until)
    if until > now + timedelta(days=MAX_DAYS):
        raise MuteError("link", "...", _REFUSED)
    ends = min(from_epoch_seconds(payload.valid_until), until)
    if ends <= now:
        raise MuteError("link", "...", f"a newer one: this one was valid until {to_text(ends)}")
    ends_at = to_text(until)
    return Mute(
        mute_id=_id_of(payload.symbol, payload.rule_id, ends_at),
        name=NAME,
        symbol=payload.symbol,
        rule_id=payload.rule_id,
        until=ends_at,
        created_at=to_text(now),
    )


def is_from_link(mute: Mute) -> bool:
    """Return whether a link made a mute. The id of such a mute follows from its target and end."""
    return mute.mute_id == _id_of(mute.symbol, mute.rule_id, mute.until)


def _id_of(symbol: str | None, rule_id: str | None, until: str | None) -> str:
    identity = hashlib.sha256(_PURPOSE + msgspec.json.encode([symbol, rule_id, until]))
    return identity.hexdigest()[:12]


def _signed(payload: _Payload, key: bytes) -> str:
    text = msgspec.json.encode(payload)
    return _written(_mac(text, key) + text)


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _verified(link: object, key: bytes) -> _Payload | None:
    """Return the payload of a link that was made with `key`; None for any other value."""
    if not key or not isinstance(link, str) or not link.isascii() or len(link) > MAX_LINK:
        return None
    try:
        raw = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
    except (binascii.Error, ValueError):
        return None
    mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if _written(raw) != link or not hmac.compare_digest(mac, _mac(text, key)):
        return None
    payload = _decoder.decode(text)
    return payload if (payload.symbol is None) != (payload.rule_id is None) else None


def _mac(text: bytes, key: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)[:_MAC_BYTES]


def _seconds(instant: datetime) -> int:
    """Return the whole epoch seconds of an instant, rounded up."""
    return -((EPOCH - instant) // timedelta(seconds=1))
