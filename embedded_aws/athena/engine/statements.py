"""Classifies a statement of Athena SQL as a query, an UNLOAD, a SHOW or an ALTER TABLE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from embedded_aws.athena.engine.failures import QueryError, unsupported


class Select(msgspec.Struct, frozen=True):
    """A query, as SQL text."""

    text: str


class Unload(msgspec.Struct, frozen=True):
    """An UNLOAD statement: `UNLOAD (query) TO 's3://.../' WITH (...)`."""

    text: str
    location: str
    partitioned_by: tuple[str, ...]
    compression: str


class Show(msgspec.Struct, frozen=True):
    """A SHOW TABLES, DATABASES or PARTITIONS statement, with the named database or table if any."""

    what: str
    of: tuple[str, ...]
    like: str | None = None


class AlterPartitions(msgspec.Struct, frozen=True):
    """An ALTER TABLE ADD or DROP PARTITION statement: the partition's values by column, and its
    location if given. `lenient` stands for IF [NOT] EXISTS."""

    table: tuple[str, ...]
    drop: bool
    lenient: bool
    partitions: tuple[tuple[dict[str, str], str | None], ...]


Statement = Select | Unload | Show | AlterPartitions

_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_KNOWN_WORDS = frozenset(
    """ANALYZE CALL CREATE DEALLOCATE DELETE DESC DESCRIBE DROP EXECUTE EXPLAIN INSERT MERGE MSCK
    OPTIMIZE PREPARE TABLE UPDATE VACUUM""".split()  # noqa: SIM905  # as one reads them
)
"""First words of statements that Athena supports and this emulation does not."""

_COMPRESSIONS = ("GZIP", "NONE", "SNAPPY", "ZSTD")

_TEXT = "'((?:[^']|'')*)'"
_ANY_CASE = re.IGNORECASE | re.DOTALL
_UNLOAD = re.compile(rf"UNLOAD\s*\((.*)\)\s*TO\s*{_TEXT}\s*WITH\s*\((.*)\)", _ANY_CASE)
_OPTION = re.compile(rf"\s*(\w+)\s*=\s*(?:{_TEXT}|ARRAY\s*\[.*?\])\s*(?:,(?=\s*\w)|\Z)", _ANY_CASE)
_ALTER = re.compile(
    r"ALTER\s+TABLE\s+(\S+)\s+(\w+)\s+(IF\s+(?:NOT\s+)?EXISTS\s+)?(\S.*)", _ANY_CASE
)
_PARTITION = re.compile(
    rf"PARTITION\s*\(((?:[^')]|{_TEXT})*)\)\s*(?:LOCATION\s*{_TEXT})?[\s,]*", _ANY_CASE
)
_VALUE = re.compile(rf"""\s*[`"]?(\w+)[`"]?\s*=\s*(?:{_TEXT}|([\w.-]+))\s*(?:,(?=\s*\w)|\Z)""")
_SHOW = {
    "tables": re.compile(r"tables(?:\s+(?:in|from)\s+(\S+))?(?:\s+'([^']*)')?", _ANY_CASE),
    "databases": re.compile(r"(?:databases|schemas)()(?:\s+(?:like\s+)?'([^']*)')?", _ANY_CASE),
    "partitions": re.compile(r"partitions\s+(\S+)()", _ANY_CASE),
}
"""Patterns of the text after SHOW. Group 1 names a database or table, group 2 is a pattern."""


def read(text: str) -> Statement:
    """Parse a statement. Raises QueryError if the statement is invalid or not supported."""
    text = _COMMENTS.sub("", text).strip().rstrip(";").strip()
    first = re.match(r"\(|\w*", text)[0].upper()  # type: ignore[index]  # it matches anything
    if first in ("SELECT", "WITH", "VALUES", "("):
        return Select(text)
    readers: dict[str, Callable[[str], Statement]] = {
        "UNLOAD": _unload,
        "SHOW": _show,
        "ALTER": _alter,
    }
    if first in _KNOWN_WORDS:
        raise unsupported(f"the statement {first}")
    if first not in readers:
        raise QueryError("SYNTAX_ERROR", f"line 1:1: mismatched input '{first or text[:10]}'")
    return readers[first](text)


def _show(text: str) -> Show:
    shown = text[len("SHOW") :].strip()
    for what, pattern in _SHOW.items():
        if match := pattern.fullmatch(shown):
            return Show(what, _name(match[1]) if match[1] else (), match[2] or None)
    raise unsupported(f"the statement SHOW {''.join(shown.split()[:1]).upper()}")


def _alter(text: str) -> AlterPartitions:
    match = _ALTER.fullmatch(text)
    if match is None:
        raise _mismatched("ALTER TABLE name ADD or DROP PARTITION (column = value)")
    action = match[2].upper()
    if action not in ("ADD", "DROP"):
        raise unsupported(f"ALTER TABLE {action}")
    partitions = tuple(
        (_values(found[1]), None if found[3] is None else _plain(found[3]))
        for found in _each(_PARTITION, match[4])
    )
    return AlterPartitions(_name(match[1]), action == "DROP", bool(match[3]), partitions)


def _values(text: str) -> dict[str, str]:
    found = _each(_VALUE, text)
    return {one[1].lower(): one[3] if one[2] is None else _plain(one[2]) for one in found}


def _name(text: str) -> tuple[str, ...]:
    return tuple(part.strip('`"').lower() for part in text.split("."))


def _plain(text: str) -> str:
    """Return the content of a quoted text, in which two quotes stand for one."""
    return text.replace("''", "'")


def _each(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the matches that make up a text. Raises QueryError for text between them."""
    at = 0
    while at < len(text):
        match = pattern.match(text, at)
        if match is None:
            raise QueryError("SYNTAX_ERROR", f"mismatched input {text[at : at + 30]!r}")
        yield match
        at = match.end()


def _mismatched(expected: str) -> QueryError:
    return QueryError("SYNTAX_ERROR", f"mismatched input; expected {expected}")


def _unload(text: str) -> Unload:
    match = _UNLOAD.fullmatch(text)
    if match is None:
        raise _mismatched("UNLOAD (query) TO 's3://bucket/prefix/' WITH (property = value)")
    options = {
        found[1].lower(): tuple(_plain(one) for one in re.findall(_TEXT, found[0]))
        for found in _each(_OPTION, match[3])
    }
    return _checked_unload(match[1], _plain(match[2]), options)


def _checked_unload(text: str, location: str, options: dict[str, tuple[str, ...]]) -> Unload:
    unknown = options.keys() - {"format", "compression", "partitioned_by", "compression_level"}
    if unknown:
        raise unsupported(f"UNLOAD's property {min(unknown)}")
    if options.get("format", ("",))[0].upper() != "PARQUET":
        raise unsupported("UNLOAD to a format other than PARQUET")
    compression = options.get("compression", ("GZIP",))[0].upper()
    if compression not in _COMPRESSIONS:
        raise unsupported(f"UNLOAD's compression {compression}")
    if not re.fullmatch(r"s3://[^/]+/.*", location):
        raise QueryError("INVALID_PROPERTY", f"The location {location} is not an S3 location")
    folder = location if location.endswith("/") else location + "/"
    columns = tuple(name.lower() for name in options.get("partitioned_by", ()))
    return Unload(text, folder, columns, compression)
