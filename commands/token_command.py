"""`python -m local token`: API keys of the running system, or with `--stage` of a deployment.

The command changes the table directly, with AWS credentials; no token is needed.
"""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.adapters.keys import Keys
from chalicelib.domain.errors import Conflict, KeyFieldError, Unknown
from chalicelib.domain.keys import COMMAND, DEFAULT_REQUESTS, FIRST_KEY, SCOPES, Key
from chalicelib.services.access.key_ring import KeyRing
from commands import deployed
from commands.outcomes import FAILED, OK, UsageError
from commands.target import add_target, connect, find_running

_DAYS = re.compile(r"\d{1,5}d", re.ASCII)
_FLAGS = {
    "name": "--name",
    "scopes": "--scope",
    "expires_at": "--expires",
    "requests_per_minute": "--requests-per-minute",
}
_EXPIRES = "2027-01-01T00:00:00Z, or 30d for 30 days from now; default: never"


def token(arguments: list[str]) -> int:
    """Add, list or revoke keys. Exit status 1 if the key is unknown, or if there are too many."""
    options = _parser().parse_args(arguments)
    ring = _deployed(options.stage) if options.stage else _running(options)
    try:
        return int(options.act(ring, options))
    except KeyFieldError as error:
        flag = _FLAGS[error.field]
        raise UsageError(
            f"{flag}: {error.value!r} is not allowed; allowed: {error.allowed}"
        ) from error
    except Unknown as error:
        print(f"there is no key {error.name}; see `token list`", file=sys.stderr)
    except Conflict as error:
        print(error, file=sys.stderr)
    return FAILED


def kept(dynamodb: Any, environment: dict[str, str]) -> str | None:
    """Return a note on valid stored keys, which others may have made; None if there are none."""
    ring = _ring(dynamodb, environment)
    count = sum(key != FIRST_KEY and not ring.has_expired(key) for key in ring.all())
    if not count:
        return None
    which = "1 stored key opens" if count == 1 else f"{count} stored keys open"
    return f"{which} the API besides this token: python -m local token list"


def _add(ring: KeyRing, options: argparse.Namespace) -> int:
    """Add a key. Standard output gets its token alone, which is shown once."""
    key, made = ring.create(_body(options))
    print(made)
    print(f"{_described(key)}\nKeep the token: only its hash is stored.", file=sys.stderr)
    return OK


def _list(ring: KeyRing, _: argparse.Namespace) -> int:
    for key in ring.all():
        expired = "  EXPIRED" if ring.has_expired(key) else ""
        print(f"{_described(key)}{expired}")
    return OK


def _revoke(ring: KeyRing, options: argparse.Namespace) -> int:
    ring.revoke(options.key_id)
    print(f"{options.key_id} is revoked; it is refused within 5 seconds")
    return OK


def _described(key: Key) -> str:
    rate = key.requests_per_minute
    told = (
        f"{key.key_id}  {key.name}",
        " ".join(key.scopes),
        f"until {key.expires_at}" if key.expires_at else "no expiry",
        f"{rate} requests a minute" if rate else "the stage's rate",
        f"made by {key.made_by}" if key.made_by not in (None, COMMAND) else "",
    )
    return "  ".join(filter(None, told))


def _body(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options as the body of POST /keys."""
    scopes = [scope for given in options.scope for scope in given.split(",") if scope]
    return {
        "name": options.name,
        "scopes": scopes,
        "expires_at": _expiry(options.expires),
        "requests_per_minute": options.requests_per_minute,
    }


def _expiry(text: str | None) -> str | None:
    if text is None or not _DAYS.fullmatch(text):
        return text
    return (datetime.now(UTC) + timedelta(days=int(text[:-1]))).isoformat()


def _running(options: argparse.Namespace) -> KeyRing:
    facts = find_running(options)
    return _ring(connect(facts)("dynamodb"), facts["environment"])


def _deployed(name: str) -> KeyRing:
    from infra.deploy import tokens

    stage = deployed.find(name)
    first = {"WRITE_TOKEN_SHA256": tokens.stored(stage)}
    return _ring(stage.client("dynamodb"), stage.environment | first)


def _ring(dynamodb: Any, environment: dict[str, str]) -> KeyRing:
    if "KEYS_TABLE" not in environment:
        raise UsageError("an older version without a table of keys is deployed; deploy it again")
    store = Keys(dynamodb, environment["KEYS_TABLE"])
    return KeyRing(store, lambda: datetime.now(UTC), environment["WRITE_TOKEN_SHA256"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local token",
        description="Adds, lists and revokes keys of the API. The first key, which may do "
        "everything, is not among them: the running system prints its token, and `make token` "
        "creates a deployment's.",
    )
    commands = parser.add_subparsers(required=True, metavar="add|list|revoke")
    add = commands.add_parser("add", help="add a key and print its token, once")
    add.add_argument("--name", required=True, help="name to show, and for the audit log")
    add.add_argument(
        "--scope",
        action="append",
        required=True,
        metavar="SCOPE",
        help=f"{', '.join(SCOPES)}; repeatable",
    )
    add.add_argument("--expires", metavar="WHEN", help=_EXPIRES)
    add.add_argument(
        "--requests-per-minute", type=int, metavar="N", help=f"default {DEFAULT_REQUESTS}"
    )
    revoke = commands.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("key_id", help="id as shown by `list`")
    acts = {add: _add, commands.add_parser("list", help="list all keys, without tokens"): _list}
    for command, act in {**acts, revoke: _revoke}.items():
        command.set_defaults(act=act)
        add_target(command)
    return parser
