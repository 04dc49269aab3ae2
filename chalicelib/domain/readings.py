"""What SQL cannot read off the raw archive's lines by itself, and is therefore told.

Most lines are plain: SQL takes from them what ingest took. Of the others a reading says how ingest
read them: ticks without a timestamp or in an array, numbers and instants in other forms than the
stored one, time zones that the statement does not list, and identities that were refused.
"""

from __future__ import annotations

import re

import msgspec

from chalicelib.domain.ticks import SYMBOL, Tick

Identity = tuple[str, str]
"""Of a tick: symbol and timestamp."""

PLAIN_ZONES = frozenset(
    {
        "America/New_York",
        "US/Eastern",
        "Europe/London",
        "GB",
        "Asia/Hong_Kong",
        "Hongkong",
        "Europe/Berlin",
        "Europe/Paris",
        "Asia/Tokyo",
        "UTC",
        "Etc/UTC",
    }
)
"""The time zones in which chalicelib/lake/raw_ticks.sql tells a tick's trading day."""

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_NUMBERS = ("price", "open", "high", "low", "previous_close", "volume")
_ODD = re.compile(
    rb'":\s*(?:[+-]|[0-9]+(?:\.[0-9]+)?[eE]|[0-9]+\.[0-9]{9}|"[0-9._eE+\s-]+")',
)
"""Values with signs, exponents, too many decimals, and numbers in quotes. What it finds beyond
those of prices and volumes costs a reading and nothing else."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Reading(msgspec.Struct, frozen=True):
    """What one identity of a batch is: its tick, or None where every copy of it was refused."""

    identity: Identity
    tick: Tick | None

    def row(self) -> dict[str, str]:
        """The line in the archive, all of it text."""
        symbol, timestamp = self.identity
        if self.tick is None:
            return {"symbol": symbol, "timestamp": timestamp, "refused": "yes"}
        from chalicelib.domain.building import place_of  # ingest needs no sessions else

        given = {
            name: f"{value:f}" if name in _NUMBERS else value
            for name, value in msgspec.structs.asdict(self.tick).items()
            if value is not None
        }
        return {**given, "session_date": place_of(self.tick).date}


def is_plain(line: bytes, timestamp: str | None, tick: Tick) -> bool:
    """Whether SQL reads the tick off its line; `timestamp` as it stands there."""
    zone = tick.exchange_timezone
    return (
        timestamp == tick.timestamp
        and (zone is None or zone in PLAIN_ZONES or tick.symbol.endswith("=X"))
        and line.isascii()
        and b"\\" not in line
        and _ODD.search(line) is None
    )


def mistakable(line: bytes) -> Identity | None:
    """The identity under which SQL might take a line that was refused; None where it cannot."""
    try:
        fields = _object.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    symbol, timestamp = _text(fields, "symbol").upper(), _text(fields, "timestamp")
    if SYMBOL.fullmatch(symbol) and _STAMP.fullmatch(timestamp):
        return symbol, timestamp
    return None


def _text(fields: dict[str, msgspec.Raw], name: str) -> str:
    raw = bytes(fields.get(name, b"null"))
    if raw.startswith(b'"'):
        return str(msgspec.json.decode(raw))
    return raw.decode()
