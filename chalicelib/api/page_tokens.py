"""Page tokens: opaque to clients, and valid only for the query that they continue.

A token is base64url of `checksum + JSON list`. The checksum covers the query's parameters, except
limit and format, which may change between pages. Other queries' tokens are therefore refused, as
are mistyped and invented ones. The checksum is not secret: a token grants nothing beyond the query.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

import msgspec

Position = list[str | None]

LONGEST = 2_000
_CHECKSUM_BYTES = 6
_FREE_TO_CHANGE = frozenset({"limit", "format", "page_token"})


def encode(position: Position, path: str, query: Mapping[str, str]) -> str:
    """Return the token that continues the answer to a query of `path` after `position`."""
    payload = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(_checksum(payload, path, query) + payload).decode().rstrip("=")


def decode(token: str, path: str, query: Mapping[str, str], length: int) -> Position:
    """Return the position in a token: a list of `length` texts. Raises ValueError unless `encode`
    made the token for this query."""
    if len(token) > LONGEST or not token.isascii():
        raise ValueError("not a page token")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
        position = msgspec.json.decode(payload, type=Position)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError("not a page token") from error
    if checksum != _checksum(payload, path, query) or len(position) != length:
        raise ValueError("not a page token of this query")
    return position


def _checksum(payload: bytes, path: str, query: Mapping[str, str]) -> bytes:
    bound = sorted((name, value) for name, value in query.items() if name not in _FREE_TO_CHANGE)
    return hashlib.sha256(msgspec.json.encode([path, bound]) + payload).digest()[:_CHECKSUM_BYTES]
