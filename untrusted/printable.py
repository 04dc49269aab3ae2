"""Removes control characters, which could control a terminal, from texts of unknown origin."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

_KEPT = "\n\t"
_STRIPPED = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of characters to remove: controls (including escape), formats (which change
the direction of writing), private characters, surrogates, and line and paragraph separators."""


def printable(text: str) -> str:
    """Return a text without control characters, except for line ends and tabs."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one for one in text if one in _KEPT or _is_printable(one))


def in_line(text: str) -> str:
    """Return a text without control characters as a single line."""
    return printable(" ".join(text.split()))


def _is_printable(character: str) -> bool:
    return unicodedata.category(character) not in _STRIPPED


class PrintableStream:
    """A stream that removes control characters from everything that is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """See TextIO.write."""
        self._stream.write(printable(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """See TextIO.writelines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def printed_plainly() -> Iterator[None]:
    """Remove control characters from what the context prints to stderr and a terminal's stdout.

    Output to a pipe stays unchanged.
    """
    out = PrintableStream(sys.stdout) if sys.stdout.isatty() else sys.stdout
    with redirect_stdout(cast(TextIO, out)), errors_printed_plainly():
        yield


@contextmanager
def errors_printed_plainly() -> Iterator[None]:
    """Remove control characters from what the context prints to stderr."""
    with redirect_stderr(cast(TextIO, PrintableStream(sys.stderr))):
        yield


class PrintableFormatter(logging.Formatter):
    """A logging formatter that removes control characters from log lines."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter.format."""
        return printable(super().format(record))
