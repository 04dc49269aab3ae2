"""API keys: their scopes, expiry and rate."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from chalicelib.domain.errors import KeyFieldError
from chalicelib.domain.times import from_text, to_text

Scope = Literal[
    "read", "write:rules", "write:symbols", "write:channels", "standby", "reports", "admin"
]
SCOPES: tuple[Scope, ...] = get_args(Scope)

KEY_ID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
KEY_ID_ALLOWED = "1 to 32 of a-z 0-9"
MAX_NAME = 64
NAME = re.compile(
    rf"(?=.{{1,{MAX_NAME}}}\Z)[A-Za-z0-9]([A-Za-z0-9 ._:/+()&-]*[A-Za-z0-9._:/+()&-])?", re.ASCII
)
NAME_ALLOWED = (
    f"1 to {MAX_NAME} letters, digits and ' ._:/+()&-', a letter or digit first, "
    "no blank at the end"
)
DEFAULT_REQUESTS = 600
MOST_REQUESTS = 6_000
REQUESTS_ALLOWED = f"a whole number from 1 to {MOST_REQUESTS}"
EXPIRY_ALLOWED = "an RFC 3339 date-time with an offset, in the future"

IN_DEPLOYMENT = "deployment"
"""The id and name of the first key. Its hash is in the settings and in no table."""


def cover(scopes: Collection[str], scope: str) -> bool:
    """Return whether these scopes include `scope`; `admin` includes every scope."""
    return scope in scopes or "admin" in scopes


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its token. `requests_per_minute` is None if the key has no limit of its
    own.

    `made_by` is the id of the key that made this key, or COMMAND. None for the first key, and for
    keys from versions that did not record it.
    """

    key_id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: str | None = None
    expires_at: str | None = None
    requests_per_minute: int | None = None
    made_by: str | None = None

    def permits(self, scope: str) -> bool:
        """Return whether the key's scopes include `scope`."""
        return cover(self.scopes, scope)

    def has_expired(self, now: str) -> bool:
        """Return whether the key has expired at an instant."""
        return self.expires_at is not None and self.expires_at <= now


COMMAND = "command"
"""The maker of a key made with AWS credentials instead of another key."""

FIRST_KEY = Key(key_id=IN_DEPLOYMENT, name=IN_DEPLOYMENT, scopes=("admin",))
"""The deployment's own key. It never expires, and has no limit except the stage's."""

_GIVEN = ("name", "scopes", "expires_at", "requests_per_minute")


def parse_key(given: dict[str, Any], key_id: str, now: datetime) -> Key:
    """Return the key that a client describes, made at `now`. Raises KeyFieldError, which names the
    invalid field."""
    for name in given:
        if name not in _GIVEN:
            raise KeyFieldError(name, given[name], f"only the fields {', '.join(_GIVEN)}")
    return Key(
        key_id=key_id,
        name=_name(given.get("name")),
        scopes=_scopes(given.get("scopes")),
        created_at=to_text(now),
        expires_at=_expiry(given.get("expires_at"), now),
        requests_per_minute=_requests(given.get("requests_per_minute")),
    )


def within(key: Key, maker: Key) -> Key:
    """Return the key, with an expiry no later than that of its maker. Raises KeyFieldError if the
    key asks for a later expiry."""
    if maker.expires_at is None:
        return key
    if key.expires_at is not None and key.expires_at > maker.expires_at:
        allowed = f"no later than {maker.expires_at}, when the key that makes it expires"
        raise KeyFieldError("expires_at", key.expires_at, allowed)
    return msgspec.structs.replace(key, expires_at=key.expires_at or maker.expires_at)


def _name(given: Any) -> str:
    if isinstance(given, str) and NAME.fullmatch(given) and given.lower() != IN_DEPLOYMENT:
        return given
    raise KeyFieldError("name", given, f"{NAME_ALLOWED}; not {IN_DEPLOYMENT!r}")


def _scopes(given: Any) -> tuple[Scope, ...]:
    """Return a client's scopes in the order of SCOPES, each once."""
    if isinstance(given, list) and given and all(scope in SCOPES for scope in given):
        return tuple(scope for scope in SCOPES if scope in given)
    raise KeyFieldError("scopes", given, f"a list of one or more of {', '.join(SCOPES)}")


def _expiry(given: Any, now: datetime) -> str | None:
    if given is None:
        return None
    try:
        instant = from_text(given)
    except (TypeError, ValueError, OverflowError):
        raise KeyFieldError("expires_at", given, EXPIRY_ALLOWED) from None
    if instant <= now:
        raise KeyFieldError("expires_at", given, EXPIRY_ALLOWED)
    return to_text(instant)


def _requests(given: Any) -> int:
    if given is None:
        return DEFAULT_REQUESTS
    if type(given) is int and 1 <= given <= MOST_REQUESTS:
        return given
    raise KeyFieldError("requests_per_minute", given, REQUESTS_ALLOWED)
