"""The secrets of a channel: its address, and a webhook's signing key or the keys of a browser's
subscription.

Errors name the field and what is allowed. They never repeat what the client gave.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

import msgspec

from chalicelib.domain.addresses import is_public, parse_address
from chalicelib.domain.channel_options import allowed_options, refused_option
from chalicelib.domain.errors import ChannelError
from chalicelib.domain.subscriptions import FORM, parse_subscription, service_at

Kind = Literal["sns", "apprise", "webhook", "web_push"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ADDRESSED: tuple[Kind, ...] = ("apprise", "webhook", "web_push")
"""The kinds of channels that users can add."""

MAX_ADDRESS = 1_500
SECRET_LENGTH = (16, 256)
"""The fewest and the most characters of a webhook's signing key."""

_PRINTABLE = re.compile(r"[!-~]+", re.ASCII)

SERVICES = {
    "bark": "Bark",
    "barks": "Bark",
    "discord": "Discord",
    "gchat": "Google Chat",
    "gotify": "Gotify",
    "gotifys": "Gotify",
    "ifttt": "IFTTT",
    "join": "Join",
    "line": "Line",
    "mailto": "mail by SMTP",
    "mailtos": "mail by SMTP",
    "matrix": "Matrix",
    "matrixs": "Matrix",
    "mmost": "Mattermost",
    "mmosts": "Mattermost",
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "opsgenie": "Opsgenie",
    "pagerduty": "PagerDuty",
    "pbul": "Pushbullet",
    "pover": "Pushover",
    "prowl": "Prowl",
    "rocket": "Rocket.Chat",
    "rockets": "Rocket.Chat",
    "signal": "Signal",
    "signals": "Signal",
    "slack": "Slack",
    "tgram": "Telegram",
    "webex": "Webex",
    "wxteams": "Webex",
    "workflow": "Microsoft Teams",
    "workflows": "Microsoft Teams",
    "zulip": "Zulip",
}
"""The allowed schemes of apprise and their services. All of these services take HTTP requests or
mail; none of the plugins runs programs, writes files or shows desktop notifications."""

WITH_PICTURES = frozenset({"Discord", "mail by SMTP", "ntfy", "Pushover", "Slack", "Telegram"})
"""The services that take a picture with a message. Slack's bots do, but its webhooks do not."""

HIDDEN = "(not shown)"
"""Shown in an error in place of an address or a secret."""


class Secrets(msgspec.Struct, frozen=True):
    """The part of a channel that is stored encrypted. `secret` is a webhook's signing key or the
    keys of a browser's subscription."""

    address: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"Secrets({HIDDEN})"


def parse_secrets(kind: Kind, given: dict[str, Any]) -> Secrets:
    """Return the secrets in a client's fields. Raises ChannelError for a field that is missing,
    invalid or not of this kind."""
    if kind == "web_push":
        return _subscription(given)
    if given.get("subscription") is not None:
        raise ChannelError("subscription", HIDDEN, f"none for {kind}, which has an address")
    return Secrets(_address(kind, given.get("address")), _secret(kind, given.get("secret")))


def _subscription(given: dict[str, Any]) -> Secrets:
    for name in ("address", "secret"):
        if given.get(name) is not None:
            raise ChannelError(name, HIDDEN, "none for web_push, which has a subscription")
    found = parse_subscription(given.get("subscription"))
    if found is None:
        is_given = given.get("subscription") is not None
        raise ChannelError("subscription", HIDDEN if is_given else None, FORM)
    return Secrets(*found)


def _secret(kind: Kind, given: Any) -> str:
    least, most = SECRET_LENGTH
    if kind != "webhook":
        if given:
            raise ChannelError("secret", HIDDEN, f"none for {kind}; its address holds all")
        return ""
    if isinstance(given, str) and least <= len(given) <= most and _PRINTABLE.fullmatch(given):
        return given
    allowed = f"{least} to {most} printable ASCII characters without blanks, for a webhook"
    raise ChannelError("secret", HIDDEN if given is not None else None, allowed)


def _address(kind: Kind, given: Any) -> str:
    """Return the address if it is allowed. Raises ChannelError otherwise. Whenever a message is
    sent, the host is resolved and checked again."""
    if not isinstance(given, str) or not given:
        raise ChannelError("address", None if given is None else HIDDEN, _address_form(kind))
    if len(given) > MAX_ADDRESS or not _PRINTABLE.fullmatch(given):
        allowed = f"at most {MAX_ADDRESS} printable ASCII characters without blanks"
        raise ChannelError("address", HIDDEN, allowed)
    parts = _split(kind, given)
    _check_scheme(kind, parts.scheme)
    if kind == "webhook" and (not parts.hostname or parts.username or parts.password):
        raise ChannelError("address", HIDDEN, "https://HOST/PATH, without a user")
    if kind == "apprise":
        _check_options(parts.scheme, given)
    if parts.hostname and parse_address(parts.hostname) and not is_public(parts.hostname):
        raise ChannelError("address", HIDDEN, "a host on the public internet")
    return given


def _split(kind: Kind, address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.hostname, parts.port if kind == "webhook" else None
    except ValueError:
        raise ChannelError("address", HIDDEN, _address_form(kind)) from None
    return parts


def _check_scheme(kind: Kind, scheme: str) -> None:
    if scheme not in (("https",) if kind == "webhook" else SERVICES):
        raise ChannelError("address", HIDDEN, _address_form(kind))


def _check_options(scheme: str, address: str) -> None:
    if refused_option(scheme, address) is not None:
        allowed = ", ".join(sorted(allowed_options(scheme)))
        raise ChannelError("address", HIDDEN, f"an address without options but {allowed}")


def _address_form(kind: Kind) -> str:
    if kind == "webhook":
        return "an address that begins with https://"
    return f"an address of apprise that begins with one of {', '.join(SERVICES)}, then ://"


def service_of(kind: Kind, secrets: Secrets) -> str:
    """Return the name of the service at an address. The name reveals no secret."""
    if kind == "web_push":
        return service_at(secrets.address) or "push"
    return "webhook" if kind == "webhook" else SERVICES[urlsplit(secrets.address).scheme]
