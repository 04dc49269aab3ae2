"""Decides which network addresses may receive messages: only those on the public internet."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's services for its machines
            "192.0.0.0/24",  # RFC 6890; Oracle's cloud has metadata there
            "192.88.99.0/24",  # relays of 6to4, RFC 7526
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
"""Networks that are not public, though some versions of Python's `ipaddress` call them global."""


def is_public(text: str) -> bool:
    """Return whether a text is an IP address on the public internet.

    Private, shared, loopback, link-local (where cloud metadata is), multicast, unspecified and
    reserved addresses are not public. An IPv6 address that contains such an IPv4 address (mapped,
    6to4, Teredo) is not public either. False for any text but an address.
    """
    address = parse_address(text)
    if address is None:
        return False
    return all(_is_public(each) for each in (address, *_embedded(address)))


def parse_address(text: str) -> Address | None:
    """Return the IP address in `text`, without brackets and zone; None if `text` is a host's
    name."""
    try:
        return ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False):
        return False
    return address.is_global and not any(address in network for network in _SPECIAL)


def _embedded(address: Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address contains: mapped, 6to4 or Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    return [each for each in found if each is not None]
