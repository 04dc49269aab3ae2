"""Classifies a statement: a query, UNLOAD, or one on partitions and tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
import sqlglot

# Now, since two threads that use a dialect first may find it half imported.
import sqlglot.dialects.athena
import sqlglot.dialects.duckdb
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from embedded_aws.athena.engine.failures import QueryError, unsupported


class Select(msgspec.Struct, frozen=True):
    """A query."""

    text: str


class Unload(msgspec.Struct, frozen=True):
    """`UNLOAD (query) TO 's3://.../' WITH (...)`."""

    text: str
    location: str
    partitioned_by: tuple[str, ...]
    compression: str


class Show(msgspec.Struct, frozen=True):
    """SHOW TABLES, DATABASES or PARTITIONS, of a database or table if one is named."""

    what: str
    of: tuple[str, ...]
    like: str | None = None


class AlterPartitions(msgspec.Struct, frozen=True):
    """ALTER TABLE ADD or DROP PARTITION: values by column, and a location if given."""

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
"""First words of Athena's other statements."""

_COMPRESSIONS = ("GZIP", "NONE", "SNAPPY", "ZSTD")


def read(text: str) -> Statement:
    """Parse the statement. Raises QueryError for one that is not understood."""
    text = _COMMENTS.sub("", text).strip().rstrip(";").strip()
    first = re.match(r"\(|\w*", text)[0].upper()  # type: ignore[index]  # it matches anything
    if first in ("SELECT", "WITH", "VALUES", "("):
        return Select(text)
    readers: dict[str, Callable[[_Reader], Any]] = {
        "UNLOAD": _Reader.unload,
        "SHOW": _Reader.show,
        "ALTER": _Reader.alter,
    }
    if first in _KNOWN_WORDS:
        raise unsupported(f"the statement {first}")
    if first not in readers:
        raise QueryError("SYNTAX_ERROR", f"line 1:1: mismatched input '{first or text[:10]}'")
    read_statement: Callable[[_Reader], Statement] = readers[first]
    return read_statement(_Reader(text, _tokens(text, first)))


def _tokens(text: str, first: str) -> list[Token]:
    """Tokenise a statement without its first word: sqlglot would take what follows it for one
    token."""
    try:
        return list(sqlglot.tokenize(" " * len(first) + text[len(first) :], read="athena"))
    except SqlglotError as error:
        raise QueryError("SYNTAX_ERROR", str(error).splitlines()[0]) from error


class _Reader:
    """Reads tokens from the first to the last."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    def unload(self) -> Unload:
        self._expect("(")
        start = self._tokens[self._at].start
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self._next().text, 0)
        inner = self._text[start : self._tokens[self._at - 1].start]
        self._expect("TO")
        location = self._string()
        self._expect("WITH")
        options = self._options()
        self._end()
        return _unload(inner, location, options)

    def show(self) -> Show:
        words = self._text.split()
        rest = " ".join(words[1:])
        patterns = {
            "tables": r"tables(?:\s+(?:in|from)\s+(\S+))?(?:\s+'([^']*)')?",
            "databases": r"(?:databases|schemas)(?:\s+like)?(?:\s+'([^']*)')?()",
            "partitions": r"partitions\s+(\S+)()",
        }
        for what, pattern in patterns.items():
            if match := re.fullmatch(pattern, rest, re.IGNORECASE):
                of, like = match[1], match[2]
                if what == "databases":
                    of, like = None, match[1]
                return Show(what, _name(of) if of else (), like or None)
        raise unsupported(f"the statement SHOW {words[1].upper() if len(words) > 1 else ''}")

    def alter(self) -> AlterPartitions:
        self._expect("TABLE")
        table = [self._next().text]
        while self._peek() == ".":
            self._at += 1
            table.append(self._next().text)
        action = self._next().text.upper()
        if action not in ("ADD", "DROP"):
            raise unsupported(f"ALTER TABLE {action}")
        lenient = self._lenient()
        partitions = []
        while self._at < len(self._tokens):
            if self._peek() == ",":
                self._at += 1
            partitions.append(self._partition())
        if not partitions:
            self._fail()
        return AlterPartitions(
            tuple(part.lower() for part in table), action == "DROP", lenient, tuple(partitions)
        )

    def _lenient(self) -> bool:
        if self._peek() != "IF":
            return False
        self._at += 1
        if self._peek() == "NOT":
            self._at += 1
        self._expect("EXISTS")
        return True

    def _partition(self) -> tuple[dict[str, str], str | None]:
        self._expect("PARTITION")
        self._expect("(")
        values = {}
        while True:
            column = self._next().text.lower()
            self._expect("=")
            values[column] = self._next().text
            if self._next().text == ")":
                break
        location = None
        if self._peek() == "LOCATION":
            self._at += 1
            location = self._string()
        return values, location

    def _options(self) -> dict[str, tuple[str, ...]]:
        self._expect("(")
        options: dict[str, tuple[str, ...]] = {}
        while True:
            name = self._next().text.lower()
            self._expect("=")
            options[name] = self._values()
            if self._next().text == ")":
                return options

    def _values(self) -> tuple[str, ...]:
        if self._peek() != "ARRAY":
            return (self._string(),)
        self._at += 1
        self._expect("[")
        values = [self._string()]
        while self._next().text == ",":
            values.append(self._string())
        return tuple(values)

    def _string(self) -> str:
        token = self._next()
        if token.token_type != TokenType.STRING:
            self._fail(token)
        return str(token.text)

    def _peek(self) -> str:
        return self._tokens[self._at].text.upper() if self._at < len(self._tokens) else ""

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            self._fail()
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, word: str) -> None:
        token = self._next()
        if token.text.upper() != word or token.token_type == TokenType.STRING:
            self._fail(token)

    def _end(self) -> None:
        if self._at < len(self._tokens):
            self._fail(self._tokens[self._at])

    def _fail(self, token: Token | None = None) -> NoReturn:
        found = "<EOF>" if token is None else token.text
        line = token.line if token else self._tokens[-1].line if self._tokens else 1
        raise QueryError("SYNTAX_ERROR", f"line {line}: mismatched input '{found}'")


def _name(text: str) -> tuple[str, ...]:
    return tuple(part.strip('`"').lower() for part in text.split("."))


def _unload(text: str, location: str, options: dict[str, tuple[str, ...]]) -> Unload:
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
