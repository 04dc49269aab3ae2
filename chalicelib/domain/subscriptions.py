"""Web Push subscriptions of browsers.

A subscription (W3C Push API) has an address at the browser vendor's push service, and two keys with
which messages are encrypted. The address is secret, since all who know it can try to send there.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import msgspec

SERVICES = {
    "fcm.googleapis.com": "Google push",
    "updates.push.services.mozilla.com": "Mozilla push",
    "web.push.apple.com": "Apple push",
    "notify.windows.com": "Microsoft push",
}
"""The hosts and names of push services. A host in SUBDOMAINS stands for its subdomains, too."""

SUBDOMAINS = ("notify.windows.com",)
"""Hosts whose subdomains are push services, one for each region."""

FORM = (
    "a browser's subscription: endpoint, the https address of a push service"
    f" ({', '.join(SERVICES)}), and keys with p256dh and auth"
)
MAX_ENDPOINT = 1_000
POINT_BYTES, AUTH_BYTES = 65, 16
"""The sizes of an uncompressed public key of P-256 and of the authentication secret (RFC 8291,
section 2)."""

_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_ADDRESS = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})+)/[\w.~!$&'()*+,;=:@%/?-]+", re.ASCII
)
"""An address: the host, and the path with its query, in characters of RFC 3986 alone. With other
characters, such as a backslash, libraries disagree where the host ends."""


class Keys(msgspec.Struct, frozen=True):
    """A subscription's keys in base64url, without padding."""

    p256dh: str
    auth: str


def parse_subscription(given: Any) -> tuple[str, str] | None:
    """Return the endpoint and the encoded Keys of a subscription in the form that
    `PushSubscription.toJSON()` returns; None for anything else."""
    keys = given.get("keys") if isinstance(given, dict) else None
    endpoint = given.get("endpoint") if isinstance(given, dict) else None
    if not isinstance(keys, dict) or not isinstance(endpoint, str):
        return None
    point, auth = decoded(keys.get("p256dh")), decoded(keys.get("auth"))
    is_point = len(point) == POINT_BYTES and point[0] == 4
    if not is_point or len(auth) != AUTH_BYTES or service_at(endpoint) is None:
        return None
    return endpoint, msgspec.json.encode(Keys(encoded(point), encoded(auth))).decode()


def service_at(endpoint: str) -> str | None:
    """Return the name of the push service at an address. None if it is not one of SERVICES, or if
    the address has anything but https, a plain host and a path."""
    found = _ADDRESS.fullmatch(endpoint[: MAX_ENDPOINT + 1])
    if found is None or len(endpoint) > MAX_ENDPOINT:
        return None
    host = found["host"]
    parent = host.partition(".")[2]
    return SERVICES.get(host) or (SERVICES[parent] if parent in SUBDOMAINS else None)


def encoded(data: bytes) -> str:
    """Return bytes as base64url without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: Any) -> bytes:
    """Return the bytes of a base64url text, with or without padding; empty for anything else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True)
    except (AttributeError, ValueError, binascii.Error):
        return b""
