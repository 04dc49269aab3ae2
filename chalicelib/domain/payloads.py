"""Splits a record's bytes into lines, and lines into JSON values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MAX_DEPTH = 64
"""The deepest nesting of a line's arrays and objects. JSON readers have different limits, so ingest
sets one for all of them."""

MOST_LINES = 50_000
"""The most lines of a record. This is more than a record of 1 MB with the shortest ticks has."""

JSON_SPACE = b" \t\r\n"

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The errors that msgspec raises for invalid bytes."""

_STRING = rb'"(?:[^"\\]|\\.)*+"?+'  # an unclosed string runs to the line's end
_STRINGS = re.compile(_STRING, re.DOTALL)
_BESIDE_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOKENS = re.compile(_STRING + rb"|[\[\]{},]", re.DOTALL)
_any = msgspec.json.Decoder(msgspec.Raw)
_rows = msgspec.json.Decoder(list[msgspec.Raw])


class Line(msgspec.Struct, frozen=True):
    """A line of a record.

    number: the line's index in the record, from 0; text: the line as it is parsed and archived;
    received: its bytes for quarantine; fault: why no part of it can be read, or None.
    """

    number: int
    text: bytes
    received: bytes
    fault: str | None = None


def lines_of(payload: bytes) -> Iterator[Line]:
    """Yield the lines of a record.

    A single JSON value that spans several lines is joined into one line. A record with more than
    MOST_LINES is one line with a fault.
    """
    texts = _split(payload)
    if len(texts) > MOST_LINES:
        yield Line(0, payload, payload, f"more than {MOST_LINES:,} lines")
        return
    for number, text in enumerate(texts):
        received = payload if len(texts) == 1 else text
        yield from _checked(Line(number, text, received))


def _split(payload: bytes) -> list[bytes]:
    if b"\n" not in payload:
        return [payload]
    try:
        return [msgspec.json.format(payload, indent=-1)]
    except UNREADABLE:
        lines = [line.strip(JSON_SPACE) for line in payload.split(b"\n")]
        return [line for line in lines if line] or [payload]


def _checked(line: Line) -> Iterator[Line]:
    """Yield a valid line; for an invalid one, the line with its fault and an array's valid
    items."""
    fault = _fault(line.text)
    if fault is None:
        yield line
        return
    yield msgspec.structs.replace(line, fault=fault)
    for item in _cut(line.text):
        if _fault(item) is None:
            yield Line(line.number, item, item)


def is_json(line: bytes) -> bool:
    """Return whether a line is a single JSON value."""
    try:
        _any.decode(line)
    except UNREADABLE:
        return False
    return True


def items_of(line: bytes) -> list[bytes] | None:
    """Return the unparsed items of a JSON array; None if the line is not an array."""
    if not line.lstrip(JSON_SPACE).startswith(b"["):
        return None
    try:
        return [bytes(item) for item in _rows.decode(line)]
    except UNREADABLE:
        return None


def _cut(line: bytes) -> list[bytes]:
    """Return the items of an array that no JSON decoder can parse; empty for any other line."""
    items: list[bytes] = []
    depth = start = 0
    for token in _TOKENS.finditer(line if line.startswith(b"[") else b""):
        if token[0] in b"[{":
            depth += 1
            start = token.end() if depth == 1 else start
            continue
        if depth == 1 and token[0] in b",]":
            items.append(line[start : token.start()].strip(JSON_SPACE))
            start = token.end()
        depth -= token[0] in b"]}"
    return items if depth == 0 else []


def _fault(line: bytes) -> str | None:
    """Return why a line cannot be parsed or stored in a text file; None if it can be."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} (byte {error.start})"
    return f"nested deeper than {MAX_DEPTH}" if _is_deep(line) else None


def _outside_strings(line: bytes) -> bytes:
    if b"\\" in line:
        return _STRINGS.sub(b"", line)
    return b"".join(line.split(b'"')[::2])  # without escapes each quote begins or ends a string


def _is_deep(line: bytes) -> bool:
    if line.count(b"[") + line.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _outside_strings(line).translate(None, _BESIDE_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif bracket in b"]}":
            depth -= 1
    return False
