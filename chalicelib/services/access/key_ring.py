"""A deployment's API keys: create, list and revoke keys, and find the key of a token.

Only the SHA-256 of a token is stored. A token has 256 random bits, so a salt or a slow hash would
add nothing. The time that a lookup by hash takes reveals nothing about the token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from chalicelib.domain.errors import Conflict, Unknown
from chalicelib.domain.keys import COMMAND, FIRST_KEY, IN_DEPLOYMENT, Key, parse_key, within
from chalicelib.domain.times import to_text

MAX_KEYS = 100
PREFIX = "ticktape_"
"""The start of every token, which lets scanners of repositories recognise it."""

_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


class KeyStore(Protocol):
    """Stores keys by the SHA-256 of their tokens, and counts the requests of each key."""

    def find(self, token_sha256: str) -> Key | None:
        """Return the key of a token, with a consistent read; None if there is none."""

    def all(self) -> list[Key]:
        """Return all keys, oldest first, with consistent reads."""

    def put(self, token_sha256: str, key: Key, most: int = MAX_KEYS) -> bool:
        """Store a new key and return True. Return False if `most` keys are stored. Raises
        Contended."""

    def remove(self, key_id: str) -> bool:
        """Delete a key and return True; return False if no key has this id."""

    def count(self, key_id: str, minute: str, limit: int, weight: int = 1) -> bool:
        """Count a request as `weight` requests in a minute and return True. Return False and count
        nothing if the total would exceed `limit`."""


class KeyRing:
    """All keys. These are the stored keys and the first key, whose hash is in the settings."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime], first_sha256: str) -> None:
        self._store = store
        self._clock = clock
        self._first_sha256 = first_sha256.lower()

    def holder(self, token: str) -> Key | None:
        """Return the key of a token; None if it is unknown, revoked or expired.

        The store is not read for the token of the first key, nor for a text that cannot be a token.
        """
        found = fingerprint(token)
        if self._first_sha256 and hmac.compare_digest(found, self._first_sha256):
            return FIRST_KEY
        if not _TOKEN.fullmatch(token):
            return None
        key = self._store.find(found)
        return None if key is None or key.has_expired(to_text(self._clock())) else key

    def all(self) -> list[Key]:
        """Return the first key, if there is one, then the stored keys, oldest first."""
        return [*([FIRST_KEY] if self._first_sha256 else []), *self._store.all()]

    def create(self, given: dict[str, Any], made_by: str = COMMAND) -> tuple[Key, str]:
        """Store a new key; return the key and its token. The token itself is not stored.

        `made_by` is the id of the key that makes the request. The new key expires no later than
        that key. Raises KeyFieldError, Conflict, Contended.
        """
        key = parse_key(given, secrets.token_hex(6), self._clock())
        key = msgspec.structs.replace(key, made_by=made_by)
        if made_by not in (COMMAND, IN_DEPLOYMENT):
            key = within(key, self._maker(made_by))
        token = new_token()
        if not self._store.put(fingerprint(token), key):
            raise Conflict(f"there are {MAX_KEYS} keys, which is the most: revoke one")
        return key, token

    def _maker(self, key_id: str) -> Key:
        """Return the key with this id. Raises Conflict if it has just been revoked."""
        for key in self._store.all():
            if key.key_id == key_id:
                return key
        raise Conflict("the key that asks for another one has been revoked")

    def revoke(self, key_id: str) -> None:
        """Delete a key. Raises Unknown if no key has this id, and Conflict for the first key."""
        if key_id == IN_DEPLOYMENT:
            raise Conflict(
                "the first key is part of the deployment; a new one replaces it: make token"
            )
        if not self._store.remove(key_id):
            raise Unknown("key", key_id)

    def has_expired(self, key: Key) -> bool:
        """Return whether the key has expired."""
        return key.has_expired(to_text(self._clock()))


def fingerprint(token: str) -> str:
    """Return the fingerprint that is stored in place of a token: the token's SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token() -> str:
    """Return a new random token for a client. Only the token's fingerprint may be stored."""
    return PREFIX + secrets.token_urlsafe(32)
