"""Checks whether API keys may be sent to a service's address."""

from __future__ import annotations

_LOCAL = ("127.0.0.1", "::1", "localhost")


def may_carry_keys(url: str) -> bool:
    """Return whether keys may be sent to a URL. The URL has to be encrypted (https, wss) or lead to
    this machine, and name a host. It must not name a user or contain characters that clients parse
    differently."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set("\\@ ")
    is_local = parts.scheme in ("ws", "http") and host in _LOCAL
    return is_plain and bool(host) and (is_local or parts.scheme in ("wss", "https"))
