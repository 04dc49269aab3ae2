"""Readings: ingest's interpretation of lines that SQL cannot read from the raw archive by itself.

Most lines are plain: SQL reads from them what ingest took. The other lines have a reading. These
are ticks without a timestamp or in an array, numbers and instants in another form than the stored
one, repeated names, names before a blank, time zones that the statement does not list, and refused
identities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from chalicelib.domain.bars import Bar
from chalicelib.domain.ticks import NUMBERS, SYMBOL, Tick

Identity = tuple[str, ...]
"""Symbol and timestamp of a tick; symbol, start and interval of a historical bar."""

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
"""The time zones in which chalicelib/lake/raw_ticks.sql computes the trading day of a tick."""

_BARS_STAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{6})?Z")
"""The forms of a bar's start that chalicelib/lake/raw_bars.sql accepts."""

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_ODD = re.compile(
    rb'":\s*(?:[+-]|[0-9]+(?:\.[0-9]+)?[eE]|[0-9]+\.[0-9]{9}|"[0-9._eE+\s-]+")',
)
"""Matches values with signs, exponents or too many decimals, and numbers in quotes. A match in a
field other than a price or volume only costs a reading."""

_SPACED = re.compile(rb'"\s+:')
"""Matches a name with a blank before its colon, which neither _ODD nor _repeats_a_name expects."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Reading(msgspec.Struct, frozen=True):
    """The tick or bar that ingest took for one identity of a batch; None if all were refused."""

    identity: Identity
    item: Tick | Bar | None

    def row(self) -> dict[str, str]:
        """Return the reading's line under `readings/`, with all values as text."""
        symbol, timestamp, *interval = self.identity
        named = {"symbol": symbol, "timestamp": timestamp}
        named |= {"bar": interval[0]} if interval else {}
        if self.item is None:
            return {**named, "refused": "yes"}
        if isinstance(self.item, Bar):
            return {**named, **_texts(self.item, _BARS_FIELDS)}
        from chalicelib.domain.building import place_of  # ingest needs sessions only here

        fields = {name: name for name in self.item.__struct_fields__}
        return {**_texts(self.item, fields), "session_date": place_of(self.item).date}


_BARS_FIELDS = {name: name for name in ("open", "high", "low", "volume", "source")} | {
    "close": "price"
}


def _texts(item: Tick | Bar, fields: dict[str, str]) -> dict[str, str]:
    """Return the fields that are present under their new names, with numbers as plain decimals."""
    values = {named: getattr(item, name) for name, named in fields.items()}
    return {
        name: f"{value:f}" if name in NUMBERS else value
        for name, value in values.items()
        if value is not None
    }


def identity_of(item: Tick | Bar) -> Identity:
    """Return the identity by which SQL distinguishes ticks and bars."""
    if isinstance(item, Bar):
        return item.symbol, item.start, item.interval
    return item.symbol, item.timestamp


def sql_reads_tick(line: bytes, timestamp: str | None, tick: Tick) -> bool:
    """Return whether SQL reads exactly this tick from a line whose timestamp is this text."""
    zone = tick.exchange_timezone
    return (
        timestamp == tick.timestamp
        and (zone is None or zone in PLAIN_ZONES or tick.symbol.endswith(("=X", "=F")))
        and _has_plain_values(line)
    )


def sql_reads_bar(line: bytes, timestamp: str | None, bar: Bar) -> bool:
    """Return whether SQL reads exactly this bar from a line whose timestamp is this text."""
    return bars_start(timestamp or "") == bar.start and _has_plain_values(line)


def _has_plain_values(line: bytes) -> bool:
    plain = line.isascii() and b"\\" not in line and b"\r" not in line
    odd = _ODD.search(line) or _SPACED.search(line)
    return plain and not odd and not _repeats_a_name(line)


def _repeats_a_name(line: bytes) -> bool:
    """Return whether a line without backslashes may contain a repeated name.

    Ingest takes the last value of a repeated name; Athena's reader refuses the line.
    """
    pieces = line.split(b'":')
    return len({piece.rpartition(b'"')[2] for piece in pieces}) < len(pieces)


def bars_start(timestamp: str) -> str | None:
    """Return the start of a bar that SQL reads from a timestamp; None if SQL refuses the
    timestamp."""
    found = _BARS_STAMP.fullmatch(timestamp)
    return found and f"{found[1]}{found[2] or '.000000'}Z"


def misreadings(line: bytes) -> Iterator[Identity]:
    """Yield the identities that SQL might read from a refused line or a part of it.

    Athena also ends a line at a carriage return.
    """
    for piece in line.split(b"\r"):
        try:
            identity = _misreading(_object.decode(piece))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # SQL cannot read this piece either
        if identity is not None:
            yield identity


def _misreading(fields: dict[str, msgspec.Raw]) -> Identity | None:
    symbol, timestamp = _text(fields, "symbol").upper(), _text(fields, "timestamp")
    if not SYMBOL.fullmatch(symbol):
        return None
    if (bar := _text(fields, "bar")) != "null":
        start = bars_start(timestamp)
        return (symbol, start, bar) if start else None
    return (symbol, timestamp) if _STAMP.fullmatch(timestamp) else None


def _text(fields: dict[str, msgspec.Raw], name: str) -> str:
    raw = bytes(fields.get(name, b"null"))
    if raw.startswith(b'"'):
        return str(msgspec.json.decode(raw))
    return raw.decode()
